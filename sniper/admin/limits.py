"""How much may be bid: shown to all members, set by admins."""

from __future__ import annotations

from django.contrib import admin, messages
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import Principal
from accounts.models import Role
from accounts.scoped_admin import console_page, may_somewhere
from sniper.forms import LimitForm
from sniper.models import SniperLimit
from sniper.refusals import SnipeRefused
from sniper.services.limits import set_limit

from .new import say_refusal


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def snipe_limits(request: HttpRequest, principal: Principal) -> HttpResponse:
    may_set = may_somewhere(principal, Role.ADMIN)
    if request.method == "POST" and not may_set:
        raise PermissionDenied("setting a limit needs the role admin")
    form = LimitForm(request.POST or None, principal=principal)
    if request.method == "POST" and form.is_valid():
        asked = dict(form.cleaned_data)
        try:
            set_limit(asked.pop("organization"), by=principal, **asked)
            messages.success(request, "Set; it holds for snipes that are planned or changed from now on.")
            return redirect("admin:snipe_limits")
        except SnipeRefused as refused:
            say_refusal(form, refused)
    limits = SniperLimit.objects.visible_to(principal).select_related("organization", "account")
    context = {
        "title": "Limits of bids",
        "limits": limits.order_by("organization__name", "account__house_name", "currency"),
        "form": form,
        "may_set": may_set,
    }
    return render(request, "sniper/limits.html", {**admin.site.each_context(request), **context})
