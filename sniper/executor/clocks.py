"""eBay's clock as this executor sees it, and how long the way there takes; one for each environment."""

from __future__ import annotations

from collections import deque
from datetime import datetime, timedelta

from ebayconnector.ebay.clock import ClockOffset, SteadyClock

_REMEMBERED = 200
_DEFAULT_ROUND_TRIP = timedelta(milliseconds=150)
# As good as it needs to be: from here on it is only kept fresh.
_GOOD_ENOUGH = timedelta(milliseconds=20)
_FRESH_S = 10.0
_WIDE = timedelta(milliseconds=200)
_NONE = timedelta(0)
_MS = timedelta(milliseconds=1)


class EbayTime:
    """Moments of eBay's clock as seconds of our monotonic one, and back."""

    def __init__(self, steady: SteadyClock) -> None:
        self._steady = steady
        self._offset = ClockOffset(steady.now)
        self._latencies: deque[float] = deque(maxlen=_REMEMBERED)
        self.samples = 0

    def local_s(self, moment: datetime) -> float:
        """When our monotonic clock shows that moment of eBay's."""
        return self._steady.monotonic_s(moment - self._best)

    def ebay_at(self, monotonic_s: float) -> datetime:
        """What eBay's clock shows at that moment of our monotonic one."""
        return self._own(monotonic_s) + self._best

    @property
    def _best(self) -> timedelta:
        """The offset to go by: the middle of what is possible.

        While that is a wide span, which few and slow answers leave, no offset at all is likelier, as long as
        it is possible: machines' clocks are kept right by others.
        """
        known = self._offset.interval
        if known is None:
            return _NONE
        low, high = known
        return (low + high) / 2 if high - low <= _WIDE else min(max(_NONE, low), high)

    def begin_with(self, *, offset: timedelta, error: timedelta, measured_at: datetime) -> None:
        """What another executor on this machine had measured, as one answer that would prove just that."""
        low, high = offset - error, offset + error
        date = measured_at + low
        self._offset.observe(date, sent_at=date + timedelta(seconds=1) - high, received_at=measured_at)

    def observe(self, date: datetime | None, *, sent_s: float, received_s: float) -> None:
        """An answer with that `Date`; `sent_s` is not after its sending."""
        self._latencies.append(received_s - sent_s)
        if date is None:
            return
        self.samples += 1
        self._offset.observe(date, sent_at=self._own(sent_s), received_at=self._own(received_s))

    def _own(self, monotonic_s: float) -> datetime:
        now = self._steady.now()
        return now + timedelta(seconds=monotonic_s - self._steady.monotonic_s(now))

    @property
    def offset_ms(self) -> float:
        return self._best / _MS

    @property
    def error_ms(self) -> float | None:
        """How far the offset may be off either way; None before the first measurement."""
        known = self._offset.interval
        return None if known is None else max(known[1] - self._best, self._best - known[0]) / _MS

    def latency_ms(self, part: float) -> float | None:
        """The latency that `part` (0 to 1) of the last calls did not exceed; None before the first."""
        ordered = sorted(self._latencies)
        if not ordered:
            return None
        return ordered[min(len(ordered) - 1, int(len(ordered) * part))] * 1000

    def next_probe_s(self, last_s: float | None, now_s: float) -> float:
        """When to ask next: at the change of a second while the error is large, else to stay fresh."""
        uncertainty = self._offset.uncertainty
        if uncertainty is not None and uncertainty <= _GOOD_ENOUGH and last_s is not None:
            return max(now_s, last_s + _FRESH_S)
        median = self.latency_ms(0.5)
        round_trip = _DEFAULT_ROUND_TRIP if median is None else timedelta(milliseconds=median)
        return self._steady.monotonic_s(self._offset.next_probe_at(round_trip))
