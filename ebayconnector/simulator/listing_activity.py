"""What happens to own listings as time goes by: sales, new prices and titles, listings that come and go."""

from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.events import Events
from ebayconnector.simulator.listing_book import ListingBook, OwnListing
from ebayconnector.simulator.randomness import rng

ListingChange = Literal["sale", "price", "title", "restock", "end", "create"]
LISTING_CHANGES: tuple[str, ...] = get_args(ListingChange)

_EVENTS = 52
_LIKELY: tuple[tuple[ListingChange, float], ...] = (
    ("sale", 0.60),
    ("price", 0.75),
    ("restock", 0.84),
    ("title", 0.88),
    ("create", 0.95),
    ("end", 1.0),
)


class ListingActivity:
    """Applies to one book all that happened up to a moment."""

    def __init__(self, book: ListingBook, per_minute: float, start_ms: int) -> None:
        self.book = book
        self._events = Events(book.seed, book.seller_number, _EVENTS, per_minute, start_ms)

    def catch_up(self, now_ms: int) -> None:
        for number, at_ms in self._events.due(now_ms):
            change_listing(self.book, rng(self.book.seed, self.book.seller_number, 54, number), at_ms)


def change_listing(
    book: ListingBook, source: Random, at_ms: int, kind: ListingChange | None = None
) -> str | None:
    """One change of a random own fixed price that is active; answers its item id, None without one."""
    kind = _likely(source.random()) if kind is None else kind
    if kind == "create":
        return book.new_listing(at_ms).item_id
    one = book.first_active(source.randrange(1 << 30), at_ms)
    if one is None:
        return None
    _change(book, source, one, kind, at_ms)
    return one.item_id


def _likely(u: float) -> ListingChange:
    return next(kind for kind, below in _LIKELY if u < below)


def _change(book: ListingBook, source: Random, one: OwnListing, kind: ListingChange, at_ms: int) -> None:
    part = source.choice(one.variants) if one.variants else one
    match kind:
        case "sale":
            book.sell(part, 1 if source.random() < 0.85 else source.randrange(2, 5))
        case "price":
            price = max(99, int(part.price * source.uniform(0.8, 1.2)))
            part.price = price + (price == part.price)
        case "restock":
            part.available += source.randrange(1, 30)
        case "title":
            one.title = f"{one.listing.title} – NEW {source.randrange(1_000)}"
        case _:
            book.end(one, at_ms)
