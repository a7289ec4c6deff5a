"""Pictures: where things lie, what they say, and that strangers' words stay words."""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta
from xml.etree import ElementTree

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.models import Snipe, SnipeAttempt
from sniper.pictures.axis import span_words, ticks
from sniper.pictures.histogram import draw_histogram, percentile, spread_of
from sniper.pictures.lanes import Chart, Lane, Mark, draw_lanes
from sniper.pictures.timeline import last_minute, moment_of

END = datetime(2026, 11, 22, 12, 0, 0, tzinfo=UTC)
FIRE = END - timedelta(seconds=5)


def ms(value: float) -> timedelta:
    return timedelta(milliseconds=value)


def snipe(**fields) -> Snipe:
    defaults = {
        "created_at": END - timedelta(days=2), "fire_at": FIRE, "end_time": END, "status": "won",
        "armed_at": FIRE - timedelta(seconds=60), "connected_at": FIRE - timedelta(seconds=8),
        "finished_at": END + timedelta(seconds=2),
    }  # fmt: skip
    return Snipe(**{**defaults, **fields})


def attempt(**fields) -> SnipeAttempt:
    defaults = {
        "no": 1, "amount": 10, "recorded_at": FIRE - timedelta(seconds=1), "planned_at": FIRE,
        "sent_at": FIRE + ms(0.31), "answered_at": FIRE + ms(84.31), "outcome": "accepted",
        "lateness_ms": 0.31, "offset_ms": -12.5, "offset_error_ms": 4.0,
    }  # fmt: skip
    return SnipeAttempt(**{**defaults, **fields})


def place_of(svg: str, lane: str, shape: str = "circle", attribute: str = "cx") -> float:
    """Where the first mark of a lane lies, in percent."""
    group = next(part for part in svg.split('<g class="ec-lane">') if f">{lane}</text>" in part)
    found = re.search(rf'<{shape} [^>]*{attribute}="([\d.]+)%"', group)
    assert found, group
    return float(found[1])


def test_the_last_minute_puts_each_step_where_it_was():
    chart = last_minute(snipe(), [attempt()])
    svg = draw_lanes(chart)
    ElementTree.fromstring(svg)
    places = [place_of(svg, name) for name in ("Armed", "Connected", "Claimed", "Sent", "Auction ends")]
    assert places == sorted(places)
    span = (chart.end - chart.start).total_seconds()
    assert place_of(svg, "Auction ends") == pytest.approx(100 * 69 / span, abs=0.01)
    assert "11:59:55.000 (+0.31 ms)" in svg
    # It was planned days before: an arrow at the edge, no mark.
    assert "◂" in svg.split(">Planned</text>")[1].split("</g>")[0]


def test_the_moment_of_a_bid_shows_lateness_latency_and_the_error_of_the_clock():
    svg = draw_lanes(moment_of(attempt()))
    ElementTree.fromstring(svg)
    assert "+0.31 ms" in svg and "(latency 84 ms)" in svg and "offset −12.5 ms ± 4 ms" in svg
    error_bar = 'line class="ec-error ec-amber"'
    left = place_of(svg, "eBay&#x27;s clock", error_bar, "x1")
    right = place_of(svg, "eBay&#x27;s clock", error_bar, "x2")
    assert left < place_of(svg, "Planned for") < place_of(svg, "Sent") < right
    assert (left + right) / 2 == pytest.approx(place_of(svg, "Sent"), abs=0.01)


def test_without_an_answer_it_says_so_and_without_sending_there_is_no_picture():
    assert "no answer came" in draw_lanes(moment_of(attempt(answered_at=None, outcome="unclear")))
    assert moment_of(attempt(sent_at=None)) is None


def test_words_from_outside_stay_words():
    lane = Lane("<script>", '"><b>', (Mark(END),))
    svg = draw_lanes(Chart("a & b", FIRE, END + ms(1), END, (lane,)))
    assert ElementTree.fromstring(svg).attrib["aria-label"].startswith('a & b. <script>: "><b>')
    assert "<script>" not in svg and "<b>" not in svg


@settings(max_examples=40)
@given(st.integers(min_value=2_000, max_value=10**10), st.integers(min_value=0, max_value=10**9))
def test_an_axis_has_a_few_ticks_at_whole_steps_of_its_origin(length_us, before_us):
    start = END - timedelta(microseconds=before_us)
    end = start + timedelta(microseconds=length_us)
    found = list(ticks(start, end, END))
    assert 1 <= len(found) <= 6
    assert all(start <= at <= end for at in found)
    steps = {two - one for one, two in zip(found, found[1:], strict=False)}
    assert len(steps) <= 1
    assert all((at - END) % step == timedelta(0) for at in found for step in steps)


@settings(max_examples=40)
@given(st.lists(st.floats(min_value=0.0, max_value=60_000), min_size=1, max_size=200))
def test_every_latency_is_counted_once_in_its_bin(values):
    spread = spread_of(values)
    assert sum(spread.counts) == len(values)
    assert list(spread.edges) == sorted(set(spread.edges))
    for place, count in enumerate(spread.counts):
        low, high = spread.edges[place], spread.edges[place + 1]
        assert count == sum(low <= max(value, 0.01) < high for value in values)
    assert spread.counts[0] and spread.counts[-1]
    assert all(0 <= spread.share(value) <= 1 for value in values)
    ElementTree.fromstring(draw_histogram(values, name="n"))


@settings(max_examples=40)
@given(st.lists(st.floats(min_value=0, max_value=1e6), min_size=1), st.floats(min_value=0.01, max_value=1))
def test_a_percentile_is_not_exceeded_by_that_share(values, share):
    limit = percentile(values, share)
    assert sum(value <= limit for value in values) >= share * len(values) - 1e-6
    assert sum(value < limit for value in values) < math.ceil(share * len(values))


def test_lengths_are_as_exact_as_their_size_allows():
    said = [span_words(one) for one in (ms(0.314), ms(-84.2), ms(250.4), ms(-5000), timedelta(minutes=3))]
    assert said == ["+0.31 ms", "−84.2 ms", "+250 ms", "−5 s", "+3 min"]
    assert draw_histogram([], name="n") == ""
