"""The life of a run: asked for, claimed, executed, ended, and asked again."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.models import EbayAccount
from ebayconnector.ebay.errors import (
    AccountLimited,
    BadAnswer,
    EbayError,
    RateLimited,
    ScopeMissing,
    TokenRejected,
    Unavailable,
)
from syncworkers import selectors
from syncworkers.locks import Claimed, FenceLost, abandon_silent_runs, beat, claim_next_run
from syncworkers.models import Reason, RunStatus, SyncState, Trigger, WorkerRun
from syncworkers.models.runs import ACTIVE, Lane
from syncworkers.registry import WORKERS, Worker
from tokens import wire
from tokens.services.clients import client_for
from tokens.services.pauses import pause_api
from tokens.services.refresh import TokenUnavailable

from . import runlog, tickets
from .engine import GaveWay, Progress, RunContext, Stopped, read_everything

logger = logging.getLogger(__name__)

WORK_S = 240.0
RETRIES = 3
_BREAKER_AFTER = 5
_BREAKER_FIRST = timedelta(seconds=300)
_BREAKER_LONGEST = timedelta(hours=1)
_PERSON_TRIGGERS = frozenset({Trigger.MANUAL, Trigger.RUN_ALL, Trigger.API, Trigger.COMMAND})


@dataclass(frozen=True)
class Requested:
    """The answer to "run this": started, or skipped with one of Reason's words; the run in question."""

    started: bool
    run_id: int | None
    reason: Reason | None = None


def request_run(account: EbayAccount, worker: Worker, *, trigger: Trigger, by: str) -> Requested:
    """Queue a run and a ticket in one transaction, or say why not. The same road for every trigger."""
    state = ensure_state(account, worker)
    refusal = selectors.why_not(account, worker, state)
    if refusal is not None:
        return Requested(False, None, refusal)
    lane = Lane.MANUAL if trigger in _PERSON_TRIGGERS else Lane.SCHEDULE
    try:
        with transaction.atomic():
            run = _queue(account.pk, worker, lane=lane, trigger=trigger, by=by)
            tickets.leave_ticket()
    except IntegrityError as failure:
        if "one_active_run" not in str(failure):
            raise
        return _join_active_run(account, worker, lane=lane)
    return Requested(True, run.pk)


def ensure_state(account: EbayAccount, worker: Worker) -> SyncState:
    state, _ = SyncState.objects.get_or_create(
        account=account,
        api_family=worker.key,
        defaults={"cursor_type": worker.cursor_type, "enabled": account.purpose in worker.purposes},
    )
    return state


def _queue(
    account_id: int,
    worker: Worker,
    *,
    lane: Lane,
    trigger: Trigger,
    by: str = "",
    after: timedelta = timedelta(0),
    attempt: int = 1,
) -> WorkerRun:
    now = timezone.now()
    return WorkerRun.objects.create(
        account_id=account_id, api_family=worker.key, api=worker.api, lane=lane, trigger=trigger,
        requested_by=by[:200], queued_at=now, not_before=now + after, attempt=attempt,
    )  # fmt: skip


def _join_active_run(account: EbayAccount, worker: Worker, *, lane: Lane) -> Requested:
    """A run is there already: one that waits (a retry, history) moves to the front, one that runs is it."""
    with transaction.atomic():
        run = (
            WorkerRun.objects.select_for_update()
            .filter(account=account, api_family=worker.key, status__in=ACTIVE)
            .first()
        )
        if run is not None and run.status == RunStatus.QUEUED and run.lane > lane:
            now = timezone.now()
            WorkerRun.objects.filter(pk=run.pk).update(lane=lane, not_before=now, queued_at=now)
            tickets.leave_ticket()
            return Requested(True, run.pk)
    return Requested(False, run.pk if run else None, Reason.ALREADY_RUNNING)


def cancel_run(run: WorkerRun, *, by: str) -> bool:
    """End a queued run now, a running one at its next page. False when it had ended already."""
    now = timezone.now()
    marks = {"cancel_requested_at": now, "cancel_requested_by": by[:200]}
    queued = WorkerRun.objects.filter(pk=run.pk, status=RunStatus.QUEUED).update(
        status=RunStatus.CANCELLED, reason=Reason.CANCELLED, finished_at=now, **marks
    )
    running = WorkerRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(**marks)
    return bool(queued or running)


