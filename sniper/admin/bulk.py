"""Many snipes from a CSV file, with a result for each row."""

from __future__ import annotations

from collections.abc import Sequence

from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from accounts.access import Principal
from accounts.models import Role
from accounts.scoped_admin import console_page, may_somewhere
from sniper.forms import BulkForm
from sniper.refusals import SnipeRefused
from sniper.services.bulk import BulkRow, plan_bulk

from .new import say_refusal


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def bulk_snipes(request: HttpRequest, principal: Principal) -> HttpResponse:
    if not may_somewhere(principal, Role.OPERATOR):
        raise PermissionDenied("planning snipes needs the role operator")
    form = BulkForm(request.POST or None, request.FILES or None, principal=principal)
    rows: Sequence[BulkRow] = ()
    if request.method == "POST" and form.is_valid():
        try:
            rows = plan_bulk(form.cleaned_data["csv"], by=principal, account=form.cleaned_data["account"])
        except SnipeRefused as refused:
            say_refusal(form, refused)
    context = {
        **admin.site.each_context(request),
        "title": "Snipes from a CSV file",
        "form": form,
        "rows": rows,
        "planned": sum(1 for row in rows if row.snipe is not None),
    }
    return render(request, "sniper/bulk.html", context)
