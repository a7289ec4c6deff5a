"""Every periodic job and every retention rule, as tables; `setup_schedules` writes the jobs."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from datetime import timedelta

from django.apps import apps
from django.db import transaction
from django.utils import timezone
from django_q.models import Schedule

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Job:
    """A job of the `core` cluster. Nothing here calls eBay itself; what does is queued elsewhere."""

    name: str
    task: str
    every_minutes: int


JOBS = (
    Job("tick", "syncworkers.tasks.tick", 1),
    Job("token refresh", "tokens.tasks.start_refresh_cycle", 10),
    Job("notices", "ebayconnector.notice_checks.check_notices", 1),
    Job("health checks", "tokens.tasks.start_health_checks", 10),
    Job("deletions", "syncworkers.tasks.resume_deletions", 1),
    Job("rate limits", "tokens.tasks.start_rate_limit_readings", 60),
    Job("signing keys", "tokens.tasks.start_key_renewal", 1440),
    Job("inbox", "ebayconnector.topics.look_after_inbox", 1),
    Job("sniper sweep", "sniper.tasks.sweep_snipes", 1),
    Job("retention", "ebayconnector.schedules.apply_retention", 60),
)


@dataclass(frozen=True)
class Retention:
    """Rows of `model` go when `field` is older than `keep`."""

    model: str
    field: str
    keep: timedelta


RETENTION = (
    Retention("syncworkers.WorkerLog", "created_at", timedelta(days=14)),
    Retention("syncworkers.WorkerRun", "finished_at", timedelta(days=90)),
    Retention("syncworkers.SnapshotPass", "finished_at", timedelta(days=14)),
    Retention("syncworkers.QuarantinedRecord", "healed_at", timedelta(days=30)),
    Retention("sniper.SnipeEvent", "created_at", timedelta(days=730)),
    Retention("tokens.TokenRefreshLog", "started_at", timedelta(days=90)),
    Retention("tokens.ConnectLog", "created_at", timedelta(days=30)),
    Retention("tokens.RefreshCycle", "started_at", timedelta(days=30)),
    Retention("tokens.ConnectTicket", "created_at", timedelta(days=30)),
    Retention("tokens.ProcessHeartbeat", "beat_at", timedelta(days=1)),
    Retention("tokens.InboundNotification", "received_at", timedelta(days=90)),
    Retention("tokens.NotificationKey", "created_at", timedelta(days=1)),
    Retention("tokens.ErasedPerson", "expires_at", timedelta(0)),
    Retention("tokens.ApiPause", "until", timedelta(days=1)),
    Retention("tokens.HealthCheck", "checked_at", timedelta(days=90)),
    Retention("tokens.AccountDeletion", "finished_at", timedelta(days=730)),
    Retention("accounts.Notice", "closed_at", timedelta(days=90)),
    Retention("accounts.AuditEvent", "created_at", timedelta(days=730)),
    Retention("django_q.Task", "stopped", timedelta(days=14)),
    Retention("sessions.Session", "expire_date", timedelta(0)),
)
_BATCH = 5_000


def write_schedules() -> list[str]:
    """Make django-q2's schedules exactly the table above; returns what was changed. Safe to repeat."""
    changed = []
    with transaction.atomic():
        stale = Schedule.objects.exclude(name__in=[job.name for job in JOBS])
        changed += [f"removed {name}" for name in stale.values_list("name", flat=True)]
        stale.delete()
        for job in JOBS:
            wanted = {
                "func": job.task,
                "schedule_type": Schedule.MINUTES,
                "minutes": job.every_minutes,
                "repeats": -1,
                "cluster": None,
                "args": None,
                "kwargs": None,
                "hook": None,
            }
            known = Schedule.objects.filter(name=job.name)
            # A next run too far away is damage as well: the job would stand still until then.
            soon = timezone.now() + timedelta(minutes=job.every_minutes)
            if known.filter(**wanted, next_run__lte=soon).count() == 1 == known.count():
                continue
            known.delete()
            Schedule.objects.create(name=job.name, next_run=timezone.now(), **wanted)
            changed.append(f"wrote {job.name}")
    return changed


def apply_retention() -> dict[str, int]:
    """Delete what is older than its rule, in short transactions; returns rows deleted by model."""
    deleted = {}
    for rule in RETENTION:
        deleted[rule.model] = _delete_older(rule)
    logger.info("retention: %s", {name: count for name, count in deleted.items() if count})
    return deleted


def _delete_older(rule: Retention) -> int:
    """By the ORM: it takes along, or lets go, what refers to the rows, which the database does not do."""
    model = apps.get_model(rule.model)
    older = model._base_manager.filter(**{f"{rule.field}__lt": timezone.now() - rule.keep})
    total = 0
    while True:
        keys = list(older.order_by(rule.field).values_list("pk", flat=True)[:_BATCH])
        _, deleted = model._base_manager.filter(pk__in=keys).delete()
        total += int(deleted.get(model._meta.label, 0))
        if len(keys) < _BATCH:
            return total
