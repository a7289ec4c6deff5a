"""Control API: orders are added, changed and removed, and made to move while they are read."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.activity import CHANGE_KINDS, change_random
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import (
    BadControlCall,
    Fields,
    find_seller,
    json_fields,
    query_fields,
)
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.order_book import FULFILMENT_STATUS, PAYMENT_STATUS, OrderBook
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.times import iso
from ebayconnector.simulator.world import Drift

_MOST_AT_ONCE = 100_000
_STATE = frozenset({"creationDate", "lastModifiedDate", "orderFulfillmentStatus", "orderPaymentStatus"})


class Overrides:
    """A patch of a body, with what belongs to the state (dates, statuses) taken out of it."""

    def __init__(self, patch: JsonObject) -> None:
        if "orderId" in patch:
            raise BadControlCall("orderId cannot be overridden")
        fields = Fields({name: value for name, value in patch.items() if name in _STATE}, _STATE)
        self.created_ms = fields.maybe_time("creationDate")
        self.modified_ms = fields.maybe_time("lastModifiedDate")
        self.fulfilment = _place(
            fields.maybe_text("orderFulfillmentStatus", FULFILMENT_STATUS), FULFILMENT_STATUS
        )
        self.payment = _place(fields.maybe_text("orderPaymentStatus", PAYMENT_STATUS), PAYMENT_STATUS)
        self.patch = {name: value for name, value in patch.items() if name not in _STATE or value is None}

    def apply(self, book: OrderBook, n: int, modified_ms: int | None) -> None:
        book.change(
            n,
            fulfilment=self.fulfilment,
            payment=self.payment,
            created_ms=self.created_ms,
            modified_ms=self.modified_ms if self.modified_ms is not None else modified_ms,
            patch=self.patch,
        )


def _place(name: str | None, names: tuple[str, ...]) -> int | None:
    return None if name is None else names.index(name)


def _summary(book: OrderBook, n: int) -> JsonObject:
    return {
        "orderId": book.order_id(n),
        "creationDate": iso(book.created[n]),
        "lastModifiedDate": iso(book.modified[n]),
    }


async def add_orders(request: Request) -> Response:
    """Without `modified_at` an order was last changed when it was created, without `created_at` now."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "created_at", "modified_at", "overrides")
    seller, count = fields.seller(world), fields.whole("count", 1, most=_MOST_AT_ONCE)
    created_ms, modified_ms = fields.maybe_time("created_at"), fields.maybe_time("modified_at")
    overrides = Overrides(fields.object("overrides"))
    book, now_ms = world.orders_of(seller), world.clock.now_ms()
    at_ms = now_ms if created_ms is None else created_ms
    places = [
        book.add(created_ms=at_ms, modified_ms=at_ms if modified_ms is None else modified_ms)
        for _ in range(count)
    ]
    if "overrides" in fields:
        for n in places:
            overrides.apply(book, n, None)
    return json_response({"orderIds": [book.order_id(n) for n in places]})


def _live_order(book: OrderBook, order_id: str) -> int:
    n = book.place_of(order_id)
    if n is None:
        raise BadControlCall(f"this seller has no order {order_id}")
    return n


async def change_one(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "overrides", "touch")
    book = world.orders_of(fields.seller(world))
    n = _live_order(book, request.path_params["order_id"])
    overrides, touch = Overrides(fields.object("overrides")), fields.flag("touch", True)
    overrides.apply(book, n, world.clock.now_ms() if touch else None)
    return json_response(_summary(book, n))


async def remove_one(request: Request) -> Response:
    world = world_of(request)
    book = world.orders_of(query_fields(request, "seller").seller(world))
    n = _live_order(book, request.path_params["order_id"])
    book.remove(n)
    return json_response({"removed": request.path_params["order_id"]})


async def change_some(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "kind")
    seller, count = fields.seller(world), fields.whole("count", 1, most=_MOST_AT_ONCE)
    kind = fields.maybe_text("kind", CHANGE_KINDS)
    book, activity = world.orders_of(seller), world.activity_of(seller)
    places = change_random(
        book, activity.by_hand, count=count, at_ms=world.clock.now_ms(), kind=kind  # type: ignore[arg-type]
    )  # fmt: skip
    return json_response({"orderIds": [book.order_id(n) for n in places]})


async def drift(request: Request) -> Response:
    """Rows that move while somebody pages; without `seller` for all sellers."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "per_page", "kind", "pages", "api")
    per_page, pages = fields.whole("per_page", most=10_000), fields.maybe_whole("pages", least=1)
    kind = fields.maybe_text("kind", ("modify", "create", "mixed", "refund")) or "mixed"
    api = fields.maybe_text("api", ("fulfillment", "finances"))
    username = fields.maybe_text("seller")
    for seller in [find_seller(world, username)] if username else world.sellers:
        world.drifts.pop(seller.user_id, None)
        if per_page:
            world.drifts[seller.user_id] = Drift(per_page, kind, pages, api)
    return json_response({"per_page": per_page, "kind": kind, "pages": pages, "api": api})


routes = [
    Route("/_sim/orders", add_orders, methods=["POST"]),
    Route("/_sim/orders/change", change_some, methods=["POST"]),
    Route("/_sim/orders/{order_id}", change_one, methods=["PATCH"]),
    Route("/_sim/orders/{order_id}", remove_one, methods=["DELETE"]),
    Route("/_sim/drift", drift, methods=["POST"]),
]
