"""Control API: listings begin, end and are revised, and what is true of them."""

from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, Fields, json_fields, query_fields
from ebayconnector.simulator.control.trading import MOST_AT_ONCE, drift_endpoint, overrides, paged
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.listing_activity import LISTING_CHANGES, ListingChange, change_listing
from ebayconnector.simulator.listing_body import VOLATILE, Wanted, listing_body
from ebayconnector.simulator.listing_book import AUCTION_MS, ListingBook, LiveListing, OwnListing, Variant
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import iso
from ebayconnector.simulator.trading_world import TradingBooks

_REVISED = ("title", "sku", "price", "quantity", "sold", "bids", "ends_at", "variations", "overrides")


def _true_body(book: ListingBook, live: LiveListing, now_ms: int) -> JsonObject:
    """The item of ActiveList without what differs from call to call, and when it ends."""
    body = listing_body(book, live, Wanted(now_ms, notes=True)) | {"EndsAt": iso(live.end_ms)}
    return {name: value for name, value in body.items() if name not in VOLATILE}


async def true_listings(request: Request) -> Response:
    """Every active listing, by item id; those behind the ceiling of ActiveList too."""
    world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
    now_ms, book = world.clock.now_ms(), world.trading.listings_of(fields.seller(world))
    listings = sorted(book.live(now_ms), key=lambda live: live.item_id)
    return paged(fields, "listings", listings, lambda live: _true_body(book, live, now_ms))


async def add_listings(request: Request) -> Response:
    """Fixed prices without variations unless said otherwise."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "started_at", "auction", *_REVISED)
    seller, count = fields.seller(world), fields.whole("count", 1, most=MOST_AT_ONCE)
    started_ms, auction = fields.maybe_time("started_at"), fields.flag("auction", False)
    revision = _Revision(fields)
    now_ms, book = world.clock.now_ms(), world.trading.listings_of(seller)
    made = [book.new_listing(now_ms if started_ms is None else started_ms) for _ in range(count)]
    for one in made:
        one.auction, one.variants = auction, []
        one.available, one.sold = 1 if auction else 5, 0
        one.auction_end_ms = one.start_ms + AUCTION_MS if auction else None
        revision.apply(book, one)
    return json_response({"itemIds": [one.item_id for one in made]})


class _Revision:
    """What a call changes of a listing, checked before anything is changed."""

    def __init__(self, fields: Fields) -> None:
        self.title, self.sku = fields.maybe_text("title"), fields.maybe_text("sku")
        self.drops_sku = fields.is_null("sku")
        self.price = _price(fields)
        self.quantity, self.sold = fields.maybe_whole("quantity"), fields.maybe_whole("sold")
        self.bids, self.ends_ms = fields.maybe_whole("bids"), fields.maybe_time("ends_at")
        self.variants = _variants(fields) if "variations" in fields else None
        self.patch = overrides(fields, "ItemID")

    def apply(self, book: ListingBook, one: OwnListing) -> None:
        one.title = self.title or one.title
        one.sku = None if self.drops_sku else self.sku or one.sku
        one.price = one.price if self.price is None else self.price
        one.available = one.available if self.quantity is None else self.quantity
        one.sold = one.sold if self.sold is None else self.sold
        one.bids = one.bids if self.bids is None else self.bids
        if self.ends_ms is not None and one.auction:
            one.auction_end_ms = self.ends_ms
        elif self.ends_ms is not None:
            book.end(one, self.ends_ms)
        if self.variants is not None:
            one.variants = [self._variant(raw, one.price) for raw in self.variants]
        book.override(one, self.patch)

    @staticmethod
    def _variant(raw: Fields, price: int) -> Variant:
        specifics = tuple((name, str(value)) for name, value in raw.object("specifics").items())
        own_price = _price(raw)
        return Variant(
            sku=raw.maybe_text("sku"),
            specifics=specifics or (("Color", "Red"),),
            price=price if own_price is None else own_price,
            available=raw.whole("quantity", 1),
            sold=raw.whole("sold", 0),
        )


def _price(fields: Fields) -> int | None:
    return round(fields.number("price", least=0.01) * 100) if "price" in fields else None


def _variants(fields: Fields) -> list[Fields]:
    raw: Any = fields.raw("variations")
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise BadControlCall("variations must be a list of objects")
    variants = [Fields(one, ("sku", "specifics", "price", "quantity", "sold")) for one in raw]
    for one in variants:
        _Revision._variant(one, 1)
    return variants


def _live(book: ListingBook, request: Request, now_ms: int) -> LiveListing:
    item_id = request.path_params["item_id"]
    found = next((live for live in book.live(now_ms) if live.item_id == item_id), None)
    if found is None:
        raise BadControlCall(f"this seller has no active listing {item_id}")
    return found


async def revise_listing(request: Request) -> Response:
    """An own listing; one that belongs to an offer is changed through the stock."""
    world = world_of(request)
    fields = await json_fields(request, "seller", *_REVISED)
    now_ms, book = world.clock.now_ms(), world.trading.listings_of(fields.seller(world))
    live = _live(book, request, now_ms)
    if live.own is None:
        raise BadControlCall("an offer decides over this listing: PATCH /_sim/stock")
    _Revision(fields).apply(book, live.own)
    return json_response(_true_body(book, live, now_ms))


async def end_listing(request: Request) -> Response:
    """Offers that were published as this listing are withdrawn."""
    world = world_of(request)
    seller, now_ms = query_fields(request, "seller").seller(world), world.clock.now_ms()
    book = world.trading.listings_of(seller)
    live = _live(book, request, now_ms)
    if live.own is not None:
        book.end(live.own, now_ms)
    for offer in live.offers:
        book.stock.withdraw(offer)
    return json_response({"ended": live.item_id})


async def send_away(request: Request) -> Response:
    """eBay lists an own listing no longer, or again, as it was: its list forgets some now and then."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "away")
    own = world.trading.listings_of(fields.seller(world)).own.get(request.path_params["item_id"])
    if own is None:
        raise BadControlCall(f"this seller has no own listing {request.path_params['item_id']}")
    own.away = fields.flag("away", True)
    return json_response({"itemId": own.item_id, "away": own.away})


