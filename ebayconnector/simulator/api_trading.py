"""Trading API at `/ws/api.dll` (03 §3): one address, the call's name in a header, XML both ways."""

import re
from collections.abc import Callable, Mapping

from lxml import etree
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.sites import language_of_site_id, trading_site_ids
from ebayconnector.simulator.tokens import AccessToken
from ebayconnector.simulator.trading_xml import (
    NAMESPACE,
    TradingCall,
    element,
    failure,
    read_xml,
    root_element,
    success,
)
from ebayconnector.simulator.world import World

PATH = "/ws/api.dll"

Handler = Callable[[World, Seller, TradingCall], Response]

_CALL_NAME = re.compile(r"[A-Za-z]{1,60}")
_LANGUAGES = {"en_US": "en", "en_GB": "en", "de_DE": "de", "fr_FR": "fr", "it_IT": "it", "es_ES": "es"}


def call_name(headers: Mapping[str, str]) -> str:
    """Name of the call; empty when the header is missing or no name."""
    name = headers.get("x-ebay-api-call-name", "")
    return name if _CALL_NAME.fullmatch(name) else ""


def read_call(headers: Mapping[str, str], body: bytes, at_ms: int) -> TradingCall:
    root = read_xml(body)
    call = TradingCall(call_name(headers), _site_language(headers), at_ms, root)
    asked = _LANGUAGES.get(call.text("ErrorLanguage") or "")
    return TradingCall(call.name, asked, at_ms, root) if asked else call


def _site_language(headers: Mapping[str, str]) -> str:
    site_id = headers.get("x-ebay-api-siteid", "")
    return language_of_site_id(int(site_id)) if site_id.isascii() and site_id.isdigit() else "en"


async def trading(request: Request) -> Response:
    world = world_of(request)
    call = read_call(request.headers, await request.body(), world.clock.now_ms())
    refusal = _bad_header(request.headers, call) or _bad_body(call)
    if refusal is not None:
        return refusal
    token, code = _token(world, request.headers.get("x-ebay-api-iaf-token"))
    if token is None:
        return failure(call, code)
    if not world.quotas.take(token.client_id, "trading"):
        return failure(call, 518)
    handler = CALLS.get(call.name)
    if handler is None:
        return failure(call, 2, call.name)
    seller = world.seller_of(token.user_id or "")
    return handler(world, seller, call) if seller else failure(call, 21916984)


def _bad_header(headers: Mapping[str, str], call: TradingCall) -> Response | None:
    """Code 10012 for each header that is needed; the number is not in 03 (unverified)."""
    if not call.name:
        return failure(call, 10012, "X-EBAY-API-CALL-NAME")
    if headers.get("x-ebay-api-siteid") not in {str(number) for number in trading_site_ids()}:
        return failure(call, 10012, "X-EBAY-API-SITEID")
    if not re.fullmatch(r"[0-9]{3,4}", headers.get("x-ebay-api-compatibility-level", "")):
        return failure(call, 10012, "X-EBAY-API-COMPATIBILITY-LEVEL")
    return None


def _bad_body(call: TradingCall) -> Response | None:
    """Code 5 for what is no XML, or not the request that the header names (unverified)."""
    if call.root is None or call.root.tag != f"{{{NAMESPACE}}}{call.name}Request":
        return failure(call, 5)
    return None


def _token(world: World, text: str | None) -> tuple[AccessToken | None, int]:
    """The valid user token, or the code of what is wrong with it (03 §3.2)."""
    if not text:
        return None, 930
    if not text.startswith("v^"):
        return None, 931
    token = world.tokens.access.get(text)
    if token is None or token.revoked or token.kind != "user" or BASE not in token.scopes:
        return None, 21916984
    return (token, 0) if token.expires_ms > world.clock.now_ms() else (None, 21917053)


def _get_user(world: World, owner: Seller, call: TradingCall) -> Response:
    """GetUser (03 §3.4): the token's owner, or another seller by `UserID` without what is private."""
    asked = call.text("UserID")
    seller = world.seller_named(asked) if asked else None
    return success(call, _user(seller or owner, private=seller in (None, owner)))


def _user(seller: Seller, *, private: bool) -> etree._Element:
    user = root_element("User")
    if private:
        element(user, "Email", f"{seller.user_id.lower()}@example.com")
    element(user, "EIASToken", seller.eias_token)
    element(user, "FeedbackPrivate", "false")
    element(user, "FeedbackScore", str(seller.feedback_score))
    element(user, "PositiveFeedbackPercent", "99.6")
    element(user, "RegistrationDate", "2012-05-06T07:08:09.000Z")
    element(user, "Site", seller.site.trading_name)
    element(user, "Status", "Confirmed" if seller.status == "CONFIRMED" else "Suspended")
    element(user, "UserID", seller.username)
    info = element(user, "SellerInfo")
    element(info, "StoreOwner", "true" if seller.account_type == "BUSINESS" else "false")
    return user


CALLS: dict[str, Handler] = {"GetUser": _get_user}

routes = [Route(PATH, trading, methods=["POST"])]
