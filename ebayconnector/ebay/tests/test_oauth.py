from __future__ import annotations

from base64 import b64decode
from dataclasses import replace
from urllib.parse import parse_qs, urlsplit

import pytest

from ebayconnector.ebay import errors, oauth
from ebayconnector.ebay.endpoints import SCOPE_BASE, SCOPE_IDENTITY
from ebayconnector.ebay.transport import Caller, Transport

from .conftest import Watcher
from .loopback import LoopbackServer, answer, json_answer, reset, silent

CALLER = Caller(account_id=3, source="scheduled")
REFRESH_TOKEN = "v^1.1#i^1#canary-refresh+token/=="
GRANT = {"access_token": "v^1.1#i^1#canary-access", "expires_in": 7200, "token_type": "User Access Token"}
CONSENT = GRANT | {"refresh_token": REFRESH_TOKEN, "refresh_token_expires_in": 47304000}


@pytest.fixture
def watcher():
    return Watcher()


@pytest.fixture
def transport(watcher):
    transport = Transport([watcher])
    yield transport
    transport.close()


def grants(transport, application) -> list:
    """All three grants, as functions without arguments."""
    return [
        lambda: oauth.exchange_code(transport, application, code="v^1.1#i^1#canary-code", caller=CALLER),
        lambda: oauth.refresh(transport, application, refresh_token=REFRESH_TOKEN, caller=CALLER),
        lambda: oauth.mint_application_token(transport, application, scopes=[SCOPE_BASE], caller=CALLER),
    ]


def test_the_consent_page_is_asked_for_the_runame_and_the_scopes(serve, application):
    app = application(serve())
    url = oauth.authorize_url(app, scopes=[SCOPE_BASE, SCOPE_IDENTITY], state="s+/=", locale="de-DE")
    assert url.startswith(f"{app.environment.auth}/oauth2/authorize?")
    assert "+" not in url
    assert {name: values[0] for name, values in parse_qs(urlsplit(url).query).items()} == {
        "client_id": "client-1",
        "redirect_uri": "My-RuName",
        "response_type": "code",
        "scope": f"{SCOPE_BASE} {SCOPE_IDENTITY}",
        "state": "s+/=",
        "prompt": "login",
        "locale": "de-DE",
    }
    assert "prompt" not in oauth.authorize_url(app, scopes=[SCOPE_BASE], state="s", prompt=None)


def test_a_code_is_exchanged_as_it_was_decoded(serve, application, transport, watcher):
    server: LoopbackServer = serve(json_answer(CONSENT))
    grant = grants(transport, application(server))[0]()
    (request,) = server.requests
    assert (request.method, request.target) == ("POST", "/identity/v1/oauth2/token")
    assert request.headers["content-type"] == "application/x-www-form-urlencoded"
    assert (
        b64decode(request.headers["authorization"].removeprefix("Basic ")) == b"client-1:canary-client-secret"
    )
    assert b"v%5E1.1%23i%5E1%23canary-code" in request.body
    assert request.form == {
        "grant_type": "authorization_code",
        "code": "v^1.1#i^1#canary-code",
        "redirect_uri": "My-RuName",
    }
    assert (grant.refresh_token, grant.refresh_token_expires_in) == (REFRESH_TOKEN, 47304000)
    (call,) = watcher.calls
    assert (call.api, call.endpoint, call.caller) == ("token", "exchangeCode", CALLER)


def test_a_refresh_brings_no_refresh_token(serve, application, transport, watcher):
    server = serve(json_answer(GRANT), json_answer(GRANT))
    app = application(server)
    grant = oauth.refresh(transport, app, refresh_token=REFRESH_TOKEN, caller=CALLER)
    oauth.refresh(
        transport, app, refresh_token=REFRESH_TOKEN, caller=CALLER, scopes=[SCOPE_BASE, SCOPE_IDENTITY]
    )
    assert server.requests[0].form == {"grant_type": "refresh_token", "refresh_token": REFRESH_TOKEN}
    assert server.requests[1].form["scope"] == f"{SCOPE_BASE} {SCOPE_IDENTITY}"
    assert b"api_scope%20https" in server.requests[1].body
    assert (grant.access_token, grant.expires_in, grant.refresh_token) == (GRANT["access_token"], 7200, None)
    exchange = watcher.exchanges[0]
    assert (grant.answered_at - exchange.started_at).total_seconds() == pytest.approx(
        exchange.duration_s, abs=1e-5
    )


