"""Which monetary transactions a seller has, as compact entries: made from orders, and from the calendar.

An entry follows from its order and the seed alone; none of its dates ever changes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime

from ebayconnector.simulator.money_facts import OrderMoney, Refund, refunds
from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.randomness import mix
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, MINUTE_MS

SALE, REFUND, CREDIT, DISPUTE = "SALE", "REFUND", "CREDIT", "DISPUTE"
NON_SALE_CHARGE, SHIPPING_LABEL, TRANSFER = "NON_SALE_CHARGE", "SHIPPING_LABEL", "TRANSFER"
ADJUSTMENT = "ADJUSTMENT"
TYPES = (SALE, REFUND, CREDIT, DISPUTE, NON_SALE_CHARGE, SHIPPING_LABEL, TRANSFER)
LATER_TYPES = (*TYPES, ADJUSTMENT, "LOAN_REPAYMENT", "PURCHASE", "WITHDRAWAL")  # v1.18, unverified

NO_ORDER = -1
SUBSCRIPTION, INSERTION, PROMOTION, CORRECTION = range(4)  # numbers of the charges of a month
NEVER = 1 << 62

EntryKey = tuple[str, int, int]

DISPUTE_WON_MS = 3 * DAY_MS

_DICE, _SIZES, _CHARGES = 41, 42, 43  # salts
_LOW = 1023
_PARTS = 8


@dataclass(slots=True, eq=False)
class Entry:
    """One monetary transaction.

    `signed`: cents, what it does to the seller's funds. `free_ms`: from when on a payout may take it, NEVER
    for what no payout takes. `part` tells entries of one type and order apart; of the seller's own charges
    it holds month and number.
    """

    kind: str
    n: int
    part: int
    date_ms: int
    free_ms: int
    signed: int
    held: bool = False
    refund: Refund | None = None
    payout: "Payout | None" = None

    @property
    def key(self) -> EntryKey:
        return self.kind, self.n, self.part


@dataclass(slots=True, eq=False)
class Payout:
    """One payment to the seller's bank: the sum of its entries, which is above zero."""

    id: str
    date_ms: int
    dice: int
    entries: list[Entry] = field(default_factory=list)
    status: str | None = None  # set by hand

    @property
    def cents(self) -> int:
        return sum(entry.signed for entry in self.entries)


@dataclass(frozen=True, slots=True)
class _Dice:
    """64 random bits of one order, ten at a time."""

    bits: int

    def per_mille(self, place: int) -> float:
        return (self.bits >> 10 * place & _LOW) * 1000 / 1024

    def number(self, place: int, below: int) -> int:
        return (self.bits >> 10 * place & _LOW) * below >> 10


def order_entries(book: OrderBook, n: int, money: OrderMoney) -> list[Entry]:
    """All transactions of one paid order, also those that are still to come."""
    dice = _Dice(mix(book.seed, book.seller_number, _DICE, n))
    sizes = _Dice(mix(book.seed, book.seller_number, _SIZES, n))
    created_ms = book.created[n]
    entries = [_sale(created_ms, n, money, dice, sizes)]
    entries += [
        Entry(REFUND, n, part, at_ms, at_ms, refund.fee_credit - refund.gross, refund=refund)
        for part, (at_ms, refund) in enumerate(refunds(book, money, n))
    ]
    entries += _label(created_ms, n, dice, sizes)
    entries += _trouble(created_ms, n, money, dice, sizes)
    return entries


def _sale(created_ms: int, n: int, money: OrderMoney, dice: _Dice, sizes: _Dice) -> Entry:
    held = dice.per_mille(0) < 30
    wait_ms = 36 * HOUR_MS + sizes.number(0, 24 * 60) * MINUTE_MS
    if held:
        wait_ms += 5 * DAY_MS + sizes.number(1, 15 * 24) * HOUR_MS
    return Entry(SALE, n, 0, created_ms, created_ms + wait_ms, money.due - money.fee, held=held)


