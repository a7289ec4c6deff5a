"""Control API: purchases are made, paid and sent, and what is true of them."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, Fields, json_fields, query_fields
from ebayconnector.simulator.control.trading import MOST_AT_ONCE, drift_endpoint, overrides, paged
from ebayconnector.simulator.purchase_activity import PURCHASE_CHANGES, PurchaseChange, change_purchase
from ebayconnector.simulator.purchase_body import won_body
from ebayconnector.simulator.purchase_book import KEPT_MS, NEVER, Purchase, PurchaseBook, WonEntry
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.trading_world import TradingBooks

_FIXED = ("OrderLineItemID", "TransactionID", "PaidTime", "ShippedTime")


async def true_purchases(request: Request) -> Response:
    """Every OrderTransaction of the last sixty days, oldest first; `ids` are their OrderLineItemIDs."""
    world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
    now_ms, book = world.clock.now_ms(), world.trading.purchases_of(fields.seller(world))
    entries = sorted(book.won(now_ms, now_ms - KEPT_MS), key=lambda entry: entry.bought_ms)
    return paged(
        fields,
        "purchases",
        entries,
        lambda entry: {"ids": [one.line_item_id for one in entry.purchases]} | won_body(entry, now_ms),
    )


async def add_purchases(request: Request) -> Response:
    """One purchase, or several from one seller in one order, `count` times; unpaid unless said otherwise."""
    world = world_of(request)
    fields = await json_fields(
        request, "seller", "count", "auction", "together", "created_at", "paid_at", "shipped_at", "overrides"
    )
    buyer, count = fields.seller(world), fields.whole("count", 1, most=MOST_AT_ONCE)
    together, auction = fields.whole("together", 1, least=1, most=50), fields.flag("auction", False)
    created_ms, paid_ms, shipped_ms = _times(fields)
    patch, now_ms = overrides(fields, *_FIXED), world.clock.now_ms()
    book, source = world.trading.purchases_of(buyer), world.trading.by_hand(buyer)
    at_ms = now_ms if created_ms is None else created_ms
    ids: list[str] = []
    for _ in range(count):
        bought = book.buy(source, at_ms, together=together, auction=auction)
        for one in bought:
            book.change(one, paid_ms=paid_ms or NEVER, shipped_ms=shipped_ms or NEVER, patch=patch)
        ids += [one.line_item_id for one in bought]
    return json_response({"orderLineItemIds": ids})


def _times(fields: Fields) -> tuple[int | None, int | None, int | None]:
    return fields.maybe_time("created_at"), fields.maybe_time("paid_at"), fields.maybe_time("shipped_at")


def _purchase(book: PurchaseBook, request: Request) -> Purchase:
    line_item_id = request.path_params["line_item_id"]
    found = book.purchases.get(line_item_id)
    if found is None:
        raise BadControlCall(f"this user has no purchase {line_item_id}")
    return found


async def change_one(request: Request) -> Response:
    """`paid_at` and `shipped_at` null take payment and shipment away."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "paid_at", "shipped_at", "overrides")
    now_ms, book = world.clock.now_ms(), world.trading.purchases_of(fields.seller(world))
    one, patch = _purchase(book, request), overrides(fields, *_FIXED)
    paid_ms = NEVER if fields.is_null("paid_at") else fields.maybe_time("paid_at")
    shipped_ms = NEVER if fields.is_null("shipped_at") else fields.maybe_time("shipped_at")
    book.change(one, paid_ms=paid_ms, shipped_ms=shipped_ms, patch=patch)
    return json_response(won_body(WonEntry((one,)), now_ms))


async def remove_one(request: Request) -> Response:
    world = world_of(request)
    book = world.trading.purchases_of(query_fields(request, "seller").seller(world))
    one = _purchase(book, request)
    book.remove(one)
    return json_response({"removed": one.line_item_id})


async def change_some(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "kind")
    buyer, count = fields.seller(world), fields.whole("count", 1, most=MOST_AT_ONCE)
    kind: PurchaseChange | None = fields.maybe_text("kind", PURCHASE_CHANGES)  # type: ignore[assignment]
    changed = [_change(world.trading, buyer, kind) for _ in range(count)]
    return json_response({"orderLineItemIds": [one for one in changed if one is not None]})


def _change(books: TradingBooks, buyer: Seller, kind: PurchaseChange | None) -> str | None:
    return change_purchase(books.purchases_of(buyer), books.by_hand(buyer), books.clock.now_ms(), kind)


def _move(books: TradingBooks, buyer: Seller, kind: str, at: int) -> None:
    mixed: tuple[PurchaseChange, ...] = ("delete", "buy", "ship")
    _change(books, buyer, mixed[at % 3] if kind == "mixed" else kind)  # type: ignore[arg-type]


routes = [
    Route("/_sim/truth/purchases", true_purchases, methods=["GET"]),
    Route("/_sim/purchases", add_purchases, methods=["POST"]),
    Route("/_sim/purchases/change", change_some, methods=["POST"]),
    Route(
        "/_sim/purchases/drift",
        drift_endpoint("purchases", (*PURCHASE_CHANGES, "mixed"), _move),
        methods=["POST"],
    ),
    Route("/_sim/purchases/{line_item_id}", change_one, methods=["PATCH"]),
    Route("/_sim/purchases/{line_item_id}", remove_one, methods=["DELETE"]),
]
