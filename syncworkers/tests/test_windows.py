from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.ranges import Span, without
from syncworkers.registry import WORKERS
from syncworkers.windows import (
    FIRST_LIVE,
    PAGES_PER_SLICE,
    SAFETY,
    Reach,
    complete_since,
    completeness,
    gaps,
    is_too_long,
    live_span,
    parts_needed,
    retry_pause,
)

NOW = datetime(2026, 11, 21, 12, 0, 0, 123_456, tzinfo=UTC)
END = datetime(2026, 11, 21, 11, 59, 55, 123_000, tzinfo=UTC)
OVERLAP = timedelta(minutes=30)
REACH = Reach(wanted_from=None, backfill=timedelta(days=90), longest_lookback=timedelta(days=729))


def days_ago(days: float) -> datetime:
    return END - timedelta(days=days)


def live(covered: list[Span], reach: Reach = REACH) -> Span:
    return live_span(covered, now=NOW, overlap=OVERLAP, reach=reach)


def missing(covered: list[Span], *, waiting: list[Span] = ()) -> list[Span]:
    return gaps(covered, live=live(covered), reach=REACH, now=NOW, waiting=waiting)


def test_the_first_live_part_is_the_last_day():
    assert live([]) == Span(END - FIRST_LIVE, END)


def test_the_live_part_goes_back_behind_the_cursor():
    cursor = END - timedelta(minutes=5)
    assert live([Span(days_ago(90), cursor)]) == Span(cursor - OVERLAP, END)


def test_after_a_long_silence_the_live_part_is_long():
    assert live([Span(days_ago(90), days_ago(40))]).start == days_ago(40) - OVERLAP


def test_the_live_part_never_reaches_further_than_ebay_allows():
    near = Reach(None, timedelta(days=90), longest_lookback=timedelta(days=10))
    assert live([Span(days_ago(900), days_ago(800))], near).start >= NOW - timedelta(days=10, milliseconds=1)


def test_a_clock_that_went_back_leaves_an_empty_live_part():
    assert live([Span(days_ago(1), END + timedelta(hours=1))]) == Span(END, END)


def test_gaps_come_newest_first():
    covered = [Span(days_ago(80), days_ago(50)), Span(days_ago(30), days_ago(1))]
    found = missing(covered)
    assert [gap.start for gap in found] == [days_ago(50), REACH.start(NOW)]
    assert found[0] == Span(days_ago(50), days_ago(30))


def test_a_hole_in_what_was_read_once_stays_wanted_when_it_is_older_than_the_backfill():
    """After an outage that was longer than the backfill."""
    near = Reach(None, timedelta(days=7), longest_lookback=timedelta(days=100))
    covered = [Span(days_ago(97), days_ago(8))]
    assert live(covered, near) == Span(days_ago(8) - OVERLAP, END)
    holes = [Span(days_ago(97), days_ago(30)), Span(days_ago(20), days_ago(1))]
    found = gaps(holes, live=live(holes, near), reach=near, now=NOW)
    assert found == [Span(days_ago(30), days_ago(20))]
    assert completeness(holes, reach=near, now=NOW) < 0.95
    # What eBay gives no longer is not wanted.
    ancient = [Span(days_ago(140), days_ago(120)), Span(days_ago(99), days_ago(1))]
    assert gaps(ancient, live=live(ancient, near), reach=near, now=NOW) == [
        Span(near.oldest(NOW), days_ago(99))
    ]


def test_the_live_part_is_no_gap():
    assert missing([Span(REACH.start(NOW), days_ago(0.01))]) == []


def test_waiting_slices_are_left_out():
    waiting = [Span(days_ago(60), days_ago(59))]
    assert Span(days_ago(59), live([]).start) in missing([], waiting=waiting)
    assert not any(gap.overlaps(waiting[0]) for gap in missing([], waiting=waiting))


