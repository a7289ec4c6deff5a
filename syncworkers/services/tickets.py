"""Tickets: jobs of the `sync` cluster that say "there is work", without arguments.

Our run table is the queue; a lost or doubled ticket changes nothing.
"""

from __future__ import annotations

from django.conf import settings
from django.db import connection
from django_q.tasks import async_task

CLUSTER = "sync"
_WORK = "syncworkers.tasks.work"


def leave_ticket() -> None:
    """Queue one ticket unless enough wait; inside the caller's transaction, so both commit or neither."""
    _leave(1)


def top_up() -> int:
    """As many tickets as there are runs that may start now, within the limit. Returns how many were made."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM ebay_worker_run WHERE status = 'queued' AND not_before <= clock_timestamp()"
        )
        return _leave(int(cursor.fetchone()[0]))


def _leave(wanted: int) -> int:
    with connection.cursor() as cursor:
        # A ticket that a worker is busy with is locked into the future; only waiting ones count.
        cursor.execute(
            "SELECT count(*) FROM django_q_ormq WHERE key = %s AND lock <= clock_timestamp()", [CLUSTER]
        )
        waiting = int(cursor.fetchone()[0])
    missing = min(wanted, 2 * settings.Q_WORKERS) - waiting
    for _ in range(missing):
        async_task(_WORK, cluster=CLUSTER, task_name="work", timeout=300)
    return max(missing, 0)
