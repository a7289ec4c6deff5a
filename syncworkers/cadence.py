"""How often the schedule runs each family: as often as wanted, unless eBay's daily quotas allow less.

Quotas belong to the application, so that all its accounts count, of whatever organisation.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.models import EbayAccount
from ebayconnector.database import execute, fetch_all
from tokens import wire
from tokens.allowances import QuotaKey, ensure_row
from tokens.models import ApiQuota
from tokens.quotas import DAY, Counts, Demand, Lane, default_limit, effective_interval, per_day, room

from .registry import WORKERS, Worker

# A run's calls are the average of the latest runs; the declared guess counts as so many of them.
_LATEST_RUNS = 2_000
_GUESS_WEIGHT = 5

# Workers that the schedule runs at all. A breaker or a pause is short and does not change the plan.
_RUNNING = """
WITH connected AS MATERIALIZED (
  SELECT a.id, a.environment
  FROM ebay_accounts a JOIN ebay_tokens t ON t.account_id = a.id
  WHERE a.is_active AND a.workers_enabled AND t.refresh_token_sealed <> ''
    AND t.refresh_error NOT LIKE 'invalid_grant:%%' AND t.refresh_error NOT LIKE 'invalid_scope:%%'
)
SELECT c.environment, s.api_family, count(*)
FROM ebay_sync_state s JOIN connected c ON c.id = s.account_id
WHERE s.enabled
GROUP BY 1, 2
"""

# Only scheduled runs that had no old data to read: they are what the schedule repeats. Runs from before calls
# were counted say how many pages they read. Most runs call alike: each kind of them is opened once.
_CALLS = """
SELECT environment, api_family, called.api, sum(called.calls::int * alike)::bigint, runs
FROM (
  SELECT *, sum(alike) OVER (PARTITION BY environment, api_family)::bigint AS runs
  FROM (
    SELECT a.environment, r.api_family, count(*) AS alike,
           COALESCE(r.summary_json -> 'calls', jsonb_build_object(r.api, r.pages)) AS calls
    FROM (
      SELECT * FROM ebay_worker_run
      WHERE finished_at > clock_timestamp() - interval '1 day' ORDER BY finished_at DESC LIMIT %(latest)s
    ) r
    JOIN ebay_accounts a ON a.id = r.account_id
    WHERE r.trigger = 'schedule' AND r.lane = 2 AND r.status IN ('completed', 'partial')
    GROUP BY 1, 2, 4
  ) kinds
) latest, jsonb_each_text(calls) AS called(api, calls)
GROUP BY environment, api_family, called.api, runs
"""


@dataclass(frozen=True)
class Pace:
    """How one family runs in one environment. `calls`: what a run calls on average, by API."""

    environment: str
    worker: Worker
    accounts: int
    calls: Mapping[str, float]
    effective: timedelta

    @property
    def is_stretched(self) -> bool:
        return self.effective > self.worker.every


@dataclass(frozen=True)
class Plan:
    """The paces of all families, and what they add up to: calls of a whole day at the wanted intervals."""

    paces: tuple[Pace, ...]
    wanted_per_day: Mapping[QuotaKey, float]

    def interval(self, environment: str, worker: Worker) -> timedelta:
        """The effective interval; the wanted one for a family that nothing runs there."""
        found = (
            p.effective for p in self.paces if (p.environment, p.worker.key) == (environment, worker.key)
        )
        return next(found, worker.every)


def current_plan() -> Plan:
    """The plan for now, from a handful of queries whose cost does not grow with time."""
    now, rows = timezone.now(), _quota_rows()
    running = [
        (environment, WORKERS[family], accounts)
        for environment, family, accounts in fetch_all(_RUNNING)
        if family in WORKERS and environment in WORKERS[family].environments
    ]
    calls = _calls_per_run(running)
    wanted = _wanted_per_day(running, calls)
    counts = {key: rows[key].counts(now) if key in rows else _unknown(key) for key in wanted}
    paces = []
    for environment, worker, accounts in running:
        of_run = calls[environment, worker.key]
        keys = [wire.quota_key(environment, api) for api in of_run]
        intervals = [effective_interval(worker.every, counts[key], wanted[key]) for key in keys]
        paces.append(Pace(environment, worker, accounts, of_run, max(intervals, default=worker.every)))
    return Plan(tuple(paces), wanted)


def note_demand(plan: Plan) -> int:
    """Tell the quotas what the schedule needs, so that history leaves it; returns how many rows changed.

    A row that somebody holds is told the next time: the schedule must not wait for one frozen process. Not
    inside a transaction: its row locks would hold up the calls of all workers.
    """
    rows = _quota_rows()
    gone = {key: 0 for key, row in rows.items() if key not in plan.wanted_per_day and row.scheduled_per_day}
    demands = {key: round(wanted) for key, wanted in plan.wanted_per_day.items()} | gone
    return sum(_tell(key, wanted, rows.get(key)) for key, wanted in demands.items())


def _tell(key: QuotaKey, wanted: int, row: ApiQuota | None) -> int:
    """Mostly nothing is to be told: the demand of a minute ago still holds."""
    if row is not None and row.scheduled_per_day == wanted:
        return 0
    if row is None:
        ensure_row(key)
    return execute(
        "UPDATE tokens_apiquota SET scheduled_per_day = %s WHERE id IN ("
        "SELECT id FROM tokens_apiquota WHERE environment = %s AND client_id = %s AND api = %s "
        "AND scheduled_per_day <> %s FOR UPDATE SKIP LOCKED)",
        [wanted, key.environment, key.client_id, key.api, wanted],
    )


def exhausted_until(account: EbayAccount, worker: Worker, *, lane: Lane) -> datetime | None:
    """When the quota of the worker's API lets a run of this lane call again; None when it may now."""
    key, now = wire.quota_key(account.environment, worker.api), timezone.now()
    row = ApiQuota.objects.filter(environment=key.environment, client_id=key.client_id, api=key.api).first()
    if row is None or room(lane, row.counts(now)) > 0:
        return None
    return row.reset_at