def test_an_application_token_is_minted(serve, application, transport):
    server = serve(json_answer(GRANT))
    grants(transport, application(server))[2]()
    assert server.requests[0].form == {"grant_type": "client_credentials", "scope": SCOPE_BASE}


@pytest.mark.parametrize(
    ("status", "error", "expected"),
    [
        (400, "invalid_grant", errors.ConsentInvalid),
        (400, "invalid_scope", errors.ScopeRefused),
        (401, "invalid_client", errors.ApplicationRejected),
        (400, "invalid_request", errors.Refused),
        (500, "server_error", errors.Unavailable),
    ],
)
@pytest.mark.parametrize("which", [0, 1, 2])
def test_each_refusal_has_its_class(serve, application, transport, which, status, error, expected):
    server = serve(json_answer({"error": error, "error_description": "the reason"}, status))
    with pytest.raises(expected, match=f"[a-z]: eBay answered HTTP {status}: {error} the reason"):
        grants(transport, application(server))[which]()
    assert len(server.requests) == 1


def test_the_quota_is_reported_in_the_rest_shape(serve, application, transport):
    server = serve(
        json_answer({"errors": [{"errorId": 2001, "message": "Too many requests"}]}, 429, Retry_After="9")
    )
    with pytest.raises(errors.RateLimited) as caught:
        grants(transport, application(server))[1]()
    assert caught.value.retry_after == 9


@pytest.mark.parametrize(("which", "retryable"), [(0, False), (1, True), (2, True)])
@pytest.mark.parametrize(
    "fault", [reset, answer(503, b"", None), answer(200, b"{}")], ids=["reset", "503", "empty"]
)
def test_every_grant_is_one_attempt(serve, application, transport, which, retryable, fault):
    server = serve(fault, json_answer(CONSENT))
    with pytest.raises((errors.Unavailable, errors.BadAnswer)) as caught:
        grants(transport, application(server))[which]()
    assert len(server.requests) == 1
    assert caught.value.retryable is retryable


def test_a_refresh_takes_no_longer_than_its_lease_allows(serve, application, transport, monkeypatch):
    assert oauth.REFRESH_TOKEN.deadline_s == 12
    monkeypatch.setattr(oauth, "REFRESH_TOKEN", replace(oauth.REFRESH_TOKEN, deadline_s=0.3))
    with pytest.raises(errors.DeadlineExceeded):
        grants(transport, application(serve(silent)))[1]()


@pytest.mark.parametrize(
    "change",
    [
        {"access_token": None},
        {"access_token": ""},
        {"access_token": 7},
        {"access_token": ["canary"]},
        {"expires_in": None},
        {"expires_in": 0},
        {"expires_in": -1},
        {"expires_in": "7200"},
        {"expires_in": 7200.5},
        {"expires_in": True},
        {"refresh_token": ""},
        {"refresh_token": {"canary": 1}},
        {"refresh_token": None},
        {"refresh_token_expires_in": 0},
    ],
)
def test_an_answer_that_is_no_grant_is_a_bad_answer(serve, application, transport, change):
    server = serve(json_answer(CONSENT | change))
    with pytest.raises(errors.BadAnswer) as caught:
        grants(transport, application(server))[0]()
    assert "canary" not in f"{caught.value} {caught.value!r}"


def test_no_secret_is_shown(serve, application, transport, watcher):
    server = serve(
        json_answer(CONSENT), json_answer({"error": "invalid_grant", "error_description": REFRESH_TOKEN}, 400)
    )
    app = application(server)
    exchange_code, refresh, _ = grants(transport, app)
    grant = exchange_code()
    with pytest.raises(errors.ConsentInvalid) as caught:
        refresh()
    shown = [
        repr(grant),
        repr(app),
        repr(caught.value),
        str(caught.value),
        repr(watcher.calls),
        repr(watcher.exchanges),
    ]
    for exchange in watcher.exchanges:
        shown += [
            exchange.masked_request_body,
            exchange.masked_response_body,
            str(exchange.masked_request_headers),
        ]
    assert not [text for text in shown if "canary-" in text]
    assert "refresh_token=v%5E…" in watcher.exchanges[1].masked_request_body


@pytest.mark.parametrize(
    ("value", "is_token"),
    [
        ("v^1.1#i^1#x", True),
        ("enc:v1:k:x", False),
        ("", False),
        ("v^", False),
        ("v^1.1 x", False),
        ("v^1.1\n", False),
    ],
)
def test_what_looks_like_a_token(value, is_token):
    assert oauth.looks_like_token(value) is is_token
