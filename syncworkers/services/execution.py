"""One execution of a claimed run: the engine between a start and an end that is recorded, come what may."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction
from django.utils import timezone

from ebayconnector.ebay.errors import (
    AccountLimited,
    BadAnswer,
    EbayError,
    RateLimited,
    ScopeMissing,
    SignatureRefused,
    TokenRejected,
    Unavailable,
)
from syncworkers import selectors
from syncworkers.locks import Claimed, FenceLost
from syncworkers.models import Reason, RunStatus, SyncState, WorkerRun
from syncworkers.models.runs import Lane, Trigger
from syncworkers.registry import WORKERS, Worker
from syncworkers.windows import ImpossibleCoverage
from tokens import quotas, wire
from tokens.allowances import QuotaExhausted
from tokens.services.clients import client_for
from tokens.services.pauses import pause_api
from tokens.services.refresh import TokenUnavailable

from . import runlog, tickets
from .context import GaveWay, Progress, RunContext, Stopped
from .engine import read_everything
from .queue import queue_run

logger = logging.getLogger(__name__)

RETRIES = 3
_BREAKER_AFTER = 5
_BREAKER_FIRST = timedelta(seconds=300)
_BREAKER_LONGEST = timedelta(hours=1)
# These stop the worker by themselves; the breaker would only hold it back after they are healed.
_NOT_FOR_THE_BREAKER = frozenset(
    {Reason.PAUSED, Reason.QUOTA, Reason.NEEDS_RECONNECT, Reason.CLUSTER_STOPPING}
)


def execute_run(
    claimed: Claimed,
    *,
    deadline: float,
    on_page: Callable[[WorkerRun], None] | None = None,
    sleep: Callable[[float], None] = time.sleep,
    in_worker: bool = True,
) -> WorkerRun:
    """Execute a claimed run and record how it ended, whatever happens. Returns the run as it ended.

    `deadline` is on the monotonic clock; `in_worker` is False in the foreground. What nobody expected is
    recorded and raised again.
    """
    run = WorkerRun.objects.select_related("account").get(pk=claimed.run_id)
    ending = Ending(run, WORKERS[run.api_family])
    try:
        state = SyncState.objects.get(account_id=run.account_id, api_family=run.api_family)
        refusal = selectors.why_not(run.account, ending.worker, state)
        if refusal is not None:
            return ending.record(RunStatus.SKIPPED, reason=refusal)
        context = _context(run, state, ending, deadline, sleep)
        context.in_worker = in_worker
        context.on_page = on_page or context.on_page
        _start(context)
        read_everything(context)
        return ending.done()
    except FenceLost as lost:
        # Somebody ended this run while we were away; nothing may be written any more, not even this.
        logger.warning("%s", lost)
        run.refresh_from_db()
        return run
    except GaveWay as way:
        return ending.done(more=True, note=f"{way}; the rest follows in the next run")
    except Stopped as stop:
        return ending.stopped(stop)
    except (EbayError, TokenUnavailable) as failure:
        return ending.failed(failure)
    except ImpossibleCoverage as claim:
        words = f"The cursor says that {claim} is complete, which cannot be true. Nothing was read. "
        return ending.record(RunStatus.ERROR, reason=Reason.BAD_CURSOR, error=words + "Set it again.")
    except BaseException as failure:
        # The edge of a job: record the run's end, then let django-q2 or the command see the failure.
        logger.exception("run %s failed unexpectedly", run.pk)
        ending.broken(failure)
        raise


def _context(
    run: WorkerRun, state: SyncState, ending: Ending, deadline: float, sleep: Callable[[float], None]
) -> RunContext:
    def wait(seconds: float) -> None:
        context.wait(seconds)

    context = RunContext(
        run=run,
        state=state,
        worker=ending.worker,
        client=client_for(
            run.account, source=f"worker:{run.trigger}", run_id=run.pk, lane=quotas.Lane(run.lane), wait=wait
        ),
        ebay_now=wire.clock(run.account.environment).now,
        deadline=deadline,
        sleep=sleep,
        progress=ending.progress,
    )
    return context


def _start(context: RunContext) -> None:
    run = context.run
    with context.fenced() as signals:
        SyncState.objects.filter(pk=context.state.pk).update(last_run_at=timezone.now())
        by = f"started by {run.get_trigger_display()} {run.requested_by}".rstrip()
        runlog.write(run, "started", by)
    context.heed_stops(signals)


class Ending:
    """Records how a run ended, what its worker remembers of it, and what follows, in one transaction."""

    def __init__(self, run: WorkerRun, worker: Worker) -> None:
        self.run = run
        self.worker = worker
        self.progress = Progress()

    def done(self, *, more: bool = False, note: str = "") -> WorkerRun:
        """The engine came to its end, or gave way: complete, or with gaps that it could not close."""
        progress = self.progress
        if progress.complete:
            return self.record(RunStatus.COMPLETED, more=more, note=note)
        error = "; ".join(progress.errors)
        return self.record(RunStatus.PARTIAL, reason=progress.reason, error=error, more=more)

    def stopped(self, stop: Stopped) -> WorkerRun:
        if stop.reason == Reason.CLUSTER_STOPPING:
            return self.record(RunStatus.PARTIAL, reason=stop.reason, more=True)
        return self.record(RunStatus.CANCELLED, reason=stop.reason)

    def failed(self, failure: EbayError | TokenUnavailable) -> WorkerRun:
        """eBay or the token stood in the way: keep what is stored, say why, ask again where that helps."""
        reason, retry = _why_failed(failure)
        error = str(failure)
        if isinstance(failure, QuotaExhausted):
            return self._out_of_quota(failure)
        if reason == Reason.PAUSED and isinstance(failure, EbayError):
            until = pause_api(self.run.account, failure.api or self.worker.api, failure)
            error += f" Calls go on at {until:%H:%M:%S} UTC."
        status = self._partial_or_error()
        if reason == Reason.MISSING_SCOPE and status == RunStatus.ERROR:
            # Nothing failed: the account did not grant it, whatever its consent says.
            status = RunStatus.SKIPPED
        # A token that cannot be had is counted, and paused with growing pauses, once: at the token.
        counts = not isinstance(failure, TokenUnavailable)
        return self.record(status, reason=reason, error=error, retry=retry, counts=counts)

    def _out_of_quota(self, failure: QuotaExhausted) -> WorkerRun:
        """Nothing failed: what is left of the day is kept for others. The schedule comes back by itself."""
        until = timezone.now() + timedelta(seconds=failure.retry_after or 0)
        status = RunStatus.PARTIAL if self.progress.achieved_any else RunStatus.SKIPPED
        error = f"{failure} Calls go on at {until:%H:%M:%S} UTC."
        later = until - timezone.now() if self.run.lane != Lane.SCHEDULE else None
        return self.record(status, reason=Reason.QUOTA, error=error, later=later)

    def broken(self, failure: BaseException) -> None:
        """A fault of ours, the database's, or an end by force; recorded on a fresh connection."""
        if not connection.in_atomic_block:
            connection.close()
        try:
            if isinstance(failure, KeyboardInterrupt):
                self.record(RunStatus.CANCELLED, reason=Reason.CANCELLED)
                return
            passing = isinstance(failure, OperationalError | InterfaceError | SystemExit)
            self.record(
                self._partial_or_error(),
                reason=Reason.INTERNAL_ERROR,
                error=f"{type(failure).__name__}: see the process's log. The next run tries again.",
                retry=passing,
            )
        except DatabaseError:
            logger.exception("the end of run %s could not be recorded; it will be abandoned", self.run.pk)

    def _partial_or_error(self) -> RunStatus:
        return RunStatus.PARTIAL if self.progress.achieved_any else RunStatus.ERROR

    def record(
        self,
        status: RunStatus,
        *,
        reason: Reason | None = None,
        error: str = "",
        note: str = "",
        more: bool = False,
        retry: bool = False,
        later: timedelta | None = None,
        counts: bool = True,
    ) -> WorkerRun:
        """The one way a run ends. A run that was lost stays lost: nothing is written then."""
        run = self.run
        calls = wire.call_counter().calls_of_run(run.pk)
        with transaction.atomic():
            ended = WorkerRun.objects.filter(pk=run.pk, status=RunStatus.RUNNING).update(
                status=status,
                reason=reason or "",
                error=error[:4000],
                more=more,
                finished_at=timezone.now(),
                summary_json=_summary(run) | {"calls": calls},
            )
            if ended:
                self._remember(
                    status, reason, error, failed=counts and bool(error) and not self._went_through()
                )
                level = "error" if status == RunStatus.ERROR else "info"
                runlog.write(run, "finished", _closing_words(run, status, reason, error or note), level=level)
                self._ask_again(more=more, retry=retry, later=later)
        run.refresh_from_db()
        return run

    def _went_through(self) -> bool:
        return bool(self.progress.slices)

    def _remember(self, status: RunStatus, reason: Reason | None, error: str, *, failed: bool) -> None:
        """The worker's last words, and its breaker: five failures in a row pause it, a success closes it.

        A run that completed at least a slice is no failure, whatever stopped it then.
        """
        states = SyncState.objects.select_for_update()
        state = states.filter(account_id=self.run.account_id, api_family=self.run.api_family).first()
        if state is None:
            return
        if status == RunStatus.COMPLETED:
            state.last_success_at, state.last_error = timezone.now(), ""
            state.failed_in_row, state.breaker_until = 0, None
        elif (error or status in (RunStatus.ERROR, RunStatus.PARTIAL)) and reason != Reason.CLUSTER_STOPPING:
            state.last_error = error or (reason.label if reason else status.label)
            if failed and reason not in _NOT_FOR_THE_BREAKER:
                state.failed_in_row += 1
                state.breaker_until = _breaker_until(state.failed_in_row)
        state.save(update_fields=["last_success_at", "last_error", "failed_in_row", "breaker_until"])

    def _ask_again(self, *, more: bool, retry: bool, later: timedelta | None) -> None:
        """The rest follows in the lane of history once the live part is read; a failure after 1, 2, 4 min."""
        run = self.run
        lane = Lane.HISTORY if self.progress.live_done else Lane(run.lane)
        if more:
            queue_run(run.account_id, self.worker, lane=lane, trigger=Trigger.FOLLOW_UP, by=run.requested_by)
            tickets.leave_ticket()
        elif later is not None:
            queue_run(
                run.account_id,
                self.worker,
                lane=lane,
                trigger=Trigger.FOLLOW_UP,
                by=run.requested_by,
                after=later,
            )
        elif retry and run.attempt <= RETRIES:
            queue_run(
                run.account_id, self.worker, lane=lane, trigger=Trigger.RETRY, by=run.requested_by,
                after=timedelta(minutes=2 ** (run.attempt - 1)), attempt=run.attempt + 1,
            )  # fmt: skip


