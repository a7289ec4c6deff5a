"""The terminal: every exchange with eBay's identity service, newest first, as it was kept (masked)."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.models import EbayAccount, Role
from accounts.scoped_admin import console_page, may_somewhere, visible_or_404
from tokens.models import ConnectLog, RefreshTrigger

from .exchanges import shown

_SHOWN = 50
# On the page of an account.
_SHOWN_IN_SHORT = 10
_SOURCES = [*RefreshTrigger.values, "health", "application"]


@never_cache
@require_GET
@console_page
def terminal(request: HttpRequest, principal: Principal) -> HttpResponse:
    accounts = EbayAccount.objects.visible_to(principal, role=Role.ADMIN)
    context = {
        **admin.site.each_context(request),
        "title": "Token terminal",
        "accounts": accounts,
        "sources": _SOURCES,
        **_exchanges(request, principal),
    }
    return render(request, "tokens/terminal.html", context)


@never_cache
@require_GET
@console_page
def terminal_rows(request: HttpRequest, principal: Principal) -> HttpResponse:
    """The part of the terminal that is polled."""
    return render(request, "tokens/_exchanges.html", _exchanges(request, principal))


def _exchanges(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    if not may_somewhere(principal, Role.ADMIN):
        raise PermissionDenied("the terminal needs the role admin")
    rows = ConnectLog.objects.visible_to(principal, role=Role.ADMIN).select_related("account")
    account = None
    if wanted := request.GET.get("account"):
        account = visible_or_404(EbayAccount, principal, wanted, role=Role.ADMIN)
        rows = rows.filter(account=account)
    source = request.GET.get("source", "")
    if source:
        rows = rows.filter(source=source)
    return {
        "exchanges": shown(rows[: _SHOWN_IN_SHORT if "short" in request.GET else _SHOWN]),
        "account": account,
        "source": source,
        "query": request.GET.urlencode(),
    }
