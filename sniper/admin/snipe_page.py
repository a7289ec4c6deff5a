"""One snipe: the item, its life, the timeline as pictures, its log; live."""

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
from sniper.access import readiness
from sniper.models import Snipe
from sniper.pictures.lanes import draw_lanes
from sniper.pictures.timeline import last_minute, moment_of
from sniper.selectors import running_executors
from sniper.services.switches import why_off

from .words import Line, warning_of

_EVENTS = 200


@never_cache
@require_GET
@console_page
def snipe_page(request: HttpRequest, principal: Principal, snipe_id: int) -> HttpResponse:
    about = _about(principal, snipe_id)
    context = {**admin.site.each_context(request), "title": f"Snipe {snipe_id}", **about}
    return render(request, "sniper/snipe.html", context)


@never_cache
@require_GET
@console_page
def snipe_state(request: HttpRequest, principal: Principal, snipe_id: int) -> HttpResponse:
    """The part of the page that is polled."""
    return render(request, "sniper/_snipe.html", _about(principal, snipe_id))


def _about(principal: Principal, snipe_id: int) -> dict[str, Any]:
    snipe = visible_or_404(Snipe, principal, snipe_id, related=("account__token", "group"))
    attempts = list(snipe.attempts.all())
    moments = [(attempt, moment_of(attempt)) for attempt in attempts]
    organization_id = snipe.account.organization_id
    return {
        "snipe": snipe,
        "line": Line(snipe, warning_of(snipe, running_executors())),
        "not_ready": readiness(snipe.account).warning if snipe.may_cancel else "",
        "switched_off": why_off(organization_id) if snipe.may_cancel else "",
        "attempts": attempts,
        "picture": draw_lanes(last_minute(snipe, attempts)) if snipe.armed_at or attempts else "",
        "moments": [(attempt, draw_lanes(chart)) for attempt, chart in moments if chart is not None],
        "events": snipe.events.order_by("-id")[:_EVENTS],
        "may_operate": principal.may(Role.OPERATOR, organization_id),
    }
