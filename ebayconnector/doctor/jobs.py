"""The schedules and the refresh job that one of them starts."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone
from django_q.models import Schedule

from accounts.access import SYSTEM
from accounts.display import from_now
from ebayconnector.schedules import JOBS, Job
from tokens.selectors import schedule_status

from .findings import Finding, Level

# django-q2's scheduler wakes every 30 s and may be a restart late.
_SCHEDULE_LATE = timedelta(minutes=2)


def schedules() -> Iterator[Finding]:
    findings = [finding for job in JOBS if (finding := _schedule_fault(job))]
    unknown = Schedule.objects.exclude(name__in=[job.name for job in JOBS]).values_list("name", flat=True)
    if unknown:
        names = ", ".join(sorted(str(name) for name in unknown))
        findings.append(
            Finding(
                Level.WARNING, "schedules", f"not ours: {names}", "manage.py setup_schedules removes them"
            )
        )
    yield from findings or [Finding(Level.OK, "schedules", f"all {len(JOBS)} are in place and on time")]


def _schedule_fault(job: Job) -> Finding | None:
    rows = list(Schedule.objects.filter(name=job.name))
    every = timedelta(minutes=job.every_minutes)
    now = timezone.now()
    rewrite = "run manage.py setup_schedules"
    if len(rows) != 1:
        how = "is missing" if not rows else f"is there {len(rows)} times"
        return Finding(Level.PROBLEM, "schedules", f"{job.name} {how}", rewrite)
    row = rows[0]
    wanted = (job.task, Schedule.MINUTES, job.every_minutes, -1)
    if (row.func, row.schedule_type, row.minutes, row.repeats) != wanted:
        return Finding(Level.PROBLEM, "schedules", f"{job.name} was changed", rewrite)
    if row.next_run > now + every:
        return Finding(Level.PROBLEM, "schedules", f"{job.name} starts {from_now(row.next_run)}", rewrite)
    if row.next_run < now - _SCHEDULE_LATE:
        advice = "the core cluster starts it: see its log and restart it"
        return Finding(
            Level.PROBLEM, "schedules", f"{job.name} was to start {from_now(row.next_run)}", advice
        )
    return None


def refresh_job() -> Iterator[Finding]:
    status = schedule_status(SYSTEM)
    success = f"last success: {from_now(status.last_success_at)}"
    see = "see manage.py inspect_refresh_runtime"
    if status.overdue:
        started = f"last started: {from_now(status.worker.last_started_at)}"
        yield Finding(
            Level.PROBLEM, "token refresh", f"the schedule {started}; {success}", "start the core cluster"
        )
    elif status.status == "ok":
        yield Finding(Level.OK, "token refresh", success)
    elif status.status == "error":
        errors = status.last_error_message[:300]
        yield Finding(Level.PROBLEM, "token refresh", f"the last cycle failed: {errors}; {success}", see)
    else:
        how = "some accounts failed in the last cycle" if status.status else "no cycle has ended yet"
        yield Finding(Level.WARNING, "token refresh", f"{how}; {success}", see)
