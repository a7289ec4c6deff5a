"""Runs, their logs, and the schedule."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from syncworkers.models import SyncState, WorkerLog, WorkerRun
from syncworkers.registry import WORKERS, families_for
from syncworkers.services.tick import tick
from tests.api_callers import as_member
from tests.factories import AccountFactory, RunFactory, SyncStateFactory, give_token
from tokens.models import ApiPause

pytestmark = pytest.mark.django_db
AT = "/api/ebay/workers"
EVERY = WORKERS["orders"].every


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def operator(account):
    return as_member("operator", account.organization)


def test_a_run_tells_everything_about_itself(operator, account):
    start = timezone.now() - timedelta(minutes=1)
    run = RunFactory(
        account=account, status="partial", reason="drift", started_at=start,
        finished_at=start + timedelta(seconds=2.5), rows_fetched=7, more=True, error="moved",
        summary_json={"pages": 1},
    )  # fmt: skip
    row = operator.get(f"{AT}/runs/{run.pk}").json()
    assert set(row) == {
        "id", "account_id", "house_name", "api_family", "status", "reason", "reason_text", "trigger",
        "requested_by", "queued_at", "started_at", "finished_at", "heartbeat_at", "duration_s", "window_from",
        "window_to", "pages", "rows_expected", "rows_fetched", "rows_stored", "rows_unchanged",
        "rows_quarantined", "more", "error", "summary",
    }  # fmt: skip
    assert (row["status"], row["reason"]) == ("partial", "drift")
    assert row["reason_text"] == "Records moved while they were read"
    assert (row["duration_s"], row["summary"], row["more"]) == (2.5, {"pages": 1}, True)
    assert operator.get(f"{AT}/runs").json()["results"] == [row]


def test_an_active_run_counts_until_now(operator, account):
    run = RunFactory(account=account, status="running", started_at=timezone.now() - timedelta(minutes=1))
    assert 60 <= operator.get(f"{AT}/runs/{run.pk}").json()["duration_s"] < 90


def test_runs_filter_and_are_newest_first(operator, account):
    other = AccountFactory(organization=account.organization)
    old = RunFactory(account=account, status="error", trigger="schedule")
    new = RunFactory(account=account, status="completed", trigger="api")
    elsewhere = RunFactory(account=other, status="queued")

    def ids(query=""):
        return [row["id"] for row in operator.get(f"{AT}/runs{query}").json()["results"]]

    assert ids() == [elsewhere.pk, new.pk, old.pk]
    assert ids(f"?account_id={account.pk}") == [new.pk, old.pk]
    assert ids("?status=error,queued") == [elsewhere.pk, old.pk]
    assert ids("?trigger=api") == [new.pk]
    assert ids("?api=orders&limit=1") == ids("?api_family=orders&limit=1") == [elsewhere.pk]
    assert ids("?ordering=id&limit=1") == [old.pk]
    assert ids("?account_id=&status=") == ids()


@pytest.mark.parametrize(
    "query", ["status=done", "status=error,done", "trigger=cron", "api=nothing", "api_family=x",
              "account_id=x", "account_id=1.5", "account_id=-1", "state=error", "ordering=error", "limit=-1"],
)  # fmt: skip
def test_a_run_query_that_is_not_understood_is_refused(operator, query):
    assert operator.get(f"{AT}/runs?{query}").status_code == 400


def test_runs_take_the_same_queries_however_many(operator, account, django_assert_num_queries):
    for status in ("completed", "error", "cancelled", "queued"):
        RunFactory(account=account, status=status)
    with django_assert_num_queries(4):
        assert operator.get(f"{AT}/runs").json()["count"] == 4


def test_cancelling_a_queued_run_ends_it(operator, account):
    run = RunFactory(account=account)
    body = operator.post(f"{AT}/runs/{run.pk}/cancel").json()
    assert (body["cancelled"], body["run"]["status"], body["run"]["reason"]) == (
        True,
        "cancelled",
        "cancelled",
    )
    assert AuditEvent.objects.get().action == "run_cancelled"


def test_cancelling_a_running_run_asks_it_to_end(operator, account):
    run = RunFactory(account=account, status="running")
    body = operator.post(f"{AT}/runs/{run.pk}/cancel").json()
    assert (body["cancelled"], body["run"]["status"]) == (True, "running")
    assert WorkerRun.objects.get().cancel_requested_at


def test_cancelling_a_run_that_ended_says_so(operator, account):
    run = RunFactory(account=account, status="completed")
    body = operator.post(f"{AT}/runs/{run.pk}/cancel").json()
    assert (body["cancelled"], body["run"]["status"]) == (False, "completed")
    assert AuditEvent.objects.get().result == "it had ended already"


def test_the_log_of_a_run_is_read_on_from_the_last_line(operator, account):
    run = RunFactory(account=account)
    lines = [
        WorkerLog.objects.create(run=run, event="page", message=f"page {n}", detail={"n": n})
        for n in range(3)
    ]
    WorkerLog.objects.create(run=RunFactory(), event="page", message="foreign")
    rows = operator.get(f"{AT}/logs/{run.pk}").json()["results"]
    assert [row["id"] for row in rows] == [line.pk for line in lines]
    assert set(rows[0]) == {"id", "level", "event", "message", "detail", "created_at"}
    later = operator.get(f"{AT}/logs/{run.pk}?after={lines[1].pk}").json()["results"]
    assert [row["message"] for row in later] == ["page 2"]
    assert operator.get(f"{AT}/logs/{run.pk}?after=x").status_code == 400


@pytest.fixture
def only_orders(monkeypatch):
    """The schedule of one family alone: how many there are does not matter here."""
    one = {"orders": WORKERS["orders"]}
    for module in ("upcoming", "services.tick"):
        monkeypatch.setattr(f"syncworkers.{module}.WORKERS", one)


def coming(client, query=""):
    body = client.get(f"{AT}/schedule?{query}").json()
    return [row["at"] for row in body["results"]], [
        (row["api_family"], row["reason"]) for row in body["held_back"]
    ]


def iso(moment):
    return moment.isoformat().replace("+00:00", "Z")


def test_the_schedule_follows_the_workers_rhythm(operator, account, only_orders):
    first = timezone.now() + timedelta(minutes=3)
    SyncStateFactory(account=account, next_run_at=first)
    times, held_back = coming(operator, f"account_id={account.pk}&hours=1")
    assert times == [iso(first + EVERY * n) for n in range(12)]
    assert held_back == []


def test_the_schedule_says_what_the_tick_then_does(operator, account, only_orders):
    SyncStateFactory(account=account, next_run_at=timezone.now() - EVERY / 2)
    times, _ = coming(operator, "hours=1")
    tick()
    assert WorkerRun.objects.get().trigger == "schedule"
    assert times[1] == iso(SyncState.objects.get().next_run_at)


def test_missed_slots_are_not_replayed_in_the_schedule(operator, account, only_orders):
    SyncStateFactory(account=account, next_run_at=timezone.now() - timedelta(days=3))
    times, _ = coming(operator, "hours=1")
    assert len(times) == 12
    assert times[0] >= iso(timezone.now() - timedelta(minutes=1))


def test_an_open_breaker_and_a_pause_delay_the_schedule(operator, account, only_orders):
    later = timezone.now() + timedelta(minutes=30)
    state = SyncStateFactory(
        account=account, next_run_at=timezone.now() + timedelta(minutes=1), breaker_until=later
    )
    assert coming(operator, "hours=1")[0][0] == iso(later)
    SyncState.objects.filter(pk=state.pk).update(breaker_until=None)
    ApiPause.objects.create(environment="simulator", api="fulfillment", until=later, reason="429")
    times, held_back = coming(operator, "hours=1")
    assert (times[0], held_back) == (iso(later), [])
    assert times[1] == iso(state.next_run_at + EVERY * 6)


def test_a_worker_that_waits_for_a_person_is_named_with_its_reason(operator, account, only_orders):
    SyncStateFactory(account=account, enabled=False)
    assert coming(operator, "hours=1") == ([], [("orders", "disabled")])


def test_a_new_account_runs_at_once(operator, account):
    runs = coming(operator, "hours=1&limit=500")[0]
    assert len(runs) == 12 * len(families_for(account.purpose))


def test_a_scope_that_was_not_granted_is_named_in_the_schedule(operator, account):
    give_token(account, granted_scopes=[*WORKERS["orders"].scopes, *WORKERS["offers"].scopes])
    held_back = operator.get(f"{AT}/schedule?hours=1").json()["held_back"]
    reasons = {row["api_family"]: row["reason_text"] for row in held_back}
    assert {family for family, words in reasons.items() if "sell.finances" in words} == {
        "transactions", "finances",
    }  # fmt: skip
    assert reasons["finances"] == "The account did not grant sell.finances"
    assert reasons["messages"] == "The account did not grant api_scope"
    assert not {"orders", "offers"} & set(reasons)


@pytest.mark.parametrize("query", ["hours=x", "hours=0", "hours=1000", "account_id=x", "limit=x", "hour=1"])
def test_a_schedule_query_that_is_not_understood_is_refused(operator, query):
    assert operator.get(f"{AT}/schedule?{query}").status_code == 400
