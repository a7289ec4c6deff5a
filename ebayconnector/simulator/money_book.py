"""The money of one seller: all transactions by date, the payouts that take them, what was changed by hand.

Derived from the order book. Each order's entries are kept until the order changes; the payouts are worked
out anew when the book has changed. What a status is follows from the entry and the clock.
"""

from array import array
from bisect import bisect_left, bisect_right
from dataclasses import dataclass, field, replace

from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.money_entries import (
    NEVER,
    NO_ORDER,
    TRANSFER,
    Entry,
    EntryKey,
    Payout,
    charge_month,
    month_entries,
    month_of,
    order_entries,
)
from ebayconnector.simulator.money_facts import LineFee, OrderMoney, is_paid, order_money
from ebayconnector.simulator.money_ids import entry_id, payout_id
from ebayconnector.simulator.money_statuses import (
    AVAILABLE,
    COMPLETED,
    FAILED,
    ON_HOLD,
    PAID_OUT,
    PROCESSING,
    next_payout_ms,
)
from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.randomness import mix
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS, HOUR_MS

_PAYOUT_SALT = 44
_FAILING_TRANSFERS = 10  # one in ten


@dataclass(frozen=True, slots=True)
class HandFee:
    line_item_id: str
    fee: LineFee


@dataclass(frozen=True, slots=True)
class Hand:
    """What a person did to a transaction through the control API."""

    status: str | None = None
    at_ms: int = 0
    fees: tuple[HandFee, ...] = ()
    patch: JsonObject = field(default_factory=dict)


