"""Which checks feed the notices, as a table; each runs every minute and settles its kinds alone."""

from __future__ import annotations

import logging
from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from accounts import notice_mail
from accounts.notices import Cause, Kind, Settled, clock, settle
from syncworkers.services import notices as of_workers
from tokens.models import BackgroundWorker
from tokens.services import notices as of_tokens
from tokens.services.key_notices import key_causes

logger = logging.getLogger(__name__)

NAME = "notice_check"
INTERVAL = timedelta(minutes=1)
# The schedule has missed its turns: another cluster looks in its stead.
OVERDUE = 3 * INTERVAL


@dataclass(frozen=True)
class Check:
    """`causes` finds all causes of `kinds` that there are at this moment."""

    kinds: Collection[Kind]
    causes: Callable[[], list[Cause]]


CHECKS = (
    Check(of_tokens.ACCOUNT_KINDS, of_tokens.account_causes),
    Check((Kind.KEY_TROUBLE,), key_causes),
    Check((Kind.DEAD_SCHEDULE,), of_tokens.schedule_causes),
    Check((Kind.QUOTA,), of_tokens.quota_causes),
    Check((Kind.STALE_WORKER,), of_workers.stale_causes),
)


def check_notices() -> Settled:
    """Run every check; queue the e-mails. A check that fails leaves its notices as they are and is said."""
    started, failed = timezone.now(), []
    total = Settled(0, 0, 0, 0)
    for check in CHECKS:
        try:
            total += _settled(check)
        # The other checks, and the e-mails of what is open already, must not wait for this one's repair.
        except Exception as failure:
            logger.exception("the check for %s failed", ", ".join(check.kinds))
            failed.append(f"{', '.join(check.kinds)}: {type(failure).__name__}")
    if notice_mail.is_due():
        _queue_mails()
    _keep_heartbeat(started, failed)
    if total != Settled(0, 0, 0, 0):
        logger.info("notices: %s", total)
    return total


def _settled(check: Check) -> Settled:
    since = clock()
    return settle(check.kinds, check.causes(), since=since)


def _queue_mails() -> None:
    async_task("accounts.tasks.send_notice_mails", cluster="tokens", task_name="send_notice_mails")


def _keep_heartbeat(started: datetime, failed: list[str]) -> None:
    with transaction.atomic():
        worker, _ = BackgroundWorker.objects.select_for_update().get_or_create(
            worker_name=NAME, defaults={"interval_seconds": int(INTERVAL.total_seconds())}
        )
        worker.last_started_at, worker.last_finished_at = started, timezone.now()
        worker.last_status = "partial" if failed else "ok"
        worker.last_error_message = "; ".join(failed)
        worker.runs_ok_in_row = 0 if failed else worker.runs_ok_in_row + 1
        worker.runs_error_in_row = worker.runs_error_in_row + 1 if failed else 0
        worker.save()


def stand_in() -> bool:
    """For the guard of a cluster: look when the schedule does not. Returns whether it had to.

    If the cluster that carries the schedule is dead, this is who tells people about it.
    """
    late = BackgroundWorker.objects.filter(worker_name=NAME, last_started_at__lt=timezone.now() - OVERDUE)
    if not late.exists():
        return False
    check_notices()
    return True
