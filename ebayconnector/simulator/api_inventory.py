"""Inventory API: getInventoryItems, getInventoryItem, getOffers and getOffer (03 §6)."""

from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.api_fulfillment import base_url
from ebayconnector.simulator.callers import authorize_seller, world_of
from ebayconnector.simulator.ebay_errors import NO_PERMISSION, NOT_FOUND, EbayError
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.stock_body import item_body, offer_body
from ebayconnector.simulator.stock_book import FORMATS, StockBook, StockOffer
from ebayconnector.simulator.stock_errors import inventory_error
from ebayconnector.simulator.stock_query import (
    ITEMS_DEFAULT,
    ITEMS_MOST,
    OFFERS_DEFAULT,
    Page,
    Paging,
    check_language,
    check_marketplace,
    parse_paging,
    sorted_items,
)
from ebayconnector.simulator.stock_skus import SKU_MAX

ITEMS_PATH = "/sell/inventory/v1/inventory_item"
OFFERS_PATH = "/sell/inventory/v1/offer"

_SCOPES = frozenset({f"{BASE}/sell.inventory", f"{BASE}/sell.inventory.readonly"})


def _authorized(request: Request) -> Seller:
    """The seller. An expired token answers 403/1100 like a missing scope (03 §0, 7)."""
    seller, _token = authorize_seller(
        request, api="inventory", any_of=_SCOPES, expired=EbayError(403, NO_PERMISSION)
    )
    check_language(request.headers)
    return seller


def _answer(request: Request, body: JsonObject) -> Response:
    return json_response(body, headers={"Content-Language": request.headers["accept-language"]})


async def get_inventory_items(request: Request) -> Response:
    seller, world = _authorized(request), world_of(request)
    paging = parse_paging(request.query_params, default=ITEMS_DEFAULT, most=ITEMS_MOST)
    book = world.stocks.of(seller)
    items = sorted_items(book, world.config.stock_sort)
    page = paging.of(len(items), world.config.inventory_offset)
    body: JsonObject = {"total": len(items), "size": -(-len(items) // paging.limit)}  # a number of pages
    body |= _links(request, ITEMS_PATH, paging, page)
    body["inventoryItems"] = [item_body(book, item) for item in items[page.start : page.stop]]
    world.stocks.page_served(seller)
    return _answer(request, body)


def _links(request: Request, path: str, paging: Paging, page: Page) -> JsonObject:
    links: JsonObject = {"href": _page_url(request, path, paging.limit, paging.offset)}
    if page.next is not None:
        links["next"] = _page_url(request, path, paging.limit, page.next)
    if page.prev is not None:
        links["prev"] = _page_url(request, path, paging.limit, page.prev)
    return links | {"limit": paging.limit}


def _page_url(request: Request, path: str, limit: int, offset: int) -> str:
    kept = [(name, value) for name, value in request.query_params.items() if name not in ("limit", "offset")]
    pairs = [*kept, ("offset", str(offset)), ("limit", str(limit))]
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    absolute = world_of(request).config.inventory_links == "absolute"
    return f"{base_url(request) if absolute else ''}{path}?{query}"


async def get_inventory_item(request: Request) -> Response:
    seller = _authorized(request)
    book = world_of(request).stocks.of(seller)
    item = book.item_of(_last_segment(request, ITEMS_PATH))
    if item is None:
        raise inventory_error(25710, status=404)
    return _answer(request, item_body(book, item, single=True))


def _last_segment(request: Request, path: str) -> str:
    """The rest of the path, decoded once; a slash in a SKU must be encoded, or no such path exists."""
    raw = bytes(request.scope["raw_path"]).decode("latin-1").removeprefix(f"{path}/")
    if "/" in raw:
        raise EbayError(404, NOT_FOUND)
    return unquote(raw)


async def get_offers(request: Request) -> Response:
    seller, world, params = _authorized(request), world_of(request), request.query_params
    paging = parse_paging(params, default=OFFERS_DEFAULT)
    check_marketplace(params.get("marketplace_id"))
    if params.get("format", "FIXED_PRICE") not in FORMATS:
        raise inventory_error(25709, "format")
    book = world.stocks.of(seller)
    offers = _matching_offers(request, book)
    if not offers:
        raise inventory_error(25713, status=404)
    page = paging.of(len(offers), world.config.inventory_offset)
    bodies = [offer_body(book, offer) for offer in offers[page.start : page.stop]]
    body: JsonObject = {"total": len(offers), "size": len(bodies)}  # a number of offers
    return _answer(request, body | _links(request, OFFERS_PATH, paging, page) | {"offers": bodies})


def _matching_offers(request: Request, book: StockBook) -> list[StockOffer]:
    """The offers of a SKU. Raises EbayError 400/25707 for what is no SKU, 404/25702 for one nobody knows."""
    params = request.query_params
    sku = params.get("sku", "")
    item = book.item_of(sku)
    if not sku or len(sku) > SKU_MAX or (item is not None and item.legacy):
        raise inventory_error(25707)
    if item is None:
        raise inventory_error(25702, sku, status=404)
    return [
        offer
        for offer in book.offers_of(item)
        if params.get("marketplace_id", offer.marketplace) == offer.marketplace
        and params.get("format", offer.format) == offer.format
    ]


async def get_offer(request: Request) -> Response:
    seller = _authorized(request)
    book = world_of(request).stocks.of(seller)
    offer = book.offers.get(request.path_params["offer_id"])
    if offer is None:
        raise inventory_error(25713, status=404)
    return _answer(request, offer_body(book, offer))


routes = [
    Route(ITEMS_PATH, get_inventory_items, methods=["GET"]),
    Route(f"{ITEMS_PATH}/{{sku:path}}", get_inventory_item, methods=["GET"]),
    Route(OFFERS_PATH, get_offers, methods=["GET"]),
    Route(f"{OFFERS_PATH}/{{offer_id}}", get_offer, methods=["GET"]),
]