def test_a_failed_slice_stays_wanted_as_long_as_ebay_gives_it():
    near = Reach(None, timedelta(days=90), longest_lookback=timedelta(days=100))
    covered = [Span(near.start(NOW), days_ago(0.01))]

    def found(*failed: Span, reach: Reach = near) -> list[Span]:
        return gaps(covered, live=live(covered), reach=reach, now=NOW, failed=failed)

    old = Span(days_ago(95), days_ago(94))
    assert found(old) == [old]
    assert found(Span(days_ago(102), days_ago(99))) == [Span(near.oldest(NOW), days_ago(99))]
    assert found(Span(days_ago(102), days_ago(101))) == []
    # What lies in the backfill is a gap already.
    assert found(Span(days_ago(91), days_ago(80))) == [Span(days_ago(91), near.start(NOW))]
    assert found(old, reach=Reach(near.start(NOW), near.backfill, near.longest_lookback)) == []


def test_a_clock_that_went_back_a_second_makes_no_gap_at_the_far_end():
    start = REACH.start(NOW)
    covered = [Span(start + timedelta(seconds=1), days_ago(0.01))]
    assert missing(covered) == []
    assert missing([Span(start + timedelta(minutes=1), days_ago(0.01))]) != []
    wish = Reach(start, REACH.backfill, REACH.longest_lookback)
    assert gaps(covered, live=live(covered), reach=wish, now=NOW) == [Span(start, covered[0].start)]


def test_a_wish_goes_further_back_than_the_setting_but_not_than_ebay():
    wish = Reach(NOW - timedelta(days=400), timedelta(days=90), timedelta(days=729))
    assert wish.start(NOW) == (NOW - timedelta(days=400)).replace(microsecond=123_000)
    too_far = Reach(NOW - timedelta(days=4000), timedelta(days=90), timedelta(days=729))
    assert NOW - too_far.start(NOW) <= timedelta(days=729, milliseconds=1)


moments = st.integers(0, 100).map(days_ago)
covered_times = st.lists(st.tuples(moments, moments), max_size=6).map(
    lambda pairs: without([Span(min(pair), max(pair)) for pair in pairs], [])
)


@given(covered_times)
def test_live_gaps_and_coverage_together_are_all_that_is_wanted(covered):
    known = [*covered, live(covered), *missing(covered)]
    assert without([Span(REACH.start(NOW), END)], known) == []


@given(covered_times)
def test_nothing_covered_is_read_again_but_the_overlap(covered):
    for gap in missing(covered):
        assert without([gap], covered) == [gap]
    if covered:
        assert covered[-1].end - live(covered).start <= OVERLAP


def test_completeness_is_the_covered_share():
    share = completeness([Span(days_ago(45), END)], reach=REACH, now=NOW)
    assert abs(share - 0.5) < 0.001
    assert completeness([], reach=REACH, now=NOW) == 0.0
    assert completeness([Span(days_ago(91), END)], reach=REACH, now=NOW) == 1.0
    assert completeness([], reach=Reach(NOW, timedelta(0), timedelta(days=1)), now=NOW) == 1.0


def test_complete_since_is_the_start_of_the_unbroken_part():
    assert complete_since([Span(days_ago(9), days_ago(8)), Span(days_ago(3), END)]) == days_ago(3)
    assert complete_since([]) is None


def test_pauses_after_failures_grow_to_a_day():
    assert [retry_pause(n) for n in (1, 2, 3, 9)] == [
        timedelta(hours=1), timedelta(hours=6), timedelta(days=1), timedelta(days=1),
    ]  # fmt: skip
    assert timedelta(0) < SAFETY


def test_slices_of_finances_stay_below_the_offset_that_ebay_advises_not_to_pass():
    """03 §5."""
    reads = [WORKERS[key].reads for key in ("transactions", "finances")]
    assert max((PAGES_PER_SLICE - 1) * (each.page_limit - 1) for each in reads) < 5000


@pytest.mark.parametrize("limit", [1, 2, 3, 10, 200])
def test_what_is_too_long_is_cut_into_two_at_least(limit):
    """Also on the smallest page that a server may give: else it would be looked at without end."""
    totals = range(0, 40 * limit)
    too_long = [total for total in totals if is_too_long(Span(NOW, NOW + timedelta(days=1)), total, limit)]
    assert too_long[0] == PAGES_PER_SLICE * max(limit - 1, 1) + 1
    assert min(parts_needed(total, limit) for total in too_long) == 2
