"""What a run sets out to read: the live part first, then the gaps, newest first. Pure functions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from ebayconnector.ebay.paging import PAGES_READ_ON

from .ranges import Span, merged, to_millisecond, without

FIRST_LIVE = timedelta(hours=24)
# eBay refuses ends in the future (30850); its own clock is measured only to the second.
SAFETY = timedelta(seconds=5)
# Coverage ends at eBay's clock, which may be ahead of the one that looks.
_CLOCK_TOLERANCE = timedelta(minutes=10)
# The far end of the backfill moves with a clock that is known to a second: less than this is no gap there.
_FAR_EDGE = timedelta(seconds=10)
_BEFORE_EBAY = datetime(1995, 9, 3, tzinfo=UTC)
# A slice has at most so many pages, and below that length as many as there are.
PAGES_PER_SLICE = PAGES_READ_ON
SHORTEST_SLICE = timedelta(seconds=1)
MOST_PARTS = 64
# A failed slice is tried again after these pauses, then at the last one for ever.
RETRY_AFTER = (timedelta(hours=1), timedelta(hours=6), timedelta(days=1))


@dataclass(frozen=True)
class Reach:
    """How far back a family reads: `wanted` by setting or person, never further than eBay allows."""

    wanted_from: datetime | None
    backfill: timedelta
    longest_lookback: timedelta

    def start(self, now: datetime) -> datetime:
        wanted = self.wanted_from or now - self.backfill
        return max(to_millisecond(wanted), self.oldest(now))

    def oldest(self, now: datetime) -> datetime:
        return to_millisecond(now - self.longest_lookback)

    def since(self, covered: Sequence[Span], now: datetime) -> datetime:
        """Where what is wanted begins: what was read once stays wanted, as long as eBay gives it, so that no
        hole in it grows too old to be noticed. What a person wishes is the whole wish."""
        start = self.start(now)
        if self.wanted_from is not None or not covered:
            return start
        return max(min(start, covered[0].start), self.oldest(now))


class ImpossibleCoverage(ValueError):
    """The stored coverage cannot be true; the text says what it claims."""


def check_coverage(covered: Sequence[Span], *, now: datetime) -> None:
    """Raise ImpossibleCoverage for times that cannot have been read: the future, or before eBay.

    Going on would take "complete until 2031" for "nothing to do".
    """
    for span in covered:
        if not _is_possible(span, now):
            raise ImpossibleCoverage(f"{span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M}")


def possible_coverage(covered: Sequence[Span], *, now: datetime) -> list[Span]:
    """The spans that may be true. One that lies about its end is not believed about its beginning."""
    return [span for span in covered if _is_possible(span, now)]


def _is_possible(span: Span, now: datetime) -> bool:
    return span.start >= _BEFORE_EBAY and span.end <= now + _CLOCK_TOLERANCE


def live_span(covered: Sequence[Span], *, now: datetime, overlap: timedelta, reach: Reach) -> Span:
    """`[cursor − overlap, now]`; the last 24 hours when nothing is covered yet. `now` is eBay's."""
    end = to_millisecond(now - SAFETY)
    start = covered[-1].end - overlap if covered else end - FIRST_LIVE
    return Span(min(max(to_millisecond(start), reach.since(covered, now)), end), end)


def gaps(
    covered: Sequence[Span],
    *,
    live: Span,
    reach: Reach,
    now: datetime,
    waiting: Sequence[Span] = (),
    failed: Sequence[Span] = (),
) -> list[Span]:
    """What is wanted and not covered, newest first; `waiting` are failed slices whose time has not come.

    `failed`: those whose time has come. They stay wanted when the backfill has moved on, as long as eBay
    gives them; what a person wishes is the whole wish.
    """
    start, oldest = reach.since(covered, now), reach.oldest(now)
    found = sorted(without([Span(start, live.start)], [*covered, *waiting]), reverse=True)
    if reach.wanted_from is None and found and found[-1].start == start and found[-1].length < _FAR_EDGE:
        found.pop()
    if reach.wanted_from is not None:
        return found
    aged = [Span(max(span.start, oldest), min(span.end, start)) for span in failed]
    left = without([span for span in aged if span.start < span.end], [*covered, *waiting])
    return found + sorted(left, reverse=True)


def is_too_long(span: Span, total: int, limit: int) -> bool:
    """Of a span that has so many records, on pages of so many that overlap by one: whether to cut it."""
    return total > PAGES_PER_SLICE * max(limit - 1, 1) and span.length > SHORTEST_SLICE


def parts_needed(total: int, limit: int) -> int:
    """Into how many, two at least, to cut what is too long: somewhat shorter ones than need be, since records
    are not spread evenly, and a part that is too long again costs a page."""
    return min(-(-total * 13 // (PAGES_PER_SLICE * max(limit - 1, 1) * 10)), MOST_PARTS)


def retry_pause(attempts: int) -> timedelta:
    return RETRY_AFTER[min(attempts, len(RETRY_AFTER)) - 1]


def completeness(covered: Sequence[Span], *, reach: Reach, now: datetime) -> float:
    """The covered share of what is wanted, 0.0 to 1.0."""
    start = reach.since(covered, now)
    end = max(to_millisecond(now - SAFETY), start)
    whole = (end - start).total_seconds()
    if whole <= 0:
        return 1.0
    missing = sum((gap.length.total_seconds() for gap in without([Span(start, end)], covered)), 0.0)
    return max(0.0, 1.0 - missing / whole)


def complete_since(covered: Sequence[Span]) -> datetime | None:
    """The beginning of the unbroken part that ends at the cursor; None when nothing is covered."""
    spans = merged(covered)
    return spans[-1].start if spans else None
