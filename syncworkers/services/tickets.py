"""Tickets: jobs of the `sync` cluster that say "there is work", without arguments.

Our run table is the queue; a lost or doubled ticket changes nothing.
"""

from __future__ import annotations

from django.conf import settings
from django_q.tasks import async_task

from ebayconnector.database import fetch_one
from syncworkers.locks import startable_runs

CLUSTER = "sync"
_WORK = "syncworkers.tasks.work"


def leave_ticket() -> None:
    """A ticket for a run that was just queued; in the caller's transaction, so both commit or neither.

    Also when the run may not start yet: what stands in its way now may end before this commits.
    """
    row = fetch_one(
        "SELECT count(*) FROM (SELECT 1 FROM ebay_worker_run WHERE status = 'queued' "
        "AND not_before <= clock_timestamp() LIMIT %s) queued",
        [_most()],
    )
    _leave(int(row[0]) if row else 0)


def top_up() -> int:
    """As many tickets as there are runs that may start now, within the limit. Returns how many were made.

    A run that waits for its API or for a place has none: its ticket would find nothing, and leave another.
    """
    return _leave(startable_runs(at_most=_most()))


def _leave(wanted: int) -> int:
    missing = max(wanted - _waiting(), 0)
    for _ in range(missing):
        async_task(_WORK, cluster=CLUSTER, task_name="work", timeout=300, save=False)
    return missing


def _waiting() -> int:
    """Tickets that nobody has taken: a taken one is locked into the future."""
    row = fetch_one(
        "SELECT count(*) FROM django_q_ormq WHERE key = %s AND lock <= clock_timestamp()", [CLUSTER]
    )
    return int(row[0]) if row else 0


def _most() -> int:
    return 2 * settings.Q_WORKERS
