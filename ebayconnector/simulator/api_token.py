"""The token endpoint (03 §1.2): three grants, Basic authentication, form body."""

from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.applications import Application
from ebayconnector.simulator.callers import basic_credentials, world_of
from ebayconnector.simulator.ebay_errors import TOO_MANY_REQUESTS, EbayError, oauth_error
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import CLIENT_SCOPES
from ebayconnector.simulator.tokens import ACCESS_LIFE_S, REFRESH_LIFE_S
from ebayconnector.simulator.world import World

PATH = "/identity/v1/oauth2/token"

_BAD_CODE = "the provided authorization grant code is invalid or was issued to another client"
_BAD_REFRESH = "the provided authorization refresh token is invalid or was issued to another client"
_BAD_SCOPE = "The requested scope is invalid, unknown, malformed, or exceeds the scope granted to the client"


async def token(request: Request) -> Response:
    world = world_of(request)
    application = _client(world, request.headers.get("authorization", ""))
    form = _form(request.headers.get("content-type", ""), await request.body())
    grant_type = form.get("grant_type")
    if grant_type is None:
        raise oauth_error("invalid_request", "grant_type is missing")
    grant = _GRANTS.get(grant_type)
    if grant is None:
        raise oauth_error(
            "unsupported_grant_type", "grant type in request is not supported by the authorization server"
        )
    if not world.quotas.take(application.client_id, f"token.{grant_type}"):
        raise EbayError(429, TOO_MANY_REQUESTS)
    return json_response(grant(world, application, form), headers={"Cache-Control": "no-store"})


def _client(world: World, header: str) -> Application:
    client_id, secret = basic_credentials(header) or ("", "")
    application = world.applications.get(client_id)
    if application is None or application.client_secret != secret:
        raise oauth_error("invalid_client", "client authentication failed", 401)
    return application


def _form(content_type: str, body: bytes) -> dict[str, str]:
    if content_type.partition(";")[0].strip().lower() != "application/x-www-form-urlencoded":
        raise oauth_error("invalid_request", "the body must be application/x-www-form-urlencoded")
    try:
        fields = parse_qs(body.decode("ascii"), keep_blank_values=True, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise oauth_error("invalid_request", "the body cannot be read") from None
    return {name: values[0] for name, values in fields.items()}


def _required(form: dict[str, str], name: str) -> str:
    if not form.get(name):
        raise oauth_error("invalid_request", f"{name} is missing")
    return form[name]


def _exchange_code(world: World, application: Application, form: dict[str, str]) -> JsonObject:
    code = _required(form, "code")
    if _required(form, "redirect_uri") != application.runame:
        raise oauth_error("invalid_request", "redirect_uri is not the RuName of this application")
    now_ms = world.clock.now_ms()
    grant = world.tokens.take_code(code, application.client_id, now_ms)
    if grant is None:
        raise oauth_error("invalid_grant", _BAD_CODE)
    access = world.tokens.issue_access(application.client_id, grant.user_id, grant.scopes, now_ms)
    refresh = world.tokens.issue_refresh(application.client_id, grant.user_id, grant.scopes, now_ms)
    answer = _answer(access, "User Access Token")
    return answer | {"refresh_token": refresh, "refresh_token_expires_in": REFRESH_LIFE_S}


def _refresh(world: World, application: Application, form: dict[str, str]) -> JsonObject:
    """No refresh token in the answer; scopes may only become fewer (03 §0, 2 and 3)."""
    now_ms = world.clock.now_ms()
    grant = world.tokens.valid_refresh(_required(form, "refresh_token"), application.client_id, now_ms)
    if grant is None:
        raise oauth_error("invalid_grant", _BAD_REFRESH)
    asked = frozenset(form.get("scope", "").split()) or grant.scopes
    if not asked <= grant.scopes:
        raise oauth_error("invalid_scope", _BAD_SCOPE)
    access = world.tokens.issue_access(application.client_id, grant.user_id, asked, now_ms)
    return _answer(access, "User Access Token")


def _client_credentials(world: World, application: Application, form: dict[str, str]) -> JsonObject:
    asked = frozenset(form.get("scope", "").split())
    if not asked or not asked <= application.scopes & CLIENT_SCOPES:
        raise oauth_error("invalid_scope", _BAD_SCOPE)
    access = world.tokens.issue_access(application.client_id, None, asked, world.clock.now_ms())
    return _answer(access, "Application Access Token")


def _answer(access_token: str, token_type: str) -> JsonObject:
    return {"access_token": access_token, "expires_in": ACCESS_LIFE_S, "token_type": token_type}


_GRANTS = {
    "authorization_code": _exchange_code,
    "refresh_token": _refresh,
    "client_credentials": _client_credentials,
}

routes = [Route(PATH, token, methods=["POST"])]
