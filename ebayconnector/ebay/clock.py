"""eBay's clock, measured from the `Date` of its answers."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

# How far two ordinary clocks drift apart: 100 µs per second is more than quartz does.
_DRIFT = 1e-4
_SECOND = timedelta(seconds=1)


def _own_now() -> datetime:
    return datetime.now(UTC)


class SteadyClock:
    """Our own time as nobody can set it: begins as the machine's and goes on with its monotonic clock.

    For whoever must act at a moment: the machine's own time may be stepped while one waits.
    """

    def __init__(
        self, own_now: Callable[[], datetime] = _own_now, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._monotonic = monotonic
        self._began_s, self._began_at = monotonic(), own_now()

    def now(self) -> datetime:
        """Aware UTC."""
        return self._began_at + timedelta(seconds=self._monotonic() - self._began_s)

    def monotonic_s(self, moment: datetime) -> float:
        """What the monotonic clock shows at a moment of `now`."""
        return self._began_s + (moment - self._began_at).total_seconds()


class ClockOffset:
    """How far eBay's clock is ahead of ours, as an interval; one per environment, safe between threads.

    An answer with `Date` D (whole seconds, cut), sent at s and received at r by our clock, proves that the
    offset is in (D - r, D + 1 s - s]. Intervals are intersected; what is known widens with age, because
    clocks drift, and a contradiction (somebody set a clock) starts afresh.
    """

    def __init__(self, own_now: Callable[[], datetime] = _own_now) -> None:
        self._own_now = own_now
        self._lock = threading.Lock()
        self._interval: tuple[timedelta, timedelta] | None = None
        self._measured_at: datetime | None = None

    def observe(self, date: datetime, *, sent_at: datetime, received_at: datetime) -> None:
        """Takes one measurement. All three are aware; `date` is eBay's."""
        low, high = date - received_at, date + _SECOND - sent_at
        if low > high:
            return
        with self._lock:
            known = self._widened(received_at)
            if known is not None and max(known[0], low) <= min(known[1], high):
                low, high = max(known[0], low), min(known[1], high)
            self._interval, self._measured_at = (low, high), received_at

    def _widened(self, at: datetime) -> tuple[timedelta, timedelta] | None:
        if self._interval is None or self._measured_at is None:
            return None
        slack = abs(at - self._measured_at) * _DRIFT
        return self._interval[0] - slack, self._interval[1] + slack

    @property
    def interval(self) -> tuple[timedelta, timedelta] | None:
        """The bounds of the offset; None before the first measurement."""
        with self._lock:
            return self._widened(self._own_now())

    @property
    def offset(self) -> timedelta:
        """eBay's clock minus ours, the middle of what is possible; zero before the first measurement."""
        interval = self.interval
        return timedelta(0) if interval is None else (interval[0] + interval[1]) / 2

    @property
    def uncertainty(self) -> timedelta | None:
        """How far the offset may be off either way; None before the first measurement."""
        interval = self.interval
        return None if interval is None else (interval[1] - interval[0]) / 2

    def now(self) -> datetime:
        """The time by eBay's clock, aware UTC."""
        return self._own_now() + self.offset

    def earliest_now(self) -> datetime:
        """The earliest that eBay's clock may show now: never in its future once it has been measured."""
        interval = self.interval
        return self._own_now() + (interval[0] if interval else timedelta(0))

    def next_probe_at(self, round_trip: timedelta) -> datetime:
        """When, by our clock, a question says most: on which side of the middle the offset is.

        eBay's clock turns to a new second half-way through a question of that `round_trip` if the offset is
        the middle of what is possible. At most a second from now; now, before the first measurement. The
        uncertainty halves with each such question, down to half a round trip.
        """
        own_now = self._own_now()
        if self.interval is None:
            return own_now
        half_way = own_now + round_trip / 2 + self.offset
        fraction = half_way.timestamp() % 1
        return own_now + timedelta(seconds=math.ceil(fraction) - fraction)
