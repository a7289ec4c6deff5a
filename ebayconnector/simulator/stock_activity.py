"""What happens to a stock as time goes by: sales, new prices, deliveries, items and offers that come and go.

Nothing runs in the background: whoever looks first catches up, and what happened when depends on the seed
and the clock alone.
"""

from dataclasses import dataclass, field
from random import Random
from typing import Literal, get_args

from ebayconnector.simulator.randomness import rng, unit
from ebayconnector.simulator.stock_book import StockBook, StockItem, StockOffer
from ebayconnector.simulator.times import MINUTE_MS

StockChange = Literal["sale", "price", "restock", "publish", "withdraw", "create", "delete", "delete_offer"]
STOCK_CHANGES: tuple[str, ...] = get_args(StockChange)

_LIKELY: tuple[tuple[StockChange, float], ...] = (
    ("sale", 0.60),
    ("price", 0.80),
    ("restock", 0.89),
    ("create", 0.92),
    ("delete", 0.94),
    ("withdraw", 0.96),
    ("publish", 0.99),
    ("delete_offer", 1.0),
)


@dataclass(slots=True)
class StockActivity:
    """Applies to one book all that happened up to a moment, at a steady rate with jitter."""

    book: StockBook
    per_minute: float
    start_ms: int
    done: int = 0
    by_hand: Random = field(init=False)

    def __post_init__(self) -> None:
        self.by_hand = rng(self.book.seed, self.book.seller_number, 33)

    def catch_up(self, now_ms: int) -> None:
        while self.per_minute > 0 and self._next_ms() <= now_ms:
            self.book.now_ms = self._next_ms()
            self.done += 1
            change_stock(self.book, rng(self.book.seed, self.book.seller_number, 34, self.done))

    def _next_ms(self) -> int:
        jitter = unit(self.book.seed, self.book.seller_number, 35, self.done)
        return self.start_ms + int((self.done + jitter) * MINUTE_MS / self.per_minute)


def change_stock(book: StockBook, source: Random, kind: StockChange | None = None) -> str | None:
    """One change of a random item; answers its SKU, None when nothing could change that way."""
    kind = kind or _likely(source.random())
    if kind == "create":
        return _create(book, source).sku
    item = _choose(book, source)
    if item is None:
        return None
    if kind == "delete":
        book.remove_item(item)
        return item.sku
    return item.sku if _change_item(book, source, item, kind) else None


def _likely(u: float) -> StockChange:
    return next(kind for kind, below in _LIKELY if u < below)


def _choose(book: StockBook, source: Random) -> StockItem | None:
    """The first live item from a random number on; numbers of deleted items are never used again."""
    start = source.randrange(book.made_items) if book.made_items else 0
    numbers = ((start + step) % book.made_items for step in range(book.made_items))
    return next((book.items[number] for number in numbers if number in book.items), None)


def _create(book: StockBook, source: Random) -> StockItem:
    listed = book.plain_listing()
    item = book.add_item(sku=listed.sku or "", listed=listed, quantity=source.randrange(1, 60))
    offer = book.add_offer(
        item, marketplace=book.site.marketplace, format=listed.sold_format, price=listed.price
    )
    book.publish(offer, listed.item_id)
    return item


def _change_item(book: StockBook, source: Random, item: StockItem, kind: StockChange) -> bool:
    if kind == "restock":
        book.change_item(item, quantity=item.quantity + source.randrange(1, 30))
        return True
    offers = [offer for offer in book.offers_of(item) if _applies(kind, offer)]
    if not offers:
        return False
    _change_offer(book, source, source.choice(offers), kind)
    return True


def _applies(kind: StockChange, offer: StockOffer) -> bool:
    match kind:
        case "sale":
            return offer.published and offer.listing_status == "ACTIVE" and not offer.on_hold
        case "price":
            return offer.price is not None
        case "withdraw":
            return offer.published
        case "publish":
            return not offer.published
        case _:
            return True


def _change_offer(book: StockBook, source: Random, offer: StockOffer, kind: StockChange) -> None:
    match kind:
        case "sale":
            book.sell(offer, 1 if source.random() < 0.85 else source.randrange(2, 5))
        case "price":
            price = max(99, int((offer.price or 0) * source.uniform(0.8, 1.2)))
            offer.price = price + (price == offer.price)
        case "withdraw":
            book.withdraw(offer)
        case "publish":
            book.publish(offer)
        case _:
            book.remove_offer(offer)
