from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.ranges import Span, merged, multirange_of, to_millisecond, without
from tests.factories import SyncStateFactory

START = datetime(2026, 1, 1, tzinfo=UTC)
UNIT = timedelta(microseconds=500)


@st.composite
def spans(draw) -> Span:
    start = draw(st.integers(0, 60))
    return Span(START + UNIT * start, START + UNIT * (start + draw(st.integers(0, 20))))


span_lists = st.lists(spans(), max_size=8)


def points(some) -> set[int]:
    """The half-milliseconds that belong to the spans."""
    return {n for span in some for n in range((span.start - START) // UNIT, (span.end - START) // UNIT)}


def disjoint_and_ascending(some) -> bool:
    return all(a.end < b.start for a, b in zip(some, some[1:], strict=False))


@given(span_lists)
def test_merged_spans_hold_the_same_time_once(some):
    result = merged(some)
    assert points(result) == points(some)
    assert disjoint_and_ascending(result)
    assert all(span.start < span.end for span in result)


@given(span_lists, span_lists)
def test_without_leaves_exactly_what_is_not_taken(wanted, taken):
    result = without(wanted, taken)
    assert points(result) == points(wanted) - points(taken)
    assert disjoint_and_ascending(result)


@given(spans(), st.integers(1, 70))
def test_a_split_span_loses_nothing_and_overlaps_nowhere(span, parts):
    pieces = span.split(parts)
    assert points(pieces) == points([span])
    assert len(pieces) <= parts
    assert all(a.end == b.start for a, b in zip(pieces, pieces[1:], strict=False))
    assert all(to_millisecond(piece.end) == piece.end for piece in pieces[:-1] if piece.end != span.start)


def test_a_day_splits_into_equal_parts_on_whole_milliseconds():
    pieces = Span(START, START + timedelta(days=1)).split(7)
    lengths = {piece.length for piece in pieces}
    assert max(lengths) - min(lengths) <= timedelta(milliseconds=1)
    assert all(piece.start.microsecond % 1000 == 0 for piece in pieces)


@given(st.datetimes(timezones=st.just(UTC)))
def test_milliseconds_are_cut_not_rounded(moment):
    cut = to_millisecond(moment)
    assert timedelta(0) <= moment - cut < timedelta(milliseconds=1)


@pytest.mark.django_db
def test_the_database_gives_back_what_it_was_given():
    some = [Span(START, START + UNIT), Span(START + timedelta(days=1), START + timedelta(days=2))]
    state = SyncStateFactory(covered=some)
    state.refresh_from_db()
    assert state.covered == some
    assert state.covered[0].end.tzinfo is not None
    assert state.cursor_value == some[1].end.isoformat()
    assert SyncStateFactory(covered=[]).cursor_value == ""


def test_what_is_stored_is_merged():
    stored = multirange_of([Span(START + UNIT, START + 2 * UNIT), Span(START, START + UNIT)])
    assert [(r.lower, r.upper) for r in stored] == [(START, START + 2 * UNIT)]
