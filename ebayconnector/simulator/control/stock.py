"""Control API: inventory items and offers are added, changed and removed, and what is true about them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import (
    BadControlCall,
    Fields,
    find_seller,
    json_fields,
    query_fields,
)
from ebayconnector.simulator.json_types import JsonObject, join_patches
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.stock_activity import STOCK_CHANGES, StockChange, change_stock
from ebayconnector.simulator.stock_body import item_body, offer_body
from ebayconnector.simulator.stock_book import (
    CURRENCY_OF,
    FORMATS,
    LISTING_STATUSES,
    StockBook,
    StockConflict,
    StockItem,
    StockOffer,
)
from ebayconnector.simulator.stock_skus import SKU_MAX
from ebayconnector.simulator.stock_world import DRIFT_KINDS, DriftKind, StockDrift

_MOST_AT_ONCE = 100_000
_OFFERED = ("published", "unpublished", "none")


def _summary(book: StockBook, item: StockItem) -> JsonObject:
    offers = [
        {
            "offerId": offer.offer_id,
            "marketplaceId": offer.marketplace,
            "format": offer.format,
            "status": "PUBLISHED" if offer.published else "UNPUBLISHED",
            "listingId": offer.listing_id,
            "price": None if offer.price is None else offer.price / 100,
        }
        for offer in book.offers_of(item)
    ]
    row: JsonObject = {"sku": item.sku, "title": item.title, "quantity": item.quantity}
    return row | {"legacy": item.legacy, "offers": offers}


def _price(fields: Fields) -> int | None:
    """Cents of a price in units of its currency; None when absent."""
    return round(fields.number("price", least=0.01) * 100) if "price" in fields else None


def _overrides(fields: Fields, *keys: str) -> JsonObject:
    patch = fields.object("overrides")
    for key in keys:
        if key in patch:
            raise BadControlCall(f"{key} cannot be overridden")
    return patch


def _item(book: StockBook, sku: str) -> StockItem:
    item = book.item_of(sku)
    if item is None:
        raise BadControlCall(f"this seller has no item {sku}")
    return item


def _offer(book: StockBook, request: Request) -> StockOffer:
    offer = book.offers.get(request.path_params["offer_id"])
    if offer is None:
        raise BadControlCall(f"this seller has no offer {request.path_params['offer_id']}")
    return offer


async def list_stock(request: Request) -> Response:
    """What there is in short, in the order of creation."""
    world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
    book = world.stocks.of(fields.seller(world))
    offset, limit = fields.whole("offset", 0), fields.whole("limit", 1000)
    items = list(book.items.values())
    rows = [_summary(book, item) for item in items[offset : offset + limit]]
    return json_response({"total": len(items), "offset": offset, "limit": limit, "items": rows})


async def add_items(request: Request) -> Response:
    """Without `sku` the seller's next plain ones; published at home unless `offer` says otherwise."""
    world = world_of(request)
    fields = await json_fields(
        request, "seller", "sku", "count", "title", "quantity", "price", "legacy", "offer", "overrides"
    )
    book, sku = world.stocks.of(fields.seller(world)), fields.maybe_text("sku")
    count, quantity = fields.whole("count", 1, most=_MOST_AT_ONCE), fields.whole("quantity", 5)
    title, price, legacy = fields.maybe_text("title"), _price(fields), fields.flag("legacy", False)
    offered, patch = fields.maybe_text("offer", _OFFERED) or "published", _overrides(fields, "sku")
    if sku is not None and (count != 1 or len(sku) > SKU_MAX):
        raise BadControlCall(f"one item for one sku of at most {SKU_MAX} characters")
    if sku is not None and book.item_of(sku) is not None:
        raise BadControlCall(f"sku exists: {sku}")
    items = [_add_item(book, sku, quantity, title, legacy=legacy) for _ in range(count)]
    for item in items:
        book.change_item(item, patch=patch)
        if offered != "none":
            _first_offer(book, item, price, publish=offered == "published")
    return json_response({"items": [_summary(book, item) for item in items]})


def _add_item(
    book: StockBook, sku: str | None, quantity: int, title: str | None, *, legacy: bool
) -> StockItem:
    listed = book.plain_listing() if sku is None else book.own_listing()
    sku = sku or listed.sku or ""
    return book.add_item(sku=sku, listed=listed, quantity=quantity, title=title, legacy=legacy)


def _first_offer(book: StockBook, item: StockItem, price: int | None, *, publish: bool) -> None:
    offer = book.add_offer(
        item,
        marketplace=book.site.marketplace,
        format=item.listing.sold_format,
        price=item.listing.price if price is None else price,
    )
    if publish:
        book.publish(offer, item.listing.item_id)


