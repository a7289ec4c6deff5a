"""The money of one order in cents: what it brings, what eBay keeps of it, line by line (03 §5.1).

The fees add up to the order's own totalMarketplaceFee (`order_body`), a refund to the refund of the order.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from functools import lru_cache

from ebayconnector.simulator.order_book import (
    FULLY_REFUNDED,
    PAID,
    PARTIALLY_REFUNDED,
    OrderBook,
)
from ebayconnector.simulator.order_facts import Line, OrderFacts, order_facts
from ebayconnector.simulator.randomness import unit
from ebayconnector.simulator.sites import SITES, Site

FIXED_FEE = 30
_PERCENT = 13

FINAL_VALUE_FEE = "FINAL_VALUE_FEE"
FIXED_PER_ORDER = "FINAL_VALUE_FEE_FIXED_PER_ORDER"
INTERNATIONAL_FEE = "INTERNATIONAL_FEE"
AD_FEE = "AD_FEE"
REGULATORY_FEE = "REGULATORY_OPERATING_FEE"
DONATION = "CHARITY_DONATION"

_LATE_SALT, _DONATION_SALT = 51, 52


@dataclass(frozen=True, slots=True)
class OrderMoney:
    """What never changes: `due` is the order's total without the tax that eBay collects."""

    due: int
    tax: int
    refund_share: float
    buyer: str
    international: bool

    @property
    def final_value(self) -> int:
        return self.due * _PERCENT // 100

    @property
    def fee(self) -> int:
        return self.final_value + FIXED_FEE


@dataclass(frozen=True, slots=True)
class Refund:
    """What the buyer got back, what eBay credits of its fees, and the tax that went back besides."""

    gross: int
    fee_credit: int
    tax: int


@dataclass(frozen=True, slots=True)
class LineFee:
    kind: str
    cents: int
    memo: str | None = None


@dataclass(frozen=True, slots=True)
class LineMoney:
    """Fees and donations of one line; `basis` includes the tax that eBay collects."""

    line_item_id: str
    basis: int
    fees: tuple[LineFee, ...]
    donations: tuple[LineFee, ...]


def facts_of(book: OrderBook, site: Site, n: int) -> OrderFacts:
    return _facts(book.seed, book.seller_number, site.key, n)


@lru_cache(maxsize=2_048)  # one body asks for them several times
def _facts(seed: int, seller_number: int, site_key: str, n: int) -> OrderFacts:
    return order_facts(seed=seed, seller_number=seller_number, site=SITES[site_key], n=n)


def order_money(book: OrderBook, site: Site, n: int) -> OrderMoney:
    facts = facts_of(book, site, n)
    return OrderMoney(
        due=sum(line.total for line in facts.lines),
        tax=sum(line.tax for line in facts.lines),
        refund_share=facts.refund_share,
        buyer=facts.buyer.username,
        international=facts.buyer.site.country != site.country,
    )


def refunds(book: OrderBook, money: OrderMoney, n: int) -> list[tuple[int, Refund]]:
    """When and what was refunded, oldest first: nothing, one, or a part and later the rest."""
    state = book.payment[n]
    if state not in (PARTIALLY_REFUNDED, FULLY_REFUNDED):
        return []
    part = max(1, int(money.due * money.refund_share))
    first = Refund(part, part * _PERCENT // 100, int(money.tax * money.refund_share))
    if state == PARTIALLY_REFUNDED:
        return [(book.refund_ms(n), first)]
    if n not in book.part_refund_ms:
        return [(book.refund_ms(n), Refund(money.due, money.final_value, money.tax))]
    rest = Refund(money.due - first.gross, money.final_value - first.fee_credit, money.tax - first.tax)
    return [(book.part_refund_ms[n], first), (book.refund_ms(n), rest)]


def is_paid(book: OrderBook, n: int) -> bool:
    """Whether the buyer's money has come; orders made pending or failed by hand bring none."""
    return book.payment[n] in (PAID, PARTIALLY_REFUNDED, FULLY_REFUNDED)


def sale_lines(book: OrderBook, site: Site, n: int) -> list[LineMoney]:
    """The fees of a sale. An order that has changed may show one more fee than it did, carved out of the
    final value fee: the sum stays.
    """
    facts = facts_of(book, site, n)
    shares = _shares(facts.lines, sum(line.total for line in facts.lines) * _PERCENT // 100)
    late = book.revision[n] > 0 and unit(book.seed, book.seller_number, n, _LATE_SALT) < 0.15
    gives = unit(book.seed, book.seller_number, n, _DONATION_SALT) < 0.04
    international = facts.buyer.site.country != site.country
    return [
        _sale_line(
            line, share, facts, first=at == 0, international=international, late=late and at == 0, gives=gives
        )
        for at, (line, share) in enumerate(zip(facts.lines, shares, strict=True))
    ]


def _sale_line(
    line: Line,
    share: int,
    facts: OrderFacts,
    *,
    first: bool,
    international: bool,
    late: bool,
    gives: bool,
) -> LineMoney:
    """`share` of the final value fee is split among the kinds; the first line bears the fixed fee too."""
    country = facts.buyer.site.country
    parts = {
        AD_FEE: share * 2 // _PERCENT if line.ad_campaign else 0,
        INTERNATIONAL_FEE: share // _PERCENT if international else 0,
        REGULATORY_FEE: share // 30 if late else 0,
        DONATION: share // 20 if gives else 0,
    }
    fees = [LineFee(FIXED_PER_ORDER, FIXED_FEE)] if first else []
    fees.append(LineFee(FINAL_VALUE_FEE, share - sum(parts.values())))
    memo = f"Charged because the delivery address is in {country}."
    fees += [
        LineFee(kind, cents, memo if kind == INTERNATIONAL_FEE else None)
        for kind, cents in parts.items()
        if kind != DONATION
    ]
    return LineMoney(
        line_item_id=line.line_item_id,
        basis=line.total + line.tax,
        fees=_present(fees),
        donations=_present([LineFee(DONATION, parts[DONATION])]),
    )


def refund_lines(book: OrderBook, site: Site, n: int, refund: Refund) -> list[LineMoney]:
    """The fees that eBay credits with a refund; the fixed fee per order is kept."""
    facts = facts_of(book, site, n)
    due = sum(line.total for line in facts.lines)
    credits = _shares(facts.lines, refund.fee_credit)
    international = facts.buyer.site.country != site.country
    return [
        LineMoney(
            line_item_id=line.line_item_id,
            basis=(line.total + line.tax) * refund.gross // due,
            fees=_present(_credited(credit, international)),
            donations=(),
        )
        for line, credit in zip(facts.lines, credits, strict=True)
    ]


def _credited(cents: int, international: bool) -> list[LineFee]:
    abroad = cents // _PERCENT if international else 0
    return [LineFee(INTERNATIONAL_FEE, abroad), LineFee(FINAL_VALUE_FEE, cents - abroad)]


def _shares(lines: tuple[Line, ...], cents: int) -> list[int]:
    """`cents` spread over the lines by their totals; what rounding leaves goes to the first."""
    due = sum(line.total for line in lines)
    shares = [cents * line.total // due for line in lines]
    shares[0] += cents - sum(shares)
    return shares


def _present(fees: Iterable[LineFee]) -> tuple[LineFee, ...]:
    return tuple(fee for fee in fees if fee.cents > 0)
