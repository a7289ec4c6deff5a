"""The stock that a seller begins with: twenty kinds of items that come again and again."""

from dataclasses import dataclass
from random import Random
from typing import Literal

from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sites import SITES
from ebayconnector.simulator.stock_book import FORMATS, StockBook, StockItem, StockOffer
from ebayconnector.simulator.stock_skus import legacy_sku, odd_sku, variation_sku

# home: published where the seller lives, in the listing's format; draft: with a price, not published;
# bare: nothing but its key; abroad: on another marketplace; other_format: auction beside fixed price
OfferKind = Literal["home", "draft", "bare", "abroad", "other_format"]


@dataclass(frozen=True, slots=True)
class _Kind:
    offers: tuple[OfferKind, ...] = ("home",)
    sku: Literal["plain", "odd", "legacy", "variation"] = "plain"
    legacy: bool = False
    shows_quantity: bool = True
    out_of_stock: bool = False
    forced_status: str | None = None
    on_hold: bool = False


_KINDS = (
    _Kind(),
    _Kind(),
    _Kind(),
    _Kind(sku="odd"),
    _Kind(offers=()),
    _Kind(offers=("draft",)),
    _Kind(offers=("home", "abroad")),
    _Kind(offers=("home", "other_format")),
    _Kind(sku="odd", offers=("bare",)),
    _Kind(on_hold=True),
    _Kind(sku="legacy", legacy=True),
    _Kind(sku="variation"),
    _Kind(sku="variation"),
    _Kind(sku="odd"),
    _Kind(forced_status="EBAY_ENDED"),
    _Kind(shows_quantity=False),
    _Kind(legacy=True),  # a SKU that looks like all others
    _Kind(sku="odd", offers=()),
    _Kind(out_of_stock=True),
    _Kind(sku="odd", offers=("home", "abroad")),
)
_ODD_PER_ROUND = sum(kind.sku == "odd" for kind in _KINDS)
_SIZES = {11: "S", 12: "M"}  # by place among the kinds: two variations of one listing


def fill(book: StockBook, size: int) -> None:
    """`size` items; the first `size` of a larger stock are the same."""
    while len(book) < size:
        number = book.made_items
        kind = _KINDS[number % len(_KINDS)]
        source = rng(book.seed, book.seller_number, 30, number)
        quantity = source.randrange(2, 60)
        item = _new_item(book, kind, 0 if kind.out_of_stock else quantity)
        for offer_kind in kind.offers:
            _add_offer(book, item, kind, offer_kind, source)


def _new_item(book: StockBook, kind: _Kind, quantity: int) -> StockItem:
    number = book.made_items
    if kind.sku == "variation":
        return _new_variation(book, quantity)
    listed = book.plain_listing() if kind.sku == "plain" else book.own_listing()
    if kind.sku == "plain":
        sku = listed.sku or ""
    else:
        sku = odd_sku(_nth_odd(number), number) if kind.sku == "odd" else legacy_sku(number)
    return book.add_item(sku=sku, listed=listed, quantity=quantity, legacy=kind.legacy)


def _nth_odd(number: int) -> int:
    rounds, place = divmod(number, len(_KINDS))
    return rounds * _ODD_PER_ROUND + sum(kind.sku == "odd" for kind in _KINDS[:place])


def _new_variation(book: StockBook, quantity: int) -> StockItem:
    """The second variation shares group and listing with the item before it."""
    number = book.made_items
    size = _SIZES[number % len(_KINDS)]
    first = book.items.get(number - 1) if size == "M" else None
    first_number = number if first is None else first.number
    item = book.add_item(
        sku=variation_sku(book.site.key, first_number, size),
        listed=book.own_listing() if first is None else first.listing,
        quantity=quantity,
    )
    item.group = f"GROUP-{book.site.key}-{first_number:04d}"
    return item


def _add_offer(
    book: StockBook, item: StockItem, kind: _Kind, offer_kind: OfferKind, source: Random
) -> StockOffer:
    format = "FIXED_PRICE" if kind.sku == "variation" else item.listing.sold_format
    if offer_kind == "other_format":
        format = FORMATS[1 - FORMATS.index(format)]
    marketplace = _abroad(book) if offer_kind == "abroad" else book.site.marketplace
    price = None if offer_kind == "bare" else item.listing.price
    offer = book.add_offer(item, marketplace=marketplace, format=format, price=price)
    offer.shows_quantity = kind.shows_quantity and offer_kind != "bare"
    sold = source.randrange(0, 80)
    if offer_kind not in ("draft", "bare"):
        book.publish(offer, item.listing.item_id if offer_kind == "home" else None)
        offer.sold = sold if format == "FIXED_PRICE" else 0
        offer.forced_status, offer.on_hold = kind.forced_status, kind.on_hold
    return offer


def _abroad(book: StockBook) -> str:
    marketplaces = [site.marketplace for site in SITES.values()]
    return marketplaces[(marketplaces.index(book.site.marketplace) + 1) % len(marketplaces)]
