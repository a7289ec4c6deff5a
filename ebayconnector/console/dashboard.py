"""The first page: how each account is, what is wrong, and whether the token schedule is alive."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db.models import Count, Max, Q
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from accounts.access import Principal, principal_of_request
from accounts.models import EbayAccount, Notice, Role
from accounts.notices import Kind, open_notices
from accounts.scoped_admin import console_page, may_somewhere
from sniper.admin.words import counting
from sniper.models import LIVE, Snipe, SnipeStatus
from sniper.selectors import waiting_without_executor
from syncworkers.models import QuarantinedRecord, RunStatus, SyncState, SyncSwitch, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.titles import family_title
from tokens.models import EbayToken
from tokens.processes import odd_processes
from tokens.scopes import covers
from tokens.selectors import INTERVAL, schedule_status
from tokens.status import AccountStatus, account_status, token_of

_FAILED = (RunStatus.ERROR, RunStatus.ABANDONED)
_PROBLEMS_SHOWN = 30
_NOTICES_SHOWN = 10


@dataclass(frozen=True)
class Problem:
    where: str
    text: str
    url: str
    tone: str


@dataclass(frozen=True)
class AccountCard:
    account: EbayAccount
    status: AccountStatus
    states: Sequence[SyncState]
    runs: Sequence[WorkerRun]

    @property
    def enabled(self) -> int:
        return len(self._on)

    @property
    def fine(self) -> int:
        failed = {run.api_family for run in self.runs if run.status in _FAILED} | set(self.not_granted)
        return sum(1 for state in self._on if state.last_success_at and state.api_family not in failed)

    @property
    def not_granted(self) -> list[str]:
        """Families that are switched on and may not run: the account did not grant what they need."""
        token = token_of(self.account)
        if token is None:
            return []
        on = {state.api_family for state in self._on}
        return [
            key
            for key, worker in WORKERS.items()
            if key in on and not covers(token.granted_scopes, worker.scopes)
        ]

    @property
    def stalest(self) -> datetime | None:
        """Up to when everything that is switched on is complete; None before the first slice of each."""
        ends = [state.complete_until for state in self._on]
        known = [end for end in ends if end is not None]
        return min(known) if known and len(known) == len(ends) else None

    @property
    def _on(self) -> list[SyncState]:
        return [state for state in self.states if state.enabled]


def with_dashboard(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Unfold's callback for the index page."""
    return {**context, "title": "Dashboard", **dashboard(principal_of_request(request))}


@never_cache
@require_GET
@console_page
def dashboard_cards(request: HttpRequest, principal: Principal) -> HttpResponse:
    """The part of the page that is polled."""
    return render(request, "console/_dashboard.html", dashboard(principal))


def dashboard(principal: Principal) -> dict[str, Any]:
    cards, notices = account_cards(principal), list(open_notices(principal))
    organizations = principal.organization_ids(Role.VIEWER)
    tokens = EbayToken.objects.visible_to(principal).exclude(last_refreshed_at=None).select_related("account")
    return {
        "cards": cards,
        "notices": notices[:_NOTICES_SHOWN],
        "more_notices": len(notices) > _NOTICES_SHOWN,
        "problems": _problems(cards, _told(notices))[:_PROBLEMS_SHOWN],
        "stops": _stops(principal),
        "odd_processes": odd_processes(),
        "may_see_keys": principal.everywhere,
        "schedule": schedule_status(principal),
        "schedule_interval": INTERVAL,
        "snipes": _snipes(principal),
        "last_refresh": tokens.order_by("-last_refreshed_at").first(),
        "may_connect": may_somewhere(principal, Role.ADMIN),
        "has_organization": organizations is None or bool(organizations),
        "many_organizations": organizations is None or len(organizations) > 1,
    }


