"""Asking for runs: who wins, who is refused and why, who moves to the front."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import EbayAccount
from syncworkers.locks import beat
from syncworkers.models import Reason, SyncState, SyncSwitch, Trigger, WorkerRun
from syncworkers.models.runs import Lane
from syncworkers.registry import WORKERS
from syncworkers.selectors import why_not
from syncworkers.services import runs
from tests.factories import AccountFactory, RunFactory, give_token
from tokens.models import ApiPause

from .running import ORDERS, ago, in_threads


def ask(account: EbayAccount, trigger: Trigger = Trigger.MANUAL) -> runs.Requested:
    return runs.request_run(account, ORDERS, trigger=trigger, by="olga")


def test_of_eight_at_the_same_time_one_starts_a_run(transactional_db):
    account = AccountFactory()
    answers = in_threads([lambda: ask(EbayAccount.objects.get())] * 8)
    run = WorkerRun.objects.get(account=account)
    assert sorted(answer.started for answer in answers) == [False] * 7 + [True]
    assert {answer.run_id for answer in answers} == {run.pk}
    assert {answer.reason for answer in answers if not answer.started} == {Reason.ALREADY_RUNNING}
    assert SyncState.objects.count() == 1


def test_asking_never_waits_for_the_page_that_is_being_written(transactional_db):
    run = RunFactory(status="running")
    runs.ensure_state(run.account, ORDERS)
    with transaction.atomic():
        beat(run.pk)
        (answer,) = in_threads([lambda: ask(EbayAccount.objects.get())])
    assert answer == runs.Requested(False, run.pk, Reason.ALREADY_RUNNING)


@pytest.mark.django_db
class TestAsking:
    def test_a_run_and_a_ticket_are_queued_together(self):
        answer = ask(AccountFactory())
        run = WorkerRun.objects.get()
        assert (answer.started, answer.run_id) == (True, run.pk)
        assert (run.status, run.lane, run.trigger, run.requested_by, run.api) == (
            "queued", Lane.MANUAL, "manual", "olga", "fulfillment",
        )  # fmt: skip
        assert OrmQ.objects.count() == 1

    @pytest.mark.parametrize(
        ("trigger", "lane"),
        [("manual", 1), ("run_all", 1), ("api", 1), ("command", 1), ("schedule", 2), ("connect", 2)],
    )
    def test_people_come_before_the_schedule(self, trigger, lane):
        ask(AccountFactory(), Trigger(trigger))
        assert WorkerRun.objects.get().lane == lane

    def test_a_new_worker_is_found_by_the_schedule_later(self):
        ask(AccountFactory(), Trigger.CONNECT)
        assert SyncState.objects.get().next_run_at is not None

    @pytest.mark.parametrize("status", ["queued", "running"])
    def test_a_run_that_is_active_is_the_answer(self, status):
        run = RunFactory(status=status)
        assert ask(run.account) == runs.Requested(False, run.pk, Reason.ALREADY_RUNNING)

    @pytest.mark.parametrize(
        "waiting", [{"lane": 3}, {"lane": 2}, {"not_before": timezone.now() + timedelta(days=1)}]
    )
    def test_a_run_that_waits_is_moved_to_the_front(self, waiting):
        run = RunFactory(trigger="retry", requested_by="", **waiting)
        assert ask(run.account) == runs.Requested(True, run.pk)
        run.refresh_from_db()
        assert (run.lane, run.trigger, run.requested_by) == (Lane.MANUAL, "manual", "olga")
        assert run.not_before <= timezone.now()
        assert OrmQ.objects.count() == 1

    def test_the_schedule_moves_nobody_out_of_a_pause(self):
        run = RunFactory(lane=2, not_before=timezone.now() + timedelta(minutes=4))
        assert ask(run.account, Trigger.CONNECT).reason == Reason.ALREADY_RUNNING

    def test_a_refused_run_leaves_nothing(self):
        account = AccountFactory(is_active=False)
        assert ask(account) == runs.Requested(False, None, Reason.ACCOUNT_INACTIVE)
        assert not WorkerRun.objects.exists()
        assert not OrmQ.objects.exists()

    def test_cancelling_ends_a_queued_run_and_marks_a_running_one(self):
        queued, running, ended = RunFactory(), RunFactory(status="running"), RunFactory(status="completed")
        assert [runs.cancel_run(run, by="olga") for run in (queued, running, ended)] == [True, True, False]
        for run in (queued, running, ended):
            run.refresh_from_db()
        assert (queued.status, queued.reason, queued.finished_at is None) == ("cancelled", "cancelled", False)
        assert (running.status, running.cancel_requested_by) == ("running", "olga")
        assert ended.cancel_requested_at is None


def no_change(account, state) -> None:
    pass


def change_account(**values):
    return lambda account, state: EbayAccount.objects.filter(pk=account.pk).update(**values)


def change_state(**values):
    return lambda account, state: SyncState.objects.filter(pk=state.pk).update(**values)


def change_token(**values):
    return lambda account, state: give_token(account, **values)


def press(whose: str):
    def act(account, state) -> None:
        organization = account.organization if whose == "own" else None
        SyncSwitch.objects.create(organization=organization, enabled=False)

    return act


def pause(**values):
    def act(account, state) -> None:
        defaults = {"environment": "simulator", "api": "fulfillment", "until": ago(minutes=-5)}
        ApiPause.objects.create(**{**defaults, **values})

    return act


def pause_own_account(account, state) -> None:
    pause(account=account)(account, state)


def no_token(account, state) -> None:
    account.token.delete()


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("arrange", "reason"),
    [
        (no_change, None),
        (change_account(is_active=False), "account_inactive"),
        (change_account(workers_enabled=False), "workers_disabled"),
        (press("own"), "workers_disabled"),
        (press("everybody's"), "workers_disabled"),
        (change_state(enabled=False), "disabled"),
        (no_token, "not_connected"),
        (change_token(refresh_error="invalid_grant: revoked"), "needs_reconnect"),
        (change_token(refresh_token_expires_at=ago(days=1)), "needs_reconnect"),
        (change_token(refresh_token_sealed="enc:v1:gone:AAAA"), "needs_reconnect"),
        (change_token(refresh_error="network_error: no route"), None),
        (change_token(expires_at=ago(hours=1)), None),
        (change_token(granted_scopes=["https://api.ebay.com/oauth/api_scope"]), "missing_scope"),
        (pause(), "paused"),
        (pause_own_account, "paused"),
        (pause(until=ago(seconds=1)), None),
        (pause(api="trading"), None),
        (pause(environment="production"), None),
        (change_state(breaker_until=ago(hours=-1)), "breaker_open"),
        (change_state(breaker_until=ago(minutes=5)), None),
    ],
)
def test_why_a_worker_may_not_run(arrange, reason):
    account = AccountFactory()
    state = runs.ensure_state(account, ORDERS)
    arrange(account, state)
    account, state = EbayAccount.objects.get(), SyncState.objects.get()
    assert why_not(account, ORDERS, state) == reason


@pytest.mark.django_db
def test_a_family_that_ebay_does_not_offer_in_the_environment_is_refused():
    account = AccountFactory(environment="nowhere")
    assert why_not(account, ORDERS, runs.ensure_state(account, ORDERS)) == Reason.NOT_IN_ENVIRONMENT


@pytest.mark.django_db
@pytest.mark.parametrize(("purpose", "enabled"), [("SELLER", True), ("BOTH", True), ("BUYER", False)])
def test_a_worker_starts_as_the_accounts_purpose_says(purpose, enabled):
    account = AccountFactory(purpose=purpose)
    for worker in WORKERS.values():
        assert runs.ensure_state(account, worker).enabled == (purpose in worker.purposes)
    assert runs.ensure_state(account, ORDERS).enabled == enabled
