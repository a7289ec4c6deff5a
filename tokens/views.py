"""The two public pages of a connection: our one-use link, and the return from eBay."""

from __future__ import annotations

from django.conf import settings
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from .services.connect import STATE_LIFE, ConnectRefused, finish_consent, start_consent, usable_link

COOKIE = "ebay_connect"


@never_cache
@require_http_methods(["GET", "HEAD", "POST"])
def connect(request: HttpRequest) -> HttpResponse:
    """`/ebay/connect/?ticket=…`: uses the link, sets the cookie that `state` is bound to, goes to eBay.

    An owner's link shows first what will happen, and is used by the button there: mail scanners open links
    before people do.
    """
    if request.method == "HEAD":
        return HttpResponse()
    secret = request.GET.get("ticket", "")
    try:
        ticket = usable_link(secret)
        if ticket.for_owner and request.method == "GET":
            return render(request, "tokens/connect_start.html", {"ticket": ticket})
        consent = start_consent(secret)
    except ConnectRefused as refused:
        return _result(request, refused=str(refused), status=400)
    response = HttpResponseRedirect(consent.url)
    response.set_cookie(
        COOKIE,
        consent.cookie,
        max_age=STATE_LIFE,
        path="/ebay/connect/",
        httponly=True,
        secure=settings.PUBLIC_URL.startswith("https://"),
        samesite="Lax",
    )
    response["Referrer-Policy"] = "no-referrer"
    return response


@never_cache
@require_GET
def callback(request: HttpRequest) -> HttpResponse:
    """`/ebay/connect/callback`: eBay's accept and reject address."""
    try:
        account = finish_consent(
            state=request.GET.get("state", ""),
            cookie=request.COOKIES.get(COOKIE, ""),
            code=request.GET.get("code", ""),
            error=request.GET.get("error", ""),
            ip_address=request.META.get("REMOTE_ADDR") or None,
        )
    except ConnectRefused as refused:
        return _result(request, refused=str(refused), status=400)
    response = _result(request, account=account)
    response.delete_cookie(COOKIE, path="/ebay/connect/")
    return response


def _result(request: HttpRequest, *, status: int = 200, **context: object) -> HttpResponse:
    response = render(request, "tokens/connect_result.html", context, status=status)
    # The address holds the code: it must not travel on as a referrer.
    response["Referrer-Policy"] = "no-referrer"
    return response