async def change_item(request: Request) -> Response:
    """`price` is set on all offers of the item."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "sku", "quantity", "title", "price", "overrides")
    book = world.stocks.of(fields.seller(world))
    item, price, patch = _item(book, fields.text("sku")), _price(fields), _overrides(fields, "sku")
    quantity, title = fields.maybe_whole("quantity"), fields.maybe_text("title")
    book.change_item(item, quantity=quantity, title=title, patch=patch)
    if price is not None:
        for offer in book.offers_of(item):
            offer.price = price
    return json_response(_summary(book, item))


async def remove_item(request: Request) -> Response:
    world, fields = world_of(request), query_fields(request, "seller", "sku")
    book = world.stocks.of(fields.seller(world))
    item = _item(book, fields.text("sku"))
    book.remove_item(item)
    return json_response({"removed": item.sku})


async def add_offer(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(
        request, "seller", "sku", "marketplace_id", "format", "price", "published", "overrides"
    )
    book = world.stocks.of(fields.seller(world))
    item, price, patch = _item(book, fields.text("sku")), _price(fields), _overrides(fields, "offerId", "sku")
    marketplace = fields.maybe_text("marketplace_id", CURRENCY_OF) or book.site.marketplace
    format, publish = fields.maybe_text("format", FORMATS) or "FIXED_PRICE", fields.flag("published", True)
    try:
        offer = book.add_offer(item, marketplace=marketplace, format=format, price=price)
    except StockConflict as conflict:
        raise BadControlCall(str(conflict)) from None
    if publish:
        book.publish(offer)
    offer.patch = patch or None
    return json_response(offer_body(book, offer))


async def change_offer(request: Request) -> Response:
    """`published` false withdraws the offer, true publishes it as another listing."""
    world = world_of(request)
    fields = await json_fields(
        request, "seller", "price", "published", "sold", "listing_status", "on_hold", "overrides"
    )
    book = world.stocks.of(fields.seller(world))
    offer, price, sold = _offer(book, request), _price(fields), fields.maybe_whole("sold")
    publish, on_hold = fields.flag("published", offer.published), fields.flag("on_hold", offer.on_hold)
    status = fields.maybe_text("listing_status", LISTING_STATUSES)
    patch = _overrides(fields, "offerId", "sku")
    offer.price = offer.price if price is None else price
    if publish and not offer.published:
        book.publish(offer)
    if offer.published and not publish:
        book.withdraw(offer)
    if offer.published:
        offer.sold, offer.on_hold = offer.sold if sold is None else sold, on_hold
        offer.forced_status = status or offer.forced_status
    if patch:
        offer.patch = join_patches(offer.patch or {}, patch)
    return json_response(offer_body(book, offer))


async def remove_offer(request: Request) -> Response:
    world = world_of(request)
    book = world.stocks.of(query_fields(request, "seller").seller(world))
    offer = _offer(book, request)
    book.remove_offer(offer)
    return json_response({"removed": offer.offer_id})


async def change_some(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "kind")
    seller, count = fields.seller(world), fields.whole("count", 1, most=_MOST_AT_ONCE)
    kind: StockChange | None = fields.maybe_text("kind", STOCK_CHANGES)  # type: ignore[assignment]
    book, source = world.stocks.of(seller), world.stocks.activity_of(seller).by_hand
    skus = [change_stock(book, source, kind) for _ in range(count)]
    return json_response({"skus": [sku for sku in skus if sku is not None]})


async def drift(request: Request) -> Response:
    """Items that come, go or change while somebody pages; without `seller` for all sellers."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "per_page", "kind", "pages")
    per_page, pages = fields.whole("per_page", most=10_000), fields.maybe_whole("pages", least=1)
    kind: DriftKind = fields.maybe_text("kind", DRIFT_KINDS) or "mixed"  # type: ignore[assignment]
    username = fields.maybe_text("seller")
    for seller in [find_seller(world, username)] if username else world.sellers:
        world.stocks.drifts.pop(seller.user_id, None)
        if per_page:
            world.stocks.drifts[seller.user_id] = StockDrift(per_page, kind, pages)
    return json_response({"per_page": per_page, "kind": kind, "pages": pages})


async def true_items(request: Request) -> Response:
    """Every item with the body of getInventoryItems, in the order of creation."""
    world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
    book = world.stocks.of(fields.seller(world))
    offset, limit = fields.whole("offset", 0), fields.whole("limit", 1000)
    items = list(book.items.values())
    bodies = [item_body(book, item) for item in items[offset : offset + limit]]
    return json_response({"total": len(items), "offset": offset, "limit": limit, "items": bodies})


async def true_offers(request: Request) -> Response:
    """Every offer that getOffers gives; `unreachable` are the ids of offers of legacy SKUs."""
    world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
    book = world.stocks.of(fields.seller(world))
    offset, limit = fields.whole("offset", 0), fields.whole("limit", 1000)
    offers = list(book.reachable_offers())
    answer: JsonObject = {"total": len(offers), "offset": offset, "limit": limit}
    answer["offers"] = [offer_body(book, offer) for offer in offers[offset : offset + limit]]
    answer["unreachable"] = [offer.offer_id for offer in book.offers.values() if offer.item.legacy]
    return json_response(answer)


routes = [
    Route("/_sim/stock", list_stock, methods=["GET"]),
    Route("/_sim/stock", add_items, methods=["POST"]),
    Route("/_sim/stock", change_item, methods=["PATCH"]),
    Route("/_sim/stock", remove_item, methods=["DELETE"]),
    Route("/_sim/stock/offers", add_offer, methods=["POST"]),
    Route("/_sim/stock/offers/{offer_id}", change_offer, methods=["PATCH"]),
    Route("/_sim/stock/offers/{offer_id}", remove_offer, methods=["DELETE"]),
    Route("/_sim/stock/change", change_some, methods=["POST"]),
    Route("/_sim/stock/drift", drift, methods=["POST"]),
    Route("/_sim/truth/items", true_items, methods=["GET"]),
    Route("/_sim/truth/offers", true_offers, methods=["GET"]),
]