async def change_some(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "kind")
    seller, count = fields.seller(world), fields.whole("count", 1, most=MOST_AT_ONCE)
    kind: ListingChange | None = fields.maybe_text("kind", LISTING_CHANGES)  # type: ignore[assignment]
    changed = [_change(world.trading, seller, kind) for _ in range(count)]
    return json_response({"itemIds": [one for one in changed if one is not None]})


def _change(books: TradingBooks, seller: Seller, kind: ListingChange | None) -> str | None:
    return change_listing(books.listings_of(seller), books.by_hand(seller), books.clock.now_ms(), kind)


def _move(books: TradingBooks, seller: Seller, kind: str, at: int) -> None:
    mixed: tuple[ListingChange, ...] = ("end", "create", "price")
    _change(books, seller, mixed[at % 3] if kind == "mixed" else kind)  # type: ignore[arg-type]


routes = [
    Route("/_sim/truth/listings", true_listings, methods=["GET"]),
    Route("/_sim/listings", add_listings, methods=["POST"]),
    Route("/_sim/listings/change", change_some, methods=["POST"]),
    Route(
        "/_sim/listings/drift",
        drift_endpoint("listings", (*LISTING_CHANGES, "mixed"), _move),
        methods=["POST"],
    ),
    Route("/_sim/listings/{item_id}", revise_listing, methods=["PATCH"]),
    Route("/_sim/listings/{item_id}", end_listing, methods=["DELETE"]),
    Route("/_sim/listings/{item_id}/away", send_away, methods=["POST"]),
]
