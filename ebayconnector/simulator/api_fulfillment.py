"""Fulfillment API: getOrders and getOrder (03 §4.1, §4.2)."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import authorize_seller, world_of
from ebayconnector.simulator.ebay_errors import fulfillment_error
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.order_body import View, order_body, order_bytes
from ebayconnector.simulator.order_book import RETENTION_MS, OrderBook
from ebayconnector.simulator.order_query import (
    DEFAULT_LIMIT,
    MAX_ORDER_IDS,
    matching_orders,
    parse_page,
    parse_query,
)
from ebayconnector.simulator.responses import json_bytes, json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller

PATH = "/sell/fulfillment/v1/order"

_SCOPES = frozenset({f"{BASE}/sell.fulfillment", f"{BASE}/sell.fulfillment.readonly"})
_TAX_BREAKDOWN = "TAX_BREAKDOWN"


def base_url(request: Request) -> str:
    return f"{request.url.scheme}://{request.headers.get('host', request.url.netloc)}"


def _view(request: Request, now_ms: int, *, single: bool = False) -> View:
    groups = [group for group in request.query_params.get("fieldGroups", "").split(",") if group]
    for group in groups:
        if group != _TAX_BREAKDOWN:
            raise fulfillment_error(32800, group)
    return View(now_ms, base_url(request), tax_breakdown=bool(groups), cancel_requests=single)


async def get_orders(request: Request) -> Response:
    seller, _token = authorize_seller(request, api="fulfillment", any_of=_SCOPES)
    world = world_of(request)
    if "orderIds" in request.query_params:
        answer = json_response(_chosen_orders(request, seller))
    else:
        answer = Response(_page(request, seller), media_type="application/json")
    world.drift(seller)
    return answer


def _page(request: Request, seller: Seller) -> bytes:
    world, params = world_of(request), request.query_params
    now_ms = world.clock.now_ms()
    limit, offset = parse_page(params)
    view = _view(request, now_ms)
    query = parse_query(params.get("filter"), now_ms)
    book = world.orders_of(seller)
    places = matching_orders(book, query, world.config.sort, now_ms)
    body: JsonObject = {"href": _page_url(request, limit, offset), "total": len(places)}
    body |= {"limit": limit, "offset": offset}
    if offset + limit < len(places):
        body["next"] = _page_url(request, limit, offset + limit)
    if offset > 0:
        body["prev"] = _page_url(request, limit, max(0, offset - limit))
    shown, kept = places[offset : offset + limit], world.config.bodies_kept
    orders = b",".join(order_bytes(book, n, seller, view, kept=kept) for n in shown)
    return b'%s,"orders":[%s],"warnings":[]}' % (json_bytes(body)[:-1], orders)


def _page_url(request: Request, limit: int, offset: int) -> str:
    kept = [(name, value) for name, value in request.query_params.items() if name not in ("limit", "offset")]
    pairs = [*kept, ("limit", str(limit)), ("offset", str(offset))]
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return f"{base_url(request)}{PATH}?{query}"


def _chosen_orders(request: Request, seller: Seller) -> JsonObject:
    """Orders by id; all other parameters are ignored and unknown ids left out."""
    world = world_of(request)
    asked = [text.strip() for text in request.query_params["orderIds"].split(",") if text.strip()]
    if len(asked) > MAX_ORDER_IDS:
        raise fulfillment_error(30900)
    now_ms = world.clock.now_ms()
    book, view = world.orders_of(seller), View(now_ms, base_url(request))
    places = [n for order_id in dict.fromkeys(asked) if (n := _visible(book, order_id, now_ms)) is not None]
    return {
        "href": f"{base_url(request)}{PATH}?orderIds={quote(','.join(asked), safe='')}",
        "total": len(places),
        "limit": DEFAULT_LIMIT,
        "offset": 0,
        "orders": [order_body(book, n, seller, view) for n in places],
        "warnings": [],
    }


def _visible(book: OrderBook, order_id: str, now_ms: int) -> int | None:
    n = book.place_of(order_id)
    if n is None or not now_ms - RETENTION_MS <= book.created[n] <= now_ms:
        return None
    return n


async def get_order(request: Request) -> Response:
    seller, _token = authorize_seller(request, api="fulfillment", any_of=_SCOPES)
    world, order_id = world_of(request), request.path_params["order_id"]
    now_ms = world.clock.now_ms()
    view = _view(request, now_ms, single=True)
    if not _well_formed(order_id):
        raise fulfillment_error(32100, order_id)
    book = world.orders_of(seller)
    n = _visible(book, order_id, now_ms)
    if n is None:
        raise fulfillment_error(32100, order_id, status=404)
    return json_response(order_body(book, n, seller, view))


def _well_formed(order_id: str) -> bool:
    parts = order_id.split("-")
    return [len(part) for part in parts] == [2, 5, 5] and all(part.isdigit() for part in parts)


routes = [
    Route(PATH, get_orders, methods=["GET"]),
    Route(f"{PATH}/{{order_id}}", get_order, methods=["GET"]),
]
