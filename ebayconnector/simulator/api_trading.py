"""Trading API at `/ws/api.dll` (03 §3): one address, the call's name in a header, XML both ways."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.sites import language_of_site_id, trading_site_ids
from ebayconnector.simulator.tokens import AccessToken
from ebayconnector.simulator.trading_buying import get_my_ebay_buying
from ebayconnector.simulator.trading_errors import (
    APPLICATION_LIMIT,
    BAD_HEADER,
    BAD_TOKEN,
    BAD_XML,
    EXPIRED_IAF_TOKEN,
    INVALID_IAF_TOKEN,
    NO_TOKEN,
    UNSUPPORTED_CALL,
    Problem,
    TradingFailure,
)
from ebayconnector.simulator.trading_messages import get_my_messages
from ebayconnector.simulator.trading_selling import get_my_ebay_selling
from ebayconnector.simulator.trading_xml import (
    NAMESPACE,
    Answer,
    TradingCall,
    answer_response,
    failure,
    failure_response,
    read_xml,
)
from ebayconnector.simulator.world import World

PATH = "/ws/api.dll"

Handler = Callable[[World, Seller, TradingCall], Answer]

_CALL_NAME = re.compile(r"[A-Za-z]{1,60}")
_LANGUAGES = {"en": "en", "de": "de", "fr": "fr", "it": "it", "es": "es"}


def call_name(headers: Mapping[str, str]) -> str:
    """Name of the call; empty when the header is missing or no name."""
    name = headers.get("x-ebay-api-call-name", "")
    return name if _CALL_NAME.fullmatch(name) else ""


def read_call(headers: Mapping[str, str], body: bytes, at_ms: int) -> TradingCall:
    """The call as it came; `ErrorLanguage` (such as `de_AT`) wins over the language of the site."""
    root, site_id = read_xml(body), headers.get("x-ebay-api-siteid", "")
    call = TradingCall(call_name(headers), _site_language(headers), at_ms, root, site_id)
    asked = _LANGUAGES.get((call.text("ErrorLanguage") or "")[:2])
    return replace(call, language=asked) if asked else call


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
        return failure(call, APPLICATION_LIMIT)
    handler = CALLS.get(call.name)
    if handler is None:
        return failure(call, UNSUPPORTED_CALL, call.name)
    seller = world.seller_of(token.user_id or "")
    return _work(world, handler, seller, call) if seller else failure(call, INVALID_IAF_TOKEN)


def _work(world: World, handler: Handler, seller: Seller, call: TradingCall) -> Response:
    """Problems that the control API planned come first, or beside the data that the call would give."""
    plan = world.trading.next_problems(call.name, seller.username)
    if plan is not None and plan.fails:
        return failure_response(call, *plan.problems)
    try:
        answer = handler(world, seller, call)
    except TradingFailure as refused:
        return failure_response(call, *refused.problems)
    planned: tuple[Problem, ...] = () if plan is None else plan.problems
    return answer_response(call, Answer(answer.body, (*planned, *answer.problems)))


def _bad_header(headers: Mapping[str, str], call: TradingCall) -> Response | None:
    """Code 10012 for the first header that is needed; the number is not in 03 (unverified)."""
    if not call.name:
        return failure(call, BAD_HEADER, "X-EBAY-API-CALL-NAME")
    if headers.get("x-ebay-api-siteid") not in {str(number) for number in trading_site_ids()}:
        return failure(call, BAD_HEADER, "X-EBAY-API-SITEID")
    if not re.fullmatch(r"[0-9]{3,4}", headers.get("x-ebay-api-compatibility-level", "")):
        return failure(call, BAD_HEADER, "X-EBAY-API-COMPATIBILITY-LEVEL")
    return None


def _bad_body(call: TradingCall) -> Response | None:
    """Code 5 for what is no XML, or not the request that the header names (unverified)."""
    if call.root is None or call.root.tag != f"{{{NAMESPACE}}}{call.name}Request":
        return failure(call, BAD_XML)
    return None


def _token(world: World, text: str | None) -> tuple[AccessToken | None, int]:
    """The valid user token, or the code of what is wrong with it (03 §3.2)."""
    if not text:
        return None, NO_TOKEN
    if not text.startswith("v^"):
        return None, BAD_TOKEN
    token = world.tokens.access.get(text)
    if token is None or token.revoked or token.kind != "user" or BASE not in token.scopes:
        return None, INVALID_IAF_TOKEN
    return (token, 0) if token.expires_ms > world.clock.now_ms() else (None, EXPIRED_IAF_TOKEN)


def _get_user(world: World, owner: Seller, call: TradingCall) -> Answer:
    """GetUser (03 §3.4): the token's owner, or another seller by `UserID` without what is private."""
    asked = call.text("UserID")
    seller = world.seller_named(asked) if asked else None
    return Answer({"User": _user(seller or owner, private=seller in (None, owner))})


def _user(seller: Seller, *, private: bool) -> JsonObject:
    user: JsonObject = {"Email": f"{seller.user_id.lower()}@example.com"} if private else {}
    return user | {
        "EIASToken": seller.eias_token,
        "FeedbackPrivate": False,
        "FeedbackScore": seller.feedback_score,
        "PositiveFeedbackPercent": "99.6",
        "RegistrationDate": "2012-05-06T07:08:09.000Z",
        "Site": seller.site.trading_name,
        "Status": "Confirmed" if seller.status == "CONFIRMED" else "Suspended",
        "UserID": seller.username,
        "SellerInfo": {"StoreOwner": seller.account_type == "BUSINESS"},
    }


CALLS: dict[str, Handler] = {
    "GetUser": _get_user,
    "GetMyMessages": get_my_messages,
    "GetMyeBaySelling": get_my_ebay_selling,
    "GetMyeBayBuying": get_my_ebay_buying,
}

routes = [Route(PATH, trading, methods=["POST"])]
