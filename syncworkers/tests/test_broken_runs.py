"""A run is killed, cut off from the database, or given up for dead: its end is recorded once and truly."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import OperationalError, connection, transaction

from syncworkers.locks import abandon_silent_runs
from syncworkers.models import FailedSlice, Order, SyncState, WorkerLog, WorkerRun
from syncworkers.services import runs
from syncworkers.services.store import upsert_page
from tests.waiting import eventually

from .running import (
    GET_ORDERS,
    ORDERS,
    ago,
    execute,
    run_orders,
    seller_account,
    state_of,
    stored,
    truth,
)

pytestmark = pytest.mark.slow


PATH = "/sell/fulfillment"


@pytest.fixture
def account(ebay):
    return seller_account(ebay)


class Sabotage:
    """Does something once, when a run has written n pages; two may be written at the same time."""

    def __init__(self, act, at: int = 1) -> None:
        self.act, self.at = act, at
        self.is_due = threading.Lock()

    def __call__(self, run: WorkerRun) -> None:
        if run.pages >= self.at and self.is_due.acquire(blocking=False):
            self.act(run)


def raising(failure: BaseException):
    def act(run: WorkerRun) -> None:
        raise failure

    return act


def test_an_unexpected_failure_is_recorded_and_raised(ebay, account):
    with pytest.raises(ZeroDivisionError):
        run_orders(account, on_page=Sabotage(raising(ZeroDivisionError("secret detail"))))
    run = WorkerRun.objects.get()
    assert (run.status, run.reason) == ("partial", "internal_error")
    assert run.error.startswith("ZeroDivisionError")
    assert "secret" not in run.error
    assert run.finished_at is not None


class KilledByDjangoQ(SystemExit):
    """The soft kill raises a subclass of SystemExit."""


def test_a_soft_kill_is_recorded_and_raised_and_the_run_asked_again(ebay, account):
    with pytest.raises(KilledByDjangoQ):
        run_orders(account, on_page=Sabotage(raising(KilledByDjangoQ())))
    ended, retry = WorkerRun.objects.order_by("id")
    assert (ended.status, ended.reason) == ("partial", "internal_error")
    assert (retry.status, retry.trigger) == ("queued", "retry")


def test_ctrl_c_in_the_foreground_cancels(ebay, account):
    with pytest.raises(KeyboardInterrupt):
        run_orders(account, on_page=Sabotage(raising(KeyboardInterrupt())))
    assert WorkerRun.objects.get().status == "cancelled"


def terminate_own_session() -> None:
    """What a restart of PostgreSQL or a dropped network does to a session."""
    pid = connection.connection.info.backend_pid
    other = connection.copy()
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 5000)", [pid])
    finally:
        other.close()


def close_own_session() -> None:
    connection.close()


@pytest.mark.parametrize("lose", [close_own_session, terminate_own_session])
def test_a_run_survives_a_lost_connection_between_pages(ebay, account, small_pages, lose):
    run = run_orders(account, on_page=Sabotage(lambda run: lose(), at=2))
    assert run.status == "completed"
    assert stored(account) == truth(ebay, account)


def test_a_run_survives_a_connection_lost_while_it_waits(ebay, account):
    ebay.fault(PATH, "server_error", count=2)
    assert run_orders(account, sleep=lambda seconds: terminate_own_session()).status == "completed"


def test_a_connection_lost_inside_a_page_ends_the_run_on_a_fresh_one(ebay, account, monkeypatch):
    def lose(*args, **kwargs):
        terminate_own_session()
        return upsert_page(*args, **kwargs)

    monkeypatch.setattr("syncworkers.services.pages.upsert_page", lose)
    with pytest.raises(OperationalError):
        run_orders(account)
    ended, retry = WorkerRun.objects.order_by("id")
    assert (ended.status, ended.reason, ended.rows_stored) == ("error", "internal_error", 0)
    assert retry.trigger == "retry"
    monkeypatch.undo()
    assert execute(retry.pk).status == "completed"
    assert stored(account) == truth(ebay, account)


def lose_the_connection_in_use(run: WorkerRun) -> None:
    WorkerRun.objects.count()
    terminate_own_session()
    WorkerRun.objects.count()


def test_a_connection_lost_outside_a_page_ends_the_run_on_a_fresh_one(ebay, account):
    with pytest.raises(OperationalError):
        run_orders(account, on_page=Sabotage(lose_the_connection_in_use))
    ended, retry = WorkerRun.objects.order_by("id")
    assert (ended.status, ended.reason, retry.trigger) == ("partial", "internal_error", "retry")


def test_an_abandoned_run_writes_nothing_more(ebay, account, small_pages):
    def silence(run: WorkerRun) -> None:
        # The other writer of the run must not report in between.
        with transaction.atomic():
            WorkerRun.objects.filter(pk=run.pk).update(heartbeat_at=ago(minutes=11))
            assert abandon_silent_runs(timedelta(minutes=10)) == [(account.pk, "orders", run.lane)]
        seen["orders"], seen["lines"] = Order.objects.count(), WorkerLog.objects.count()
        seen["covered"] = state_of(account).covered

    seen: dict = {}
    run = run_orders(account, on_page=Sabotage(silence, at=2))
    assert (run.status, run.reason) == ("abandoned", "silent")
    assert (Order.objects.count(), WorkerLog.objects.count()) == (seen["orders"], seen["lines"])
    assert state_of(account).covered == seen["covered"]
    assert not FailedSlice.objects.exists()


def test_a_run_abandoned_after_its_last_page_stays_abandoned(ebay, account):
    def abandon(run: WorkerRun) -> None:
        WorkerRun.objects.update(status="abandoned")

    run = run_orders(account, on_page=Sabotage(abandon, at=2))
    assert (run.status, run.pages) == ("abandoned", 2)
    assert state_of(account).last_success_at is None
    assert not run.logs.filter(event="finished").exists()


def test_a_run_abandoned_while_ebay_fails_writes_no_failed_slice(ebay, account):
    ebay.fault(PATH, "server_error", count=None)
    run = run_orders(account, sleep=lambda s: WorkerRun.objects.update(status="abandoned") and None)
    assert run.status == "abandoned"
    assert not FailedSlice.objects.exists()


def test_a_page_that_was_fetched_while_the_run_was_abandoned_is_thrown_away(ebay, account):
    ebay.fault(PATH, "slow", count=1, delay_s=1.5)

    def abandon() -> None:
        try:
            eventually(lambda: ebay.requests(GET_ORDERS), what="the page is asked for")
            WorkerRun.objects.filter(status="running").update(status="abandoned")
        finally:
            connection.close()

    other = threading.Thread(target=abandon)
    other.start()
    run = run_orders(account)
    other.join()
    assert run.status == "abandoned"
    assert len(ebay.requests(GET_ORDERS)) == 1
    assert not Order.objects.exists()
    assert SyncState.objects.get().covered == []


def test_a_worker_without_its_row_is_an_error_of_ours_not_a_hang(ebay, account):
    requested = runs.request_run(account, ORDERS, trigger="manual", by="olga")
    SyncState.objects.all().delete()
    with pytest.raises(SyncState.DoesNotExist):
        execute(requested.run_id)
    assert WorkerRun.objects.get().status != "running"
