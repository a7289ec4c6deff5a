"""The consent page (03 §1.1): a seller logs in, reads what is asked for, agrees or declines."""

from html import escape
from urllib.parse import parse_qsl, quote

from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from ebayconnector.simulator.applications import Application
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.ebay_errors import EbayError
from ebayconnector.simulator.scopes import USER_SCOPES, scope_in_words
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.tokens import CODE_LIFE_S, Consent
from ebayconnector.simulator.world import World

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Grant application access: eBay (simulator)</title></head>
<body><h1>Grant application access</h1>
<p><b>{client_id}</b> asks for permission to:</p>
<ul>{scopes}</ul>
<form method="post" action="/oauth2/consent">
<input type="hidden" name="consent_id" value="{consent_id}">
<p><label>Sign in as <select name="seller">{sellers}</select></label></p>
<button type="submit" name="decision" value="agree">Agree</button>
<button type="submit" name="decision" value="decline">Decline</button>
</form></body></html>"""


def _bad(error_id: str, description: str) -> EbayError:
    body = {"error_id": error_id, "error_description": description, "http_status_code": 400}
    return EbayError(400, body)


async def authorize_page(request: Request) -> Response:
    world = world_of(request)
    params = request.query_params
    application = _application(world, params.get("client_id"), params.get("redirect_uri"))
    if params.get("response_type") != "code":
        raise _bad("invalid_request", "response_type must be code")
    scopes = _scopes(application, params.get("scope"))
    consent_id = world.tokens.open_consent(
        application.client_id, scopes, params.get("state"), world.clock.now_ms()
    )
    return _page(world, application, scopes, consent_id)


def _application(world: World, client_id: str | None, runame: str | None) -> Application:
    application = world.applications.get(client_id or "")
    if application is None:
        raise _bad("invalid_request", "client_id is missing or unknown")
    if runame != application.runame:
        raise _bad("invalid_request", "redirect_uri is not the RuName of this application")
    return application


def _scopes(application: Application, text: str | None) -> tuple[str, ...]:
    scopes = tuple(dict.fromkeys((text or "").split()))
    if not scopes:
        raise _bad("invalid_request", "scope is missing")
    if not set(scopes) <= application.scopes & USER_SCOPES:
        raise _bad("invalid_scope", "a requested scope is unknown or not granted to the client")
    return scopes


def _page(world: World, application: Application, scopes: tuple[str, ...], consent_id: str) -> Response:
    page = _PAGE.format(
        client_id=escape(application.client_id),
        scopes="".join(f"<li>{escape(scope_in_words(scope))}</li>" for scope in scopes),
        consent_id=escape(consent_id),
        sellers="".join(_option(seller) for seller in world.sellers),
    )
    return HTMLResponse(page, headers={"Cache-Control": "no-store"})


def _option(seller: Seller) -> str:
    name = escape(seller.username)
    return f'<option value="{name}">{name} ({seller.site.marketplace})</option>'


async def decide(request: Request) -> Response:
    world = world_of(request)
    form = dict(parse_qsl((await request.body()).decode("utf-8", "replace")))
    consent = world.tokens.take_consent(form.get("consent_id", ""), world.clock.now_ms())
    if consent is None:
        return HTMLResponse("<h1>This page has expired</h1><p>Start again from the application.</p>", 400)
    application = world.applications[consent.client_id]
    if form.get("decision") != "agree":
        return _redirect(application.reject_url, error="access_denied", state=consent.state)
    return _agree(world, application, consent, form.get("seller", ""))


def _agree(world: World, application: Application, consent: Consent, username: str) -> Response:
    seller = world.seller_named(username)
    if seller is None:
        return HTMLResponse("<h1>Sign in failed</h1><p>No such seller.</p>", 400)
    code = world.tokens.issue_code(consent, seller.user_id, world.clock.now_ms())
    return _redirect(application.accept_url, state=consent.state, code=code, expires_in=str(CODE_LIFE_S))


def _redirect(url: str, **params: str | None) -> Response:
    """302 with the parameters percent-encoded completely: `v%5E1.1%23i%5E1%23...` (03 §1.1)."""
    query = "&".join(f"{name}={quote(value, safe='')}" for name, value in params.items() if value is not None)
    response = RedirectResponse("/", 302)
    response.headers["location"] = f"{url}{'&' if '?' in url else '?'}{query}"
    return response


routes = [
    Route("/oauth2/authorize", authorize_page, methods=["GET"]),
    Route("/oauth2/consent", decide, methods=["POST"]),
]
