"""The Quotas page: what eBay lets the application call today, and what that makes of the schedule."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.scoped_admin import console_page
from syncworkers.quota_board import QuotaLine, quota_board

_TONES = {"ok": "green", "stretched": "amber", "paused": "amber", "used up": "red"}


@never_cache
@require_GET
@console_page
def quotas(request: HttpRequest, principal: Principal) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Quotas", **_board(principal)}
    return render(request, "syncworkers/quotas.html", context)


@never_cache
@require_GET
@console_page
def quota_rows(request: HttpRequest, principal: Principal) -> HttpResponse:
    """The part of the page that is polled."""
    return render(request, "syncworkers/_quotas.html", _board(principal))


def _board(principal: Principal) -> dict[str, Any]:
    lines = quota_board(principal)
    environments = sorted({line.environment for line in lines})
    return {
        "environments": [
            {"name": name, "lines": [_shown(line) for line in lines if line.environment == name]}
            for name in environments
        ]
    }


def _shown(line: QuotaLine) -> dict[str, Any]:
    return {
        "line": line,
        "tone": _TONES[line.status],
        "advice": _advice(line),
        "used_percent": _percent(line.used, line.limit),
        "forecast_percent": _percent(line.forecast, line.limit),
    }


def _advice(line: QuotaLine) -> str:
    """What the state means, and what a person could do; '' when all is well."""
    if line.status == "used up":
        return "What can wait waits for the reset: the last calls are kept for people, tokens and snipes."
    if line.status == "paused":
        return "eBay refused calls and asked for a pause. It goes on by itself."
    if line.status == "stretched":
        return (
            f"The schedule would like {line.wanted_per_day:,} calls a day, so all its intervals grow alike. "
            "Switch workers off that nobody needs, or ask eBay for more (Application Growth Check)."
        )
    return ""


def _percent(number: int, limit: int) -> int:
    return min(100, round(100 * number / limit)) if limit else 0
