"""Control API: what is true, to compare with what somebody copied."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.api_fulfillment import base_url
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import query_fields
from ebayconnector.simulator.order_body import View, order_body
from ebayconnector.simulator.order_book import RETENTION_MS
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.times import iso


async def orders(request: Request) -> Response:
    """Every order that getOrders could give now, oldest first, with the bodies it would give."""
    world = world_of(request)
    fields = query_fields(request, "seller", "offset", "limit")
    seller, offset, limit = fields.seller(world), fields.whole("offset", 0), fields.whole("limit", 1000)
    now_ms = world.clock.now_ms()
    book, view = world.orders_of(seller), View(now_ms, base_url(request))
    places = book.created_between(now_ms - RETENTION_MS, now_ms)
    bodies = [order_body(book, n, seller, view) for n in places[offset : offset + limit]]
    return json_response({"total": len(places), "offset": offset, "limit": limit, "orders": bodies})


async def order_ids(request: Request) -> Response:
    """`[[orderId, lastModifiedDate], ...]`, oldest creation first."""
    world = world_of(request)
    book = world.orders_of(query_fields(request, "seller").seller(world))
    now_ms = world.clock.now_ms()
    places = book.created_between(now_ms - RETENTION_MS, now_ms)
    return json_response([[book.order_id(n), iso(book.modified[n])] for n in places])


routes = [
    Route("/_sim/truth/orders", orders, methods=["GET"]),
    Route("/_sim/truth/orders/ids", order_ids, methods=["GET"]),
]
