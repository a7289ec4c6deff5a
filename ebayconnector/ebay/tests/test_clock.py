"""The offset to eBay's clock in virtual time, with drift and well-timed questions (more in test_facts)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ebayconnector.ebay.clock import ClockOffset, SteadyClock

START = datetime(2026, 11, 22, 12, 0, 0, 250_000, tzinfo=UTC)
MS = timedelta(milliseconds=1)
milliseconds = st.floats(0.1, 400)
offsets = st.floats(-3600, 3600).map(lambda seconds: timedelta(seconds=seconds))


@dataclass
class Eyes:
    """Our clock and eBay's, which is ahead by `offset` and drifts; only the answers' `Date` is seen."""

    offset: timedelta
    drift: float = 0.0
    own: datetime = START

    def now(self) -> datetime:
        return self.own

    def ebay(self, own: datetime) -> datetime:
        return own + self.offset + (own - START) * self.drift

    def true_offset(self) -> timedelta:
        return self.ebay(self.own) - self.own

    def ask(self, clock: ClockOffset, way_there: timedelta, way_back: timedelta) -> None:
        sent = self.own
        date = self.ebay(sent + way_there).replace(microsecond=0)
        self.own = sent + way_there + way_back
        clock.observe(date, sent_at=sent, received_at=self.own)


@given(
    offset=offsets,
    drift=st.floats(-9e-5, 9e-5),
    probes=st.lists(st.tuples(milliseconds, milliseconds, st.floats(0, 900)), min_size=1, max_size=30),
)
@settings(max_examples=60)
def test_what_is_true_is_always_within_the_bounds(offset, drift, probes):
    eyes = Eyes(offset, drift)
    clock = ClockOffset(eyes.now)
    for there, back, pause in probes:
        eyes.ask(clock, there * MS, back * MS)
        eyes.own += timedelta(seconds=pause)
        low, high = clock.interval
        assert low <= eyes.true_offset() <= high
        assert abs(clock.offset - eyes.true_offset()) <= clock.uncertainty


@given(offset=offsets, there=st.floats(1, 120), back=st.floats(1, 120))
@settings(max_examples=60)
def test_twelve_questions_at_the_right_moment_leave_about_a_round_trip(offset, there, back):
    eyes = Eyes(offset)
    clock = ClockOffset(eyes.now)
    round_trip = (there + back) * MS
    for _ in range(12):
        at = clock.next_probe_at(round_trip)
        assert timedelta(0) <= at - eyes.own <= timedelta(seconds=1)
        eyes.own = at
        eyes.ask(clock, there * MS, back * MS)
    assert clock.uncertainty <= round_trip / 2 + 3 * MS
    assert abs(clock.offset - eyes.true_offset()) <= clock.uncertainty


def test_before_the_first_answer_the_time_to_ask_is_now():
    eyes = Eyes(timedelta(0))
    assert ClockOffset(eyes.now).next_probe_at(20 * MS) == START


def test_steady_time_does_not_follow_a_clock_that_is_set():
    seconds, wall = [100.0], [START]
    steady = SteadyClock(lambda: wall[0], lambda: seconds[0])
    seconds[0], wall[0] = 107.5, START - timedelta(hours=1)
    assert steady.now() == START + timedelta(seconds=7.5)
    assert steady.monotonic_s(START + timedelta(seconds=9)) == 109.0
