"""The money of one payout: the transactions in it, and whether they sum up to it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal

from django.db.models import Count, Q, Sum

from accounts.display import clock
from syncworkers.models import FinancesFee, Payout, Transaction

from .order_checks import PAYOUT_FATES
from .orders import fee_words
from .statement import (
    ZERO,
    Finding,
    Line,
    Statement,
    counted,
    differs,
    money_text,
    unknown,
    waiting,
)


@dataclass(frozen=True)
class _Part:
    """The transactions of one type and currency in the payout."""

    type_: str
    currency: str
    count: int
    gross: Decimal
    net: Decimal
    unsigned: int


def payout_money(payout: Payout) -> Statement:
    """The payout's transactions by type, their fees by type, and whether they sum up to its amount.

    A constant number of queries, however many transactions there are.
    """
    parts = _parts(payout)
    lines = [line for currency in _currencies(payout, parts) for line in _lines(payout, parts, currency)]
    return Statement(lines, list(_findings(payout, parts)))


def _parts(payout: Payout) -> list[_Part]:
    rows = Transaction.objects.filter(account_id=payout.account_id, payout_id=payout.payout_id)
    sums = (
        rows.order_by()
        .values("transaction_type", "currency")
        .annotate(
            count=Count("id"), gross_sum=Sum("gross"), net_sum=Sum("net"), unsigned=Count("id", Q(net=None))
        )
        .order_by("transaction_type", "currency")
    )
    return [
        _Part(
            row["transaction_type"], row["currency"], row["count"], row["gross_sum"] or ZERO,
            row["net_sum"] or ZERO, row["unsigned"],
        )
        for row in sums
    ]  # fmt: skip


def _currencies(payout: Payout, parts: list[_Part]) -> list[str]:
    return list(dict.fromkeys(filter(None, [payout.currency, *(part.currency for part in parts)])))


def _lines(payout: Payout, parts: list[_Part], currency: str) -> Iterator[Line]:
    own = [part for part in parts if part.currency == currency]
    for part in own:
        words = (
            f"{part.type_.replace('_', ' ').capitalize()}, before fees ({counted(part.count, 'transaction')})"
        )
        if part.gross or part.type_ != "NON_SALE_CHARGE":
            yield Line(_kind(part.type_), words, part.gross, currency)
    yield from _fee_lines(payout, own, currency)
    if own:
        net = sum((part.net for part in own), ZERO)
        yield Line("net", "Sum of the transactions", net, currency, is_sum=True)
    if currency == payout.currency:
        yield Line("payout", "The payout", payout.amount, currency, is_sum=True)


def _kind(type_: str) -> str:
    kinds = {"SALE": "sale", "REFUND": "refund", "SHIPPING_LABEL": "label", "NON_SALE_CHARGE": "charge"}
    return kinds.get(type_, type_.lower() if type_ in ("DISPUTE", "CREDIT", "TRANSFER") else "other")


def _fee_lines(payout: Payout, parts: list[_Part], currency: str) -> Iterator[Line]:
    sums = (
        FinancesFee.objects.filter(
            account_id=payout.account_id, transaction__payout_id=payout.payout_id,
            transaction__currency=currency, currency=currency,
        )
        .order_by()
        .values_list("fee_type")
        .annotate(total=Sum("signed_amount"))
        .order_by("fee_type")
    )  # fmt: skip
    listed = ZERO
    for fee_type, amount in sums:
        listed += amount or ZERO
        yield Line("fee", f"Fee: {fee_words(fee_type)}", amount, currency)
    rest = sum((part.net - part.gross for part in parts), ZERO) - listed
    if rest:
        yield Line("fee", "Fees that eBay does not itemise", rest, currency)


def _findings(payout: Payout, parts: list[_Part]) -> Iterator[Finding]:
    if payout.payout_status in PAYOUT_FATES:
        fate = PAYOUT_FATES[payout.payout_status]
        yield Finding(fate.verdict, f"It did not arrive: {fate.text}.")
    foreign = {part.currency or "no currency" for part in parts} - {payout.currency}
    if foreign:
        yield unknown(
            f"The payout is in {payout.currency or 'no currency'}, transactions of it are in "
            f"{' and '.join(sorted(foreign))}: what is in different currencies cannot be compared."
        )
    elif payout.amount is None:
        yield unknown("eBay does not say how much the payout is.")
    elif any(part.unsigned for part in parts):
        yield unknown("Of some transactions eBay does not say whether their amount came or went.")
    else:
        yield from _sum_findings(payout, payout.amount, parts)


def _sum_findings(payout: Payout, amount: Decimal, parts: list[_Part]) -> Iterator[Finding]:
    """The sum is what was sent, or that before the fee for sending it (totalAmount, 03 §5.2)."""
    count = sum(part.count for part in parts)
    net = sum((part.net for part in parts), ZERO)
    agrees = net in (amount, payout.total_amount)
    missing = (payout.transaction_count or count) - count
    if agrees and not missing:
        return
    told = (
        f"Payout {payout.payout_id} says {money_text(amount, payout.currency)}, its "
        f"{counted(count, 'stored transaction')} sum to {money_text(net, payout.currency)}"
    )
    if not agrees:
        gap = money_text(abs(amount - net), payout.currency)
        told += f": {gap} {'are missing' if net < amount else 'are too much'}"
    yield _reason(payout, told, missing, count)


def _reason(payout: Payout, told: str, missing: int, count: int) -> Finding:
    """Why it does not agree, as far as we know."""
    total = payout.transaction_count
    why = f"eBay counts {total:,}, {count:,} are stored" if missing and total is not None else ""
    if payout.detail_at is None:
        text = "its transactions are still being read"
        if payout.detail_retry_at is not None:
            text = f"reading them failed, next try after {clock(payout.detail_retry_at)} UTC"
        return waiting("; ".join(filter(None, [told, why, text])) + ".")
    return differs("; ".join(filter(None, [told, why])) + ".")
