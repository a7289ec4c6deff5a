"""The calendar of consents: when each account's refresh token ends."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from django.contrib import admin
from django.db.models import F
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.models import EbayAccount, Role
from accounts.scoped_admin import console_page
from tokens.models import EbayToken
from tokens.services.notices import WARNING_DAYS, warning_stage
from tokens.status import AccountStatus, account_status

# eBay's refresh tokens live 18 months (03 §1.2).
_MONTHS = 19
_TONES = ("green", "amber", "amber", "red")


@dataclass(frozen=True)
class Consent:
    """One account; `days` are full days until its consent ends, negative when it has ended."""

    account: EbayAccount
    status: AccountStatus
    ends_at: datetime | None
    days: int
    stage: int
    may_reconnect: bool

    @property
    def tone(self) -> str:
        return "red" if self.status.needs_person else _TONES[self.stage]

    @property
    def words(self) -> str:
        if self.status.needs_person:
            return "needs reconnect"
        if self.ends_at is None:
            return "unknown"
        return f"ends within {WARNING_DAYS[self.stage - 1]} days" if self.stage else "good"


@dataclass(frozen=True)
class Month:
    """A month of the calendar; `name` is empty for consents whose end is unknown."""

    name: str
    short: str
    consents: list[Consent]

    @property
    def worst(self) -> str:
        """The tone of the most urgent one; '' for a month without any."""
        tones = {consent.tone for consent in self.consents}
        return next((tone for tone in ("red", "amber", "green") if tone in tones), "")


@never_cache
@require_GET
@console_page
def consents(request: HttpRequest, principal: Principal) -> HttpResponse:
    context = {
        **admin.site.each_context(request),
        "title": "Consent calendar",
        "warning_days": WARNING_DAYS,
        **consent_calendar(principal, now=timezone.now()),
    }
    return render(request, "tokens/consents.html", context)


def consent_calendar(principal: Principal, *, now: datetime) -> dict[str, Any]:
    """`months` that hold a consent, by time, and `strip`: every month from this one on."""
    tokens = (
        EbayToken.objects.visible_to(principal)
        .filter(account__is_active=True)
        .select_related("account__organization", "account__token")
        .order_by(F("refresh_token_expires_at").asc(nulls_last=True), "account__house_name")
    )
    months = list(_by_month(_consent(token, principal, now) for token in tokens))
    known = {month.short: month for month in months}
    return {
        "months": months,
        "strip": [known.get(short) or Month("", short, []) for short in _next_months(now)],
    }


def _consent(token: EbayToken, principal: Principal, now: datetime) -> Consent:
    account, ends = token.account, token.refresh_token_expires_at
    return Consent(
        account=account,
        status=account_status(account, now=now),
        ends_at=ends,
        days=(ends - now).days if ends else 0,
        stage=warning_stage(ends, now),
        may_reconnect=principal.may(Role.ADMIN, account.organization_id),
    )


def _by_month(consents: Iterable[Consent]) -> Iterable[Month]:
    for first, group in groupby(consents, key=lambda one: one.ends_at and one.ends_at.strftime("%Y-%m")):
        found = list(group)
        ends = found[0].ends_at
        name = f"{ends:%B %Y}" if ends else "End unknown"
        yield Month(name, f"{ends:%b %y}" if first and ends else "", found)


def _next_months(now: datetime) -> list[str]:
    months = (now.year * 12 + now.month - 1 + ahead for ahead in range(_MONTHS))
    return [f"{datetime(month // 12, month % 12 + 1, 1):%b %y}" for month in months]
