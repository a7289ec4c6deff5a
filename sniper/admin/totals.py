"""What came of the snipes of each account, and how long eBay takes to answer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from django.contrib import admin
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.models import EbayAccount
from accounts.scoped_admin import console_page
from sniper.pictures.histogram import draw_histogram
from sniper.selectors import Totals, latencies_ms, totals_of


@dataclass(frozen=True)
class CurrencyTotals(Totals):
    @property
    def percent(self) -> int:
        return round((self.success_rate or 0.0) * 100)


@dataclass(frozen=True)
class AccountTotals:
    account: EbayAccount
    totals: Sequence[CurrencyTotals]
    answers: int
    picture: SafeString


@never_cache
@require_GET
@console_page
def snipe_totals(request: HttpRequest, principal: Principal) -> HttpResponse:
    accounts = (
        EbayAccount.objects.visible_to(principal)
        .filter(snipes__isnull=False)
        .order_by("house_name", "id")
        .distinct()
    )
    context = {"title": "Results of snipes", "accounts": [_of(account) for account in accounts]}
    return render(request, "sniper/totals.html", {**admin.site.each_context(request), **context})


def _of(account: EbayAccount) -> AccountTotals:
    latencies = latencies_ms(account)
    name = f"Latency of the bids of {account.house_name}"
    picture = draw_histogram(latencies, name=name)
    totals = [CurrencyTotals(**vars(total)) for total in totals_of(account)]
    return AccountTotals(account, totals, len(latencies), picture)
