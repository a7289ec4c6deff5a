"""Once a minute: new workers, what is due, silent runs, tickets."""

from __future__ import annotations

import dataclasses
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import EbayAccount
from syncworkers.models import SyncState, SyncSwitch, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import tick as tick_service
from syncworkers.services import tickets
from syncworkers.services.tick import start_account, tick
from tests.factories import AccountFactory, RunFactory, SyncStateFactory, give_token
from tests.waiting import eventually
from tokens.models import ApiQuota

from .running import ago, in_threads, somebody_waits_for_us

pytestmark = pytest.mark.django_db
EVERY = WORKERS["orders"].every


@pytest.fixture(autouse=True)
def one_family(monkeypatch):
    """How many families there are does not matter here, except where a test makes its own."""
    monkeypatch.setattr(tick_service, "WORKERS", {"orders": WORKERS["orders"]})


def due(**more) -> SyncState:
    return SyncStateFactory(**{"next_run_at": ago(seconds=20), **more})


def queued_accounts() -> list[int]:
    return sorted(WorkerRun.objects.filter(status="queued").values_list("account_id", flat=True))


@pytest.mark.parametrize(("purpose", "enabled"), [("SELLER", True), ("BOTH", True), ("BUYER", False)])
def test_a_new_account_gets_its_workers_by_its_purpose(purpose, enabled):
    account = AccountFactory(purpose=purpose)
    ticked = tick()
    state = SyncState.objects.get(account=account, api_family="orders")
    assert (state.enabled, state.cursor_type, state.covered) == (enabled, "lastModifiedDate", [])
    assert ticked.new_workers == 1
    assert ticked.queued == (1 if enabled else 0)
    assert tick().new_workers == 0


def test_the_first_runs_of_a_new_account_lie_a_little_apart(monkeypatch):
    workers = {key: dataclasses.replace(WORKERS["orders"], key=key) for key in ("orders", "two", "three")}
    monkeypatch.setattr(tick_service, "WORKERS", workers)
    AccountFactory()
    tick()
    at = dict(SyncState.objects.values_list("api_family", "next_run_at"))
    assert timedelta(seconds=4.9) < at["three"] - at["two"] < timedelta(seconds=5.1)
    assert WorkerRun.objects.get().api_family == "orders"


def test_a_deactivated_account_gets_no_workers():
    AccountFactory(is_active=False)
    tick()
    assert not SyncState.objects.exists()


def test_what_is_due_is_queued_once():
    state = due()
    assert tick().queued == 1
    SyncState.objects.update(next_run_at=ago(seconds=1))
    assert tick().queued == 0
    run = WorkerRun.objects.get()
    assert (run.account_id, run.lane, run.trigger, run.api) == (
        state.account_id,
        2,
        "schedule",
        "fulfillment",
    )
    assert OrmQ.objects.count() == 1


def test_what_is_not_due_is_left_alone():
    due(next_run_at=ago(seconds=-20))
    assert tick().queued == 0


def test_the_rhythm_is_counted_from_the_planned_time():
    state = due(next_run_at=ago(minutes=3))
    tick()
    planned = state.next_run_at
    state.refresh_from_db()
    assert state.next_run_at == planned + EVERY


def test_a_late_tick_replays_nothing():
    state = due(next_run_at=ago(hours=7))
    tick()
    state.refresh_from_db()
    assert timedelta(0) <= timezone.now() + EVERY - state.next_run_at < timedelta(seconds=10)
    assert tick().queued == 0
    assert WorkerRun.objects.count() == 1


def off(**values):
    return lambda state: SyncState.objects.filter(pk=state.pk).update(**values)


def account_off(**values):
    return lambda state: EbayAccount.objects.filter(pk=state.account_id).update(**values)


def token(**values):
    return lambda state: give_token(state.account, **values)


def button(whose: str):
    def press(state) -> None:
        own = state.account.organization if whose == "own" else None
        SyncSwitch.objects.create(organization=own, enabled=False)

    return press


@pytest.mark.parametrize(
    "hold",
    [
        off(enabled=False),
        off(breaker_until=ago(hours=-1)),
        account_off(is_active=False),
        account_off(workers_enabled=False),
        account_off(environment="nowhere"),
        token(refresh_error="invalid_grant: revoked"),
        token(refresh_error="invalid_scope: gone"),
        token(refresh_token_sealed=""),
        token(refresh_token_expires_at=ago(days=1)),
        token(granted_scopes=["https://api.ebay.com/oauth/api_scope"]),
        lambda state: state.account.token.delete(),
        button("own"),
        button("everybody's"),
    ],
)
def test_what_may_not_run_is_not_queued(hold):
    state, other = due(), due()
    hold(state)
    tick()
    assert state.account_id not in queued_accounts()
    # Time does not pile up either: what is held back is due when it is free again.
    state.refresh_from_db()
    assert state.next_run_at < timezone.now()
    if not SyncSwitch.objects.filter(organization=None).exists():
        assert other.account_id in queued_accounts()


