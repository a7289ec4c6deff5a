"""Claims and fences: conditional statements on the database's clock, nothing held while eBay is asked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import OperationalError, connection, transaction
from psycopg.errors import LockNotAvailable

from ebayconnector.database import fetch_all, fetch_one

from .registry import WORKERS

RUNS_PER_ACCOUNT = 2
# Any number that no other advisory lock of ours uses.
_CLAIM_LOCK = 7_310_001


@dataclass(frozen=True)
class Claimed:
    """A run that this process took from the queue."""

    run_id: int
    account_id: int
    api_family: str
    lane: int


# Queued runs that may start now. What runs is counted once, not for each queued run: there may be thousands.
# History never takes the last free worker.
_STARTABLE = """
  WITH busy AS MATERIALIZED (
    SELECT account_id, count(*) AS own, count(*) FILTER (WHERE lane = 3) AS history
    FROM ebay_worker_run WHERE status = 'running' GROUP BY account_id
  ), whole AS MATERIALIZED (
    SELECT count(*) AS accounts, coalesce(sum(history), 0) AS history FROM busy
  )
  SELECT r.id FROM ebay_worker_run r
  JOIN ebay_accounts a ON a.id = r.account_id
  CROSS JOIN whole
  LEFT JOIN busy ON busy.account_id = r.account_id
  WHERE r.status = 'queued' AND r.not_before <= clock_timestamp() AND r.api_family = ANY(%(families)s)
    AND coalesce(busy.own, 0) < %(per_account)s
    AND (busy.own > 0 OR whole.accounts < %(accounts)s)
    AND (r.lane < 3 OR whole.history < greatest(%(workers)s - 1, 1))
    AND NOT EXISTS (
      SELECT 1 FROM tokens_apipause p
      WHERE p.environment = a.environment AND p.api = r.api AND p.until > clock_timestamp()
        AND (p.account_id IS NULL OR p.account_id = r.account_id))
"""

# Lane first, then the account with the fewest running runs, then first come first served.
_CLAIM = f"""
UPDATE ebay_worker_run SET status = 'running', started_at = clock_timestamp(),
       heartbeat_at = clock_timestamp(), process_id = %(process)s
WHERE id = (
  {_STARTABLE}
  ORDER BY r.lane, coalesce(busy.own, 0), r.queued_at, r.id
  LIMIT 1 FOR UPDATE OF r SKIP LOCKED)
RETURNING id, account_id, api_family, lane
"""


def _limits() -> dict[str, Any]:
    return {
        # A family that only a newer or older release knows is left to that release.
        "families": list(WORKERS),
        "per_account": RUNS_PER_ACCOUNT,
        "accounts": settings.SYNC_MAX_CONCURRENT_ACCOUNTS,
        "workers": settings.Q_WORKERS,
    }


def claim_next_run(process_id: int | None) -> Claimed | None:
    """Take the best queued run; None when none may run now, or when another claimer froze in its claim."""
    row = _under_claim_lock(_CLAIM, {"process": process_id, **_limits()})
    return Claimed(*row) if row else None


def startable_runs(*, at_most: int) -> int:
    """How many queued runs may start now, each for itself; counted up to `at_most`."""
    row = fetch_one(
        f"SELECT count(*) FROM ({_STARTABLE} LIMIT %(at_most)s) startable", {"at_most": at_most, **_limits()}
    )
    return int(row[0]) if row else 0


def _under_claim_lock(sql: str, parameters: dict[str, Any]) -> tuple[Any, ...] | None:
    """One statement that counts running runs, after all earlier ones of its kind have committed.

    The lock is a statement of its own: a snapshot taken before it would still count too few. Who waits
    gives up after the session's `lock_timeout`; a frozen holder is ended by its transaction limits.
    """
    try:
        with transaction.atomic():
            fetch_one("SELECT pg_advisory_xact_lock(%s)", [_CLAIM_LOCK])
            return fetch_one(sql, parameters)
    except OperationalError as failure:
        if isinstance(failure.__cause__, LockNotAvailable):
            return None
        raise


_TO_HISTORY = """
UPDATE ebay_worker_run SET lane = 3 WHERE id = %(run)s AND status = 'running'
  AND (SELECT count(*) FROM ebay_worker_run x WHERE x.status = 'running' AND x.lane = 3)
      < greatest(%(workers)s - 1, 1)
RETURNING id
"""


def move_to_history(run_id: int) -> bool:
    """A running run that turns to old data goes on in lane 3; False when that lane is full."""
    return _under_claim_lock(_TO_HISTORY, {"run": run_id, "workers": settings.Q_WORKERS}) is not None


def claim_run(run_id: int, process_id: int | None) -> Claimed | None:
    """Take one queued run (the foreground command); None when somebody else has it."""
    row = fetch_one(
        "UPDATE ebay_worker_run SET status = 'running', started_at = clock_timestamp(), "
        "heartbeat_at = clock_timestamp(), process_id = %s WHERE id = %s AND status = 'queued' "
        "RETURNING id, account_id, api_family, lane",
        [process_id, run_id],
    )
    return Claimed(*row) if row else None


@dataclass(frozen=True)
class Signals:
    """What a running run must know at each page: whether somebody wants it to end."""

    cancel_requested_at: datetime | None
    worker_enabled: bool
    account_enabled: bool
    account_active: bool
    switched_on: bool
    process_stopping: bool
    manual_run_waits: bool
    at: datetime


class FenceLost(Exception):
    """This run is no longer `running`: another process ended it. Nothing more may be written."""


# A manual run waits for others to make room only when it could start: its time has come, its API is not
# paused, and its account has a place, or would have one if this run ended.
_BEAT = """
UPDATE ebay_worker_run r SET heartbeat_at = clock_timestamp(){counting}
FROM ebay_sync_state s, ebay_accounts a
WHERE r.id = %s AND r.status = 'running'
  AND a.id = r.account_id AND s.account_id = r.account_id AND s.api_family = r.api_family
