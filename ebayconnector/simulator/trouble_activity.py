"""What happens to the troubles of a seller besides their own lives: new ones, and steps before their time."""

from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.events import Events
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.times import SECOND_MS
from ebayconnector.simulator.trouble_book import Trouble, TroubleBook, TroubleConflict
from ebayconnector.simulator.trouble_lives import ESCALATE, Family

TroubleChange = Literal["create", "change"]
TROUBLE_CHANGES: tuple[str, ...] = get_args(TroubleChange)

_HAND_SALT, _CHANGE_SALT, _JITTER_SALT = 75, 76, 77
_CREATED = 0.35
_OPENED: tuple[tuple[Family, float], ...] = (("inquiry", 0.4), ("return", 0.4), ("dispute", 0.2))


class TroubleActivity:
    """Applies to one book all that happened up to a moment, at a steady rate with jitter."""

    def __init__(self, book: TroubleBook, per_minute: float, start_ms: int) -> None:
        seed, number = book.orders.seed, book.seller.number
        self.book = book
        self.by_hand = rng(seed, number, _HAND_SALT)
        self._events = Events(seed, number, _JITTER_SALT, per_minute, start_ms)

    def catch_up(self, now_ms: int) -> None:
        self.book.refresh()
        for number, at_ms in self._events.due(now_ms):
            source = rng(self.book.orders.seed, self.book.seller.number, _CHANGE_SALT, number)
            change_trouble(self.book, source, at_ms)


def change_trouble(
    book: TroubleBook,
    source: Random,
    at_ms: int,
    *,
    kind: TroubleChange | None = None,
    family: Family | None = None,
) -> Trouble | None:
    """A new trouble, or a likely step of an open one; answers it, None when there was nothing to change.

    What is changed lives on by itself.
    """
    at_ms = at_ms // SECOND_MS * SECOND_MS
    if kind is None:
        kind = "create" if source.random() < _CREATED else "change"
    if kind == "create":
        return _create(book, source, at_ms, family)
    waiting = book.unfinished(family, at_ms)
    if not waiting:
        return _create(book, source, at_ms, family)
    chosen = source.choice(waiting)
    book.move(chosen, None, at_ms, source=source, goes_on=True)
    return chosen


def _create(book: TroubleBook, source: Random, at_ms: int, family: Family | None) -> Trouble | None:
    if family == "case":
        return _escalate(book, source, at_ms)
    if family is None:
        family = source.choices([name for name, _ in _OPENED], [weight for _, weight in _OPENED])[0]
    return _open(book, source, at_ms, family)


def _open(book: TroubleBook, source: Random, at_ms: int, family: Family) -> Trouble | None:
    """About an order that was there by then, mostly a recent one."""
    low, high = book.orders.span(0, at_ms, by_change=False)
    if low == high:
        return None
    back = int((high - low) * source.random() ** 3)
    (n,) = book.orders.places((high - 1 - back, high - back), by_change=False)
    try:
        return book.open(family, n, at_ms, source=source, goes_on=True)
    except TroubleConflict:  # that order has all it can have
        return None


def _escalate(book: TroubleBook, source: Random, at_ms: int) -> Trouble | None:
    """A new case comes of an open inquiry or return, or of one opened for it."""
    waiting = book.unfinished("inquiry", at_ms) + book.unfinished("return", at_ms)
    origin = source.choice(waiting) if waiting else _open(book, source, at_ms, "inquiry")
    if origin is None:
        return None
    book.move(origin, ESCALATE, at_ms, source=source, goes_on=True)
    return origin.case
