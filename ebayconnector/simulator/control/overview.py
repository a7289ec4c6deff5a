"""Control API: overview, state, reset, clock, quotas, latency."""

from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.config import INVENTORY_LINKS, INVENTORY_OFFSETS, SORT_ORDERS, STOCK_SORTS
from ebayconnector.simulator.control.body import BadControlCall, json_fields
from ebayconnector.simulator.control.trading import SIZES as TRADING_SIZES
from ebayconnector.simulator.control.trading import read_sizes as read_trading_sizes
from ebayconnector.simulator.control.troubles import RESET_NAMES as TROUBLE_NAMES
from ebayconnector.simulator.control.troubles import read_reset as read_troubles
from ebayconnector.simulator.control.troubles import state_of_troubles
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.times import SECOND_MS
from ebayconnector.simulator.world import World

_CALLS = {
    "GET /_sim/": "this overview",
    "GET /_sim/state": "seed, clock, sellers, counts, quotas, faults",
    "POST /_sim/reset": "{seed?, now?, orders?, auctions?, arrivals_per_minute?, changes_per_minute?, sort?, "
    "stock?, stock_changes_per_minute?, stock_sort?, inventory_offset?, inventory_links?, messages?, "
    "messages_per_minute?, listings?, listing_changes_per_minute?, purchases?, purchases_per_minute?, "
    "trouble_share?, trouble_changes_per_minute?}",
    "GET POST /_sim/clock": "{offset_s?, now?, advance_s?, frozen?}",
    "GET POST DELETE /_sim/faults": "{path, kind, method?, seller?, count?, skip?, before?, status?, code?, "
    "retry_after?, delay_s?, body?, chance?}; DELETE ?id= for one",
    "GET DELETE /_sim/requests": "?path=&limit=&after=",
    "GET /_sim/requests/count": "?path=",
    "GET POST /_sim/applications": "{client_id, client_secret, runame, accept_url, reject_url?, scopes?}",
    "GET POST /_sim/sellers": "{username, site?, orders?}",
    "PATCH /_sim/sellers/{username}": "{username?, status?}",
    "POST /_sim/tokens": "{seller, scopes?, client_id?, life_s?}: a token pair without the consent page",
    "POST /_sim/tokens/revoke": "{seller, reason?}",
    "POST /_sim/tokens/expire": "{seller, after_s?}",
    "GET /_sim/truth/orders": "?seller=&offset=&limit=",
    "GET /_sim/truth/orders/ids": "?seller=",
    "POST /_sim/orders": "{seller, count?, created_at?, modified_at?, overrides?}",
    "PATCH DELETE /_sim/orders/{orderId}": "{seller, overrides?, touch?}; DELETE ?seller=",
    "POST /_sim/orders/change": "{seller, count?, kind?}",
    "POST /_sim/drift": "{seller?, per_page, kind?, pages?, api?}",
    "GET POST /_sim/finances": "{generation?, signatures?, signature_tolerance_s?, ignored_limit?}",
    "GET /_sim/truth/transactions, payouts, transfers": "?seller=&offset=&limit=",
    "GET /_sim/truth/funds": "?seller=",
    "PATCH /_sim/transactions/{transactionId}": "{seller, transactionType?, transactionStatus?, fee?, "
    "overrides?}",
    "PATCH /_sim/payouts/{payoutId}": "{seller, payoutStatus}",
    "GET /_sim/signing_keys": "?client_id=",
    "POST /_sim/signing_keys/{signingKeyId}/expire": "{after_s?}",
    "POST /_sim/signing_keys/{signingKeyId}/revoke": "",
    "GET POST DELETE /_sim/stock": "?seller=&offset=&limit=; {seller, sku?, count?, title?, quantity?, "
    "price?, legacy?, offer?, overrides?}; DELETE ?seller=&sku=",
    "PATCH /_sim/stock": "{seller, sku, quantity?, title?, price?, overrides?}",
    "POST /_sim/stock/offers": "{seller, sku, marketplace_id?, format?, price?, published?, overrides?}",
    "PATCH DELETE /_sim/stock/offers/{offerId}": "{seller, price?, published?, sold?, listing_status?, "
    "on_hold?, overrides?}; DELETE ?seller=",
    "POST /_sim/stock/change": "{seller, count?, kind?}",
    "POST /_sim/stock/drift": "{seller?, per_page, kind?, pages?}",
    "GET /_sim/truth/items": "?seller=&offset=&limit=",
    "GET /_sim/truth/offers": "?seller=&offset=&limit=",
    "GET POST /_sim/trading": "{unknown_message?, messages_beyond_end?, messages_sort?, active_ceiling?, "
    "ceiling_totals?, selling_calls?}",
    "POST /_sim/trading/problems": "{codes, ack?, count?, call?, seller?}",
    "GET /_sim/truth/messages, listings, purchases": "?seller=&offset=&limit=",
    "POST /_sim/messages": "{seller, count?, received_at?, kind?, folder?, order_id?, read?, flagged?, "
    "high_priority?, overrides?}",
    "PATCH DELETE /_sim/messages/{messageId}": "{seller, read?, flagged?, replied?, folder?, overrides?}; "
    "DELETE ?seller=",
    "POST /_sim/listings": "{seller, count?, started_at?, auction?} and what can be revised",
    "PATCH DELETE /_sim/listings/{itemId}": "{seller, title?, sku?, price?, quantity?, sold?, bids?, "
    "ends_at?, variations?, overrides?}; DELETE ?seller=",
    "POST /_sim/purchases": "{seller, count?, auction?, together?, created_at?, paid_at?, shipped_at?, "
    "overrides?}",
    "PATCH DELETE /_sim/purchases/{orderLineItemId}": "{seller, paid_at?, shipped_at?, overrides?}; "
    "DELETE ?seller=",
    "POST /_sim/messages/change, listings/change, purchases/change": "{seller, count?, kind?}",
    "POST /_sim/messages/drift, listings/drift, purchases/drift": "{seller?, per_page, kind?, pages?}",
    "GET POST /_sim/post_order": "{error_shape?, offset?, max_span_days?, sort?, empty_disputes?}",
    "POST /_sim/troubles": "{seller, family, order_id?, line?, quantity?, opened_at?, lives?}",
    "PATCH /_sim/troubles/{id}": "{seller, step?, lives?, summary?, detail?}",
    "POST /_sim/troubles/change": "{seller, count?, kind?, family?}",
    "POST /_sim/troubles/drift": "{seller?, per_page, kind?, pages?, family?}",
    "GET /_sim/truth/cases, inquiries, returns, disputes": "?seller=&offset=&limit=",
    "GET POST /_sim/notices": "{topic?, seller? or user? or data?, reason?, event_date?, notification_id?, "
    "damage?, endpoint?}",
    "POST /_sim/notices/compose": "the same, {attempt?}",
    "POST /_sim/notices/settings": "{refuse_local?, retry_s?, destination_status?}",
    "POST /_sim/notices/rotate_key": "{forget?}",
    "GET POST /_sim/bidding": "{ended_items?, same_maximum?, browse_lag_s?, bid_limit?}",
    "POST /_sim/bidding/access": "{granted?, client_id?}: the keysets get or lose the scope of bids",
    "GET POST /_sim/auctions": "{seller?, site?, kind?, title?, start?, reserve?, buy_it_now?, ends_at?, "
    "ends_in_s?, count?, step_s?, background?, value?, rivals?, refuse?, adult?, business_only?, "
    "whole_amounts?, gone?}; a rival: {bidder?, amount, before_end_s | at, least?}",
    "GET PATCH /_sim/auctions/{itemId}": "{ends_at?, ends_in_s?, end?, rivals?, background?, value?, "
    "refuse?, title?, adult?, business_only?, whole_amounts?, gone?}",
    "GET /_sim/truth/bids": "?item_id=",
    "GET DELETE /_sim/posts": "?item_id=&seller=&after=: every POST of a bid",
    "GET /_sim/posts/raises": "?item_id=&seller=&after=: how often each maximum was raised",
    "POST /_sim/quotas": "{api, limit?, used?, client_id?}",
    "POST /_sim/latency": "{path, seconds, p99_s?}",
}