RETURNING r.cancel_requested_at, s.enabled, a.workers_enabled, a.is_active,
  NOT EXISTS (SELECT 1 FROM syncworkers_syncswitch w WHERE NOT w.enabled
              AND (w.organization_id IS NULL OR w.organization_id = a.organization_id)),
  EXISTS (SELECT 1 FROM tokens_processheartbeat p WHERE p.id = r.process_id AND p.stopping_at IS NOT NULL),
  EXISTS (SELECT 1 FROM ebay_worker_run q JOIN ebay_accounts b ON b.id = q.account_id
          WHERE q.status = 'queued' AND q.lane = 1 AND q.not_before <= clock_timestamp()
          AND q.api_family = ANY(%s)
          AND NOT EXISTS (SELECT 1 FROM tokens_apipause p WHERE p.environment = b.environment
                          AND p.api = q.api AND p.until > clock_timestamp()
                          AND (p.account_id IS NULL OR p.account_id = q.account_id))
          AND (q.account_id = r.account_id OR %s > (
               SELECT count(*) FROM ebay_worker_run x
               WHERE x.status = 'running' AND x.account_id = q.account_id))),
  clock_timestamp(){counted}
"""


def beat(run_id: int) -> Signals:
    """Heartbeat and fence in one statement. Raises FenceLost when the run is not ours any more."""
    return beat_and_count(run_id, {})[0]


def beat_and_count(run_id: int, added: Mapping[str, int]) -> tuple[Signals, dict[str, int]]:
    """`beat`, which adds to counters of the run's row, by name; returns what they are then."""
    sql = _BEAT.format(
        counting="".join(f", {name} = r.{name} + %s" for name in added),
        counted="".join(f", r.{name}" for name in added),
    )
    row = fetch_one(sql, [*added.values(), run_id, list(WORKERS), RUNS_PER_ACCOUNT])
    if row is None:
        raise FenceLost(f"run {run_id} was ended by somebody else")
    signals, counted = row[: -len(added)] if added else row, row[len(row) - len(added) :]
    return Signals(*signals), dict(zip(added, counted, strict=True))


@contextmanager
def fenced(run_id: int) -> Iterator[Signals]:
    """A transaction that begins at the fence: everything that a run writes is written inside one.

    Raises FenceLost.
    """
    check_connection()
    with transaction.atomic():
        yield beat(run_id)
    check_connection()


class Fence:
    """The fence of a transaction that stores a page; what it told is known once it is passed."""

    def __init__(self, run_id: int) -> None:
        self._run_id = run_id
        self._passed: tuple[Signals, dict[str, int]] | None = None

    def pass_and_count(self, added: Mapping[str, int]) -> None:
        """Add to the run's counters. Raises FenceLost."""
        self._passed = beat_and_count(self._run_id, added)

    @property
    def signals(self) -> Signals:
        return self._told[0]

    @property
    def counted(self) -> dict[str, int]:
        """The run's counters, as they are after this transaction."""
        return self._told[1]

    @property
    def _told(self) -> tuple[Signals, dict[str, int]]:
        if self._passed is None:
            raise RuntimeError("what is stored must pass the fence in the same transaction")
        return self._passed


@contextmanager
def storing(run_id: int) -> Iterator[Fence]:
    """A transaction that passes the fence inside: after its rows, before everything else that it writes.

    So the two writers of a run hold its row, which both must change, only for the end of their transactions;
    and all lock in one order. Raises FenceLost: then nothing was written.
    """
    check_connection()
    with transaction.atomic():
        fence = Fence(run_id)
        yield fence
        fence.signals  # noqa: B018 - raises when nobody passed it
    check_connection()


def check_connection() -> None:
    """Before its next use Django looks whether the connection still lives, and replaces one that died.

    It does so by itself only between web requests; a run that reads pages for minutes is none.
    """
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


_ABANDON = """
UPDATE ebay_worker_run SET status = 'abandoned', reason = 'silent', finished_at = clock_timestamp(),
       error = 'Its process did not report for ' || %(silent)s::text || '. The worker runs again.'
WHERE id IN (SELECT id FROM ebay_worker_run WHERE status = 'running'
             AND heartbeat_at < clock_timestamp() - %(silent)s FOR UPDATE SKIP LOCKED)
RETURNING account_id, api_family, lane
"""


def abandon_silent_runs(silent_after: timedelta) -> list[tuple[int, str, int]]:
    """End runs whose process is dead or frozen; locked rows (a page being written) are left alone.

    Returns (account id, family, lane) of each, to be asked again.
    """
    return [
        (account, family, lane) for account, family, lane in fetch_all(_ABANDON, {"silent": silent_after})
    ]


_ABANDON_OF_PROCESS = """
UPDATE ebay_worker_run SET status = 'abandoned', reason = 'silent', finished_at = clock_timestamp(),
       error = 'Its process was killed or replaced. The worker runs again.'
WHERE status = 'running' AND process_id = %s
RETURNING account_id, api_family, lane
"""


def abandon_process_runs(process_id: int) -> list[tuple[int, str, int]]:
    """End the runs of a process that is dead for sure; returns (account id, family, lane) of each."""
    return [(account, family, lane) for account, family, lane in fetch_all(_ABANDON_OF_PROCESS, [process_id])]
