"""Calls taken from a quota's row: in tens, by lane, by day, whoever dies."""

from __future__ import annotations

import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from django.db import OperationalError, close_old_connections, connection, connections
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from ebayconnector.database import execute, fetch_one
from tests.waiting import eventually
from tokens.allowances import _SETTLE, Allowances, QuotaExhausted, QuotaKey, _parameters
from tokens.models import ApiQuota
from tokens.quotas import DAY, Counts, Lane, block_size, room

pytestmark = pytest.mark.django_db
for_real = pytest.mark.django_db(transaction=True)
KEY = QuotaKey("simulator", "app-1", "trading")
HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)


def quota(**values) -> ApiQuota:
    now = timezone.now()
    defaults = {"daily_limit": 5000, "reset_at": now + 12 * HOUR, "held_since": now}
    return ApiQuota.objects.create(
        environment=KEY.environment, client_id=KEY.client_id, api=KEY.api, **defaults | values
    )


def stored() -> ApiQuota:
    return ApiQuota.objects.get(api=KEY.api)


def take(allowances: Allowances, number: int, lane: Lane = Lane.SCHEDULE) -> None:
    for _ in range(number):
        allowances.take(KEY, lane)


class Clock:
    """A monotonic clock that the test moves."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_call_makes_the_row_with_the_default_limit_until_pacific_midnight():
    take(Allowances(), 1)
    row = stored()
    assert (row.daily_limit, row.used) == (5000, 10)
    assert timezone.now() < row.reset_at <= timezone.now() + 25 * HOUR
    clock = "SELECT (reset_at AT TIME ZONE 'America/Los_Angeles')::time::text FROM tokens_apiquota"
    assert fetch_one(clock) == ("00:00:00",)


def test_ten_calls_cost_one_statement():
    quota()
    allowances = Allowances()
    # The first of a session is told it besides.
    take(allowances, 10)
    with CaptureQueriesContext(connection) as asked:
        take(allowances, 20)
    assert len(asked) == 2
    assert (stored().made, stored().held) == (20, 10)


@for_real
def test_a_session_plans_the_statement_once_and_another_one_may_answer():
    """A pooler may give other sessions at any time (more of that in tests/test_prepared.py)."""
    quota()
    connection.close()
    allowances = Allowances()
    take(allowances, 10)
    ((known, plans),) = statements()
    take(allowances, 60)
    assert statements() == [(known, plans + 6)]
    execute(f"DEALLOCATE {known}")
    take(allowances, 10)
    assert (stored().made, stored().held) == (70, 10)


def statements() -> list[tuple[str, int]]:
    """Those that this session knows, and how often each ran."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT name, generic_plans + custom_plans FROM pg_prepared_statements")
        return cursor.fetchall()


def test_what_was_not_used_is_given_back():
    quota()
    allowances = Allowances()
    take(allowances, 13)
    allowances.give_back()
    assert (stored().made, stored().held, stored().held_before) == (13, 0, 0)


@pytest.mark.parametrize(("lane", "last"), [(Lane.MANUAL, 4950), (Lane.SCHEDULE, 4750), (Lane.HISTORY, 4750)])
def test_a_lane_is_refused_where_the_reserve_begins(lane, last):
    quota(made=last - 3)
    allowances = Allowances()
    take(allowances, 3, lane)
    with pytest.raises(QuotaExhausted, match="used up") as refused:
        take(allowances, 1, lane)
    assert stored().used == last
    assert 0 < refused.value.retry_after <= 12 * 3600
    assert refused.value.retryable


def test_those_above_go_on():
    quota(made=4750)
    allowances = Allowances()
    with pytest.raises(QuotaExhausted):
        take(allowances, 1, Lane.SCHEDULE)
    take(allowances, 200, Lane.MANUAL)
    with pytest.raises(QuotaExhausted):
        take(allowances, 1, Lane.MANUAL)
    allowances.count(KEY)
    assert stored().used == 4951


def test_history_is_told_to_ask_again_long_before_the_reset():
    quota(made=4800)
    with pytest.raises(QuotaExhausted) as refused:
        take(Allowances(), 1, Lane.HISTORY)
    assert refused.value.retry_after == 1800


def test_history_gives_back_its_part_too():
    quota()
    allowances = Allowances()
    take(allowances, 4, Lane.HISTORY)
    assert stored().history_used == 10
    allowances.give_back()
    assert stored().history_used == 4