def _quota_rows() -> dict[QuotaKey, ApiQuota]:
    return {QuotaKey(row.environment, row.client_id, row.api): row for row in ApiQuota.objects.all()}


def _unknown(key: QuotaKey) -> Counts:
    return Counts(default_limit(key.api), used=0, history_used=0, scheduled_per_day=0, left=DAY)


def _calls_per_run(running: Iterable[tuple[str, Worker, int]]) -> dict[tuple[str, str], dict[str, float]]:
    """By environment and family, what a run calls of each API: measured, and guessed while runs are few."""
    measured: dict[tuple[str, str], dict[str, tuple[int, int]]] = defaultdict(dict)
    for environment, family, api, calls, runs in fetch_all(_CALLS, {"latest": _LATEST_RUNS}):
        measured[environment, family][api] = (calls, runs)
    return {
        (environment, worker.key): _averages(worker, measured[environment, worker.key])
        for environment, worker, _ in running
    }


def _averages(worker: Worker, measured: Mapping[str, tuple[int, int]]) -> dict[str, float]:
    runs = max((runs for _, runs in measured.values()), default=0)
    sums = {api: float(calls) for api, (calls, _) in measured.items()}
    sums[worker.api] = sums.get(worker.api, 0.0) + worker.calls_per_run * _GUESS_WEIGHT
    return {api: total / (runs + _GUESS_WEIGHT) for api, total in sums.items()}


def _wanted_per_day(
    running: Iterable[tuple[str, Worker, int]], calls: Mapping[tuple[str, str], Mapping[str, float]]
) -> dict[QuotaKey, float]:
    demands: dict[QuotaKey, list[Demand]] = defaultdict(list)
    for environment, worker, accounts in running:
        for api, number in calls[environment, worker.key].items():
            demands[wire.quota_key(environment, api)].append(Demand(accounts, number, worker.every))
    return {key: per_day(found) for key, found in demands.items()}
