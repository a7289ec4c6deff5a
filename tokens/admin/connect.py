"""Connecting an account from the console: the form, the link for its owner, and reconnecting."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.access import Principal
from accounts.models import EbayAccount, Role
from accounts.scoped_admin import console_page, may_somewhere, visible_or_404
from tokens.forms import ConnectForm
from tokens.services.connect import ConnectRefused, create_connect_link


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def connect_account(request: HttpRequest, principal: Principal) -> HttpResponse:
    if not may_somewhere(principal, Role.ADMIN):
        raise PermissionDenied("connecting an account needs the role admin")
    form = ConnectForm(request.POST or None, principal=principal)
    if request.method == "POST" and form.is_valid():
        try:
            return _to_ebay_or_link(request, principal, form.cleaned_data)
        except ConnectRefused as refused:
            form.add_error(None, f"Nothing was changed: {refused}.")
    context = {**admin.site.each_context(request), "title": "Connect an account", "form": form}
    return render(request, "tokens/connect.html", context)


@never_cache
@require_POST
@console_page
def reconnect_account(request: HttpRequest, principal: Principal, account_id: int) -> HttpResponse:
    account = visible_or_404(EbayAccount, principal, account_id, related=("organization",))
    asked = {
        "organization": account.organization,
        "house_name": account.house_name,
        "purpose": account.purpose,
        "environment": account.environment,
        "account": account,
    }
    try:
        return _to_ebay_or_link(request, principal, asked)
    except ConnectRefused as refused:
        messages.error(request, f"{account.house_name} cannot be reconnected: {refused}.")
        return redirect(reverse("admin:accounts_ebayaccount_change", args=[account.pk]))


def _to_ebay_or_link(request: HttpRequest, principal: Principal, asked: dict[str, Any]) -> HttpResponse:
    """Redirect this browser, or, for the button "make a link", show the link for the owner's browser."""
    for_owner = "for_owner" in request.POST
    ticket, link = create_connect_link(**asked, by=principal, for_owner=for_owner)
    if not for_owner:
        return redirect(link)
    context = {
        **admin.site.each_context(request),
        "title": f"Link for the owner of {ticket.house_name}",
        "ticket": ticket,
        "link": link,
    }
    return render(request, "tokens/connect_link.html", context)
