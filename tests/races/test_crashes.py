"""Processes killed and frozen in the middle of a run: every record is there once, nobody waits."""

from __future__ import annotations

import os
import signal
import time
from datetime import timedelta

import psutil
import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import F
from django.utils import timezone

from ebayconnector.ebay.timefmt import ebay_time
from syncworkers.models import Order, SyncState, Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from syncworkers.services.tick import tick
from syncworkers.windows import Reach, completeness
from tests.families import run_only
from tests.processes import child_env, running_cluster
from tests.test_flows import connected
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]

ORDERS = int(os.environ.get("SOAK_ORDERS", "3000"))


@pytest.fixture
def account(simulator):
    simulator.reset(orders=ORDERS)
    return run_only(connected(simulator))


def ask(account) -> WorkerRun:
    requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
    return WorkerRun.objects.get(pk=requested.run_id)


def reached(run: WorkerRun, pages: int) -> bool:
    return WorkerRun.objects.filter(pk=run.pk, pages__gte=pages).exists()


def the_worker_of(cluster) -> psutil.Process:
    """The process that executes the run: the one that is connected to eBay."""
    ebay = int(settings.EBAY_SIMULATOR_URL.rpartition(":")[2])
    return eventually(
        lambda: next(
            (
                process
                for process in cluster.family()
                if any(s.raddr and s.raddr.port == ebay for s in process.net_connections(kind="tcp"))
            ),
            None,
        ),
        what="a process of the cluster talks to eBay",
    )


def let_silence_pass(run: WorkerRun) -> None:
    """Age the row instead of waiting ten minutes."""
    WorkerRun.objects.filter(pk=run.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=11))


def finish_everything(account) -> None:
    """Until the last follow-up has ended."""
    eventually(
        lambda: not WorkerRun.objects.filter(account=account, status__in=["queued", "running"]).exists(),
        within_s=90,
        what="no run is left",
    )


def assert_complete(simulator, account) -> None:
    """Every order of the last 90 days once, and the coverage says so; up to the cursor, which keeps five
    seconds from eBay's clock."""
    worker, state = WORKERS["orders"], SyncState.objects.get(account=account, api_family="orders")
    now = timezone.now()
    reach = Reach(state.wanted_from, worker.backfill, worker.longest_lookback)
    assert completeness(state.covered, reach=reach, now=now) > 0.999
    since = (now - timedelta(days=89, hours=23)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    until = ebay_time(state.covered[-1].end)
    truth = simulator.order_ids(account.username)
    wanted = {order_id for order_id, modified in truth.items() if since <= modified <= until}
    stored = list(Order.objects.filter(account=account).values_list("order_id", flat=True))
    assert len(stored) == len(set(stored))
    assert wanted <= set(stored) <= set(truth)
    assert len(wanted) > ORDERS // 2


@pytest.mark.parametrize("pages", [1, 6])
def test_a_killed_worker_loses_nothing(simulator, account, tmp_path, pages):
    simulator.post("latency", path="/sell/fulfillment", seconds=0.1)
    with running_cluster("sync", tmp_path) as cluster:
        run = ask(account)
        eventually(lambda: reached(run, pages), what="pages are read")
        the_worker_of(cluster).send_signal(signal.SIGKILL)
        let_silence_pass(run)
        eventually(lambda: tick().abandoned, within_s=20, what="the tick sees the silence")
        finish_everything(account)
    run.refresh_from_db()
    assert (run.status, run.reason) == ("abandoned", "silent")
    assert_complete(simulator, account)


def test_a_worker_frozen_between_pages_writes_nothing_when_it_wakes(simulator, account, tmp_path):
    simulator.post("latency", path="/sell/fulfillment", seconds=0.3)
    with running_cluster("sync", tmp_path, Q_WORKERS="2") as cluster:
        run = ask(account)
        eventually(lambda: reached(run, 2), what="pages are read")
        frozen = the_worker_of(cluster)
        frozen.send_signal(signal.SIGSTOP)
        let_silence_pass(run)
        eventually(lambda: tick().abandoned, within_s=50, what="the tick sees the silence")
        simulator.post("latency", path="/sell/fulfillment", seconds=0)
        finish_everything(account)
        run.refresh_from_db()
        before = (run.status, run.rows_stored, run.pages)
        rows = rows_by_version()
        frozen.send_signal(signal.SIGCONT)
        eventually(lambda: "was ended by somebody else" in cluster.log.read_text(), what="it notices")
    run.refresh_from_db()
    assert (run.status, run.rows_stored, run.pages) == before
    assert rows_by_version() == rows
    assert_complete(simulator, account)


def rows_by_version() -> set[tuple[str, str]]:
    """(order id, the transaction that wrote it)."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT order_id, xmin::text FROM ebay_orders")
        return set(cursor.fetchall())


def test_a_worker_frozen_inside_a_page_blocks_nobody(simulator, account, tmp_path):
    """PostgreSQL ends the session that idles inside its transaction; the tick never waits for it."""
    with running_cluster("sync", tmp_path, Q_WORKERS="2", IDLE_TRANSACTION_AFTER="8") as cluster:
        with psycopg.connect(child_env()["DATABASE_URL"]) as blocker:
            blocker.execute("LOCK TABLE ebay_orders IN SHARE ROW EXCLUSIVE MODE")
            run = ask(account)
            frozen = eventually(lambda: waiting_for_the_table(cluster), what="a page waits for the table")
            frozen.send_signal(signal.SIGSTOP)
            blocker.rollback()
        eventually(sessions_in_transaction, what="it holds the rows of its page")
        began = time.monotonic()
        tick()
        assert time.monotonic() - began < 4
        # A run counts as silent only long after that (`RUN_SILENT_AFTER`).
        eventually(lambda: not sessions_in_transaction(), within_s=60, what="the frozen session is ended")
        let_silence_pass(run)
        assert tick().abandoned
        finish_everything(account)
        rows = rows_by_version()
        frozen.send_signal(signal.SIGCONT)
        eventually(lambda: not is_busy(frozen), within_s=20, what="it gives up")
    run.refresh_from_db()
    assert run.status == "abandoned"
    assert rows_by_version() == rows
    assert_complete(simulator, account)


def sessions_in_transaction() -> int:
    """How many sessions idle inside a transaction."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
            "AND state = 'idle in transaction' AND state_change < now() - interval '1 second'"
        )
        return cursor.fetchone()[0]


def waiting_for_the_table(cluster) -> psutil.Process | None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT client_port FROM pg_stat_activity WHERE datname = current_database() "
            "AND wait_event_type = 'Lock'"
        )
        ports = {row[0] for row in cursor.fetchall()}
    for process in cluster.family():
        if any(socket.laddr.port in ports for socket in process.net_connections(kind="tcp")):
            return process
    return None


def is_busy(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != "sleeping"


def test_lost_doubled_and_late_tickets_change_nothing(simulator, account, tmp_path):
    from django_q.models import OrmQ
    from django_q.tasks import async_task

    run = ask(account)
    OrmQ.objects.all().delete()
    tick()
    for _ in range(5):
        async_task("syncworkers.tasks.work", cluster="sync")
    with running_cluster("sync", tmp_path, Q_WORKERS="2"):
        finish_everything(account)
        async_task("syncworkers.tasks.work", cluster="sync")
        eventually(lambda: not OrmQ.objects.filter(key="sync", lock__lte=timezone.now()).exists())
    assert WorkerRun.objects.filter(account=account).exclude(trigger="follow_up").count() == 1
    run.refresh_from_db()
    assert run.status == "completed"
    assert_complete(simulator, account)