def work(*, budget_s: float = WORK_S) -> int:
    """What a ticket does: claim and execute the best queued run until the time is up. Returns how many."""
    end = time.monotonic() + budget_s
    done = 0
    process_id = current_process_id()
    while time.monotonic() < end and not selectors.process_is_stopping(process_id):
        claimed = claim_next_run(process_id)
        if claimed is None:
            break
        execute_run(claimed, deadline=end)
        done += 1
    tickets.top_up()
    return done


def current_process_id() -> int | None:
    """The ProcessHeartbeat of the cluster that runs us; None outside a cluster."""
    value = os.environ.get("CLUSTER_HEARTBEAT_ID", "")
    return int(value) if value.isdigit() else None


def execute_run(
    claimed: Claimed, *, deadline: float, on_page: Callable[[WorkerRun], None] | None = None
) -> WorkerRun:
    """Execute a claimed run and record how it ended, whatever happens. Returns the run as it ended."""
    run = WorkerRun.objects.select_related("account").get(pk=claimed.run_id)
    worker = WORKERS[run.api_family]
    state = SyncState.objects.get(account_id=run.account_id, api_family=run.api_family)
    progress = Progress()
    try:
        refusal = selectors.why_not(run.account, worker, state)
        if refusal is not None:
            return _end(run, worker, RunStatus.SKIPPED, reason=refusal)
        context = _context(run, state, worker, deadline, progress)
        context.on_page = on_page or context.on_page
        _start(run, state)
        read_everything(context)
    except FenceLost as lost:
        # Somebody ended this run while we were away; nothing may be written any more, not even this.
        logger.warning("%s", lost)
        run.refresh_from_db()
        return run
    except GaveWay as way:
        runlog.write(run, "gave_way", f"{way}; the rest follows in the next run")
        return _end(run, worker, RunStatus.COMPLETED, more=True)
    except Stopped as stop:
        return _end_stopped(run, worker, stop, progress)
    except (EbayError, TokenUnavailable) as failure:
        return _end_failed(run, worker, failure, progress)
    except BaseException as failure:
        # The edge of a job: record the run's end, then let django-q2 or the command see the failure.
        logger.exception("run %s failed unexpectedly", run.pk)
        _end(
            run, worker, _partial_or_error(progress), reason=Reason.INTERNAL_ERROR,
            error=f"{type(failure).__name__}: see the process's log. The next run tries again.",
        )  # fmt: skip
        raise
    if not progress.complete:
        return _end(run, worker, RunStatus.PARTIAL, reason=progress.reason, error="; ".join(progress.errors))
    return _end(run, worker, RunStatus.COMPLETED)


def _context(
    run: WorkerRun, state: SyncState, worker: Worker, deadline: float, progress: Progress
) -> RunContext:
    def wait(seconds: float) -> None:
        context.wait(seconds)

    client = client_for(run.account, source=f"worker:{run.trigger}", run_id=run.pk, wait=wait)
    context = RunContext(
        run=run,
        state=state,
        worker=worker,
        client=client,
        ebay_now=wire.clock(run.account.environment).now,
        deadline=deadline,
        progress=progress,
    )
    return context


def _start(run: WorkerRun, state: SyncState) -> None:
    signals = beat(run.pk)
    state.last_run_at = timezone.now()
    SyncState.objects.filter(pk=state.pk).update(last_run_at=state.last_run_at)
    runlog.write(run, "started", f"started by {run.get_trigger_display()} {run.requested_by}".rstrip())
    if signals.cancel_requested_at:
        raise Stopped(Reason.CANCELLED)


def _end_stopped(run: WorkerRun, worker: Worker, stop: Stopped, progress: Progress) -> WorkerRun:
    if stop.reason == Reason.CLUSTER_STOPPING:
        return _end(run, worker, RunStatus.PARTIAL, reason=stop.reason, more=True)
    return _end(run, worker, RunStatus.CANCELLED, reason=stop.reason)


def _partial_or_error(progress: Progress) -> RunStatus:
    return RunStatus.PARTIAL if progress.stored_any else RunStatus.ERROR


