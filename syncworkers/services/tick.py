"""The tick, once a minute: what is due becomes queued runs, silent runs end, tickets are topped up.

Set-based: the time does not grow with a round trip per worker.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass

from django.conf import settings
from django.db import IntegrityError, connection, transaction

from accounts.models import EbayAccount
from ebayconnector.database import execute
from syncworkers import cadence
from syncworkers.models import SyncState, Trigger
from syncworkers.registry import WORKERS

from . import tickets
from .runs import abandon_silent, request_run

logger = logging.getLogger(__name__)

# A worker row for each active account and family; its purpose decides whether it starts enabled. First
# runs lie a little apart, so that a new account does not start all families at once.
_NEW_STATES = """
INSERT INTO ebay_sync_state (account_id, api_family, cursor_type, enabled, covered, next_run_at, last_error,
                             failed_in_row)
SELECT a.id, w.family, w.cursor_type, a.purpose = ANY(string_to_array(w.purposes, ',')), '{}',
       clock_timestamp() + (w.place - 1) * interval '5 seconds', '', 0
FROM ebay_accounts a
CROSS JOIN unnest(%(families)s::text[], %(cursor_types)s::text[], %(purposes)s::text[])
     WITH ORDINALITY AS w(family, cursor_type, purposes, place)
WHERE a.is_active AND NOT EXISTS (SELECT 1 FROM ebay_sync_state s
                                  WHERE s.account_id = a.id AND s.api_family = w.family)
ON CONFLICT (account_id, api_family) DO NOTHING
"""

# The next time is counted from the planned one, so that a late tick does not shift the rhythm; slots
# that were missed altogether are dropped, not replayed. Rows that a page transaction holds are left for
# the next tick: nobody waits here. Active runs are looked up first, because a conflict alone would wait for a
# page that is being written. History that waits in the queue moves up: its first part is the live one, which
# is due.
#
# For thousands of workers: `IN … IS TRUE` and `NOT IN` are looked up in a hash table. As a join and as
# NOT EXISTS, where the planner expects a handful of rows, each worker was searched for in an index. Most
# accounts were granted the same scopes: each such list is compared with what the families need once.
# next_run_at is in no index of its table, so that changing it writes the row and nothing else. New runs come
# in the order of their indexes, so that each finds its place beside the one before.
_DUE = """
WITH w AS MATERIALIZED (
  SELECT family, api, every, string_to_array(scopes, ' ') AS scopes
  FROM unnest(%(families)s::text[], %(apis)s::text[], %(intervals)s::interval[],
              %(scopes)s::text[]) AS w(family, api, every, scopes)
), ready AS MATERIALIZED (
  SELECT t.granted_scopes::text[] AS granted, array_agg(a.id) AS ids
  FROM ebay_accounts a JOIN ebay_tokens t ON t.account_id = a.id
  WHERE a.environment = %(environment)s AND a.is_active AND a.workers_enabled AND t.refresh_token_sealed <> ''
    AND (t.refresh_token_expires_at IS NULL OR t.refresh_token_expires_at > clock_timestamp())
    AND t.refresh_error NOT LIKE 'invalid_grant:%%' AND t.refresh_error NOT LIKE 'invalid_scope:%%'
    AND NOT EXISTS (SELECT 1 FROM syncworkers_syncswitch x WHERE NOT x.enabled
                    AND (x.organization_id IS NULL OR x.organization_id = a.organization_id))
  GROUP BY t.granted_scopes
), due AS (
  UPDATE ebay_sync_state s
  SET next_run_at = CASE WHEN s.next_run_at > clock_timestamp() - c.every THEN s.next_run_at + c.every
                         ELSE clock_timestamp() + c.every END
  FROM (
    SELECT s.id, w.api, w.every FROM ebay_sync_state s JOIN w ON w.family = s.api_family
    WHERE s.enabled AND s.next_run_at <= clock_timestamp()
      AND (s.breaker_until IS NULL OR s.breaker_until <= clock_timestamp())
      AND ((s.account_id, s.api_family) IN (
        SELECT unnest(ready.ids), w.family FROM ready CROSS JOIN w
        WHERE w.scopes = '{}' OR ready.granted && w.scopes)) IS TRUE
    FOR UPDATE OF s SKIP LOCKED
  ) c
  WHERE s.id = c.id
  RETURNING s.account_id, s.api_family, c.api
), moved_up AS (
  UPDATE ebay_worker_run
  SET lane = 2, not_before = CASE WHEN trigger = 'follow_up' THEN least(not_before, clock_timestamp())
                                  ELSE not_before END
  WHERE id IN (
    SELECT q.id FROM ebay_worker_run q JOIN due USING (account_id, api_family)
    WHERE q.status = 'queued' AND q.lane = 3 FOR UPDATE OF q SKIP LOCKED)
)
INSERT INTO ebay_worker_run (account_id, api_family, api, status, reason, lane, trigger, requested_by,
  queued_at, not_before, cancel_requested_by, attempt, pages, rows_expected, rows_fetched, rows_stored,
  rows_unchanged, rows_quarantined, more, error, summary_json)
