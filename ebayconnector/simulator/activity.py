"""What happens to orders as time goes by: arrivals, shipments, refunds, cancellations.

Nothing runs in the background: whoever looks first catches up, and what happened when depends on the seed
and the clock alone.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.order_book import (
    CANCEL_ASKED,
    CANCELED,
    FULFILLED,
    FULLY_REFUNDED,
    IN_PROGRESS,
    NO_CANCEL,
    NOT_STARTED,
    PAID,
    PARTIALLY_REFUNDED,
    OrderBook,
)
from ebayconnector.simulator.randomness import rng, unit
from ebayconnector.simulator.times import MINUTE_MS

ChangeKind = Literal["ship", "refund", "full_refund", "cancel_request", "cancel", "touch"]
CHANGE_KINDS: tuple[str, ...] = get_args(ChangeKind)

_ARRIVAL, _CHANGE = 11, 12
_NEVER = 1 << 62


@dataclass(slots=True)
class Stream:
    """Events of one kind at a steady rate with jitter; `done` of them have been applied."""

    kind: int
    per_minute: float
    start_ms: int
    done: int = 0

    def next_ms(self, book: OrderBook) -> int:
        if self.per_minute <= 0:
            return _NEVER
        jitter = unit(book.seed, book.seller_number, self.kind, self.done)
        return self.start_ms + int((self.done + jitter) * MINUTE_MS / self.per_minute)


@dataclass(slots=True)
class Activity:
    """Applies to one book all that happened up to a moment."""

    book: OrderBook
    arrivals: Stream
    changes: Stream
    by_hand: Random = field(init=False)

    def __post_init__(self) -> None:
        self.by_hand = rng(self.book.seed, self.book.seller_number, 13)

    def catch_up(self, now_ms: int) -> None:
        while True:
            arrival_ms, change_ms = self.arrivals.next_ms(self.book), self.changes.next_ms(self.book)
            if min(arrival_ms, change_ms) > now_ms:
                return
            if arrival_ms <= change_ms:
                self.arrivals.done += 1
                self.book.add(created_ms=arrival_ms, modified_ms=arrival_ms)
            else:
                self.changes.done += 1
                source = rng(self.book.seed, self.book.seller_number, 14, self.changes.done)
                change_random(self.book, source, count=1, at_ms=change_ms)


def start_activity(
    book: OrderBook, *, arrivals_per_minute: float, changes_per_minute: float, start_ms: int
) -> Activity:
    return Activity(
        book=book,
        arrivals=Stream(_ARRIVAL, arrivals_per_minute, start_ms),
        changes=Stream(_CHANGE, changes_per_minute, start_ms),
    )


def change_random(
    book: OrderBook, source: Random, *, count: int, at_ms: int, kind: ChangeKind | None = None
) -> list[int]:
    """Change up to `count` different orders, mostly recent ones; answers their places."""
    chosen = _choose(book, source, min(count, len(book)))
    for n in chosen:
        change_order(book, n, kind or likely_change(book, n, source.random()), at_ms)
    return chosen


def _choose(book: OrderBook, source: Random, count: int) -> list[int]:
    size = len(book)
    if count > size // 4:
        return [book.recent(back) for back in source.sample(range(size), count)]
    chosen: dict[int, None] = {}
    while len(chosen) < count:
        chosen[book.recent(int(size * source.random() ** 3))] = None
    return list(chosen)


def likely_change(book: OrderBook, n: int, u: float) -> ChangeKind:
    """What would happen next to order n in life."""
    if book.cancel[n] == CANCEL_ASKED:
        return "cancel"
    if book.cancel[n] == CANCELED or book.payment[n] == FULLY_REFUNDED:
        return "touch"
    if book.fulfilment[n] != FULFILLED:
        return "ship" if u < 0.85 else "cancel_request" if u < 0.92 else "refund"
    return "refund" if u < 0.3 else "full_refund" if u < 0.5 else "touch"


def change_order(book: OrderBook, n: int, kind: ChangeKind, at_ms: int) -> None:
    """Apply one change; lastModifiedDate becomes `at_ms` whatever the kind."""
    match kind:
        case "ship":
            partly = book.fulfilment[n] == NOT_STARTED and unit(book.seed, book.seller_number, n, 15) < 0.1
            book.change(n, fulfilment=IN_PROGRESS if partly else FULFILLED, modified_ms=at_ms)
        case "refund" if book.payment[n] == PAID:
            book.change(n, payment=PARTIALLY_REFUNDED, modified_ms=at_ms)
        case "full_refund" if book.payment[n] != FULLY_REFUNDED:
            book.change(n, payment=FULLY_REFUNDED, modified_ms=at_ms)
        case "cancel_request" if book.cancel[n] == NO_CANCEL:
            book.change(n, cancel=CANCEL_ASKED, modified_ms=at_ms)
        case "cancel" if book.cancel[n] != CANCELED:
            book.change(n, cancel=CANCELED, payment=FULLY_REFUNDED, modified_ms=at_ms)
        case _:
            book.change(n, modified_ms=at_ms)
