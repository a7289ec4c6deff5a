"""Tickets: jobs of the `sync` cluster that say "there is work", without arguments.

Our run table is the queue; a lost or doubled ticket changes nothing.
"""

from __future__ import annotations

from django.conf import settings
from django_q.tasks import async_task

from ebayconnector.database import fetch_one

CLUSTER = "sync"
_WORK = "syncworkers.tasks.work"


def leave_ticket() -> None:
    """A ticket for a run that was just queued; in the caller's transaction, so both commit or neither."""
    top_up()


def top_up() -> int:
    """As many tickets as there are runs that may start now, within the limit. Returns how many were made."""
    row = fetch_one(
        "SELECT count(*) FROM ebay_worker_run WHERE status = 'queued' AND not_before <= clock_timestamp()"
    )
    return _leave(int(row[0]) if row else 0)


def _leave(wanted: int) -> int:
    # A ticket that a worker is busy with is locked into the future; only waiting ones count.
    row = fetch_one(
        "SELECT count(*) FROM django_q_ormq WHERE key = %s AND lock <= clock_timestamp()", [CLUSTER]
    )
    waiting = int(row[0]) if row else 0
    missing = min(wanted, 2 * settings.Q_WORKERS) - waiting
    for _ in range(missing):
        async_task(_WORK, cluster=CLUSTER, task_name="work", timeout=300, save=False)
    return max(missing, 0)


def _waiting() -> int:
    """Tickets that nobody has taken: a taken one is locked into the future."""
    row = fetch_one(
        "SELECT count(*) FROM django_q_ormq WHERE key = %s AND lock <= clock_timestamp()", [CLUSTER]
    )
    return int(row[0]) if row else 0