def _snipes(principal: Principal) -> dict[str, Any] | None:
    """The live snipes: how many, the next one, and whether nobody would send them; None without any."""
    live = Snipe.objects.visible_to(principal).filter(status__in=LIVE)
    count = live.count()
    if not count:
        return None
    waiting = live.filter(status__in=(SnipeStatus.SCHEDULED, SnipeStatus.ARMING))
    first = waiting.order_by("fire_at", "id").first()
    return {
        "count": count,
        "next": first,
        "left": counting(first.fire_at) if first else "",
        "unattended": bool(waiting_without_executor()),
    }


def account_cards(principal: Principal) -> list[AccountCard]:
    accounts = list(
        EbayAccount.objects.visible_to(principal)
        .filter(is_active=True)
        .select_related("token", "organization")
    )
    now = timezone.now()
    states: dict[int, list[SyncState]] = defaultdict(list)
    for state in SyncState.objects.filter(account__in=accounts):
        states[state.account_id].append(state)
    runs: dict[int, list[WorkerRun]] = defaultdict(list)
    for run in _latest_runs(accounts):
        runs[run.account_id].append(run)
    return [
        AccountCard(account, account_status(account, now=now), states[account.pk], runs[account.pk])
        for account in accounts
    ]


def _latest_runs(accounts: Sequence[EbayAccount]) -> Sequence[WorkerRun]:
    latest = (
        WorkerRun.objects.filter(account__in=accounts, api_family__in=list(WORKERS))
        .order_by()
        .values("account_id", "api_family")
        .annotate(latest=Max("id"))
        .values("latest")
    )
    order = list(WORKERS)
    return sorted(WorkerRun.objects.filter(pk__in=latest), key=lambda run: order.index(run.api_family))


def _stops(principal: Principal) -> list[SyncSwitch]:
    pressed = SyncSwitch.objects.filter(enabled=False).select_related("organization")
    organizations = principal.organization_ids(Role.VIEWER)
    if organizations is not None:
        pressed = pressed.filter(Q(organization=None) | Q(organization_id__in=organizations))
    return list(pressed)


def _told(notices: Sequence[Notice]) -> set[int | None]:
    """Accounts whose token trouble has its notice above already."""
    kinds = (Kind.NEEDS_RECONNECT, Kind.REFRESH_FAILING)
    return {notice.account_id for notice in notices if notice.kind in kinds}


def _problems(cards: Sequence[AccountCard], told: Collection[int | None]) -> list[Problem]:
    quarantined = dict(
        QuarantinedRecord.objects.filter(account__in=[card.account for card in cards], healed_at=None)
        .order_by()
        .values_list("account_id")
        .annotate(Count("id"))
    )
    return [
        problem
        for card in cards
        for problem in _problems_of(card, quarantined.get(card.account.pk, 0), told=card.account.pk in told)
    ]


def _problems_of(card: AccountCard, quarantined: int, *, told: bool) -> list[Problem]:
    name, workers = card.account.house_name, f"{reverse('admin:workers')}?account={card.account.pk}"
    problems = []
    if not told and (card.status.needs_person or card.status.code == "error"):
        url = reverse("admin:accounts_ebayaccount_change", args=[card.account.pk])
        problems.append(Problem(name, card.status.reason, url, "red"))
    if card.not_granted:
        url = reverse("admin:accounts_ebayaccount_change", args=[card.account.pk])
        titles = ", ".join(family_title(family) for family in card.not_granted)
        problems.append(Problem(name, f"Reconnect it to grant {titles}; they do not run.", url, "amber"))
    if not card.account.workers_enabled:
        problems.append(Problem(name, "All its workers are switched off.", workers, "amber"))
    for state in card.states:
        if state.enabled and state.last_error:
            where = f"{name}, {family_title(state.api_family)}"
            problems.append(Problem(where, state.last_error, workers, "red"))
    if quarantined:
        records = reverse("admin:syncworkers_quarantinedrecord_changelist")
        url = f"{records}?account={card.account.pk}&state=open"
        problems.append(
            Problem(
                name, f"{quarantined} record{'s' if quarantined > 1 else ''} in quarantine.", url, "amber"
            )
        )
    return problems
