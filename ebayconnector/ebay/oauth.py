"""OAuth: the consent page's address and the three grants of the token endpoint (03 §1)."""

from __future__ import annotations

import re
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeGuard
from urllib.parse import quote, urlencode

from .answers import Answer, read_answer
from .client import unclear_if_lost
from .endpoints import APPLICATION_TOKEN, REFRESH_TOKEN, TOKEN, Endpoint
from .environments import Application
from .errors import EbayError
from .transport import Call, Caller, Transport


@dataclass(frozen=True, slots=True)
class TokenGrant:
    """What the token endpoint gave. Lifetimes are seconds from `answered_at` (our clock, aware UTC).

    A refresh brings no refresh token: the stored one stays good (03 §0, 2).
    """

    access_token: str = field(repr=False)
    expires_in: int
    refresh_token: str | None = field(repr=False)
    refresh_token_expires_in: int | None
    token_type: str
    answered_at: datetime


def authorize_url(
    application: Application,
    *,
    scopes: Sequence[str],
    state: str,
    prompt: str | None = "login",
    locale: str | None = None,
) -> str:
    """The address of eBay's consent page (03 §1.1). `prompt="login"` makes eBay ask who signs in."""
    params = {
        "client_id": application.client_id,
        "redirect_uri": application.runame,
        "response_type": "code",
        "scope": " ".join(scopes),
        "state": state,
    }
    optional = {"prompt": prompt, "locale": locale}
    params |= {name: value for name, value in optional.items() if value}
    return f"{application.environment.auth}/oauth2/authorize?{_form(params)}"


def exchange_code(transport: Transport, application: Application, *, code: str, caller: Caller) -> TokenGrant:
    """Exchanges the (decoded) code of a consent, which works once. Never repeated.

    Raises `ConsentInvalid` for a code that is used, expired or another client's; `BadAnswer` also when no
    refresh token came, because the consent would be lost within two hours.
    """
    fields = {"grant_type": "authorization_code", "code": code, "redirect_uri": application.runame}
    return _token_request(transport, application, TOKEN, fields, caller)


def refresh(
    transport: Transport,
    application: Application,
    *,
    refresh_token: str,
    caller: Caller,
    scopes: Sequence[str] | None = None,
) -> TokenGrant:
    """A new access token for a consent: one attempt of at most 12 s. `scopes` can only narrow the consent.

    Raises `ConsentInvalid`, `ScopeRefused`, `ApplicationRejected` (a person must act) or a retryable error.
    """
    fields = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    if scopes is not None:
        fields["scope"] = " ".join(scopes)
    return _token_request(transport, application, REFRESH_TOKEN, fields, caller)


def mint_application_token(
    transport: Transport, application: Application, *, scopes: Sequence[str], caller: Caller
) -> TokenGrant:
    """A token of the application itself; it has no refresh token."""
    fields = {"grant_type": "client_credentials", "scope": " ".join(scopes)}
    return _token_request(transport, application, APPLICATION_TOKEN, fields, caller)


def looks_like_token(value: str) -> bool:
    """Whether this has the shape of eBay's tokens and codes, `v^1.1#i^1#…`."""
    return isinstance(value, str) and re.match(r"v\^\d\S*\Z", value) is not None


def _token_request(
    transport: Transport, application: Application, endpoint: Endpoint, fields: dict[str, str], caller: Caller
) -> TokenGrant:
    """The only builder of requests to the token endpoint: one attempt."""
    credentials = f"{application.client_id}:{application.client_secret}".encode()
    call = Call(
        environment=application.environment.name,
        api=endpoint.api,
        endpoint=endpoint.name,
        method=endpoint.method,
        url=endpoint.url(application.environment),
        headers={
            "Accept": "application/json",
            "Content-Type": "application/x-www-form-urlencoded",
            "Authorization": f"Basic {b64encode(credentials).decode('ascii')}",
        },
        body=_form(fields).encode("ascii"),
        attempt=1,
        caller=caller,
    )
    announced = transport.announce(call)
    try:
        response = transport.exchange(announced, deadline_s=endpoint.deadline_s)
        return _grant(endpoint, read_answer(endpoint, response, attempts=1))
    except EbayError as error:
        if not endpoint.repeatable:
            unclear_if_lost(error)
        raise


def _form(fields: dict[str, str]) -> str:
    # `%20`, not `+`, for the blanks between scopes (03 §1.1).
    return urlencode(fields, quote_via=quote, safe="")


def _grant(endpoint: Endpoint, answer: Answer) -> TokenGrant:
    document = answer.json()
    access_token = document.get("access_token")
    expires_in = document.get("expires_in")
    if not isinstance(access_token, str) or not access_token:
        raise answer.bad("no access_token")
    if not _is_lifetime(expires_in):
        raise answer.bad("expires_in is not a positive number of seconds")
    refresh_token = document.get("refresh_token")
    if refresh_token is None and endpoint is TOKEN:
        raise answer.bad("no refresh_token")
    if refresh_token is not None and (not isinstance(refresh_token, str) or not refresh_token):
        raise answer.bad("refresh_token is not a text")
    refresh_expires_in = document.get("refresh_token_expires_in")
    if refresh_expires_in is not None and not _is_lifetime(refresh_expires_in):
        raise answer.bad("refresh_token_expires_in is not a positive number of seconds")
    token_type = document.get("token_type")
    return TokenGrant(
        access_token=access_token,
        expires_in=expires_in,
        refresh_token=refresh_token,
        refresh_token_expires_in=refresh_expires_in,
        token_type=token_type if isinstance(token_type, str) else "",
        answered_at=answer.started_at + timedelta(seconds=answer.duration_s),
    )


def _is_lifetime(value: Any) -> TypeGuard[int]:
    return isinstance(value, int) and not isinstance(value, bool) and value > 0
