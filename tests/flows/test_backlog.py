"""Clusters are down for hours while schedule, guards and people go on asking: nothing piles up."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta

import pytest
from django_q.models import OrmQ

from ebayconnector.clusters import ClusterGuard, cluster_names
from ebayconnector.database import execute
from syncworkers.models import Order, Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from syncworkers.services.tick import tick
from syncworkers.tests.running import seller_account
from tests.families import run_only
from tests.processes import running_cluster
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]

MINUTES = 200
ACCOUNTS = 6


def a_minute_passes() -> None:
    """Rows are aged instead of waiting."""
    execute("UPDATE ebay_sync_state SET next_run_at = next_run_at - interval '1 minute'")
    execute(
        "UPDATE ebay_worker_run SET queued_at = queued_at - interval '1 minute', "
        "not_before = not_before - interval '1 minute'"
    )
    execute("UPDATE django_q_ormq SET lock = lock - interval '1 minute'")


def what_waits() -> Counter[str]:
    """Jobs by cluster, and runs of any status: the first run of each worker is the only one."""
    return Counter([*OrmQ.objects.values_list("key", flat=True), *["runs"] * WorkerRun.objects.count()])


def test_hours_without_clusters_leave_one_run_per_worker_and_a_few_tickets(simulator, tmp_path, settings):
    settings.Q_WORKERS = 2
    # Every look of a guard is one at which it would send a canary.
    settings.CLUSTER_WEDGED_AFTER = timedelta(0)
    accounts = [run_only(seller_account(simulator, number)) for number in range(ACCOUNTS)]
    guards = [ClusterGuard(name) for name in cluster_names()]
    most: Counter[str] = Counter()
    for minute in range(MINUTES):
        a_minute_passes()
        tick()
        for guard in guards:
            guard._beat()
        runs.request_run(accounts[minute % ACCOUNTS], WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
        most |= what_waits()
    assert most == {"core": 1, "tokens": 1, "sync": 2 * settings.Q_WORKERS, "runs": ACCOUNTS}

    with running_cluster("sync", tmp_path, Q_WORKERS="2"):
        eventually(lambda: not WorkerRun.objects.exclude(status="completed").exists(), within_s=60)
        eventually(
            lambda: not OrmQ.objects.filter(key="sync").exists(), within_s=60, what="the queue is empty"
        )
    assert set(WorkerRun.objects.values_list("status", "reason")) == {("completed", "")}
    assert Order.objects.values("account").distinct().count() == ACCOUNTS
