"""Putting runs into the queue: the table of runs is the queue, on the database's clock."""

from __future__ import annotations

from datetime import timedelta

from django.db.models.functions import Now

from syncworkers.models import WorkerRun
from syncworkers.models.runs import Lane, Trigger
from syncworkers.registry import Worker


def queue_run(
    account_id: int,
    worker: Worker,
    *,
    lane: Lane,
    trigger: Trigger,
    by: str = "",
    after: timedelta = timedelta(0),
    attempt: int = 1,
) -> WorkerRun:
    """A queued run that may start `after` from now. IntegrityError `one_active_run` when there is one."""
    return WorkerRun.objects.create(
        account_id=account_id, api_family=worker.key, api=worker.api, lane=lane, trigger=trigger,
        requested_by=by[:200], queued_at=Now(), not_before=Now() + after, attempt=attempt,
    )  # fmt: skip