def _end_failed(
    run: WorkerRun, worker: Worker, failure: EbayError | TokenUnavailable, progress: Progress
) -> WorkerRun:
    """eBay or the token stood in the way: keep what is stored, say why, ask again where that can help."""
    status = _partial_or_error(progress)
    if isinstance(failure, TokenUnavailable):
        reason = Reason.NEEDS_RECONNECT if failure.needs_reconnect else Reason.TOKEN_UNAVAILABLE
        return _end(run, worker, status, reason=reason, error=str(failure), retry=not failure.needs_reconnect)
    if isinstance(failure, RateLimited | AccountLimited):
        until = pause_api(run.account, worker.api, failure)
        text = f"{failure} Calls go on at {until:%H:%M:%S} UTC."
        return _end(run, worker, status, reason=Reason.PAUSED, error=text, retry=True)
    if isinstance(failure, ScopeMissing):
        return _end(run, worker, status, reason=Reason.MISSING_SCOPE, error=str(failure))
    if isinstance(failure, TokenRejected):
        return _end(run, worker, status, reason=Reason.TOKEN_UNAVAILABLE, error=str(failure), retry=True)
    if isinstance(failure, Unavailable | BadAnswer):
        return _end(run, worker, status, reason=Reason.EBAY_UNAVAILABLE, error=str(failure), retry=True)
    return _end(run, worker, status, reason=Reason.EBAY_REFUSED, error=str(failure))


def _end(
    run: WorkerRun,
    worker: Worker,
    status: RunStatus,
    *,
    reason: Reason | None = None,
    error: str = "",
    more: bool = False,
    retry: bool = False,
) -> WorkerRun:
    """Record the end, the worker's state and what follows, in one transaction; lost runs stay lost."""
    with transaction.atomic():
        ended = WorkerRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(
            status=status,
            reason=reason or "",
            error=error[:4000],
            more=more,
            finished_at=timezone.now(),
            heartbeat_at=timezone.now(),
            summary_json={
                "pages": run.pages,
                "fetched": run.rows_fetched,
                "stored": run.rows_stored,
                "unchanged": run.rows_unchanged,
                "quarantined": run.rows_quarantined,
            },
        )
        if ended:
            _remember(run, status, reason, error)
            runlog.write(
                run, "finished", _closing_words(run, status, reason, error),
                level="error" if status == RunStatus.ERROR else "info",
            )  # fmt: skip
            _ask_again(run, worker, status, more=more, retry=retry)
    run.refresh_from_db()
    return run


def _closing_words(run: WorkerRun, status: RunStatus, reason: Reason | None, error: str) -> str:
    words = f"{status.label}: {run.rows_fetched} fetched, {run.rows_stored} stored, "
    words += f"{run.rows_unchanged} unchanged"
    if reason:
        words += f". {reason.label}"
    return f"{words}. {error}" if error else words


def _remember(run: WorkerRun, status: RunStatus, reason: Reason | None, error: str) -> None:
    """The worker's last words, and its breaker: five failures in a row pause it, a success closes it."""
    state = SyncState.objects.select_for_update().get(account_id=run.account_id, api_family=run.api_family)
    if status == RunStatus.COMPLETED:
        state.last_success_at, state.last_error = timezone.now(), ""
        state.failed_in_row, state.breaker_until = 0, None
    elif status in (RunStatus.ERROR, RunStatus.PARTIAL) and reason != Reason.CLUSTER_STOPPING:
        state.last_error = error or (reason.label if reason else status.label)
        if status == RunStatus.ERROR and reason != Reason.PAUSED:
            state.failed_in_row += 1
            state.breaker_until = _breaker_until(state.failed_in_row)
    state.save(update_fields=["last_success_at", "last_error", "failed_in_row", "breaker_until"])


def _breaker_until(failed_in_row: int) -> datetime | None:
    if failed_in_row < _BREAKER_AFTER:
        return None
    pause = _BREAKER_FIRST * 2 ** min(failed_in_row - _BREAKER_AFTER, 10)
    until: datetime = timezone.now() + min(pause, _BREAKER_LONGEST)
    return until


def _ask_again(run: WorkerRun, worker: Worker, status: RunStatus, *, more: bool, retry: bool) -> None:
    if more:
        lane = Lane.HISTORY if status == RunStatus.COMPLETED else Lane(run.lane)
        _queue(run.account_id, worker, lane=lane, trigger=Trigger.FOLLOW_UP, by=run.requested_by)
        tickets.leave_ticket()
    elif retry and run.attempt <= RETRIES:
        _queue(
            run.account_id, worker, lane=Lane(run.lane), trigger=Trigger.RETRY, by=run.requested_by,
            after=timedelta(minutes=2 ** (run.attempt - 1)), attempt=run.attempt + 1,
        )  # fmt: skip


def abandon_silent() -> int:
    """End runs whose process fell silent and ask their workers again. Returns how many."""
    with transaction.atomic():
        abandoned = abandon_silent_runs(settings.RUN_SILENT_AFTER)
        for account_id, family, lane in abandoned:
            _queue(account_id, WORKERS[family], lane=Lane(lane), trigger=Trigger.RETRY, by="after silence")
    return len(abandoned)
