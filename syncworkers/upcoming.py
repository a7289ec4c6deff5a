"""The schedule of the next hours as the tick will really make it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import EbayAccount
from tokens.services.pauses import paused_until

from .cadence import current_plan
from .models import Reason, SyncState
from .registry import WORKERS, Worker
from .selectors import why_not

# These end by themselves: the worker runs again afterwards.
_TEMPORARY = frozenset({Reason.PAUSED, Reason.BREAKER_OPEN})


@dataclass(frozen=True)
class Upcoming:
    """A run that the schedule will start at `at`."""

    account: EbayAccount
    worker: Worker
    at: datetime


@dataclass(frozen=True)
class HeldBack:
    """A worker that the schedule leaves alone until somebody does something."""

    account: EbayAccount
    worker: Worker
    reason: Reason


@dataclass(frozen=True)
class Schedule:
    runs: list[Upcoming]
    held_back: list[HeldBack]


def schedule(accounts: Iterable[EbayAccount], *, length: timedelta) -> Schedule:
    """All runs of the next `length`, in order of time, and the workers that have none."""
    now, plan = timezone.now(), current_plan()
    runs: list[Upcoming] = []
    held_back: list[HeldBack] = []
    for account in accounts:
        states = {state.api_family: state for state in SyncState.objects.filter(account=account)}
        for worker in WORKERS.values():
            state = states.get(worker.key) or _first_state(account, worker, now)
            refusal = why_not(account, worker, state)
            if refusal is not None and refusal not in _TEMPORARY:
                held_back.append(HeldBack(account, worker, refusal))
                continue
            paused = paused_until(account, worker.api) if refusal == Reason.PAUSED else None
            every = plan.interval(account.environment, worker)
            slots = _slots(state, every, now=now, end=now + length, paused=paused)
            runs += [Upcoming(account, worker, at) for at in slots]
    return Schedule(sorted(runs, key=lambda run: (run.at, run.account.pk)), held_back)


def _first_state(account: EbayAccount, worker: Worker, now: datetime) -> SyncState:
    """A worker that the tick has not written yet starts at once if the account's purpose wants it."""
    enabled = account.purpose in worker.purposes
    return SyncState(account=account, api_family=worker.key, enabled=enabled, next_run_at=now)


def _slots(
    state: SyncState, every: timedelta, *, now: datetime, end: datetime, paused: datetime | None
) -> Iterator[datetime]:
    """When the tick finds the worker due, as its statement counts: from the planned time, late ones
    from now. A run queued during a pause waits for its end, and those that would come meanwhile drop out.
    """
    planned = state.next_run_at
    last: datetime | None = None
    while planned is not None:
        due = max(planned, now, state.breaker_until or now)
        starts = max(due, paused or due)
        if starts >= end:
            return
        if starts != last:
            yield starts
        last = starts
        planned = planned + every if planned > due - every else due + every
