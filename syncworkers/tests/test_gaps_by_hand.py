"""Gaps and breakers in the hands of people: the strip, its buttons, the words, the roles."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from accounts.access import NotAllowed, principal_of_user
from accounts.models import AuditEvent, Role
from syncworkers.admin.coverage import coverage_strip
from syncworkers.models import FailedSlice, SyncState, WorkerRun
from syncworkers.pace import time_left
from syncworkers.ranges import Span
from syncworkers.registry import WORKERS
from syncworkers.selectors import worker_board
from syncworkers.services import history, runs
from tests.api_callers import as_member
from tests.factories import AccountFactory, RunFactory, SyncStateFactory, member

pytestmark = pytest.mark.django_db
ORDERS = WORKERS["orders"]
# One for all spans, so that neighbours touch.
NOW = timezone.now()


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def operator(account):
    return principal_of_user(member(Role.OPERATOR, account.organization))


def days_ago(start: float, end: float) -> Span:
    return Span(NOW - timedelta(days=start), NOW - timedelta(days=end))


def failed(account, span: Span, **values) -> FailedSlice:
    now = timezone.now()
    defaults = {"reason": "drift", "failed_at": now, "retry_at": now + timedelta(hours=6)}
    return FailedSlice.objects.create(
        account=account, api_family="orders", start_at=span.start, end_at=span.end, **defaults | values
    )


def is_due(slice_: FailedSlice) -> bool:
    slice_.refresh_from_db()
    return slice_.retry_at <= timezone.now()


def press(account, name: str, role: str = Role.OPERATOR, **data):
    client = Client()
    client.force_login(member(role, account.organization))
    url = reverse(f"admin:{name}", args=[account.pk, "orders"])
    return client.post(url, data, headers={"Accept": "application/json"})


def board(account, role: str = Role.OPERATOR) -> str:
    client = Client()
    client.force_login(member(role, account.organization))
    answer = client.get(reverse("admin:workers_board"), {"account": account.pk})
    return " ".join(answer.content.decode().split())


def interval(span: Span) -> str:
    return f"{span.start.isoformat()}/{span.end.isoformat()}"


# -- healing a gap


def test_a_healed_gap_is_due_and_a_run_is_queued(account, operator):
    inside = failed(account, days_ago(20, 19))
    beside = [failed(account, span) for span in (days_ago(30, 20), days_ago(19, 9))]
    foreign = failed(AccountFactory(), inside.span)
    requested = history.heal_gap(account, ORDERS, inside.start_at, inside.end_at, by=operator)
    assert [is_due(slice_) for slice_ in (inside, foreign, *beside)] == [True, False, False, False]
    run = WorkerRun.objects.get()
    assert (requested.run_id, run.trigger, run.account_id) == (run.pk, "manual", account.pk)
    event = AuditEvent.objects.get()
    assert (event.action, event.result, event.detail["failed_slices"]) == ("gap_healed", "started", 1)


def test_a_gap_that_did_not_fail_just_asks_for_a_run(account, operator):
    span = days_ago(20, 19)
    assert history.heal_gap(account, ORDERS, span.start, span.end, by=operator).started
    assert AuditEvent.objects.get().detail["failed_slices"] == 0


def test_a_gap_is_due_too_when_a_run_is_active_already(account, operator):
    RunFactory(account=account, status="running", started_at=timezone.now())
    slice_ = failed(account, days_ago(20, 19))
    requested = history.heal_gap(account, ORDERS, slice_.start_at, slice_.end_at, by=operator)
    assert (requested.started, requested.reason) == (False, "already_running")
    assert is_due(slice_)


def test_the_button_answers_like_run_now(account):
    span = interval(failed(account, days_ago(20, 19)).span)
    assert press(account, "heal_gap", span=span).json()["message"] == "Orders: a run is queued."
    WorkerRun.objects.update(status="running", started_at=timezone.now())
    assert "already running since" in press(account, "heal_gap", span=span).json()["message"]


@pytest.mark.parametrize(
    "span",
    ["", "x", "/", "2026-01-01", "a/b", "2026-01-01/2026-01-02/2026-01-03", "2999-01-01/2999-01-02",
     "2001-01-01/2001-01-02", "0001-01-01T00:00:00+14:00/0001-01-02", "2026-02-30/2026-03-01", "\0/\0"],
)  # fmt: skip
def test_a_senseless_span_changes_nothing(account, span):
    slice_ = failed(account, days_ago(20, 19))
    answer = press(account, "heal_gap", span=span)
    assert (answer.status_code, answer.json()["message"][:20]) == (400, "Nothing was changed:")
    assert not is_due(slice_)
    assert not WorkerRun.objects.exists() and not AuditEvent.objects.exists()


def test_a_span_that_ends_before_it_begins_changes_nothing(account):
    slice_ = failed(account, days_ago(20, 19))
    answer = press(account, "heal_gap", span=interval(Span(slice_.end_at, slice_.start_at)))
    assert answer.status_code == 400
    assert not WorkerRun.objects.exists()


@pytest.mark.parametrize("name", ["heal_gap", "try_now"])
def test_a_viewer_and_a_stranger_change_nothing(account, name):
    slice_ = failed(account, days_ago(20, 19))
    state = SyncStateFactory(account=account, failed_in_row=5)
    span = interval(slice_.span)
    assert press(account, name, Role.VIEWER, span=span).status_code == 403
    client = Client()
    client.force_login(member(Role.ADMIN))
    answer = client.post(reverse(f"admin:{name}", args=[account.pk, "orders"]), {"span": span})
    assert answer.status_code == 404
    state.refresh_from_db()
    assert state.failed_in_row == 5 and not is_due(slice_)
    assert not WorkerRun.objects.exists() and not AuditEvent.objects.exists()


def test_the_services_want_the_operators_role_themselves(account):
    viewer, span = principal_of_user(member(Role.VIEWER, account.organization)), days_ago(2, 1)
    with pytest.raises(NotAllowed):
        history.heal_gap(account, ORDERS, span.start, span.end, by=viewer)
    with pytest.raises(NotAllowed):
        runs.reset_breaker(account, ORDERS, by=viewer)


# -- the breaker


@pytest.fixture
def paused(account):
    until = timezone.now() + timedelta(minutes=10)
    return SyncStateFactory(account=account, failed_in_row=6, breaker_until=until)


def test_a_reset_breaker_runs_the_worker(account, operator, paused):
    assert runs.reset_breaker(account, ORDERS, by=operator).started
    state = SyncState.objects.get()
    assert (state.failed_in_row, state.breaker_until) == (0, None)
    event = AuditEvent.objects.get()
    assert (event.action, event.detail["failed_in_row"]) == ("breaker_reset", 6)


def test_the_row_says_how_long_it_pauses_and_tries_at_a_press(account, paused):
    assert f"Paused after 6 failed runs in a row until {paused.breaker_until:%H:%M}" in board(account) or (
        paused.breaker_until.date() != timezone.now().date()
    )
    assert "Does not run" not in board(account) and ">Try now</button>" in board(account)
    assert press(account, "try_now").json()["message"] == "Orders: a run is queued."
    assert "Paused after" not in board(account)


def test_the_api_resets_a_breaker(account, paused):
    body = {"account_id": account.pk, "api": "orders"}
    answer = as_member("operator", account.organization).post(
        "/api/ebay/workers/breaker-reset", body, format="json"
    )
    run = WorkerRun.objects.get()
    assert answer.json() == {"status": "started", "run_id": run.pk}
    assert (run.trigger, SyncState.objects.get().failed_in_row) == ("api", 0)


def test_a_viewer_of_the_api_resets_nothing(account, paused):
    body = {"account_id": account.pk, "api_family": "orders"}
    viewer = as_member("viewer", account.organization)
    assert viewer.post("/api/ebay/workers/breaker-reset", body, format="json").status_code == 403
    assert SyncState.objects.get().failed_in_row == 6


# -- the strip


def strip_of(account):
    row = worker_board(account)[0]
    return coverage_strip(row, now=timezone.now())


def test_the_strip_shows_what_is_covered_missing_and_failed(account):
    SyncStateFactory(account=account, covered=[days_ago(45, 36), days_ago(27, 0)])
    failed(account, days_ago(36, 27))
    parts = [(part.kind, round(float(part.left)), round(float(part.width))) for part in strip_of(account)]
    assert parts == [("missing", 0, 50), ("covered", 50, 10), ("failed", 60, 10), ("covered", 70, 30)]


def test_what_lies_before_the_wanted_time_is_cut_off(account):
    since = NOW - timedelta(days=90)
    SyncStateFactory(account=account, covered=[days_ago(200, 150), days_ago(100, 0)], wanted_from=since)
    parts = strip_of(account)
    assert [part.kind for part in parts] == ["covered"]
    assert (parts[0].left, round(float(parts[0].width))) == ("0.000", 100)


def test_a_hole_in_what_was_read_once_is_shown_however_old(account):
    SyncStateFactory(account=account, covered=[days_ago(200, 150), days_ago(100, 0)])
    assert [part.kind for part in strip_of(account)] == ["covered", "missing", "covered"]


def test_the_buttons_name_the_exact_gap_and_say_it_in_words(account):
    span = days_ago(36, 27)
    SyncStateFactory(account=account, covered=[Span(span.end, timezone.now())])
    failed(account, span)
    html = board(account)
    assert f'value="{interval(span)}"' in html
    assert f"Failed: {span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M}, Records moved" in html
    assert "Not read yet: " in html and "Press to read it now" in html
    viewed = board(account, Role.VIEWER)
    assert "Press to read it now" not in viewed and "This needs the role operator" in viewed


# -- how long it still takes


@pytest.mark.parametrize(
    ("missing", "gained", "spent", "left"),
    [(60, 20, 60, 180), (10, 20, 60, 30), (60, 0, 60, None), (0, 20, 60, None), (60, 20, 1, None)],
)
def test_the_time_left_follows_the_pace(missing, gained, spent, left):
    found = time_left(
        missing=timedelta(days=missing), gained=timedelta(days=gained), spent=timedelta(seconds=spent)
    )
    assert found == (timedelta(seconds=left) if left is not None else None)


def running_backfill(account) -> WorkerRun:
    """30 of 90 days are covered, 10 of them by this run in 2 minutes."""
    SyncStateFactory(account=account, covered=[days_ago(30, 0)])
    run = RunFactory(account=account, status="running", started_at=timezone.now() - timedelta(minutes=2))
    # A page of the slice that is read at the moment is not gained yet.
    for span in (days_ago(25, 20), days_ago(25, 20), days_ago(30, 25), days_ago(40, 30)):
        ends = [span.start.isoformat(), span.end.isoformat()]
        run.logs.create(event="page", message="", detail={"slice": ends})
    return run


def test_the_row_says_how_long_its_history_takes(account):
    run = running_backfill(account)
    assert worker_board(account)[0].time_left / timedelta(minutes=12) == pytest.approx(1, abs=0.01)
    assert "about 12 min left" in board(account)
    WorkerRun.objects.filter(pk=run.pk).update(status="completed", finished_at=timezone.now())
    assert " left" not in board(account).replace("left:", "")


def test_what_waits_for_its_next_try_is_not_counted(account):
    running_backfill(account)
    failed(account, days_ago(60, 30))
    assert worker_board(account)[0].time_left / timedelta(minutes=6) == pytest.approx(1, abs=0.01)


def test_a_worker_at_rest_costs_no_estimate(account):
    SyncStateFactory(account=account, covered=[days_ago(30, 0)])
    with CaptureQueriesContext(connection) as queries:
        worker_board(account)
    assert not [query for query in queries if "ebay_api_worker_log" in query["sql"]]
