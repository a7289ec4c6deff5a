"""Health checks in the console: the account page's section, and the list of all."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from django.contrib import admin
from django.contrib.admin import display
from django.utils.safestring import SafeString

from accounts.display import badge, when
from accounts.models import EbayAccount
from accounts.scoped_admin import AccountFilter, ScopedAdmin
from tokens.models import HealthCheck

from .latency import SPAN, Plot, latency_plot

_LISTED = 8


@dataclass(frozen=True)
class HealthSection:
    latest: HealthCheck | None
    checks: list[HealthCheck]
    plot: Plot | None


def health_section(account: EbayAccount, *, now: datetime) -> HealthSection:
    """What the account's page shows of its health."""
    checks = list(HealthCheck.objects.filter(account=account, checked_at__gt=now - SPAN))
    latest = checks[0] if checks else HealthCheck.objects.filter(account=account).first()
    return HealthSection(latest, checks[:_LISTED], latency_plot(checks, now=now))


@admin.register(HealthCheck)
class HealthCheckAdmin(ScopedAdmin):
    list_display = ("checked", "account", "checked_by", "result", "latency", "error")
    list_filter = (AccountFilter, "ok", "checked_by", "error_code")
    list_select_related = ("account",)

    @display(description="when", ordering="checked_at")
    def checked(self, check: HealthCheck) -> SafeString:
        return when(check.checked_at)

    @display(description="result", ordering="ok")
    def result(self, check: HealthCheck) -> SafeString:
        return badge("well", "green") if check.ok else badge(check.error_code, "red")

    @display(description="latency", ordering="latency_ms")
    def latency(self, check: HealthCheck) -> str:
        return "" if check.latency_ms is None else f"{check.latency_ms} ms"
