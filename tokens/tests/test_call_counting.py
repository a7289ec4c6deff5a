"""Real calls are counted under eBay's name for them, and refused before they are sent."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.conf import settings
from django.utils import timezone

from ebayconnector.ebay import identity
from ebayconnector.ebay.fulfillment import order_pages
from tokens import wire
from tokens.allowances import QuotaExhausted, allowances
from tokens.models import ApiPause, ApiQuota, RefreshTrigger
from tokens.quotas import Lane, Reported
from tokens.services import pauses, rate_limits
from tokens.services.clients import client_for
from tokens.services.refresh import refresh_now

from .linked import linked_account

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS, LIMITS = "/sell/fulfillment/v1/order", "/developer/analytics"
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.fixture(autouse=True)
def nothing_held():
    """This process begins and ends without allowances of another test."""
    allowances().forget()
    yield
    allowances().forget()


def read_orders(account, lane=Lane.SCHEDULE, run_id=None):
    now = timezone.now()
    client = client_for(account, source="test", lane=lane, run_id=run_id)
    return next(
        order_pages(client, modified_from=now - 30 * 24 * HOUR, modified_to=now - timedelta(seconds=5))
    )


def quota(api: str) -> ApiQuota:
    return ApiQuota.objects.get(api=api)


def set_quota(api: str, **values) -> ApiQuota:
    key, now = wire.quota_key("simulator", api), timezone.now()
    defaults = {"daily_limit": 1000, "reset_at": now + 12 * HOUR, "held_since": now}
    return ApiQuota.objects.create(
        environment=key.environment, client_id=key.client_id, api=api, **defaults | values
    )


def test_calls_count_for_the_application_and_the_api(simulator):
    account = linked_account(simulator)
    read_orders(account)
    identity.get_user(client_for(account, source="test"))
    allowances().give_back()
    rows = ApiQuota.objects.values_list("environment", "client_id", "api", "made").order_by("api")
    client_id = settings.EBAY_APPLICATIONS["simulator"]["client_id"]
    assert list(rows) == [("simulator", client_id, "fulfillment", 1), ("simulator", client_id, "identity", 1)]


def test_a_refresh_counts_as_the_first_lane_and_under_its_grant(simulator):
    set_quota("token.refresh_token", made=1000)
    account = linked_account(simulator)
    assert refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED).success
    assert quota("token.refresh_token").made == 1001


def test_a_refused_call_is_not_sent(simulator):
    account = linked_account(simulator)
    set_quota("fulfillment", made=950)
    with pytest.raises(
        QuotaExhausted, match=r"schedule.s part of .*fulfillment is used up.*950 of 1,000 calls"
    ):
        read_orders(account)
    assert simulator.requests(ORDERS) == []
    assert read_orders(account, Lane.MANUAL).items


def test_a_client_changes_its_lane(simulator):
    account = linked_account(simulator)
    set_quota("identity", made=950)
    client = client_for(account, source="test", lane=Lane.MANUAL)
    with pytest.raises(QuotaExhausted):
        identity.get_user(client.in_lane(Lane.HISTORY))
    assert identity.get_user(client)


def test_every_attempt_counts(simulator):
    account = linked_account(simulator)
    simulator.fault(ORDERS, "status", status=503, count=1)
    now = timezone.now()
    client = client_for(account, source="test", lane=Lane.SCHEDULE, run_id=7, wait=lambda seconds: None)
    next(order_pages(client, modified_from=now - HOUR, modified_to=now))
    assert len(simulator.requests(ORDERS)) == 2
    assert wire.call_counter().calls_of_run(7) == {"fulfillment": 2}
    assert wire.call_counter().calls_of_run(7) == {}


def test_what_runs_never_ask_for_does_not_pile_up(simulator):
    account = linked_account(simulator)
    counter = wire.call_counter()
    read_orders(account, run_id=1)
    for run_id in range(1000, 1200):
        counter._of_runs[run_id] = {}
    counter.calls_of_run(5)
    assert len(counter._of_runs) == 100
    for run_id in range(1000, 1200):
        counter.calls_of_run(run_id)


# -- eBay's own numbers -----------------------------------------------------------------------------------


def test_ebays_numbers_become_ours(simulator):
    account = linked_account(simulator)
    simulator.post("quotas", api="fulfillment", limit=70_000, used=1234)
    found = rate_limits.read_rate_limits(account.environment)
    row = quota("fulfillment")
    assert (row.daily_limit, row.used, row.reported_count) == (70_000, 1234, 1234)
    assert row.reset_at == found["fulfillment"].reset_at > timezone.now()
    assert row.reported_at is not None
    assert len(simulator.requests(LIMITS)) == 1


def test_the_schedule_reads_them_where_there_are_accounts(simulator):
    account = linked_account(simulator)
    assert rate_limits.ask_for_readings() == ["simulator"]
    account.is_active = False
    account.save()
    assert rate_limits.ask_for_readings() == []


def test_a_refusal_with_nothing_left_pauses_until_the_reset(simulator):
    account = linked_account(simulator)
    simulator.post("quotas", api="fulfillment", limit=50, used=50)
    rate_limits.read_rate_limits(account.environment, refused_api="fulfillment")
    assert pauses.paused_until(account, "fulfillment") == quota("fulfillment").reset_at
    assert "daily quota" in ApiPause.objects.get().reason


def test_a_refusal_with_calls_left_leaves_the_pause_as_it_was(simulator):
    account = linked_account(simulator)
    simulator.post("quotas", api="fulfillment", limit=50, used=49)
    rate_limits.read_rate_limits(account.environment, refused_api="fulfillment")
    assert pauses.paused_until(account, "fulfillment") is None


KEY = wire.QuotaKey("simulator", "app", "trading")


def kept(count: int, *, limit=5000, reset=None, **row) -> ApiQuota:
    """The row after eBay said so."""
    now = timezone.now()
    defaults = {"daily_limit": 5000, "reset_at": now + 12 * HOUR, "held_since": now}
    pk = ApiQuota.objects.create(
        environment=KEY.environment, client_id=KEY.client_id, api=KEY.api, **defaults | row
    ).pk
    rate_limits.keep(KEY, Reported(limit, count, limit - count, reset))
    return ApiQuota.objects.get(pk=pk)


def test_what_others_called_with_the_same_keyset_counts():
    assert kept(3000, made=100).used == 3000


def test_a_count_that_lags_lowers_nothing():
    assert kept(12, made=100, held=10).used == 110


def test_what_processes_hold_is_not_counted_twice():
    # Of the 108 that eBay knows, eight may be from the ten that a process holds.
    assert kept(108, made=100, held=10).used == 110


def test_the_limit_is_ebays():
    assert kept(0, limit=25_000).daily_limit == 25_000


def test_when_ebays_day_turned_before_ours_its_count_replaces_ours():
    reset = timezone.now() + 23 * HOUR
    row = kept(5, made=4700, history_used=70, reset=reset, reset_at=timezone.now() + HOUR)
    assert (row.made, row.history_used, row.reset_at) == (5, 0, reset)


def test_when_our_day_turned_but_nobody_called_yet_its_count_replaces_ours():
    reset = timezone.now() + 23 * HOUR
    row = kept(5, made=4700, held=30, reset=reset, reset_at=timezone.now() - HOUR)
    assert (row.used, row.reset_at) == (5, reset)


def test_when_our_day_turned_too_early_ebays_count_comes_back():
    reset = timezone.now() + HOUR
    row = kept(4700, made=3, reset=reset, reset_at=timezone.now() + 23 * HOUR)
    assert (row.used, row.reset_at) == (4700, reset)


def test_numbers_of_a_day_that_is_over_change_only_the_limit():
    own_reset = timezone.now() + 12 * HOUR
    row = kept(4999, limit=6000, made=3, reset=timezone.now() - MINUTE, reset_at=own_reset)
    assert (row.used, row.reset_at, row.daily_limit) == (3, own_reset, 6000)
