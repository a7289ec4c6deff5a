"""Who calls: the token of a request, whom it belongs to, and whether it may do what it asks."""

import re
from base64 import b64decode
from binascii import Error as Base64Error
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from starlette.requests import Request

from ebayconnector.simulator.applications import Application
from ebayconnector.simulator.ebay_errors import (
    NO_PERMISSION,
    TOKEN_INVALID,
    TOKEN_MISSING,
    TOKEN_TYPE,
    TOO_MANY_REQUESTS,
    EbayError,
)
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.tokens import AccessToken
from ebayconnector.simulator.world import World

_BEARER = re.compile(r"Bearer (.+)", re.IGNORECASE)
_IAF = re.compile(r"IAF (.+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Caller:
    """What the request log says about a call; nothing here is checked."""

    seller: str | None = None
    application: str | None = None
    token_kind: str | None = None


def world_of(request: Request) -> World:
    world = request.app.state.world
    assert isinstance(world, World)
    return world


def basic_credentials(header: str) -> tuple[str, str] | None:
    """Client id and secret of an `Authorization: Basic` header; None when it is none."""
    kind, _, encoded = header.partition(" ")
    if kind.lower() != "basic":
        return None
    try:
        client_id, colon, secret = b64decode(encoded, validate=True).decode().partition(":")
    except (Base64Error, UnicodeDecodeError):
        return None
    return (client_id, secret) if colon else None


def identify(world: World, headers: Mapping[str, str], form: Mapping[str, list[str]]) -> Caller:
    """Best knowledge of who calls, also with an expired or revoked token."""
    authorization = headers.get("authorization", "")
    text = headers.get("x-ebay-api-iaf-token") or authorization.partition(" ")[2]
    token = world.tokens.access.get(text)
    if token is not None:
        return Caller(_username(world, token.user_id), token.client_id, token.kind)
    credentials = basic_credentials(authorization)
    grant = world.tokens.refresh.get(form.get("refresh_token", [""])[0])
    return Caller(
        seller=_username(world, grant.user_id) if grant else None,
        application=credentials[0] if credentials else None,
        token_kind="basic" if credentials else None,
    )


def _username(world: World, user_id: str | None) -> str | None:
    seller = world.seller_of(user_id) if user_id else None
    return seller.username if seller else None


def authorize(
    request: Request, *, api: str, any_of: frozenset[str], expired: EbayError | None = None
) -> AccessToken:
    """The valid token of a REST call that holds one of the scopes, its quota counted.

    Raises EbayError 400/1002, 400/1003, 401/1001, 403/1100, 429/2001 (03 §0b, §14.2), and `expired` where an
    API has an answer of its own to a token that was good once (03 §0, 7).
    """
    world = world_of(request)
    header = request.headers.get("authorization")
    if not header:
        raise EbayError(400, TOKEN_MISSING)
    match = _BEARER.fullmatch(header)
    if match is None:
        raise EbayError(400, TOKEN_TYPE)
    token = world.tokens.access.get(match.group(1))
    if token is None or token.revoked:
        raise EbayError(401, TOKEN_INVALID)
    if token.expires_ms <= world.clock.now_ms():
        raise expired or EbayError(401, TOKEN_INVALID)
    if not token.scopes & any_of:
        raise EbayError(403, NO_PERMISSION)
    if not world.quotas.take(token.client_id, api):
        raise EbayError(429, TOO_MANY_REQUESTS)
    return token


def authorize_seller(
    request: Request, *, api: str, any_of: frozenset[str], expired: EbayError | None = None
) -> tuple[Seller, AccessToken]:
    """As `authorize`, for a call that needs a user token; to an application token it answers 403/1100."""
    token = authorize(request, api=api, any_of=any_of, expired=expired)
    seller = world_of(request).seller_of(token.user_id) if token.user_id else None
    if seller is None:
        raise EbayError(403, NO_PERMISSION)
    return seller, token


def authorize_application(request: Request, *, api: str, any_of: frozenset[str]) -> Application:
    """As `authorize`, for a call that needs an application token."""
    token = authorize(request, api=api, any_of=any_of)
    application = world_of(request).applications.get(token.client_id)
    if token.kind != "application" or application is None:
        raise EbayError(403, NO_PERMISSION)
    return application


def authorize_iaf(
    request: Request, *, api: str, any_of: frozenset[str], refuse: Callable[[int], EbayError]
) -> Seller:
    """The seller of a Post-Order call, which wants `Authorization: IAF <token>`, its quota counted (03 §7).

    Raises EbayError 401 without a body for a token that is not or no longer good, `refuse(401)` for another
    scheme or none, `refuse(403)` for a token without a user or scope, 429/2001.
    """
    world = world_of(request)
    match = _IAF.fullmatch(request.headers.get("authorization", ""))
    if match is None:
        raise refuse(401)
    token = world.tokens.access.get(match.group(1))
    if token is None or token.revoked or token.expires_ms <= world.clock.now_ms():
        raise EbayError(401, None)
    seller = world.seller_of(token.user_id) if token.user_id else None
    if seller is None or not token.scopes & any_of:
        raise refuse(403)
    if not world.quotas.take(token.client_id, api):
        raise EbayError(429, TOO_MANY_REQUESTS)
    return seller