def test_the_statement_and_the_pure_rule_agree():
    dice = random.Random(4)
    row = quota()
    for _ in range(300):
        limit = dice.choice([3, 50, 1000, 5000, 2_000_000])
        row.daily_limit = limit
        row.made = int(limit * dice.choice([0, 0.3, 0.9, 0.94, 0.95, 0.985, 0.99, 1.1]))
        row.held, row.held_before = dice.randrange(12), dice.randrange(12)
        row.history_used = dice.randrange(limit // 10 + 1)
        row.scheduled_per_day = limit * dice.choice([0.0, 0.1, 0.5, 0.96, 3.0])
        row.reset_at = timezone.now() + DAY * dice.random() * 1.04
        row.save()
        lane = dice.choice([Lane.MANUAL, Lane.SCHEDULE, Lane.HISTORY])
        left = room(lane, row.counts(timezone.now()))
        try:
            take(Allowances(), 1, lane)
        except QuotaExhausted:
            assert block_size(left) == 0, (lane, row.counts(timezone.now()))
        else:
            assert stored().used - row.used == block_size(left), (lane, row.counts(timezone.now()))


def test_lanes_are_those_of_the_runs():
    from syncworkers.models.runs import Lane as RunLane

    assert {(lane.name, lane.value) for lane in RunLane} <= {(lane.name, lane.value) for lane in Lane}


# -- Days -------------------------------------------------------------------------------------------------


def test_after_the_reset_the_day_begins_with_nothing():
    reset = timezone.now() - MINUTE
    quota(made=5000, held=30, held_before=7, history_used=200, reset_at=reset)
    take(Allowances(), 1)
    row = stored()
    assert (row.made, row.held, row.held_before, row.history_used) == (0, 10, 0, 0)
    assert abs(row.reset_at - reset - DAY) <= HOUR


def test_days_that_nobody_called_are_skipped():
    reset = timezone.now() - 9 * DAY - MINUTE
    quota(reset_at=reset, made=4)
    take(Allowances(), 1)
    assert stored().reset_at > timezone.now()
    assert stored().reset_at - timezone.now() <= 25 * HOUR


@pytest.mark.parametrize(
    ("now", "reset", "next_reset"),
    [
        # Summer time ends on 1 November 2026, and begins on 14 March 2027; Pacific midnight moves with it.
        ("2026-11-01 07:00:01", "2026-11-01 07:00", "2026-11-02 08:00"),
        ("2026-11-02 07:30:00", "2026-11-01 07:00", "2026-11-02 08:00"),
        ("2027-03-14 08:00:01", "2027-03-14 08:00", "2027-03-15 07:00"),
        ("2026-11-22 20:00:05", "2026-11-22 20:00", "2026-11-23 20:00"),
    ],
)
def test_the_next_reset_keeps_the_pacific_time_of_day(now, reset, next_reset):
    quota(reset_at=f"{reset}+00:00")
    # The statement's only clock, set to that day.
    statement = _SETTLE.format(patience="").replace("clock_timestamp()", f"'{now}+00'::timestamptz")
    execute(statement, _parameters(KEY, Lane.SCHEDULE, asked=10))
    assert f"{stored().reset_at:%Y-%m-%d %H:%M}" == next_reset


def test_what_is_left_of_yesterdays_block_is_not_used_today():
    clock, reset = Clock(), timezone.now() + timedelta(seconds=0.3)
    quota(reset_at=reset)
    allowances = Allowances(clock)
    take(allowances, 1)
    eventually(lambda: timezone.now() > reset)
    clock.now_s += 1
    take(allowances, 1)
    row = stored()
    assert row.used == row.held == 10, "yesterday's calls do not count today"
    assert row.reset_at > timezone.now()


# -- Processes --------------------------------------------------------------------------------------------


def test_a_block_that_nobody_used_for_long_goes_back_first():
    quota()
    clock = Clock()
    allowances = Allowances(clock)
    take(allowances, 2)
    clock.now_s += 301
    take(allowances, 1)
    assert (stored().made, stored().used) == (2, 12)


def test_what_a_dead_process_held_is_free_again_after_a_while():
    quota(made=100)
    take(Allowances(), 3)
    living, held = Allowances(), []
    for _ in range(2):
        # Eleven minutes, as the row sees it.
        ApiQuota.objects.update(held_since=stored().held_since - 11 * MINUTE)
        take(living, 1)
        held.append(stored().held + stored().held_before)
        living.give_back()
    assert held == [20, 10], "of the dead one and of the living one; then of the living one alone"
    assert stored().made == 102


def test_a_block_is_found_again_among_those_before():
    quota()
    slow, quick = Allowances(), Allowances()
    take(slow, 4)
    ApiQuota.objects.update(held_since=timezone.now() - 11 * MINUTE)
    take(quick, 1)
    # As the slow process sees it, less than ten minutes have passed.
    assert (stored().held, stored().held_before) == (10, 10)
    for slot in slow._slots.values():
        slot.block.held_since = stored().held_since - 11 * MINUTE
    slow.give_back()
    assert (stored().made, stored().held, stored().held_before) == (4, 10, 0)


def test_a_late_report_takes_nothing_off_another_block():
    quota()
    clock = Clock()
    late = Allowances(clock)
    take(late, 4)
    ApiQuota.objects.update(held_since=timezone.now() - 11 * MINUTE)
    take(Allowances(), 1)
    ApiQuota.objects.update(held_since=timezone.now() - 11 * MINUTE)
    take(Allowances(), 1)
    clock.now_s += 22 * 60
    late.give_back()
    assert (stored().made, stored().held, stored().held_before) == (4, 10, 10)


def test_a_forked_child_holds_nothing():
    allowances = Allowances()
    take(allowances, 1)
    allowances.forget()
    take(allowances, 1)
    assert stored().held == 20


@for_real
@pytest.mark.parametrize("shared", [True, False], ids=["one process", "as processes"])
def test_threads_together_never_get_more_than_there_is(shared):
    quota(daily_limit=1000)
    common, refused = Allowances(), []

    def work(_: int) -> int:
        taken, allowances = 0, common if shared else Allowances()
        try:
            while True:
                allowances.take(KEY, Lane.SCHEDULE)
                taken += 1
        except QuotaExhausted:
            refused.append(threading.get_ident())
        finally:
            connections.close_all()
        return taken

    with ThreadPoolExecutor(8) as pool:
        assert sum(pool.map(work, range(8))) == 950
    assert len(refused) == 8
    assert stored().used == 950


# -- The first lane ---------------------------------------------------------------------------------------


def test_the_first_lane_is_counted_even_beyond_the_limit():
    quota(made=5000)
    allowances = Allowances()
    for _ in range(3):
        allowances.count(KEY)
    assert stored().made == 5003


def test_the_first_lane_makes_the_row():
    Allowances().count(KEY)
    assert stored().made == 1


@for_real
def test_the_first_lane_waits_for_nobody_who_holds_the_row(caplog):
    quota()
    allowances, locked, done = Allowances(), threading.Event(), threading.Event()

    def hold() -> None:
        with connection.cursor() as cursor:
            cursor.execute("BEGIN; SELECT 1 FROM tokens_apiquota FOR UPDATE")
            locked.set()
            done.wait(20)
            cursor.execute("ROLLBACK")
        connections.close_all()

    holder = threading.Thread(target=hold)
    holder.start()
    try:
        assert locked.wait(10)
        execute("SET lock_timeout = '1ms'")
        allowances.count(KEY)
        assert stored().made == 0
        assert caplog.text == "", "it did not even try to wait"
    finally:
        done.set()
        holder.join()
        connection.close()
    allowances.count(KEY)
    assert stored().made == 2


@pytest.fixture
def database_away():
    """The server's port is a wrong one until the test ends."""
    right = connection.settings_dict["PORT"]

    def go_away() -> None:
        connection.close()
        connection.settings_dict["PORT"] = "1"

    def come_back() -> None:
        connection.close()
        connection.settings_dict["PORT"] = right

    yield go_away, come_back
    come_back()
    close_old_connections()


@for_real
def test_without_a_database_the_first_lane_goes_on_and_is_counted_later(database_away, caplog):
    go_away, come_back = database_away
    quota()
    allowances = Allowances()
    go_away()
    allowances.count(KEY)
    allowances.count(KEY)
    come_back()
    assert "not counted yet" in caplog.text
    allowances.give_back()
    assert stored().made == 2


@for_real
def test_without_a_database_the_other_lanes_use_what_they_hold_and_then_fail(database_away):
    go_away, come_back = database_away
    quota()
    allowances = Allowances()
    take(allowances, 1)
    go_away()
    take(allowances, 9)
    with pytest.raises(OperationalError):
        take(allowances, 1)
    come_back()
    take(allowances, 1)
    assert (stored().made, stored().held) == (10, 10)


@for_real
def test_a_connection_that_died_while_the_client_waited_is_replaced():
    quota()
    allowances = Allowances()
    take(allowances, 10)
    backend = fetch_one("SELECT pg_backend_pid()")
    other = connection.copy()
    with other.cursor() as cursor:
        cursor.execute("SELECT pg_terminate_backend(%s)", backend)
    other.close()
    take(allowances, 1)
    assert (stored().made, stored().held) == (10, 10)


def test_counts_of_a_day_that_is_over_are_a_fresh_days():
    row = quota(made=4000, history_used=9, reset_at=timezone.now() - MINUTE)
    assert row.counts(timezone.now()) == Counts(5000, 0, 0, 0, DAY)
