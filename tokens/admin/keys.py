"""Which keys seal what, and which processes run with another key ring or release; superusers only."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin
from django.core.exceptions import PermissionDenied
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.display import badge
from accounts.scoped_admin import console_page
from tokens import sealing
from tokens.key_use import key_uses
from tokens.models import ProcessHeartbeat
from tokens.processes import key_ring_fingerprint, live_processes


@never_cache
@require_GET
@console_page
def keys(request: HttpRequest, principal: Principal) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Keys", **_keys(principal)}
    return render(request, "tokens/keys.html", context)


@never_cache
@require_GET
@console_page
def key_rows(request: HttpRequest, principal: Principal) -> HttpResponse:
    """The part of the page that is polled."""
    return render(request, "tokens/_keys.html", _keys(principal))


def ring_badge(process: ProcessHeartbeat) -> SafeString:
    same = process.key_ring == key_ring_fingerprint()
    return badge("same as here", "green") if same else badge("another one", "red")


def _keys(principal: Principal) -> dict[str, Any]:
    if not principal.everywhere:
        raise PermissionDenied("the keys belong to the whole installation")
    problem = ""
    try:
        uses = key_uses()
    except sealing.KeyRingError as failure:
        uses, problem = [], str(failure)
    return {
        "uses": uses,
        "problem": problem,
        "processes": [
            (process, ring_badge(process), process.release == settings.RELEASE)
            for process in live_processes().order_by("kind", "name", "host", "pid")
        ],
        "release": settings.RELEASE,
    }
