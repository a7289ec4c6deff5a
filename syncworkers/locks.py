"""Claims and fences: conditional statements on the database's clock, nothing held while eBay is asked."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings

from ebayconnector.database import fetch_all, fetch_one

RUNS_PER_ACCOUNT = 2


@dataclass(frozen=True)
class Claimed:
    """A run that this process took from the queue."""

    run_id: int
    account_id: int
    api_family: str
    lane: int


# Lane first, then the account with the fewest running runs, then first come first served. History never
# takes the last free worker.
_CLAIM = """
UPDATE ebay_worker_run SET status = 'running', started_at = clock_timestamp(),
       heartbeat_at = clock_timestamp(), process_id = %(process)s
WHERE id = (
  SELECT r.id FROM ebay_worker_run r
  JOIN ebay_accounts a ON a.id = r.account_id
  CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE x.account_id = r.account_id) AS own,
           count(DISTINCT x.account_id) AS accounts,
           count(*) FILTER (WHERE x.lane = 3) AS history
    FROM ebay_worker_run x WHERE x.status = 'running'
  ) busy
  WHERE r.status = 'queued' AND r.not_before <= clock_timestamp()
    AND busy.own < %(per_account)s
    AND (busy.own > 0 OR busy.accounts < %(accounts)s)
    AND (r.lane < 3 OR busy.history < greatest(%(workers)s - 1, 1))
    AND NOT EXISTS (
      SELECT 1 FROM tokens_apipause p
      WHERE p.environment = a.environment AND p.api = r.api AND p.until > clock_timestamp()
        AND (p.account_id IS NULL OR p.account_id = r.account_id))
  ORDER BY r.lane, busy.own, r.queued_at, r.id
  LIMIT 1 FOR UPDATE OF r SKIP LOCKED)
RETURNING id, account_id, api_family, lane
"""


def claim_next_run(process_id: int | None) -> Claimed | None:
    """Take the best queued run; None when none may run now."""
    row = fetch_one(
        _CLAIM,
        {
            "process": process_id,
            "per_account": RUNS_PER_ACCOUNT,
            "accounts": settings.SYNC_MAX_CONCURRENT_ACCOUNTS,
            "workers": settings.Q_WORKERS,
        },
    )
    return Claimed(*row) if row else None


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


class FenceLost(Exception):
    """This run is no longer `running`: another process ended it. Nothing more may be written."""


_BEAT = """
UPDATE ebay_worker_run r SET heartbeat_at = clock_timestamp()
FROM ebay_sync_state s, ebay_accounts a
WHERE r.id = %s AND r.status = 'running'
  AND a.id = r.account_id AND s.account_id = r.account_id AND s.api_family = r.api_family
RETURNING r.cancel_requested_at, s.enabled, a.workers_enabled, a.is_active,
  NOT EXISTS (SELECT 1 FROM syncworkers_syncswitch w WHERE NOT w.enabled
              AND (w.organization_id IS NULL OR w.organization_id = a.organization_id)),
  EXISTS (SELECT 1 FROM tokens_processheartbeat p WHERE p.id = r.process_id AND p.stopping_at IS NOT NULL),
  EXISTS (SELECT 1 FROM ebay_worker_run q WHERE q.status = 'queued' AND q.lane = 1
          AND q.not_before <= clock_timestamp())
"""


def beat(run_id: int) -> Signals:
    """Heartbeat and fence in one statement. Raises FenceLost when the run is not ours any more."""
    row = fetch_one(_BEAT, [run_id])
    if row is None:
        raise FenceLost(f"run {run_id} was ended by somebody else")
    return Signals(*row)


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
