"""A run meets the end of the day's quota: nothing is sent, nothing is lost, nobody is to blame."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from syncworkers.models import Reason, WorkerRun
from syncworkers.models.runs import Lane, Trigger
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from syncworkers.services.queue import queue_run
from syncworkers.services.tick import tick
from syncworkers.upcoming import schedule
from tokens import wire
from tokens.allowances import allowances, ensure_row
from tokens.models import ApiQuota

from .running import GET_ORDERS, execute, run_orders, seller_account, state_of, stored, truth

pytestmark = pytest.mark.django_db
ORDERS = WORKERS["orders"]


@pytest.fixture
def account(ebay):
    ebay.reset()
    allowances().forget()
    yield seller_account(ebay)
    allowances().forget()


def used(share: float) -> ApiQuota:
    """The day's quota of Fulfillment, used up to this share."""
    key = wire.quota_key("simulator", "fulfillment")
    ensure_row(key)
    quota = ApiQuota.objects.get(api="fulfillment")
    quota.made = int(quota.daily_limit * share)
    quota.save()
    return quota


def scheduled(account, lane=Lane.SCHEDULE):
    runs.ensure_state(account, ORDERS)
    return execute(queue_run(account.pk, ORDERS, lane=lane, trigger=Trigger.SCHEDULE).pk)


def test_the_schedule_stops_before_the_quota_does(ebay, account):
    quota = used(0.96)
    run = scheduled(account)
    assert (run.status, run.reason, run.pages) == ("skipped", "quota", 0)
    assert not ebay.requests(GET_ORDERS)
    state = state_of(account)
    assert (state.failed_in_row, state.covered) == (0, [])
    assert "fulfillment" in state.last_error and "Calls go on at" in state.last_error
    # The schedule comes back by itself.
    assert not WorkerRun.objects.filter(status="queued").exists()
    assert quota.reset_at > timezone.now()


def test_a_person_may_still_run_what_the_schedule_may_not(ebay, account):
    used(0.96)
    run = run_orders(account)
    # What is new came; old data waits like everybody's.
    assert (run.status, run.reason) == ("partial", "quota")
    assert stored(account) == truth(ebay, account, days=1)
    assert WorkerRun.objects.get(status="queued").lane == Lane.HISTORY


def test_a_run_by_hand_is_refused_in_words_when_nothing_is_left(ebay, account):
    used(1.0)
    requested = runs.request_run(account, ORDERS, trigger=Trigger.MANUAL, by="olga")
    assert (requested.started, requested.reason) == (False, Reason.QUOTA)
    assert not WorkerRun.objects.exists()


def test_history_waits_and_comes_back(ebay, account):
    used(0.96)
    run = scheduled(account, lane=Lane.HISTORY)
    assert (run.status, run.reason) == ("skipped", "quota")
    waiting = WorkerRun.objects.get(status="queued")
    assert waiting.not_before - timezone.now() <= timedelta(minutes=30)
    used(0.1)
    allowances().forget()
    assert execute(waiting.pk).status == "completed"
    assert stored(account) == truth(ebay, account)


def test_what_a_run_called_is_kept_and_counted(ebay, account):
    run = run_orders(account)
    assert run.summary_json["calls"] == {"fulfillment": len(ebay.requests(GET_ORDERS))}
    allowances().give_back()
    assert ApiQuota.objects.get(api="fulfillment").made == len(ebay.requests(GET_ORDERS))


def test_the_tick_spaces_runs_as_far_as_the_quota_needs(ebay, account):
    """Half of the quota is gone early in the day: what was wanted every five minutes comes less often."""
    key = wire.quota_key("simulator", "fulfillment")
    ensure_row(key)
    runs.ensure_state(account, ORDERS)
    ApiQuota.objects.update(daily_limit=100, made=50, reset_at=timezone.now() + timedelta(hours=23))
    tick()
    planned = state_of(account).next_run_at - timezone.now()
    assert planned > 3 * ORDERS.every
    assert WorkerRun.objects.filter(api_family="orders", status="queued").count() == 1
    quota = ApiQuota.objects.get(api="fulfillment")
    assert quota.scheduled_per_day > 0
    schedule_ = schedule([account], length=timedelta(hours=20))
    orders = [run.at for run in schedule_.runs if run.worker.key == "orders"]
    assert 1 <= len(orders) < 100


def test_without_scarcity_the_rhythm_is_as_wanted(ebay, account):
    tick()
    tick_moment = state_of(account).next_run_at
    assert abs(tick_moment - timezone.now() - ORDERS.every) < timedelta(seconds=30)