class MoneyBook:
    """`since_ms`: from when on the seller's own charges run; None for a seller without a history."""

    def __init__(self, book: OrderBook, seller: Seller, since_ms: int | None) -> None:
        self.book = book
        self.seller = seller
        self.rows: list[Entry] = []  # by date
        self.payouts: list[Payout] = []  # by date
        self.hands: dict[EntryKey, Hand] = {}
        self.hand_payouts: dict[str, str] = {}
        self._since_month = None if since_ms is None else month_of(since_ms)
        self._dates: list[int] = []
        self._money: dict[int, OrderMoney] = {}
        self._entries: dict[int, list[Entry]] = {}
        self._revisions = array("I")
        self._charges: dict[int, list[Entry]] = {}
        self._by_id: dict[tuple[str, str], Entry] | None = None
        self._by_payout: dict[str, Payout] = {}
        # By date: whether a payout was made. What was once is not paid out anew when amounts change.
        self._settled: dict[int, bool] = {}
        self._due: list[int] = []
        self._state: tuple[int, int, int] | None = None
        self._hand_version = 0

    def refresh(self, now_ms: int) -> None:
        """Take in what has happened to the orders since the last time."""
        state = (self.book.version, month_of(now_ms), self._hand_version)
        if state == self._state:
            return
        self._state = state
        self._by_id = None
        rows = self._order_rows() + self._charge_rows(month_of(now_ms))
        rows.sort(key=lambda entry: entry.date_ms)
        self.rows, self._dates = rows, [entry.date_ms for entry in rows]
        self._pay_out()

    def _order_rows(self) -> list[Entry]:
        book, known = self.book, len(self._revisions)
        rows: list[Entry] = []
        for n in book.created_between(-NEVER, NEVER):
            if n >= known or self._revisions[n] != book.revision[n] or n not in self._entries:
                self._entries[n] = self._entries_of(n)
            rows += self._entries[n]
        self._revisions = array("I", book.revision)
        return rows

    def _entries_of(self, n: int) -> list[Entry]:
        if not is_paid(self.book, n):
            return []
        return [self._touched(entry) for entry in order_entries(self.book, n, self.money_of(n))]

    def money_of(self, n: int) -> OrderMoney:
        money = self._money.get(n)
        if money is None:
            money = self._money[n] = order_money(self.book, self.seller.site, n)
        return money

    def _charge_rows(self, last_month: int) -> list[Entry]:
        if self._since_month is None:
            return []
        rows: list[Entry] = []
        for month in range(self._since_month, last_month + 1):
            if month not in self._charges:
                entries = month_entries(self.book.seed, self.seller, month)
                self._charges[month] = [self._touched(entry) for entry in entries]
            rows += self._charges[month]
        return rows

    def _touched(self, entry: Entry) -> Entry:
        """The entry with what was done to it by hand."""
        hand = self.hands.get(entry.key)
        if hand is None:
            return entry
        entry = replace(entry, signed=entry.signed - sum(one.fee.cents for one in hand.fees))
        if hand.status in (PAID_OUT, AVAILABLE):
            entry.free_ms = hand.at_ms
        elif hand.status is not None:
            entry.free_ms = NEVER
        return entry

    def _pay_out(self) -> None:
        """Give each entry to the first payout after it became free; what is not above zero waits."""
        due: dict[int, list[Entry]] = {}
        for entry in self.rows:
            entry.payout = None
            if entry.free_ms != NEVER:
                due.setdefault(next_payout_ms(self.seller, entry.free_ms), []).append(entry)
        self.payouts, waiting, self._due = [], [], sorted(due)
        for at_ms in self._due:
            waiting += due[at_ms]
            if self._settled.get(at_ms, sum(entry.signed for entry in waiting) > 0):
                self.payouts.append(self._payout(at_ms, waiting))
                waiting = []
        self._by_payout = {payout.id: payout for payout in self.payouts}

    def _payout(self, at_ms: int, entries: list[Entry]) -> Payout:
        number = payout_id(self.seller, at_ms)
        dice = mix(self.book.seed, self.seller.number, _PAYOUT_SALT, at_ms // HOUR_MS)
        payout = Payout(number, at_ms, dice, entries, self.hand_payouts.get(number))
        for entry in entries:
            entry.payout = payout
        return payout

    def between(self, from_ms: int, to_ms: int) -> list[Entry]:
        """Entries of a range of dates, both ends inclusive, oldest first."""
        low = bisect_left(self._dates, from_ms)
        return self.rows[low : bisect_right(self._dates, to_ms, lo=low)]

    def of_order(self, order_id: str) -> list[Entry]:
        """Entries that name this order as theirs, oldest first."""
        n = self.book.place_of(order_id)
        found = [] if n is None else self._entries.get(n, [])
        return sorted((entry for entry in found if names_order(entry)), key=lambda entry: entry.date_ms)

    def payout_of(self, number: str) -> Payout | None:
        return self._by_payout.get(number)

    def find(self, transaction_id: str, kind: str) -> Entry | None:
        if self._by_id is None:
            self._by_id = {(entry_id(self.book, entry), entry.kind): entry for entry in self.rows}
        return self._by_id.get((transaction_id, kind))

    def status(self, entry: Entry, now_ms: int) -> str:
        """The transactionStatus at a moment."""
        hand = self.hands.get(entry.key)
        if hand is not None and hand.status not in (None, AVAILABLE):
            return hand.status
        if entry.payout is not None and entry.payout.date_ms <= now_ms:
            return PAID_OUT
        if entry.free_ms <= now_ms:
            return AVAILABLE
        if entry.kind == TRANSFER and now_ms >= entry.date_ms + DAY_MS:
            return FAILED if entry.n % _FAILING_TRANSFERS == 0 else COMPLETED
        return ON_HOLD if entry.held and now_ms >= entry.date_ms + HOUR_MS else PROCESSING

    def buyer_of(self, entry: Entry) -> str | None:
        return self.money_of(entry.n).buyer if names_order(entry) else None

    def again(self, entry: Entry) -> Entry:
        """The same transaction after a change by hand."""
        return next(one for one in self.rows if one.key == entry.key)

    def change_by_hand(
        self,
        entry: Entry,
        *,
        at_ms: int,
        status: str | None = None,
        fee: HandFee | None = None,
        patch: JsonObject | None = None,
    ) -> None:
        """Set a status, add a fee to a sale, patch the body; dates and payouts until now stay."""
        made = {payout.date_ms for payout in self.payouts}
        self._settled |= {due_ms: due_ms in made for due_ms in self._due if due_ms <= at_ms}
        old = self.hands.get(entry.key, Hand())
        self.hands[entry.key] = Hand(
            status=status or old.status,
            at_ms=at_ms if status else old.at_ms,
            fees=(*old.fees, fee) if fee else old.fees,
            patch=join_patches(old.patch, patch or {}),
        )
        if entry.n == NO_ORDER:
            self._charges.pop(charge_month(entry)[0], None)
        else:
            self._entries.pop(entry.n, None)
        self._hand_version += 1

    def set_payout_status(self, payout: Payout, status: str) -> None:
        self.hand_payouts[payout.id] = status
        payout.status = status


def names_order(entry: Entry) -> bool:
    """Whether the transaction has an orderId; charges and transfers only refer to one."""
    return entry.n != NO_ORDER and entry.kind not in ("NON_SALE_CHARGE", TRANSFER)