def _why_failed(failure: EbayError | TokenUnavailable) -> tuple[Reason, bool]:
    """The reason in our words, and whether the same may succeed in a minute."""
    if isinstance(failure, TokenUnavailable):
        if failure.needs_reconnect:
            return Reason.NEEDS_RECONNECT, False
        return Reason.TOKEN_UNAVAILABLE, True
    if isinstance(failure, RateLimited | AccountLimited):
        return Reason.PAUSED, True
    if isinstance(failure, ScopeMissing):
        return Reason.MISSING_SCOPE, False
    if isinstance(failure, SignatureRefused):
        return Reason.SIGNATURE_REFUSED, False
    if isinstance(failure, TokenRejected):
        return Reason.TOKEN_UNAVAILABLE, True
    if isinstance(failure, Unavailable | BadAnswer):
        return Reason.EBAY_UNAVAILABLE, True
    return Reason.EBAY_REFUSED, False


def _summary(run: WorkerRun) -> dict[str, Any]:
    return {
        "pages": run.pages,
        "fetched": run.rows_fetched,
        "stored": run.rows_stored,
        "unchanged": run.rows_unchanged,
        "quarantined": run.rows_quarantined,
    }


def _closing_words(run: WorkerRun, status: RunStatus, reason: Reason | None, more: str) -> str:
    text = f"{status.label}: {run.rows_fetched} fetched, {run.rows_stored} stored, "
    text += f"{run.rows_unchanged} unchanged"
    if reason:
        text += f". {reason.label}"
    return f"{text}. {more}" if more else text


def _breaker_until(failed_in_row: int) -> datetime | None:
    if failed_in_row < _BREAKER_AFTER:
        return None
    pause = _BREAKER_FIRST * 2 ** min(failed_in_row - _BREAKER_AFTER, 10)
    until: datetime = timezone.now() + min(pause, _BREAKER_LONGEST)
    return until
