"""Control API: applications, sellers and their tokens."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.applications import DEFAULT_CLIENT_ID, Application
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, find_seller, json_fields
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import ALL_SCOPES, DEFAULT_SCOPES, USER_SCOPES
from ebayconnector.simulator.sellers import SELLER_STATUSES
from ebayconnector.simulator.sites import SITES
from ebayconnector.simulator.times import SECOND_MS
from ebayconnector.simulator.tokens import ACCESS_LIFE_S, REFRESH_LIFE_S


async def list_applications(request: Request) -> Response:
    applications = world_of(request).applications.values()
    return json_response({"applications": [application.as_json() for application in applications]})


async def add_application(request: Request) -> Response:
    """Adds one, or replaces the one with the same client id."""
    world = world_of(request)
    fields = await json_fields(
        request, "client_id", "client_secret", "runame", "accept_url", "reject_url", "scopes"
    )
    scopes = fields.texts("scopes")
    application = Application(
        client_id=fields.text("client_id"),
        client_secret=fields.text("client_secret"),
        runame=fields.text("runame"),
        accept_url=fields.text("accept_url"),
        reject_url=fields.maybe_text("reject_url") or fields.text("accept_url"),
        scopes=DEFAULT_SCOPES if scopes is None else frozenset(scopes),
    )
    if not application.scopes <= ALL_SCOPES:
        raise BadControlCall(f"scopes that eBay does not know: {', '.join(application.scopes - ALL_SCOPES)}")
    owner = world.application_of_runame(application.runame)
    if owner is not None and owner.client_id != application.client_id:
        raise BadControlCall("runame belongs to another application")
    world.add_application(application)
    return json_response(application.as_json())


async def list_sellers(request: Request) -> Response:
    world = world_of(request)
    sellers = [seller.as_json() | {"orders": world.order_count(seller)} for seller in world.sellers]
    return json_response({"sellers": sellers})


async def add_seller(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "username", "site", "orders")
    username, site = fields.text("username"), fields.maybe_text("site", SITES) or "US"
    orders = fields.whole("orders", world.config.orders, most=2_000_000)
    if world.seller_named(username) is not None:
        raise BadControlCall(f"seller exists: {username}")
    return json_response(world.add_seller(username, SITES[site], orders).as_json())


async def change_seller(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "username", "status")
    seller = find_seller(world, request.path_params["username"])
    username, status = fields.maybe_text("username"), fields.maybe_text("status", SELLER_STATUSES)
    if username is not None and world.seller_named(username) not in (None, seller):
        raise BadControlCall(f"seller exists: {username}")
    seller.username = username or seller.username
    seller.status = status or seller.status
    return json_response(seller.as_json())


async def mint_tokens(request: Request) -> Response:
    """What a consent and a code exchange give, in one step."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "scopes", "client_id", "life_s")
    seller = fields.seller(world)
    client_id = fields.maybe_text("client_id") or DEFAULT_CLIENT_ID
    application = world.applications.get(client_id)
    if application is None:
        raise BadControlCall(f"no such application: {client_id}")
    asked = fields.texts("scopes")
    scopes = application.scopes & USER_SCOPES if asked is None else frozenset(asked)
    if not scopes <= USER_SCOPES:
        raise BadControlCall("scopes must be scopes of user tokens")
    life_s, now_ms = fields.whole("life_s", ACCESS_LIFE_S), world.clock.now_ms()
    access = world.tokens.issue_access(client_id, seller.user_id, scopes, now_ms, life_s)
    refresh = world.tokens.issue_refresh(client_id, seller.user_id, scopes, now_ms)
    answer = {"access_token": access, "expires_in": life_s, "token_type": "User Access Token"}
    return json_response(answer | {"refresh_token": refresh, "refresh_token_expires_in": REFRESH_LIFE_S})


async def revoke_tokens(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "reason")
    seller, reason = fields.seller(world), fields.maybe_text("reason") or "user_revoked"
    return json_response({"revoked": world.tokens.revoke(seller.user_id, reason)})


async def expire_tokens(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "after_s")
    seller, after_s = fields.seller(world), fields.number("after_s", 0)
    at_ms = world.clock.now_ms() + int(after_s * SECOND_MS)
    return json_response({"access_tokens": world.tokens.expire_access(seller.user_id, at_ms)})


routes = [
    Route("/_sim/applications", list_applications, methods=["GET"]),
    Route("/_sim/applications", add_application, methods=["POST"]),
    Route("/_sim/sellers", list_sellers, methods=["GET"]),
    Route("/_sim/sellers", add_seller, methods=["POST"]),
    Route("/_sim/sellers/{username}", change_seller, methods=["PATCH"]),
    Route("/_sim/tokens", mint_tokens, methods=["POST"]),
    Route("/_sim/tokens/revoke", revoke_tokens, methods=["POST"]),
    Route("/_sim/tokens/expire", expire_tokens, methods=["POST"]),
]
