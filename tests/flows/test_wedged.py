"""A wedged cluster is replaced and its runs are asked again; a busy one is left alone."""

from __future__ import annotations

import signal

import pytest

from syncworkers.models import Order, Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from tests.processes import running_cluster
from tests.test_flows import connected
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]


def test_a_wedged_cluster_is_replaced_and_its_run_asked_again(simulator, tmp_path):
    account = connected(simulator)
    simulator.fault("/sell/fulfillment", "slow", delay_s=25, count=1)
    with running_cluster("sync", tmp_path, CLUSTER_WEDGED_AFTER="6") as cluster:
        requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
        eventually(lambda: WorkerRun.objects.filter(pk=requested.run_id, status="running").exists())
        frozen = cluster.family()
        for process in frozen:
            process.send_signal(signal.SIGSTOP)
        eventually(lambda: not any(p.is_running() for p in frozen), within_s=40, what="it is replaced")
        eventually(lambda: WorkerRun.objects.filter(status="completed").exists(), within_s=40)
    first = WorkerRun.objects.get(pk=requested.run_id)
    assert first.status == "abandoned"
    assert WorkerRun.objects.filter(trigger="retry", status="completed").count() == 1
    assert Order.objects.count() > 10


def test_a_busy_cluster_is_left_alone(simulator, tmp_path):
    """Each page takes longer than a canary may wait, but the run beats."""
    simulator.reset(orders=1500)
    account = connected(simulator)
    simulator.fault("/sell/fulfillment", "slow", delay_s=3, count=None)
    with running_cluster("sync", tmp_path, CLUSTER_WEDGED_AFTER="5") as cluster:
        requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
        eventually(lambda: WorkerRun.objects.filter(pk=requested.run_id, pages__gte=1).exists())
        family = {process.pid for process in cluster.family()}
        eventually(lambda: WorkerRun.objects.filter(pk=requested.run_id, pages__gte=6).exists(), within_s=60)
        assert {process.pid for process in cluster.family()} == family