_SETTINGS = (
    "seed", "orders", "auctions", "arrivals_per_minute", "changes_per_minute", "sort", "stock",
    "stock_changes_per_minute", "stock_sort", "inventory_offset", "inventory_links", *TRADING_SIZES,
    *TROUBLE_NAMES,
)  # fmt: skip


async def overview(request: Request) -> Response:
    return json_response({"simulator": "eBay", "calls": _CALLS})


def state_of(world: World) -> JsonObject:
    config = world.config
    return {
        "seed": config.seed,
        "sort": config.sort,
        "arrivals_per_minute": config.arrivals_per_minute,
        "changes_per_minute": config.changes_per_minute,
        "stock": {
            "items": config.stock,
            "changes_per_minute": config.stock_changes_per_minute,
            "sort": config.stock_sort,
            "offset": config.inventory_offset,
            "links": config.inventory_links,
            "drift": {user_id: drift.per_page for user_id, drift in world.stocks.drifts.items()},
        },
        "trading": {name: getattr(config, name) for name in TRADING_SIZES}
        | {"drift": {" ".join(key): drift.per_page for key, drift in world.trading.drifts.items()}},
        "troubles": state_of_troubles(world),
        "auctions": {"items": len(world.auctions.items), "posts": len(world.auctions.posts)}
        | world.bidding.as_json(),
        "clock": world.clock.as_json(),
        "sellers": [seller.as_json() | {"orders": world.order_count(seller)} for seller in world.sellers],
        "applications": sorted(world.applications),
        "quotas": world.quotas.as_json(),
        "faults": [fault.as_json() for fault in world.faults.rules],
        "latency": world.latencies.as_json(),
        "drift": {user_id: drift.per_page for user_id, drift in world.drifts.items()},
        "finances": world.finances.as_json(),
        "signing_keys": len(world.signing_keys.by_id),
        "tokens": {"access": len(world.tokens.access), "refresh": len(world.tokens.refresh)},
        "requests": {"kept": len(world.log), "last_seq": world.log.last_seq},
    }


