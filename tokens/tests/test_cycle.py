"""The scheduled refresh: who is due, and a job that tells the truth."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone
from django.utils.module_loading import import_string
from django_q.models import OrmQ

from tests.factories import AccountFactory
from tokens.models import BackgroundWorker, EbayToken, RefreshCycle, TokenRefreshLog
from tokens.services import cycle as service
from tokens.services.cycle import due_accounts, run_chunk, start_cycle
from tokens.tasks import start_refresh_cycle

from .linked import change_token, expired_account, linked_account, nothing_sent, stored, token_posts

pytestmark = pytest.mark.django_db(transaction=True)
LONG_AGO = timedelta(minutes=61)


def jobs() -> list[tuple[str, tuple]]:
    return [(row.task["func"], row.task["args"]) for row in OrmQ.objects.order_by("id")]


def work() -> None:
    """Run the queued jobs here, as the cluster would."""
    for function, arguments in jobs():
        import_string(function)(*arguments)
    OrmQ.objects.all().delete()


def finished(*, scheduled: bool = True) -> RefreshCycle:
    cycle = start_cycle(scheduled=scheduled)
    work()
    cycle.refresh_from_db()
    return cycle


def three(simulator, *, failing: int):
    """Three expired accounts; the first `failing` of them cannot be opened."""
    accounts = [expired_account(simulator, seller=number) for number in range(3)]
    for account in accounts[:failing]:
        change_token(account, refresh_token_sealed="ENC:v1:lost")
    return accounts


# -- Who is due ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expires", "refreshed", "is_due"),
    [
        (timedelta(minutes=14), timedelta(minutes=1), True),
        (timedelta(minutes=16), timedelta(minutes=59), False),
        (timedelta(minutes=59), timedelta(minutes=61), True),
        (timedelta(minutes=-5), timedelta(minutes=1), True),
        (None, timedelta(minutes=1), True),
        (timedelta(minutes=59), None, True),
    ],
)
def test_due_by_expiry_or_by_age(expires, refreshed, is_due):
    account, now = AccountFactory(), timezone.now()
    change_token(
        account,
        expires_at=None if expires is None else now + expires,
        last_refreshed_at=None if refreshed is None else now - refreshed,
    )
    assert due_accounts() == ([account.pk] if is_due else [])


def test_hourly_refreshes_use_less_than_half_of_the_daily_quota(monkeypatch):
    old, expiring = AccountFactory(), AccountFactory()
    now = timezone.now()
    for account in (old, expiring):
        change_token(account, last_refreshed_at=now - LONG_AGO, expires_at=now + timedelta(minutes=59))
    change_token(expiring, expires_at=now)
    monkeypatch.setattr(service, "DAILY_QUOTA", 2 * 2 * 24 + 1)
    assert due_accounts() == [expiring.pk, old.pk]
    monkeypatch.setattr(service, "DAILY_QUOTA", 2 * 2 * 24)
    assert due_accounts() == [expiring.pk]


def test_the_quota_is_counted_by_environment(monkeypatch):
    monkeypatch.setattr(service, "DAILY_QUOTA", 2 * 24 + 1)
    for environment in ("simulator", "sandbox"):
        change_token(AccountFactory(environment=environment), last_refreshed_at=timezone.now() - LONG_AGO)
    assert len(due_accounts()) == 2


@pytest.mark.parametrize(
    "values",
    [{"refresh_error": "invalid_grant: revoked"}, {"refresh_error": "invalid_scope: gone"},
     {"access_token_sealed": "", "refresh_token_sealed": ""}],
)  # fmt: skip
def test_who_needs_a_person_is_not_due(values):
    change_token(AccountFactory(), expires_at=timezone.now(), **values)
    change_token(AccountFactory(is_active=False), expires_at=timezone.now())
    assert due_accounts() == []


# -- The truth -------------------------------------------------------------------------------------------


def test_nothing_due_is_ok_with_zeros(simulator):
    linked_account(simulator)
    cycle = finished()
    assert (cycle.status, cycle.accounts_checked, cycle.accounts_refreshed, cycle.errors) == ("ok", 0, 0, [])
    assert cycle.finished_at
    worker = BackgroundWorker.objects.get()
    assert (worker.worker_name, worker.last_status, worker.runs_ok_in_row) == (
        "token_refresh_worker",
        "ok",
        1,
    )
    assert (worker.interval_seconds, worker.last_started_at) == (600, cycle.started_at)


@pytest.mark.parametrize(("failing", "status"), [(0, "ok"), (1, "partial"), (3, "error")])
def test_the_status_says_how_many_failed(simulator, failing, status):
    accounts = three(simulator, failing=failing)
    cycle = finished()
    assert (cycle.status, cycle.accounts_checked, cycle.accounts_refreshed) == (status, 3, 3 - failing)
    assert {error["account_id"] for error in cycle.errors} == {account.pk for account in accounts[:failing]}
    worker = BackgroundWorker.objects.get()
    assert worker.last_summary == {
        "status": status, "accounts_checked": 3, "accounts_refreshed": 3 - failing, "errors": cycle.errors,
    }  # fmt: skip
    assert worker.last_error_message.count("decrypt_failed") == failing
    assert (worker.runs_ok_in_row, worker.runs_error_in_row) == ((1, 0) if status == "ok" else (0, 1))
    assert TokenRefreshLog.objects.filter(triggered_by="scheduled").count() == 3


def test_it_cannot_look_healthy_while_every_account_fails(simulator):
    """Also not in the cycles during which the accounts wait after a failure."""
    three(simulator, failing=0)
    simulator.fault("token", "unavailable", count=None)
    assert [finished().status for _ in range(3)] == ["error"] * 3
    assert BackgroundWorker.objects.get().runs_error_in_row == 3
    assert len(token_posts(simulator)) == 3
    simulator.delete("faults")
    EbayToken.objects.update(next_attempt_at=None)
    assert finished().status == "ok"
    worker = BackgroundWorker.objects.get()
    assert (worker.runs_ok_in_row, worker.runs_error_in_row, worker.last_error_message) == (1, 0, "")


def test_somebody_elses_refresh_is_no_failure(simulator):
    account = expired_account(simulator)
    change_token(
        account,
        lease_id="11111111-1111-1111-1111-111111111111",
        lease_until=timezone.now() + timedelta(seconds=30),
    )
    cycle = finished()
    assert (cycle.status, cycle.accounts_refreshed, cycle.errors) == ("ok", 0, [])


def test_what_the_budget_leaves_is_said_and_due_again(simulator):
    account = expired_account(simulator)
    cycle = start_cycle(scheduled=True)
    run_chunk(cycle.pk, 0, [account.pk], budget_s=-1)
    cycle.refresh_from_db()
    assert cycle.status == "error"
    assert "due again" in cycle.errors[0]["error"]
    assert due_accounts() == [account.pk]
    assert nothing_sent(simulator)


def test_a_surprise_for_one_account_is_its_own(simulator, monkeypatch):
    accounts = three(simulator, failing=0)
    refresh = service.refresh_now

    def surprised(account_id, **kwargs):
        if account_id == accounts[0].pk:
            raise ZeroDivisionError
        return refresh(account_id, **kwargs)

    monkeypatch.setattr(service, "refresh_now", surprised)
    cycle = finished()
    assert (cycle.status, cycle.accounts_refreshed) == ("partial", 2)
    assert cycle.errors == [{"account_id": accounts[0].pk, "error": "exception: ZeroDivisionError"}]


# -- By hand ---------------------------------------------------------------------------------------------


def test_a_cycle_by_hand_leaves_the_schedules_heartbeat_alone(simulator):
    start_refresh_cycle()
    work()
    before = BackgroundWorker.objects.values().get()
    three(simulator, failing=1)
    cycle = finished(scheduled=False)
    assert (cycle.status, cycle.accounts_refreshed) == ("partial", 2)
    assert BackgroundWorker.objects.values().get() == before


def test_a_cycle_by_hand_before_any_schedule_makes_no_heartbeat(simulator):
    three(simulator, failing=0)
    assert finished(scheduled=False).status == "ok"
    assert not BackgroundWorker.objects.exists()


# -- Chunks ----------------------------------------------------------------------------------------------


def test_at_most_twenty_accounts_a_chunk():
    for _ in range(41):
        change_token(AccountFactory(), expires_at=timezone.now())
    cycle = start_cycle(scheduled=True)
    assert [name for name, _ in jobs()] == ["tokens.tasks.refresh_chunk"] * 3
    assert [(chunk, len(accounts)) for _, (_, chunk, accounts) in jobs()] == [(0, 20), (1, 20), (2, 1)]
    assert cycle.open_chunks == [0, 1, 2]


def test_a_cycle_ends_with_its_last_chunk(simulator):
    accounts = three(simulator, failing=1)
    cycle = start_cycle(scheduled=True)
    RefreshCycle.objects.filter(pk=cycle.pk).update(open_chunks=[0, 1])
    run_chunk(cycle.pk, 0, [accounts[0].pk])
    cycle.refresh_from_db()
    assert (cycle.status, cycle.finished_at, cycle.open_chunks) == ("", None, [1])
    run_chunk(cycle.pk, 1, [accounts[1].pk, accounts[2].pk])
    cycle.refresh_from_db()
    assert (cycle.status, cycle.accounts_refreshed, len(cycle.errors)) == ("partial", 2, 1)


def test_a_chunk_delivered_twice_counts_once(simulator):
    account = expired_account(simulator)
    cycle = start_cycle(scheduled=True)
    for _ in range(2):
        run_chunk(cycle.pk, 0, [account.pk])
    cycle.refresh_from_db()
    assert (cycle.accounts_refreshed, BackgroundWorker.objects.get().runs_ok_in_row) == (1, 1)
    assert len(token_posts(simulator)) == 1


@pytest.mark.parametrize(("reported", "status"), [(0, "error"), (1, "partial")])
def test_a_lost_chunk_ends_as_what_it_is(simulator, reported, status):
    account = expired_account(simulator)
    lost = start_cycle(scheduled=True)
    RefreshCycle.objects.filter(pk=lost.pk).update(open_chunks=[0, 1])
    if reported:
        run_chunk(lost.pk, 0, [account.pk])
    OrmQ.objects.all().delete()
    RefreshCycle.objects.filter(pk=lost.pk).update(started_at=timezone.now() - timedelta(minutes=10))
    change_token(account, refresh_error="invalid_grant: so that the next cycle finds nothing")
    start_cycle(scheduled=False)
    lost.refresh_from_db()
    assert (lost.status, lost.open_chunks) == (status, [])
    assert "never reported" in lost.errors[-1]["error"]
    assert BackgroundWorker.objects.get().runs_error_in_row == 1


def test_a_chunk_that_comes_after_its_cycle_does_nothing(simulator):
    account = expired_account(simulator)
    cycle = start_cycle(scheduled=True)
    RefreshCycle.objects.filter(pk=cycle.pk).update(started_at=timezone.now() - timedelta(minutes=10))
    start_cycle(scheduled=False)
    run_chunk(cycle.pk, 0, [account.pk])
    cycle.refresh_from_db()
    assert (cycle.status, cycle.accounts_refreshed) == ("error", 0)
    assert nothing_sent(simulator)


def test_a_cycle_under_way_is_not_lost():
    change_token(AccountFactory(), expires_at=timezone.now())
    first = start_cycle(scheduled=True)
    start_cycle(scheduled=True)
    first.refresh_from_db()
    assert first.finished_at is None


def test_the_log_names_every_account_and_counts(simulator, caplog):
    caplog.set_level(logging.INFO)
    accounts = three(simulator, failing=1)
    cycle = finished()
    lines = [record.message for record in caplog.records]
    assert f"token refresh cycle {cycle.pk} starts: found 3 accounts" in lines
    assert f"token refresh cycle {cycle.pk}: 3 of 3 done" in lines
    for account, code in zip(accounts, ["decrypt_failed", "ok", "ok"], strict=True):
        names = f"account={account.pk} house_name={account.house_name} ebay_user={account.ebay_user_id}"
        assert f"token refresh result {names} code={code}" in lines
    assert stored(accounts[1]).last_refreshed_by == "scheduled"
