"""What notices tell about workers: those that are further behind than is promised."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta

from django.db.models import DateTimeField, F, Func, Q, QuerySet
from django.db.models.functions import Coalesce, Now
from django.urls import reverse
from django.utils import timezone

from accounts.display import length
from accounts.models import EbayAccount
from accounts.notices import Cause, Kind
from syncworkers import cadence
from syncworkers.models import SyncState, SyncSwitch
from syncworkers.registry import WORKERS, Windows, Worker
from tokens import scopes, wire
from tokens.models import ApiQuota, ProcessHeartbeat
from tokens.processes import ALIVE
from tokens.quotas import Lane, room
from tokens.status import account_status, token_of

# What is promised: so many effective intervals, and never less than this; what is read whole takes long.
_INTERVALS = 6
_AT_LEAST = timedelta(hours=1)
_AT_LEAST_WHOLE = timedelta(days=1)
# One that was just switched on again catches up in this time, and nobody needs a letter about it.
_CATCHES_UP_S = 900.0
# Without one of these nothing runs at all.
_NEEDED = ("core", "sync")


def stale_causes() -> list[Cause]:
    """Workers that should run, and are complete only up to a time that is too long ago.

    What is held back by something that people know already (switches, the account, its token, a quota) is
    left out. When the processes that do the work are away, that is the one cause.
    """
    stale = list(_stale_workers(timezone.now()))
    away = _clusters_away() if stale else []
    if not away:
        return [_of_worker(state, worker, promise) for state, worker, promise in stale]
    names: dict[int, set[str]] = defaultdict(set)
    for state, _, _ in stale:
        names[state.account.organization_id].add(state.account.house_name)
    return [_of_clusters(organization_id, houses, away) for organization_id, houses in names.items()]


def promise(worker: Worker, interval: timedelta) -> timedelta:
    """How far behind a worker may be that runs every `interval`."""
    return max(_INTERVALS * interval, _AT_LEAST if isinstance(worker.reads, Windows) else _AT_LEAST_WHOLE)


def _stale_workers(now: datetime) -> Iterator[tuple[SyncState, Worker, timedelta]]:
    behind = list(_states_behind(now))
    if not behind:
        return
    plan, exhausted = cadence.current_plan(), _exhausted_apis(now)
    held_back: dict[int, bool] = {}
    for state in behind:
        worker, account = WORKERS[state.api_family], state.account
        allowed = promise(worker, plan.interval(account.environment, worker))
        since = max(filter(None, (state.complete_until, account.connected_at)))
        if now - since <= allowed or (account.environment, worker.api) in exhausted:
            continue
        if account.pk not in held_back:
            held_back[account.pk] = _is_held_back(account, now)
        if not held_back[account.pk] and _may(account, worker):
            yield state, worker, allowed


def _states_behind(now: datetime) -> QuerySet[SyncState] | Sequence[SyncState]:
    """Workers that are switched on and complete only up to more than the shortest promise ago."""
    stopped = SyncSwitch.objects.filter(enabled=False)
    if stopped.filter(organization=None).exists():
        return ()
    end = Func(F("covered"), function="upper", output_field=DateTimeField())
    long_ago, organizations = now - _AT_LEAST, stopped.exclude(organization=None).values("organization")
    states = SyncState.objects.annotate(complete=Coalesce(end, "snapshot_at")).filter(
        Q(complete=None) | Q(complete__lt=long_ago), account__connected_at__lt=long_ago, enabled=True,
        api_family__in=list(WORKERS), account__is_active=True, account__workers_enabled=True,
    ).exclude(account__organization__in=organizations)  # fmt: skip
    return states.select_related("account__token").order_by("account_id", "api_family")


def _is_held_back(account: EbayAccount, now: datetime) -> bool:
    """The account's own trouble has its own notice."""
    return account_status(account, now=now).code in ("not_connected", "needs_reconnect", "error")


def _may(account: EbayAccount, worker: Worker) -> bool:
    token = token_of(account)
    granted = token is not None and scopes.covers(token.granted_scopes, worker.scopes)
    return granted and account.environment in worker.environments


def _exhausted_apis(now: datetime) -> set[tuple[str, str]]:
    return {
        (row.environment, row.api)
        for row in ApiQuota.objects.filter(reset_at__gt=now)
        if wire.quota_key(row.environment, row.api).client_id == row.client_id
        and room(Lane.SCHEDULE, row.counts(now)) <= 0
    }


def _clusters_away() -> list[str]:
    alive = ProcessHeartbeat.objects.filter(kind="cluster", beat_at__gt=Now() - ALIVE)
    return [name for name in _NEEDED if name not in set(alive.values_list("name", flat=True))]


def _of_worker(state: SyncState, worker: Worker, allowed: timedelta) -> Cause:
    account = state.account
    until = state.complete_until
    how_far = (
        f"complete only up to {until:%Y-%m-%d %H:%M} UTC" if until else "not complete up to any time yet"
    )
    last = f" The last error: {state.last_error}" if state.last_error else ""
    return Cause(
        kind=Kind.STALE_WORKER, organization_id=account.organization_id, account_id=account.pk,
        subject_key=f"worker:{account.pk}:{worker.key}",
        title=f"{worker.title} of {account.house_name} is stale",
        text=f"{worker.title} of {account.house_name} is {how_far}; it should be within {length(allowed)}."
        f"{last}",
        path=f"{reverse('admin:workers')}?account={account.pk}", urgent=False,
        patience_s=_CATCHES_UP_S,
    )  # fmt: skip


def _of_clusters(organization_id: int, houses: set[str], away: list[str]) -> Cause:
    clusters = " and ".join(f"“{name}”" for name in away)
    return Cause(
        kind=Kind.STALE_WORKER, organization_id=organization_id, subject_key="clusters",
        title="No worker runs",
        text=f"The cluster {clusters} is not running, so that nothing is synced for "
        f"{', '.join(sorted(houses))}. Whoever runs the machine starts it; nothing is lost.",
        path=reverse("admin:workers"),
    )  # fmt: skip
