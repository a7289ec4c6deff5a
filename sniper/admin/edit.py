"""Changing a snipe while it waits."""

from __future__ import annotations

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import Principal
from accounts.models import Role
from accounts.scoped_admin import console_page, visible_or_404
from sniper.forms import EditForm
from sniper.models import Snipe
from sniper.refusals import SnipeRefused
from sniper.services.revise import revise_snipe

from .new import say_refusal


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def edit_snipe_page(request: HttpRequest, principal: Principal, snipe_id: int) -> HttpResponse:
    snipe = visible_or_404(Snipe, principal, snipe_id, related=("account", "group"))
    principal.require(Role.OPERATOR, snipe.account.organization_id)
    form = EditForm(request.POST or None, principal=principal, snipe=snipe)
    if request.method == "POST" and form.is_valid():
        try:
            revise_snipe(snipe, form.cleaned_data, by=principal)
            messages.success(request, "Changed.")
            return redirect("admin:snipe", snipe.pk)
        except SnipeRefused as refused:
            say_refusal(form, refused)
    context = {
        **admin.site.each_context(request), "title": f"Change snipe {snipe.pk}", "form": form, "snipe": snipe
    }  # fmt: skip
    return render(request, "sniper/edit.html", context)