def test_a_passing_token_failure_does_not_stop_the_schedule():
    give_token(due().account, refresh_error="network_error: no route")
    assert tick().queued == 1


def test_history_that_waits_moves_up_when_its_live_part_is_due():
    state = due()
    run = RunFactory(account=state.account, lane=3, trigger="follow_up", not_before=ago(minutes=-30))
    assert tick().queued == 0
    run.refresh_from_db()
    assert (run.lane, run.trigger) == (2, "follow_up")
    assert run.not_before <= timezone.now()


def test_a_retry_that_moves_up_waits_as_long_as_it_was_told():
    state = due()
    run = RunFactory(account=state.account, lane=3, trigger="retry", not_before=ago(minutes=-4))
    tick()
    assert (WorkerRun.objects.get(pk=run.pk).lane, WorkerRun.objects.get().not_before) == (2, run.not_before)


def test_silent_runs_end_and_are_asked_again():
    state = due(next_run_at=ago(minutes=-4))
    RunFactory(account=state.account, status="running", heartbeat_at=ago(minutes=11))
    assert tick().abandoned == 1
    assert list(WorkerRun.objects.order_by("id").values_list("status", flat=True)) == ["abandoned", "queued"]


def test_tickets_are_topped_up_but_never_beyond_twice_the_workers(settings):
    settings.Q_WORKERS = 2
    for _ in range(3):
        RunFactory()
    assert tick().tickets == 3
    for _ in range(10):
        RunFactory()
    assert tick().tickets == 1
    assert tick().tickets == 0
    assert OrmQ.objects.count() == 4


def test_a_ticket_that_a_worker_holds_is_not_one_that_waits():
    RunFactory()
    tickets.top_up()
    OrmQ.objects.update(lock=ago(minutes=-5))
    assert tickets.top_up() == 1


def test_a_run_whose_time_has_not_come_needs_no_ticket():
    RunFactory(not_before=ago(minutes=-2))
    assert tickets.top_up() == 0


def test_each_run_of_run_all_gets_its_ticket():
    for _ in range(3):
        RunFactory()
        tickets.leave_ticket()
    assert OrmQ.objects.count() == 3


def test_a_ticket_holds_no_arguments():
    RunFactory()
    tickets.leave_ticket()
    (ticket,) = OrmQ.objects.all()
    assert (ticket.key, ticket.task["func"], ticket.task["args"]) == ("sync", "syncworkers.tasks.work", ())


def statements() -> int:
    with CaptureQueriesContext(connection) as queries:
        tick()
    return len(queries)


def test_the_number_of_statements_does_not_grow_with_the_workers(settings):
    settings.Q_WORKERS = 1
    due()
    one = statements()
    OrmQ.objects.all().delete()
    WorkerRun.objects.all().delete()
    for _ in range(40):
        due()
    # At most two tickets, a statement each.
    assert statements() <= one + 1
    assert WorkerRun.objects.count() == 40


def test_a_connected_account_starts_at_once_and_stays_in_the_rhythm():
    account = AccountFactory()
    assert start_account(account.pk) == 1
    run = WorkerRun.objects.get()
    assert (run.trigger, run.lane) == ("connect", 2)
    tick()
    assert WorkerRun.objects.count() == 1
    assert SyncState.objects.get().next_run_at > timezone.now()


def test_an_account_that_is_gone_starts_nothing():
    assert start_account(0) == 0


def tick_in_parallel():
    return tick()


class TestAtTheSameTime:
    pytestmark = []

    def test_two_ticks_at_once_queue_once(self, transactional_db):
        for _ in range(5):
            due()
        in_threads([tick_in_parallel] * 4)
        assert WorkerRun.objects.count() == 5

    def test_a_worker_whose_page_is_being_written_does_not_hold_up_the_tick(self, transactional_db):
        busy, other = due(), due()
        with transaction.atomic():
            SyncState.objects.select_for_update().get(pk=busy.pk)
            (ticked,) = in_threads([tick_in_parallel])
        assert ticked.queued == 1
        assert queued_accounts() == [other.account_id]
        assert tick().queued == 1

    def test_a_quota_that_somebody_holds_does_not_hold_up_the_tick(self, transactional_db):
        due()
        tick()
        ApiQuota.objects.update(scheduled_per_day=7)
        other = due()
        with transaction.atomic():
            held = ApiQuota.objects.select_for_update().get()
            (ticked,) = in_threads([tick_in_parallel])
        assert ticked.queued == 1
        assert other.account_id in queued_accounts()
        tick()
        held.refresh_from_db()
        assert held.scheduled_per_day > 7

    def test_a_run_that_is_asked_for_meanwhile_is_not_queued_twice(self, transactional_db):
        asked, other = due(), due()
        with ThreadPoolExecutor(1) as pool:
            with transaction.atomic():
                RunFactory(account=asked.account, trigger="manual")
                ticking = pool.submit(in_threads, [tick_in_parallel])
                eventually(somebody_waits_for_us, what="the tick meets the run")
            (ticked,) = ticking.result(timeout=20)
        assert ticked.queued == 1
        assert queued_accounts() == [asked.account_id, other.account_id]
