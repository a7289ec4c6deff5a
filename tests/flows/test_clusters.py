"""Flows a, c and e of the architecture with real processes: cluster, ticket, queue, rows."""

from __future__ import annotations

import signal
import time
from datetime import timedelta

import psutil
import pytest
from django.utils import timezone
from django_q.models import OrmQ

from ebayconnector.schedules import write_schedules
from syncworkers.models import Order, Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from tests.families import run_only
from tests.processes import running_cluster
from tests.test_flows import connected
from tests.waiting import eventually
from tokens.models import BackgroundWorker, EbayToken, ProcessHeartbeat, TokenRefreshLog
from tokens.services import cycle

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]


def test_run_now_goes_through_the_queue_to_rows(simulator, tmp_path):
    account = connected(simulator)
    with running_cluster("sync", tmp_path):
        requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
        run = WorkerRun.objects.get(pk=requested.run_id)
        eventually(lambda: _ended(run), what="the run ends")
    assert (run.status, run.error) == ("completed", "")
    assert run.rows_stored == Order.objects.count() > 10
    assert run.process_id is not None
    assert set(Order.objects.values_list("order_id", flat=True)) <= set(simulator.order_ids(account.username))


def _ended(run: WorkerRun) -> bool:
    run.refresh_from_db()
    return run.finished_at is not None


def test_the_schedule_runs_what_is_due_and_refreshes_tokens(simulator, tmp_path):
    account = run_only(connected(simulator))
    OrmQ.objects.all().delete()
    EbayToken.objects.update(expires_at=timezone.now() + timedelta(minutes=10))
    write_schedules()
    with (
        running_cluster("core", tmp_path),
        running_cluster("sync", tmp_path),
        running_cluster("tokens", tmp_path),
    ):
        eventually(lambda: Order.objects.exists(), within_s=75, what="orders by the schedule")
        of_refresh = BackgroundWorker.objects.filter(worker_name="token_refresh_worker", last_status="ok")
        eventually(lambda: of_refresh.exists(), within_s=75, what="a cycle")
    run = WorkerRun.objects.get(account=account)
    assert run.trigger == "schedule"
    assert TokenRefreshLog.objects.get(triggered_by="scheduled").success
    assert EbayToken.objects.get().expires_at > timezone.now() + timedelta(minutes=100)


def test_a_cycle_by_hand_refreshes_through_the_tokens_cluster(simulator, tmp_path):
    connected(simulator)
    EbayToken.objects.update(expires_at=timezone.now() + timedelta(minutes=1))
    with running_cluster("tokens", tmp_path):
        started = cycle.start_cycle(scheduled=False)
        eventually(lambda: _finished(started), what="the cycle ends")
    assert (started.status, started.accounts_refreshed, started.errors) == ("ok", 1, [])
    assert not BackgroundWorker.objects.exists()


def _finished(started) -> bool:
    started.refresh_from_db()
    return started.finished_at is not None


def test_a_cluster_stops_on_sigterm_and_leaves_nothing_behind(simulator, tmp_path):
    simulator.fault("/sell/fulfillment", "slow", delay_s=1.5, count=None)
    account = connected(simulator)
    with running_cluster("sync", tmp_path) as cluster:
        requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
        run = WorkerRun.objects.get(pk=requested.run_id)
        eventually(lambda: WorkerRun.objects.filter(pk=run.pk, status="running").exists(), what="it runs")
        family = cluster.family()
        began = time.monotonic()
        assert cluster.stop() == 0
        assert time.monotonic() - began < 20
    eventually(lambda: not any(p.is_running() for p in family), within_s=5, what="no child is left")
    run.refresh_from_db()
    assert run.status != "running"
    assert run.reason in ("cluster_stopping", "")
    assert not ProcessHeartbeat.objects.exists()


def test_children_end_when_their_guard_is_killed(simulator, tmp_path):
    with running_cluster("core", tmp_path) as cluster:
        family = cluster.family()
        cluster.signal(signal.SIGKILL)
        gone, alive = psutil.wait_procs(family, timeout=30)
    assert not alive
    assert len(gone) >= 4