SELECT account_id, api_family, api, 'queued', '', 2, 'schedule', '', clock_timestamp(), clock_timestamp(),
  '', 1, 0, 0, 0, 0, 0, 0, false, '', '{}'
FROM due
WHERE (account_id, api_family) NOT IN (SELECT x.account_id, x.api_family FROM ebay_worker_run x
                                       WHERE x.status IN ('queued', 'running'))
ORDER BY account_id, api_family
"""
# Watching for conflicts makes inserting a fourth dearer; only a run asked for in this very moment conflicts.
_BUT_ASKED_MEANWHILE = "ON CONFLICT (account_id, api_family) WHERE status IN ('queued', 'running') DO NOTHING"


@dataclass(frozen=True)
class Ticked:
    new_workers: int
    queued: int
    abandoned: int
    tickets: int


def tick() -> Ticked:
    """One beat of the schedule. Safe to run twice at once or late."""
    workers = list(WORKERS.values())
    plan = cadence.current_plan()
    cadence.note_demand(plan)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(
            _NEW_STATES,
            {
                "families": [w.key for w in workers],
                "cursor_types": [w.cursor_type for w in workers],
                "purposes": [",".join(sorted(w.purposes)) for w in workers],
            },
        )
        new = cursor.rowcount
        abandoned = abandon_silent()
        queued = sum(_queue_due(environment, plan) for environment in _environments())
        made = tickets.top_up()
    ticked = Ticked(new, queued, abandoned, made)
    logger.info("tick: %s", ticked)
    return ticked


def _environments() -> list[str]:
    """Those that have accounts; in the others there is nothing to search."""
    active = EbayAccount.objects.filter(is_active=True).order_by()
    used = set(active.values_list("environment", flat=True).distinct())
    return [name for name in settings.EBAY_ENVIRONMENTS if name in used]


def _queue_due(environment: str, plan: cadence.Plan) -> int:
    """Queue what is due in one environment, at the pace that its quotas allow; returns how many runs."""
    workers = [worker for worker in WORKERS.values() if environment in worker.environments]
    parameters = {
        "environment": environment,
        "families": [w.key for w in workers],
        "apis": [w.api for w in workers],
        "intervals": [plan.interval(environment, w) for w in workers],
        "scopes": [" ".join(w.scopes) for w in workers],
    }
    try:
        with transaction.atomic():
            return execute(_DUE, parameters)
    except IntegrityError:
        return execute(_DUE + _BUT_ASKED_MEANWHILE, parameters)


def start_account(account_id: int) -> int:
    """Run every family of an account that was just connected, without waiting for the next tick.

    What failed under the old consent says nothing about the new one.
    """
    account = EbayAccount.objects.filter(pk=account_id).first()
    if account is None:
        return 0
    SyncState.objects.filter(account=account).update(failed_in_row=0, breaker_until=None)
    requests = [request_run(account, worker, trigger=Trigger.CONNECT, by="") for worker in WORKERS.values()]
    return sum(requested.started for requested in requests)
