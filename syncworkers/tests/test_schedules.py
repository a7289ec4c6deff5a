"""The table of jobs is what django-q2 has; retention deletes by rule, in batches, and nothing else."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.apps import apps
from django.core.management import call_command
from django.db import connection
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import Schedule, Task

from ebayconnector import schedules
from syncworkers.models import WorkerLog, WorkerRun
from tests.factories import RunFactory
from tokens.models import ProcessHeartbeat

from .running import ago

pytestmark = pytest.mark.django_db


def names() -> set[str]:
    return set(Schedule.objects.values_list("name", flat=True))


def test_the_schedules_are_written_once():
    assert len(schedules.write_schedules()) == len(schedules.JOBS)
    before = list(Schedule.objects.order_by("id").values())
    assert schedules.write_schedules() == []
    assert list(Schedule.objects.order_by("id").values()) == before
    assert names() == {job.name for job in schedules.JOBS}


@pytest.mark.parametrize(
    "damage",
    [
        {"func": "os.system"},
        {"args": "(1,"},
        {"kwargs": "{'broken"},
        {"minutes": 90},
        {"schedule_type": Schedule.ONCE},
        {"repeats": 0},
        {"cluster": "sync"},
        {"hook": "a.b"},
        {"next_run": timezone.now() + timedelta(days=400)},
    ],
    ids=lambda damage: next(iter(damage)),
)
def test_a_damaged_schedule_is_repaired(damage):
    schedules.write_schedules()
    Schedule.objects.filter(name="tick").update(**damage)
    assert schedules.write_schedules() == ["wrote tick"]
    tick = Schedule.objects.get(name="tick")
    assert (tick.func, tick.minutes, tick.repeats, tick.args) == ("syncworkers.tasks.tick", 1, -1, None)
    assert tick.next_run <= timezone.now()


def test_doubled_and_foreign_schedules_go():
    schedules.write_schedules()
    Schedule.objects.create(name="tick", func="syncworkers.tasks.tick", schedule_type=Schedule.MINUTES)
    Schedule.objects.create(name="somebody's", func="x.y", schedule_type=Schedule.MINUTES)
    assert set(schedules.write_schedules()) == {"removed somebody's", "wrote tick"}
    assert Schedule.objects.count() == len(schedules.JOBS)


def test_the_command_writes_them():
    call_command("setup_schedules", stdout=StringIO())
    assert names() == {job.name for job in schedules.JOBS}


def test_every_job_exists():
    assert all(callable(import_string(job.task)) for job in schedules.JOBS)


def test_every_rule_names_a_field_of_a_model():
    for rule in schedules.RETENTION:
        assert apps.get_model(rule.model)._meta.get_field(rule.field)


def log_of(run: WorkerRun, at) -> WorkerLog:
    line = WorkerLog.objects.create(run=run, event="page", message="page 1")
    WorkerLog.objects.filter(pk=line.pk).update(created_at=at)
    return line


def test_old_rows_go_and_young_ones_stay():
    old = RunFactory(status="completed", finished_at=ago(days=91))
    young = RunFactory(status="completed", finished_at=ago(days=89))
    active = RunFactory(queued_at=ago(days=200))
    lines = [log_of(young, ago(days=days)) for days in (15, 13)]
    deleted = schedules.apply_retention()
    assert set(WorkerRun.objects.values_list("pk", flat=True)) == {young.pk, active.pk}
    assert WorkerLog.objects.get().pk == lines[1].pk
    assert (deleted["syncworkers.WorkerRun"], deleted["syncworkers.WorkerLog"]) == (1, 1)
    assert not WorkerRun.objects.filter(pk=old.pk).exists()


def test_a_run_takes_its_lines_along_and_a_process_lets_go_of_its_runs():
    """The database itself would refuse: its foreign keys neither cascade nor set null."""
    process = ProcessHeartbeat.objects.create(
        host="h", pid=1, kind="cluster", name="sync", started_at=ago(days=9), beat_at=ago(days=2)
    )
    old = RunFactory(status="completed", finished_at=ago(days=91))
    log_of(old, ago(days=1))
    kept = RunFactory(status="completed", finished_at=ago(days=1), process=process)
    deleted = schedules.apply_retention()
    assert deleted["tokens.ProcessHeartbeat"] == 1
    kept.refresh_from_db()
    assert kept.process_id is None
    assert not WorkerLog.objects.exists()
    connection.check_constraints()


def test_retention_works_in_batches_until_nothing_is_left(monkeypatch):
    monkeypatch.setattr(schedules, "_BATCH", 3)
    run = RunFactory()
    WorkerLog.objects.bulk_create([WorkerLog(run=run, event="page", message=str(n)) for n in range(10)])
    WorkerLog.objects.update(created_at=ago(days=20))
    log_of(run, ago(days=1))
    assert schedules.apply_retention()["syncworkers.WorkerLog"] == 10
    assert WorkerLog.objects.count() == 1


def test_failed_jobs_are_pruned_too():
    for days in (20, 1):
        Task.objects.create(
            id=f"job{days}", name="n", func="f", started=ago(days=days), stopped=ago(days=days), success=False
        )
    schedules.apply_retention()
    assert Task.objects.get().id == "job1"
