"""One run with its log, live."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.models import Role
from accounts.scoped_admin import console_page, visible_or_404
from syncworkers.models import WorkerRun
from syncworkers.models.runs import ACTIVE
from syncworkers.registry import WORKERS

from .words import RunProgress, advice, span_length

_LINES = 300


@never_cache
@require_GET
@console_page
def run_page(request: HttpRequest, principal: Principal, run_id: int) -> HttpResponse:
    about = _about(principal, run_id)
    run = about["run"]
    title = f"Run {run.pk}: {about['family']} of {run.account.house_name}"
    return render(
        request, "syncworkers/run.html", {**admin.site.each_context(request), "title": title, **about}
    )


@never_cache
@require_GET
@console_page
def run_lines(request: HttpRequest, principal: Principal, run_id: int) -> HttpResponse:
    """The part of the page that is polled."""
    return render(request, "syncworkers/_run.html", _about(principal, run_id))


def _about(principal: Principal, run_id: int) -> dict[str, Any]:
    run = visible_or_404(WorkerRun, principal, run_id, related=("account",))
    lines = list(run.logs.order_by("-id")[: _LINES + 1])
    return {
        "run": run,
        "family": WORKERS[run.api_family].title if run.api_family in WORKERS else run.api_family,
        "lines": lines[:_LINES],
        "cut": len(lines) > _LINES,
        "took": span_length(run),
        "advice": advice(run.reason),
        "active": run.status in ACTIVE,
        "progress": RunProgress(run) if run.status in ACTIVE else None,
        "may_operate": principal.may(Role.OPERATOR, run.account.organization_id),
    }
