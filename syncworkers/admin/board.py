"""The Workers page: one account's workers, its token, its switches, the BIG RED BUTTON, its latest runs."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from django.contrib import admin
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal
from accounts.models import EbayAccount, Role
from accounts.scoped_admin import console_page, may_somewhere, visible_or_404
from syncworkers.models import SyncSwitch, WorkerRun
from syncworkers.selectors import Standstill, WorkerRow, standstill, worker_board
from tokens import wire
from tokens.admin.panel import token_panel
from tokens.status import AccountStatus, account_status

from .coverage import coverage_strip
from .words import BoardLine, RunProgress, span_length

_RUNS_SHOWN = 15
# Beyond this many, accounts are chosen from a list instead of from tabs.
_TABS = 6


@dataclass(frozen=True)
class Choice:
    """One account of the chooser."""

    account: EbayAccount
    status: AccountStatus
    chosen: bool


@never_cache
@require_GET
@console_page
def workers(request: HttpRequest, principal: Principal) -> HttpResponse:
    context = {**admin.site.each_context(request), "title": "Workers", **board(request, principal)}
    return render(request, "syncworkers/workers.html", context)


@never_cache
@require_GET
@console_page
def workers_board(request: HttpRequest, principal: Principal) -> HttpResponse:
    """The part of the page that is polled."""
    return render(request, "syncworkers/_board.html", board(request, principal))


def board(request: HttpRequest, principal: Principal) -> dict[str, Any]:
    """What the board shows. Without `?account=` the first account; Http404 for one that is not visible."""
    accounts = list(
        EbayAccount.objects.visible_to(principal)
        .filter(is_active=True)
        .select_related("token", "organization")
        .order_by("organization__name", "house_name", "id")
    )
    account = _chosen(request, principal, accounts)
    now = timezone.now()
    if account is not None and account not in accounts:
        # A deactivated account keeps its page: its history is still somebody's question.
        accounts.append(account)
    context: dict[str, Any] = {
        "choices": [Choice(one, account_status(one, now=now), one == account) for one in accounts],
        "as_tabs": len(accounts) <= _TABS,
        "account": account,
        "may_connect": may_somewhere(principal, Role.ADMIN),
        "superuser": principal.everywhere,
        "installation_stop": _standstill(SyncSwitch.objects.filter(organization=None)),
    }
    return context if account is None else context | _of_account(account, principal)


def _chosen(request: HttpRequest, principal: Principal, accounts: list[EbayAccount]) -> EbayAccount | None:
    wanted = request.GET.get("account")
    if wanted is None:
        return accounts[0] if accounts else None
    return visible_or_404(EbayAccount, principal, wanted, related=("token", "organization"))


def _of_account(account: EbayAccount, principal: Principal) -> dict[str, Any]:
    ebay_now = wire.clock(account.environment).now()
    may_operate = principal.may(Role.OPERATOR, account.organization_id)
    runs = WorkerRun.objects.filter(account=account)[:_RUNS_SHOWN]
    return {
        "panel": token_panel(account, principal, now=timezone.now()),
        "lines": [_line(row, BoardLine(row, ebay_now)) for row in worker_board(account)],
        "runs": [{"run": run, "took": span_length(run)} for run in runs],
        "may_operate": may_operate,
        "why_disabled": "" if may_operate else "This needs the role operator",
        "stop": _standstill(SyncSwitch.objects.filter(organization=account.organization)),
    }


def _standstill(switches: QuerySet[SyncSwitch]) -> Standstill | None:
    """Of the pressed button among `switches`; None when none is pressed."""
    switch = switches.filter(enabled=False).first()
    return standstill(switch) if switch else None


def _line(row: WorkerRow, words: BoardLine) -> dict[str, Any]:
    progress = RunProgress(row.run) if row.run is not None and row.active else None
    strip = [] if row.read_whole else coverage_strip(row, now=words.now)
    return {"row": row, "words": words, "progress": progress, "strip": strip}
