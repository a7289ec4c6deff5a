"""The tick with thousands of workers due, beside the same work row by row through the ORM."""

from __future__ import annotations

import statistics
import time
from datetime import timedelta
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.models import EbayAccount, Organization, Purpose
from ebayconnector.database import execute
from syncworkers.models import RunStatus, SyncState, Trigger, WorkerRun
from syncworkers.models.runs import Lane
from syncworkers.registry import WORKERS, families_for
from syncworkers.services import tick
from syncworkers.services.queue import queue_run
from tokens.models import EbayToken

_ROUNDS = 5


def measure(*, workers: int, by_row: int) -> dict[str, Any]:
    """Median of five ticks with all `workers` due; the baseline on `by_row` of them, scaled.

    The first tick meets an empty table of runs, the others what the ticks before left.
    """
    _make_workers(workers)
    seconds = [_timed_tick(workers) for _ in range(_ROUNDS)]
    row_s = _timed_rows(by_row) * workers / by_row
    return {
        "workers": workers, "seconds": statistics.median(seconds), "slowest_s": max(seconds),
        "by_row_measured": by_row, "by_row_s": row_s,
    }  # fmt: skip


def _make_workers(workers: int) -> None:
    """Connected accounts with a row for each family, all enabled, until there are so many workers."""
    organization = Organization.objects.create(name="Bench")
    families = families_for(Purpose.BOTH)
    now = timezone.now()
    accounts = EbayAccount.objects.bulk_create(
        EbayAccount(
            organization=organization, house_name=f"House {n}", purpose=Purpose.BOTH, environment="simulator",
            ebay_user_id=f"user{n}", username=f"seller_{n}", marketplace_id="EBAY_US", site_id=0,
            connected_at=now,
        )
        for n in range(-(-workers // len(families)))
    )  # fmt: skip
    scopes = sorted({scope for family in families for scope in WORKERS[family].scopes})
    EbayToken.objects.bulk_create(
        EbayToken(
            account=account, access_token_sealed="enc:v1:bench:a", refresh_token_sealed="enc:v1:bench:r",
            granted_scopes=scopes, consented_at=now, expires_at=now + timedelta(hours=2),
            refresh_token_expires_at=now + timedelta(days=540), last_refreshed_at=now,
        )
        for account in accounts
    )  # fmt: skip
    SyncState.objects.bulk_create(
        SyncState(account=account, api_family=family, cursor_type=WORKERS[family].cursor_type)
        for account in accounts
        for family in families
    )
    extra = SyncState.objects.order_by("-id").values_list("pk", flat=True)[
        : SyncState.objects.count() - workers
    ]
    SyncState.objects.filter(pk__in=list(extra)).update(enabled=False)
    execute("ANALYZE")


def _all_due() -> None:
    """The runs of the tick before have ended, and every worker's time has come."""
    now = timezone.now()
    WorkerRun.objects.update(status=RunStatus.COMPLETED, finished_at=now)
    execute("DELETE FROM django_q_ormq")
    SyncState.objects.filter(enabled=True).update(next_run_at=now - timedelta(seconds=1))
    # What the reset left behind is not the tick's.
    execute("VACUUM ANALYZE ebay_worker_run, ebay_sync_state, django_q_ormq")


def _timed_tick(workers: int) -> float:
    _all_due()
    started = time.perf_counter()
    ticked = tick.tick()
    seconds = time.perf_counter() - started
    if ticked.queued != workers:
        raise RuntimeError(f"{ticked.queued} runs were queued instead of {workers}")
    return seconds


def _timed_rows(count: int) -> float:
    _all_due()
    started = time.perf_counter()
    due = SyncState.objects.filter(enabled=True, next_run_at__lte=timezone.now())
    for state in due.select_related("account__token")[:count]:
        _queue_by_row(state)
    seconds = time.perf_counter() - started
    if WorkerRun.objects.filter(status=RunStatus.QUEUED).count() != count:
        raise RuntimeError("the baseline did not queue its runs")
    return seconds


def _queue_by_row(state: SyncState) -> None:
    """The least that keeps the promise: run and next time together, or neither."""
    worker = WORKERS[state.api_family]
    if not (
        state.account.is_active and state.account.workers_enabled and state.account.token.refresh_token_sealed
    ):
        return
    with transaction.atomic():
        queue_run(state.account_id, worker, lane=Lane.SCHEDULE, trigger=Trigger.SCHEDULE)
        state.next_run_at = timezone.now() + worker.every
        state.save(update_fields=["next_run_at"])
