"""The Finances API's query parameters: grammar, checks, and the records that answer them (03 §5).

Where neither contract nor 03 says: filters of one parameter may be separated by commas, of a filter given
twice the last counts, a filter with an unknown name is ignored.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from ebayconnector.simulator.ebay_errors import EbayError, rest_body
from ebayconnector.simulator.money_book import MoneyBook, names_order
from ebayconnector.simulator.money_entries import LATER_TYPES, TYPES, Entry, Payout
from ebayconnector.simulator.money_ids import entry_id
from ebayconnector.simulator.money_settings import Generation
from ebayconnector.simulator.money_statuses import (
    PAID_OUT,
    PAYOUT_STATUSES,
    RETRYABLE,
    TRANSACTION_STATUSES,
    fate,
)
from ebayconnector.simulator.times import DAY_MS, parse_iso

DEFAULT_LIMIT, MAX_TRANSACTIONS, MAX_PAYOUTS = 20, 1_000, 200
OPEN_END_MS = 90 * DAY_MS
_DEFAULT_RANGE_MS = {"v1.9": 90 * DAY_MS, "v1.18": 5 * 365 * DAY_MS}
_LONGEST_RANGE_MS = {"v1.9": 90 * DAY_MS, "v1.18": 1_096 * DAY_MS}  # 36 months

_TEXTS = {
    135001: "The payout id was not found.",
    135002: "The value of payout status filter is invalid.",
    135003: "The value of pagination is invalid.",
    135004: "The value of payout date filter is invalid.",
    135005: "The value of sorting is invalid.",
    135006: "The value of transaction type filter is invalid.",
    135007: "The value of transaction status filter is invalid.",
    135008: "The value of transaction date filter is invalid.",
    135009: "Transaction type filter is missing.",
    135011: "Transaction status filter is mandatory.",
    135012: "The transfer id was not found.",
}
_CRITERION = re.compile(r"\s*([^:,\[\]{}]*):(\[[^\]]*\]|\{[^}]*\}|[^,]*)(?:,|$)")
_ID_FILTERS = ("orderId", "transactionId", "payoutId")


def finances_error(error_id: int, status: int = 400) -> EbayError:
    return EbayError(status, rest_body(error_id, _TEXTS[error_id], domain="API_FINANCES"))


@dataclass(frozen=True, slots=True)
class Span:
    """Both ends inclusive, in milliseconds."""

    from_ms: int
    to_ms: int

    def holds(self, at_ms: int) -> bool:
        return self.from_ms <= at_ms <= self.to_ms


@dataclass(frozen=True, slots=True)
class TransactionQuery:
    """`span` None: of any date, which only a filter by id allows. `ids`: what is asked for by filters that
    name an order, a transaction, a payout, a buyer or a sales record.
    """

    span: Span | None
    kind: str | None
    status: str | None
    ids: Mapping[str, str]

    @property
    def by_id(self) -> bool:
        return any(name in self.ids for name in _ID_FILTERS)


@dataclass(frozen=True, slots=True)
class PayoutQuery:
    span: Span
    attempts: Span | None
    status: str | None


def criteria_of(filters: Sequence[str]) -> dict[str, str]:
    """Name to value, brackets included, of all `filter` parameters."""
    return {
        match.group(1): match.group(2)
        for text in filters
        for match in _CRITERION.finditer(text)
        if match.group(1)
    }


def parse_transactions(filters: Sequence[str], generation: Generation, now_ms: int) -> TransactionQuery:
    """Raises EbayError 135006, 135007, 135008, 135009."""
    criteria = criteria_of(filters)
    types = TYPES if generation == "v1.9" else LATER_TYPES
    kind = _one_of(criteria.get("transactionType"), types, 135006)
    status = _one_of(criteria.get("transactionStatus"), TRANSACTION_STATUSES, 135007)
    names = (*_ID_FILTERS, "buyerUsername", "salesRecordReference")
    ids = {name: _inside(criteria[name]) or criteria[name] for name in names if name in criteria}
    if "transactionId" in ids and kind is None:
        raise finances_error(135009)
    span = _span(criteria.get("transactionDate"), generation, now_ms, 135008)
    if span is None and not any(name in ids for name in _ID_FILTERS):
        span = Span(now_ms - _DEFAULT_RANGE_MS[generation], now_ms)
    return TransactionQuery(span, kind, status, ids)


def parse_payouts(filters: Sequence[str], generation: Generation, now_ms: int) -> PayoutQuery:
    """Raises EbayError 135002, 135004."""
    criteria = criteria_of(filters)
    status = _one_of(criteria.get("payoutStatus"), PAYOUT_STATUSES, 135002)
    span = _span(criteria.get("payoutDate"), generation, now_ms, 135004)
    attempts = _span(criteria.get("lastAttemptedPayoutDate"), generation, now_ms, 135004)
    if attempts is not None and status != RETRYABLE:
        raise finances_error(135002)
    everything = Span(now_ms - _DEFAULT_RANGE_MS[generation], now_ms)
    return PayoutQuery(span or everything, attempts, status)


def _inside(value: str) -> str:
    """What the braces hold; empty when there are none."""
    return value[1:-1].strip() if value.startswith("{") and value.endswith("}") else ""


def _one_of(value: str | None, known: Sequence[str], error_id: int) -> str | None:
    if value is None:
        return None
    if _inside(value) not in known:
        raise finances_error(error_id)
    return _inside(value)


def _span(value: str | None, generation: Generation, now_ms: int, error_id: int) -> Span | None:
    """Without an end: up to 90 days, or now. Nothing is known of times ahead."""
    if value is None:
        return None
    if not (value.startswith("[") and value.endswith("]")) or value.count("..") != 1:
        raise finances_error(error_id)
    start, end = (parse_iso(text) if text else None for text in value[1:-1].split(".."))
    if start is None or (end is None and not value.endswith("..]")):
        raise finances_error(error_id)
    if end is None:
        return Span(start, min(start + OPEN_END_MS, now_ms))
    if end < start or end - start > _LONGEST_RANGE_MS[generation]:
        raise finances_error(error_id)
    return Span(start, min(end, now_ms))


def parse_page(params: Mapping[str, str], most: int) -> tuple[int, int]:
    """`limit` and `offset`, which counts rows from zero. Raises EbayError 135003."""
    limit, offset = _whole(params.get("limit"), DEFAULT_LIMIT), _whole(params.get("offset"), 0)
    if not 1 <= limit <= most:
        raise finances_error(135003)
    return limit, offset


def _whole(text: str | None, default: int) -> int:
    if text is None:
        return default
    if not re.fullmatch(r"[0-9]{1,9}", text):
        raise finances_error(135003)
    return int(text)


def matching_entries(money: MoneyBook, query: TransactionQuery, now_ms: int) -> list[Entry]:
    """The transactions that answer a query, oldest first."""
    entries = [entry for entry in _candidates(money, query, now_ms) if entry.date_ms <= now_ms]
    if query.kind is not None:
        entries = [entry for entry in entries if entry.kind == query.kind]
    if query.status is not None:
        entries = [entry for entry in entries if money.status(entry, now_ms) == query.status]
    if query.ids:
        entries = [entry for entry in entries if _is_meant(money, entry, query.ids, now_ms)]
    return entries


def _candidates(money: MoneyBook, query: TransactionQuery, now_ms: int) -> Sequence[Entry]:
    """The shortest list at hand that holds all answers."""
    if query.span is not None and not query.by_id:
        return money.between(query.span.from_ms, query.span.to_ms)
    if "orderId" in query.ids:
        found: Sequence[Entry] = money.of_order(query.ids["orderId"])
    elif "payoutId" in query.ids:
        payout = money.payout_of(query.ids["payoutId"])
        found = payout.entries if payout else []
        found = sorted(found, key=lambda entry: entry.date_ms)
    else:
        entry = money.find(query.ids["transactionId"], query.kind or "")
        found = [entry] if entry else []
    span = query.span
    return found if span is None else [entry for entry in found if span.holds(entry.date_ms)]


def _is_meant(money: MoneyBook, entry: Entry, ids: Mapping[str, str], now_ms: int) -> bool:
    return all(_id_of(money, entry, name, now_ms) == value for name, value in ids.items())


def _id_of(money: MoneyBook, entry: Entry, name: str, now_ms: int) -> str | None:
    """What the body of a transaction says where this filter looks."""
    match name:
        case "orderId":
            return money.book.order_id(entry.n) if names_order(entry) else None
        case "transactionId":
            return entry_id(money.book, entry)
        case "payoutId":
            return _shown_payout(money, entry, now_ms)
        case "buyerUsername":
            return money.buyer_of(entry)
        case _:
            return "0"


def _shown_payout(money: MoneyBook, entry: Entry, now_ms: int) -> str | None:
    shown = entry.payout is not None and entry.payout.date_ms <= now_ms
    paid = shown and money.status(entry, now_ms) == PAID_OUT
    return entry.payout.id if paid and entry.payout else None


def matching_payouts(money: MoneyBook, query: PayoutQuery, now_ms: int) -> list[Payout]:
    """The payouts that answer a query, oldest first."""
    return [
        payout
        for payout in money.payouts
        if payout.date_ms <= now_ms and query.span.holds(payout.date_ms) and _fares(payout, query, now_ms)
    ]


def _fares(payout: Payout, query: PayoutQuery, now_ms: int) -> bool:
    seen = fate(payout, now_ms)
    if query.status is not None and seen.status != query.status:
        return False
    return query.attempts is None or (
        seen.last_attempt_ms is not None and query.attempts.holds(seen.last_attempt_ms)
    )
