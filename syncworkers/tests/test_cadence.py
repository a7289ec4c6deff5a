"""The schedule's pace: from accounts, measured calls and what the quotas leave."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import SYSTEM, principal_of_user
from syncworkers.cadence import current_plan, exhausted_until, note_demand
from syncworkers.models.runs import Lane as RunLane
from syncworkers.quota_board import quota_board
from syncworkers.registry import WORKERS
from tests.factories import AccountFactory, RunFactory, SyncStateFactory, member
from tokens import wire
from tokens.models import ApiPause, ApiQuota
from tokens.quotas import DAY, Lane

pytestmark = pytest.mark.django_db
ORDERS = WORKERS["orders"]
HALF_DAY = DAY / 2


def quota(*, limit=1000, environment="simulator", api="fulfillment", left=HALF_DAY, **values) -> ApiQuota:
    key, now = wire.quota_key(environment, api), timezone.now()
    return ApiQuota.objects.create(
        environment=environment, client_id=key.client_id, api=api, daily_limit=limit, reset_at=now + left,
        held_since=now, **values,
    )  # fmt: skip


def accounts(number: int, **values) -> list:
    made = AccountFactory.create_batch(number, **values)
    for account in made:
        SyncStateFactory(account=account)
    return made


def ran(account, calls: dict[str, int] | None, **values) -> None:
    now = timezone.now()
    defaults = {"status": "completed", "trigger": "schedule", "lane": RunLane.SCHEDULE, "finished_at": now}
    summary = {} if calls is None else {"calls": calls}
    RunFactory(account=account, summary_json=summary, **defaults | values)


def orders_pace(environment="simulator"):
    return next(p for p in current_plan().paces if (p.environment, p.worker.key) == (environment, "orders"))


def test_a_quota_that_suffices_changes_nothing():
    accounts(1)
    quota()
    assert current_plan().interval("simulator", ORDERS) == ORDERS.every


def test_more_accounts_than_the_quota_serves_stretch_the_intervals():
    accounts(20)
    quota()
    # 20 accounts want 2,880 calls in half a day; 940 less history's 50 are left.
    assert orders_pace().accounts == 20
    assert orders_pace().effective / ORDERS.every == pytest.approx(2880 / 890, rel=0.01)


def test_environments_have_their_own_pace():
    accounts(20)
    accounts(1, environment="sandbox")
    quota()
    quota(environment="sandbox")
    assert current_plan().interval("sandbox", ORDERS) == ORDERS.every < orders_pace().effective


def test_an_application_of_earlier_days_does_not_count():
    accounts(20)
    ApiQuota.objects.create(
        environment="simulator", client_id="older", api="fulfillment", daily_limit=1,
        reset_at=timezone.now() + DAY, held_since=timezone.now(),
    )  # fmt: skip
    assert orders_pace().effective == ORDERS.every, "20 accounts are few for the usual limit"


@pytest.mark.parametrize(
    "off",
    [
        {"is_active": False},
        {"workers_enabled": False},
        {"token__refresh_error": "invalid_grant: gone"},
        {"token__refresh_token_sealed": ""},
    ],
)
def test_what_does_not_run_needs_no_quota(off):
    accounts(1, **off)
    assert current_plan().paces == ()


def test_a_worker_that_is_off_needs_no_quota():
    SyncStateFactory(enabled=False)
    assert current_plan().paces == ()


def test_calls_of_a_run_are_measured():
    account = accounts(1)[0]
    for _ in range(45):
        ran(account, {"fulfillment": 3, "payment_dispute": 1})
    calls = orders_pace().calls
    assert calls["fulfillment"] == pytest.approx((45 * 3 + 5 * ORDERS.calls_per_run) / 50)
    assert calls["payment_dispute"] == pytest.approx(45 / 50)


def test_the_scarcest_of_a_runs_apis_decides():
    account = accounts(1)[0]
    for _ in range(45):
        ran(account, {"fulfillment": 1, "payment_dispute": 10})
    quota(api="payment_dispute", limit=100)
    assert orders_pace().effective > 5 * ORDERS.every


@pytest.mark.parametrize(
    "values",
    [
        {"lane": RunLane.HISTORY},
        {"trigger": "manual", "lane": RunLane.MANUAL},
        {"trigger": "retry"},
        {"status": "error"},
        {"finished_at": timezone.now() - 2 * DAY},
    ],
)
def test_runs_that_the_schedule_does_not_repeat_are_not_measured(values):
    account = accounts(1)[0]
    for _ in range(20):
        ran(account, {"fulfillment": 50}, **values)
    assert orders_pace().calls == {"fulfillment": ORDERS.calls_per_run}


def test_runs_without_counted_calls_are_judged_by_their_pages():
    account = accounts(1)[0]
    for _ in range(45):
        ran(account, None, pages=2)
    assert orders_pace().calls["fulfillment"] == pytest.approx((90 + 5 * ORDERS.calls_per_run) / 50)


def test_the_demand_is_noted_for_history_and_forgotten_when_it_ends():
    made = accounts(2)
    assert note_demand(current_plan()) == 1
    row = ApiQuota.objects.get()
    assert (row.api, row.daily_limit) == ("fulfillment", 100_000)
    assert row.scheduled_per_day == 2 * 288 * ORDERS.calls_per_run
    assert note_demand(current_plan()) == 0
    for account in made:
        account.workers_enabled = False
        account.save()
    assert note_demand(current_plan()) == 1
    assert ApiQuota.objects.get().scheduled_per_day == 0


def test_exhausted_for_the_schedule_is_not_exhausted_for_people():
    account = accounts(1)[0]
    assert exhausted_until(account, ORDERS, lane=Lane.SCHEDULE) is None
    row = quota(made=960)
    assert exhausted_until(account, ORDERS, lane=Lane.SCHEDULE) == row.reset_at
    assert exhausted_until(account, ORDERS, lane=Lane.MANUAL) is None


def test_the_plan_costs_the_same_for_many_accounts(django_assert_max_num_queries):
    accounts(30)
    quota()
    with django_assert_max_num_queries(3):
        current_plan()


# -- The board --------------------------------------------------------------------------------------------


def test_the_board_counts_ones_own_accounts_but_paces_by_all():
    mine = accounts(1)[0]
    accounts(19)
    quota(made=500, held=10)
    line = quota_board(principal_of_user(member("viewer", mine.organization)))[0]
    assert (line.api, line.used, line.remaining, line.limit) == ("fulfillment", 510, 490, 1000)
    assert line.families[0].accounts == 1
    paced = orders_pace().effective
    assert abs(line.families[0].effective - paced) < timedelta(seconds=1) < paced - ORDERS.every
    assert line.forecast == 940 - 50
    assert line.status == "stretched"


def test_without_an_account_in_the_environment_there_is_nothing_to_see():
    accounts(1)
    quota(made=1)
    quota(made=1, environment="sandbox")
    assert quota_board(principal_of_user(member("admin"))) == []
    assert {line.environment for line in quota_board(SYSTEM)} == {"simulator"}


def test_quotas_that_nothing_uses_are_left_out():
    accounts(1)
    quota(api="browse")
    quota(api="identity", made=3)
    assert [line.api for line in quota_board(SYSTEM)] == ["identity"]


def test_a_day_that_is_over_shows_as_a_new_one():
    accounts(1)
    quota(made=900, left=-timedelta(minutes=1))
    line = quota_board(SYSTEM)[0]
    assert line.used == 0
    assert line.reset_at > timezone.now()


@pytest.mark.parametrize(("made", "status"), [(960, "used up"), (10, "paused")])
def test_used_up_and_paused_are_said(made, status):
    accounts(1)
    quota(made=made)
    ApiPause.objects.create(environment="simulator", api="fulfillment", until=timezone.now() + HALF_DAY)
    assert quota_board(SYSTEM)[0].status == status
