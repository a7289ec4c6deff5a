"""The life of a run outside its execution: asked for, joined, claimed by a ticket, cancelled, abandoned."""

from __future__ import annotations

import logging
import time
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, transaction
from django.db.models import Q
from django.db.models.functions import Now
from django.utils import timezone

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from syncworkers import cadence, selectors
from syncworkers.locks import abandon_process_runs, abandon_silent_runs, claim_next_run
from syncworkers.models import Reason, RunStatus, SyncState, Trigger, WorkerRun
from syncworkers.models.runs import ACTIVE, Lane
from syncworkers.registry import WORKERS, Worker
from tokens import quotas
from tokens.allowances import allowances
from tokens.processes import current_heartbeat_id, note_progress

from . import tickets
from .execution import execute_run
from .queue import queue_run

logger = logging.getLogger(__name__)

WORK_S = 240.0
# A run that is begun with less time than this would mostly make a follow-up.
_LEAST_S = 20.0
_PERSON_TRIGGERS = frozenset({Trigger.MANUAL, Trigger.RUN_ALL, Trigger.API, Trigger.COMMAND})


@dataclass(frozen=True)
class Requested:
    """The answer to "run this": started, or skipped with one of Reason's words; the run in question."""

    started: bool
    run_id: int | None
    reason: Reason | None = None

    @property
    def words(self) -> str:
        """The result for the audit trail."""
        return "started" if self.started else f"skipped: {self.reason or ''}"


def request_run(account: EbayAccount, worker: Worker, *, trigger: Trigger, by: str) -> Requested:
    """Queue a run and a ticket in one transaction, or say why not. The same road for every trigger.

    A run that waits already (a retry, history) is moved to the front when a person asks.
    """
    state = ensure_state(account, worker)
    refusal = selectors.why_not(account, worker, state)
    if refusal is not None:
        return Requested(False, None, refusal)
    lane = Lane.MANUAL if trigger in _PERSON_TRIGGERS else Lane.SCHEDULE
    if cadence.exhausted_until(account, worker, lane=quotas.Lane(lane)) is not None:
        return Requested(False, None, Reason.QUOTA)
    while True:
        # Looked for first: an INSERT would wait for the page that an active run writes at this moment.
        joined = _join_active_run(account, worker, lane=lane, trigger=trigger, by=by)
        if joined is not None:
            return joined
        try:
            with transaction.atomic():
                run = queue_run(account.pk, worker, lane=lane, trigger=trigger, by=by)
                tickets.leave_ticket()
            return Requested(True, run.pk)
        except IntegrityError as failure:
            if "one_active_run" not in str(failure):
                raise


def reset_breaker(
    account: EbayAccount, worker: Worker, *, by: Principal, trigger: Trigger = Trigger.MANUAL
) -> Requested:
    """Forget the failures in a row, end their pause, and ask for a run. Role operator; raises NotAllowed."""
    by.require(Role.OPERATOR, account.organization_id)
    # Two transactions: a page locks its run before the worker's row, together this would be the reverse.
    with transaction.atomic():
        state = SyncState.objects.select_for_update().get(pk=ensure_state(account, worker).pk)
        failures = state.failed_in_row
        state.failed_in_row, state.breaker_until = 0, None
        state.save(update_fields=["failed_in_row", "breaker_until"])
        record_act(
            by, "breaker_reset", organization_id=account.organization_id, target=account, family=worker.key,
            failed_in_row=failures,
        )  # fmt: skip
    return request_run(account, worker, trigger=trigger, by=by.label)


def ensure_state(account: EbayAccount, worker: Worker) -> SyncState:
    """The worker's row; a new one is due at once, as the tick would write it."""
    state, _ = SyncState.objects.get_or_create(
        account=account,
        api_family=worker.key,
        # Without a time the schedule would never find it.
        defaults={
            "cursor_type": worker.cursor_type,
            "enabled": account.purpose in worker.purposes,
            "next_run_at": timezone.now(),
        },
    )
    return state


def _join_active_run(
    account: EbayAccount, worker: Worker, *, lane: Lane, trigger: Trigger, by: str
) -> Requested | None:
    """The active run is the one: moved to the front if it waits behind this lane or for its time.

    None when there is none (any more).
    """
    active = WorkerRun.objects.filter(account=account, api_family=worker.key, status__in=ACTIVE)
    waits = Q(lane__gt=lane) | Q(not_before__gt=Now()) if lane == Lane.MANUAL else Q(lane__gt=lane)
    with transaction.atomic():
        moved = active.filter(waits, status=RunStatus.QUEUED).update(
            lane=lane, trigger=trigger, requested_by=by[:200], not_before=Now(), queued_at=Now()
        )
        if moved:
            tickets.leave_ticket()
    run_id = active.values_list("pk", flat=True).first()
    if run_id is None:
        return None
    return Requested(True, run_id) if moved else Requested(False, run_id, Reason.ALREADY_RUNNING)


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
    try:
        done = _work_until(time.monotonic() + budget_s, least_s=min(_LEAST_S, budget_s / 2))
    finally:
        # Calls that this process holds and will not make are the others'.
        allowances().give_back()
    tickets.top_up()
    return done


def _work_until(end: float, *, least_s: float) -> int:
    done = 0
    process_id = current_heartbeat_id()
    note_progress()
    while end - time.monotonic() > least_s and not selectors.process_is_stopping(process_id):
        claimed = claim_next_run(process_id)
        if claimed is None:
            break
        execute_run(claimed, deadline=end)
        note_progress()
        done += 1
    return done


def abandon_silent() -> int:
    """End runs whose process fell silent and ask their workers again. Returns how many."""
    with transaction.atomic():
        return _ask_again(abandon_silent_runs(settings.RUN_SILENT_AFTER), by="after silence")


def abandon_runs_of(process_id: int) -> int:
    """The same for all runs of a process that is dead for sure, without waiting for the silence."""
    with transaction.atomic():
        return _ask_again(abandon_process_runs(process_id), by="after its process ended")


def _ask_again(abandoned: list[tuple[int, str, int]], *, by: str) -> int:
    for account_id, family, lane in abandoned:
        logger.warning("a run of %s, account %s, was abandoned: asked again %s", family, account_id, by)
        if family in WORKERS:
            queue_run(account_id, WORKERS[family], lane=Lane(lane), trigger=Trigger.RETRY, by=by)
    if abandoned:
        tickets.leave_ticket()
    return len(abandoned)
