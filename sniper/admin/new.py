"""Planning a snipe: from an item number or a link, with a look at the item first."""

from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import Principal
from accounts.models import Role
from accounts.scoped_admin import console_page, may_somewhere
from sniper.forms import SnipeForm
from sniper.models import Snipe
from sniper.refusals import SnipeRefused
from sniper.services.plan import Preview, plan_snipe, preview_item

from .words import counting


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def new_snipe(request: HttpRequest, principal: Principal) -> HttpResponse:
    if not may_somewhere(principal, Role.OPERATOR):
        raise PermissionDenied("planning a snipe needs the role operator")
    form = SnipeForm(request.POST or None, principal=principal)
    preview: Preview | None = None
    if request.method == "POST" and form.is_valid():
        try:
            if "plan" in request.POST:
                return redirect("admin:snipe", _planned(request, principal, form.cleaned_data).pk)
            data = form.cleaned_data
            preview = preview_item(data["account"], item=data["item_id"], by=principal)
        except SnipeRefused as refused:
            say_refusal(form, refused)
    context = {
        **admin.site.each_context(request),
        "title": "New snipe",
        "form": form,
        "preview": preview,
        "ends": counting(preview.item.ends_at) if preview and preview.item.ends_at else "",
        "asks_to_confirm": "confirm" in request.POST or form.has_error("confirm"),
    }
    return render(request, "sniper/new.html", context)


def _planned(request: HttpRequest, principal: Principal, asked: dict[str, Any]) -> Snipe:
    if asked["max_bid_amount"] is None:
        raise SnipeRefused("bad_amount", "say how much you would pay at most", field="max_bid_amount")
    planned = plan_snipe(
        asked["account"], item=asked["item_id"], max_bid_amount=asked["max_bid_amount"], by=principal,
        seconds_before_end=asked["seconds_before_end"], comment=asked["comment"], group=asked["group"],
        confirm=asked["confirm"],
    )  # fmt: skip
    messages.success(request, f"Planned: {planned.snipe.title}")
    for warning in planned.warnings:
        messages.warning(request, warning)
    return planned.snipe


def say_refusal(form: Any, refused: SnipeRefused) -> None:
    """At the field that it is about, or above the form."""
    words = f"{refused.text[:1].upper()}{refused.text[1:]}."
    field = "confirm" if refused.code == "needs_confirmation" else refused.field
    form.add_error(field if field in form.fields else None, words)