def _label(created_ms: int, n: int, dice: _Dice, sizes: _Dice) -> Iterator[Entry]:
    """A shipping label for one order in five; now and then it is voided days later."""
    if dice.per_mille(1) >= 200:
        return
    bought_ms = created_ms + 2 * HOUR_MS + sizes.number(2, 18 * 60) * MINUTE_MS
    cost = 299 + sizes.number(3, 900)
    yield Entry(SHIPPING_LABEL, n, 0, bought_ms, bought_ms, -cost)
    if dice.per_mille(2) < 100:
        voided_ms = bought_ms + 2 * DAY_MS
        yield Entry(SHIPPING_LABEL, n, 1, voided_ms, voided_ms, cost)


def _trouble(created_ms: int, n: int, money: OrderMoney, dice: _Dice, sizes: _Dice) -> Iterator[Entry]:
    """Advertising billed apart, a payment dispute and its end, money that the seller owes eBay."""
    if dice.per_mille(3) < 40:
        billed_ms = created_ms + 4 * MINUTE_MS
        yield Entry(NON_SALE_CHARGE, n, 0, billed_ms, billed_ms, -max(1, money.due * 3 // 100))
    opened_ms = _dispute_ms(created_ms, sizes)
    if _is_disputed(dice):
        yield Entry(DISPUTE, n, 0, opened_ms, opened_ms, -money.due)
        won_ms = opened_ms + DISPUTE_WON_MS
        if _is_won(dice):
            yield Entry(CREDIT, n, 0, won_ms, won_ms, money.due)
    if dice.per_mille(5) < 10:
        from_funds = sizes.number(5, 3) == 0
        owed = max(1, money.due - money.final_value)
        yield Entry(TRANSFER, n, 0, opened_ms, opened_ms if from_funds else NEVER, -owed)


def _dispute_ms(created_ms: int, sizes: _Dice) -> int:
    return created_ms + 3 * DAY_MS + sizes.number(4, 7 * 24) * HOUR_MS


def _is_disputed(dice: _Dice) -> bool:
    return dice.per_mille(4) < 8


def _is_won(dice: _Dice) -> bool:
    return bool(dice.bits >> 63)


def dispute_of(book: OrderBook, n: int) -> tuple[int, bool] | None:
    """When a payment dispute takes the order's money, and whether it comes back; None for most orders."""
    dice = _Dice(mix(book.seed, book.seller_number, _DICE, n))
    if not _is_disputed(dice):
        return None
    sizes = _Dice(mix(book.seed, book.seller_number, _SIZES, n))
    return _dispute_ms(book.created[n], sizes), _is_won(dice)


def month_of(at_ms: int) -> int:
    """Months since year 0."""
    moment = datetime.fromtimestamp(at_ms / 1000, UTC)
    return moment.year * 12 + moment.month - 1


def month_ms(month: int, day: int = 1) -> int:
    """Midnight UTC of a day of a month, in milliseconds."""
    return int(datetime(month // 12, month % 12 + 1, day, tzinfo=UTC).timestamp()) * 1000


def month_entries(seed: int, seller: Seller, month: int) -> list[Entry]:
    """What eBay books without an order: subscription, insertion fees, promotions, adjustments."""
    dice = _Dice(mix(seed, seller.number, _CHARGES, month))
    charges = [(INSERTION, NON_SALE_CHARGE, 10, -35 * (1 + dice.number(0, 9)))]
    if seller.account_type == "BUSINESS":
        charges.append((SUBSCRIPTION, NON_SALE_CHARGE, 1, -2195))
    if month % 3 == 0:
        charges.append((PROMOTION, CREDIT, 14, 500 + dice.number(1, 500)))
    if month % 4 == 1:
        charges.append((CORRECTION, ADJUSTMENT, 20, dice.number(2, 600) - 300 or 1))
    return [
        _charge(kind, month, number, month_ms(month, day) + _in_day_ms(dice, number), cents)
        for number, kind, day, cents in charges
    ]


def _in_day_ms(dice: _Dice, number: int) -> int:
    return 16 * HOUR_MS + dice.number(3 + number % 3, 3600) * 1000 + 543


def _charge(kind: str, month: int, number: int, at_ms: int, cents: int) -> Entry:
    return Entry(kind, NO_ORDER, month * _PARTS + number, at_ms, at_ms, cents)


def charge_month(entry: Entry) -> tuple[int, int]:
    """Month and number of an entry without an order."""
    return divmod(entry.part, _PARTS)