async def state(request: Request) -> Response:
    return json_response(state_of(world_of(request)))


async def reset(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "now", *_SETTINGS)
    old, now_ms = world.config, fields.maybe_time("now")
    config = replace(
        old,
        seed=fields.whole("seed", old.seed),
        orders=fields.whole("orders", old.orders, most=2_000_000),
        auctions=fields.whole("auctions", old.auctions, most=100_000),
        arrivals_per_minute=fields.number("arrivals_per_minute", old.arrivals_per_minute, least=0),
        changes_per_minute=fields.number("changes_per_minute", old.changes_per_minute, least=0),
        sort=fields.maybe_text("sort", SORT_ORDERS) or old.sort,  # type: ignore[arg-type]
        stock=fields.whole("stock", old.stock, most=100_000),
        stock_changes_per_minute=fields.number(
            "stock_changes_per_minute", old.stock_changes_per_minute, least=0
        ),
        stock_sort=fields.maybe_text("stock_sort", STOCK_SORTS) or old.stock_sort,  # type: ignore[arg-type]
        inventory_offset=fields.maybe_text("inventory_offset", INVENTORY_OFFSETS)  # type: ignore[arg-type]
        or old.inventory_offset,
        inventory_links=fields.maybe_text("inventory_links", INVENTORY_LINKS)  # type: ignore[arg-type]
        or old.inventory_links,
        **read_trading_sizes(fields, old),
        **read_troubles(fields, old),
    )
    world.reset(config, now_ms)
    return json_response(state_of(world))


async def clock(request: Request) -> Response:
    return json_response(world_of(request).clock.as_json())


async def set_clock(request: Request) -> Response:
    """Applied in the order offset_s, now, advance_s, frozen."""
    clock = world_of(request).clock
    fields = await json_fields(request, "offset_s", "now", "advance_s", "frozen")
    offset_s, advance_s = fields.number("offset_s", 0), fields.number("advance_s", 0)
    now_ms, frozen = fields.maybe_time("now"), fields.flag("frozen", clock.frozen)
    if "offset_s" in fields:
        clock.set_offset(int(offset_s * SECOND_MS))
    if now_ms is not None:
        clock.set(now_ms)
    if advance_s:
        clock.advance(int(advance_s * SECOND_MS))
    if frozen and not clock.frozen:
        clock.freeze()
    elif clock.frozen and not frozen:
        clock.unfreeze()
    return json_response(clock.as_json())


async def quotas(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "api", "limit", "used", "client_id")
    api, limit, used = fields.text("api"), fields.maybe_whole("limit"), fields.maybe_whole("used")
    client_id = fields.maybe_text("client_id")
    if api not in world.quotas.limits:
        raise BadControlCall(f"api must be one of {', '.join(world.quotas.limits)}")
    if client_id is not None and client_id not in world.applications:
        raise BadControlCall(f"no such application: {client_id}")
    if limit is not None:
        world.quotas.limits[api] = limit
    if used is not None:
        for application in [client_id] if client_id else list(world.applications):
            world.quotas.set_used(application, api, used)
    return json_response(world.quotas.as_json())


async def latency(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "path", "seconds", "p99_s")
    seconds = fields.number("seconds", least=0)
    world.latencies.set(fields.pattern("path"), seconds, fields.number("p99_s", seconds, least=seconds))
    return json_response(world.latencies.as_json())


routes = [
    Route("/_sim", overview, methods=["GET"]),
    Route("/_sim/", overview, methods=["GET"]),
    Route("/_sim/state", state, methods=["GET"]),
    Route("/_sim/reset", reset, methods=["POST"]),
    Route("/_sim/clock", clock, methods=["GET"]),
    Route("/_sim/clock", set_clock, methods=["POST"]),
    Route("/_sim/quotas", quotas, methods=["POST"]),
    Route("/_sim/latency", latency, methods=["POST"]),
]
