"""`/metrics`: Prometheus text from the tables, for whoever brings `METRICS_TOKEN`.

Gauges only: the tables are the truth for all processes, and retention takes rows away. No label names a
customer, an account, an organisation or a machine.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError
from django.db.models import Aggregate, Count, F, FloatField, Max, Min, Q
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from django_q.models import OrmQ

from accounts.models import EbayAccount, Notice
from sniper.models import ExecutorClock, Snipe, SnipeAttempt
from syncworkers.models import RunStatus, SyncState, WorkerRun
from tokens.models import (
    ApiPause,
    ApiQuota,
    BackgroundWorker,
    InboundNotification,
    ProcessHeartbeat,
    TokenRefreshLog,
)
from tokens.processes import live_processes

_TYPE = "text/plain; version=0.0.4; charset=utf-8"
_HOUR, _DAY = timedelta(hours=1), timedelta(days=1)
_QUANTILES = (0.5, 0.99, 1.0)

Samples = Iterator[tuple[tuple[Any, ...], float]]
"""Values of the labels, and the number."""


@dataclass(frozen=True)
class Gauge:
    """`labels` are the names of what each sample begins with; `samples` gets the time of the scrape."""

    name: str
    help: str
    labels: tuple[str, ...]
    samples: Callable[[datetime], Samples]


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """404 without a METRICS_TOKEN in the settings, 401 for another one, 503 when the database is away."""
    if not settings.METRICS_TOKEN:
        return HttpResponse("METRICS_TOKEN is not set\n", status=404, content_type="text/plain")
    given = request.headers.get("Authorization", "")
    if not constant_time_compare(given, f"Bearer {settings.METRICS_TOKEN}"):
        refused = HttpResponse("a bearer token is needed\n", status=401, content_type="text/plain")
        refused["WWW-Authenticate"] = "Bearer"
        return refused
    try:
        text = prometheus_text(timezone.now())
    except (DatabaseError, InterfaceError):
        return HttpResponse("the database does not answer\n", status=503, content_type="text/plain")
    return HttpResponse(text, content_type=_TYPE)


def prometheus_text(now: datetime) -> str:
    return "".join(line for gauge in GAUGES for line in _lines(gauge, now))


def _lines(gauge: Gauge, now: datetime) -> Iterator[str]:
    yield f"# HELP {gauge.name} {gauge.help}\n# TYPE {gauge.name} gauge\n"
    for values, number in gauge.samples(now):
        words = ",".join(
            f'{name}="{_escaped(str(value))}"' for name, value in zip(gauge.labels, values, strict=True)
        )
        yield f"{gauge.name}{{{words}}} {number:g}\n" if words else f"{gauge.name} {number:g}\n"


def _escaped(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")


def _counted(rows: Any, *labels: str) -> Samples:
    """How many rows there are for each combination of the columns."""
    for *values, number in rows.order_by().values_list(*labels).annotate(number=Count("pk")):
        yield tuple(values), number


def _age_s(now: datetime, at: datetime) -> float:
    return (now - at).total_seconds()


class _Percentile(Aggregate):
    function = "percentile_cont"
    template = "%(function)s(%(part)s) WITHIN GROUP (ORDER BY %(expressions)s)"
    output_field = FloatField()


# -- Processes and queues -----------------------------------------------------------------------------------


def _processes(now: datetime) -> Samples:
    return _counted(live_processes(), "kind", "name")


def _heartbeat_ages(now: datetime) -> Samples:
    rows = ProcessHeartbeat.objects.filter(stopping_at=None).order_by().values_list("kind", "name")
    for kind, name, beat_at in rows.annotate(Max("beat_at")):
        yield (kind, name), _age_s(now, beat_at)


def _jobs(now: datetime) -> Samples:
    return _counted(OrmQ.objects.all(), "key")


# -- Tokens -------------------------------------------------------------------------------------------------


def _accounts(now: datetime) -> Samples:
    return _counted(EbayAccount.objects.filter(is_active=True), "environment")


def _refreshes(now: datetime) -> Samples:
    recent = TokenRefreshLog.objects.filter(started_at__gt=now - _HOUR, success__isnull=False)
    for success, code, number in recent.order_by().values_list("success", "error_code").annotate(Count("pk")):
        yield ("ok" if success else "failed", code), number


def _cycles(now: datetime) -> Samples:
    for name, at in BackgroundWorker.objects.values_list("worker_name", "last_finished_at"):
        if at is not None:
            yield (name,), _age_s(now, at)


def _notices(now: datetime) -> Samples:
    return _counted(Notice.objects.filter(closed_at=None), "kind")


def _inbox(now: datetime) -> Samples:
    return _counted(InboundNotification.objects.all(), "status")


# -- eBay's limits ------------------------------------------------------------------------------------------


def _quotas(now: datetime) -> Iterator[tuple[tuple[str, str], int, int]]:
    """By environment and API: used and limit, of all our applications together."""
    sums: dict[tuple[str, str], tuple[int, int]] = {}
    for quota in ApiQuota.objects.all():
        used, limit = sums.get((quota.environment, quota.api), (0, 0))
        counts = quota.counts(now)
        sums[quota.environment, quota.api] = used + counts.used, limit + counts.limit
    for key, (used, limit) in sorted(sums.items()):
        yield key, used, limit


def _quota_used(now: datetime) -> Samples:
    return ((key, used) for key, used, _ in _quotas(now))


def _quota_limit(now: datetime) -> Samples:
    return ((key, limit) for key, _, limit in _quotas(now))


def _pauses(now: datetime) -> Samples:
    return _counted(ApiPause.objects.filter(until__gt=now), "environment", "api")


# -- Workers ------------------------------------------------------------------------------------------------


def _active_runs(now: datetime) -> Samples:
    active = WorkerRun.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING])
    return _counted(active, "api_family", "lane", "status")


def _longest_wait(now: datetime) -> Samples:
    waits = WorkerRun.objects.filter(status=RunStatus.QUEUED, not_before__lte=now)
    for lane, since in waits.order_by().values_list("lane").annotate(Min("not_before")):
        yield (lane,), _age_s(now, since)


def _runs(now: datetime) -> Samples:
    return _counted(WorkerRun.objects.filter(finished_at__gt=now - _HOUR), "api_family", "status", "reason")


def _oldest_success(now: datetime) -> Samples:
    working = SyncState.objects.filter(enabled=True, account__is_active=True, last_success_at__isnull=False)
    for family, at in working.order_by().values_list("api_family").annotate(Min("last_success_at")):
        yield (family,), _age_s(now, at)


def _open_breakers(now: datetime) -> Samples:
    return _counted(SyncState.objects.filter(breaker_until__gt=now), "api_family")


# -- Sniper -------------------------------------------------------------------------------------------------


def _snipes(now: datetime) -> Samples:
    return _counted(Snipe.objects.all(), "status", "reason")


def _due_snipes(now: datetime) -> Samples:
    soon = Snipe.objects.filter(status__in=["scheduled", "arming"], fire_at__lt=now + _HOUR)
    yield (), soon.count()


def _attempts(now: datetime) -> Samples:
    return _counted(SnipeAttempt.objects.filter(planned_at__gt=now - _DAY), "no", "outcome")


def _lateness(now: datetime) -> Samples:
    return _quantiles(now, "lateness_ms", Q(no=1))


def _latency(now: datetime) -> Samples:
    return _quantiles(now, "latency_ms", Q())


def _quantiles(now: datetime, column: str, wanted: Q) -> Samples:
    rows = SnipeAttempt.objects.filter(wanted, planned_at__gt=now - _DAY, **{f"{column}__isnull": False})
    found = rows.aggregate(
        **{f"q{at}": _Percentile(F(column), part=part) for at, part in enumerate(_QUANTILES)}
    )
    for at, part in enumerate(_QUANTILES):
        if found[f"q{at}"] is not None:
            yield (part,), found[f"q{at}"] / 1000


def _clocks(column: str) -> Callable[[datetime], Samples]:
    """The largest of all live executors, either way."""

    def samples(now: datetime) -> Samples:
        live = ExecutorClock.objects.filter(process__in=live_processes(), **{f"{column}__isnull": False})
        worst: dict[str, float] = {}
        for environment, value in live.values_list("environment", column):
            if abs(value) >= abs(worst.get(environment, 0.0)):
                worst[environment] = value
        yield from (((environment,), value / 1000) for environment, value in sorted(worst.items()))

    return samples


GAUGES: tuple[Gauge, ...] = (
    Gauge("ebay_processes", "Processes that beat", ("kind", "name"), _processes),
    Gauge("ebay_process_heartbeat_age_seconds", "Since the last beat of the liveliest of a kind",
          ("kind", "name"), _heartbeat_ages),
    Gauge("ebay_jobs_queued", "Jobs in the queue of a cluster", ("cluster",), _jobs),
    Gauge("ebay_accounts", "Active accounts", ("environment",), _accounts),
    Gauge("ebay_token_refreshes_last_hour", "Attempts to refresh a token", ("result", "code"), _refreshes),
    Gauge("ebay_schedule_age_seconds", "Since a periodic job last finished", ("job",), _cycles),
    Gauge("ebay_notices_open", "Open notices", ("kind",), _notices),
    Gauge("ebay_notifications", "Notifications from eBay that are kept", ("status",), _inbox),
    Gauge("ebay_quota_used", "Calls of eBay's day, as counted here", ("environment", "api"), _quota_used),
    Gauge("ebay_quota_limit", "Calls that eBay allows in its day", ("environment", "api"), _quota_limit),
    Gauge("ebay_api_pauses", "Pauses that eBay asked for and that last", ("environment", "api"), _pauses),
    Gauge("ebay_runs_active", "Runs that wait or work", ("family", "lane", "status"), _active_runs),
    Gauge("ebay_runs_longest_wait_seconds", "Of a queued run that may start", ("lane",), _longest_wait),
    Gauge("ebay_runs_last_hour", "Runs that ended", ("family", "status", "reason"), _runs),
    Gauge("ebay_worker_oldest_success_seconds", "Since the worker that is worst off succeeded",
          ("family",), _oldest_success),
    Gauge("ebay_breakers_open", "Workers that pause after five failures", ("family",), _open_breakers),
    Gauge("ebay_snipes", "Snipes", ("status", "reason"), _snipes),
    Gauge("ebay_snipes_due_next_hour", "Bids planned for the next hour", (), _due_snipes),
    Gauge("ebay_snipe_attempts_last_day", "Bids that were recorded", ("no", "outcome"), _attempts),
    Gauge("ebay_snipe_lateness_seconds", "Sent after the planned moment, last day", ("quantile",), _lateness),
    Gauge("ebay_snipe_latency_seconds", "From sending to eBay's answer, last day", ("quantile",), _latency),
    Gauge("ebay_clock_offset_seconds", "eBay's clock less ours", ("environment",), _clocks("offset_ms")),
    Gauge("ebay_clock_error_seconds", "How far that may be off", ("environment",), _clocks("error_ms")),
)  # fmt: skip
