"""Reading one slice until it is known to be complete.

Rows that change while pages are read shift the offsets of the others. A slice counts as complete when
each page began with the last record of the one before, the total stayed the same, and the distinct
records equal it; its last page's transaction adds it to the coverage. Else it is read again, and at last
in smaller slices: one that fits on a page cannot shift.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from functools import partial
from typing import Any

from ebayconnector.ebay.errors import BadAnswer, Unavailable
from ebayconnector.ebay.paging import PAGES_AHEAD, Page
from syncworkers.models import Reason
from syncworkers.ranges import MILLISECOND, Span, merged, to_millisecond, without
from syncworkers.windows import MOST_PARTS, SAFETY, SHORTEST_SLICE, is_too_long, parts_needed

from . import coverage, runlog
from .ahead import ask_ahead, unread
from .context import Begun, RunContext, words
from .pages import page_counters, page_done, set_aside, store_rows
from .records import BadRecord, identity_of

ATTEMPTS_PER_SLICE = 3


class KeptMoving(Exception):
    """A slice that was only looked at again could not be read without its records moving."""


def read_slice(
    context: RunContext, span: Span, *, shown: set[int] | None = None, following: Sequence[Span] = ()
) -> list[Span]:
    """Read one slice to its end; returns the smaller ones it must be cut into instead, oldest first.

    `following`: what is to be read next if all goes well; first pages of it are asked for near the end.
    `shown`: for what was read before and is only looked at again; takes the ids of the rows that came. There
    is no coverage and no gap then, and KeptMoving is raised.
    """
    reads = context.windows
    if reads.longest is not None and span.length > reads.longest:
        return span.split(-(-span.length // reads.longest))
    reading = SliceReading(context, span, 1, shown=shown, following=following)
    for attempt in range(1, ATTEMPTS_PER_SLICE + 1):
        reading = SliceReading(context, span, attempt, shown=shown, following=following)
        if reading.read():
            return []
        if reading.parts > 1:
            return span.split(reading.parts)
        with context.fenced():
            text = f"records moved while {words(span)} was read (attempt {attempt})"
            runlog.write(context.run, "drift", text, level="warning")
    if span.length > SHORTEST_SLICE:
        return span.split(reading.parts_of_a_page)
    if shown is not None:
        raise KeptMoving(f"records kept moving while {words(span)} was read")
    with context.fenced():
        context.give_up([span], Reason.DRIFT, "records kept moving while the slice was read")
    return []


def answers_at_all(context: RunContext) -> bool:
    """Whether eBay answers for a second that was just now."""
    now = to_millisecond(context.ebay_now() - SAFETY)
    reads = context.windows
    second = reads.pages(
        context.client, modified_from=now - SHORTEST_SLICE, modified_to=now, limit=reads.page_limit, overlap=1
    )
    try:
        next(second, None)
    except (Unavailable, BadAnswer):
        return False
    return True


class SliceReading:
    """One reading of one slice, from its first page to the verdict.

    `parts` is more than 1 when the slice must be cut: it is too long, or holds a record at fault whose
    time cannot be read.
    """

    def __init__(
        self,
        context: RunContext,
        span: Span,
        attempt: int,
        *,
        shown: set[int] | None,
        following: Sequence[Span],
    ) -> None:
        self.context = context
        self.following = following
        self.span = span
        self.attempt = attempt
        self.shown = shown
        self.parts = 1
        self._total: int | None = None
        self._limit = 1
        self._seen: set[str] = set()
        self._last_identity = ""
        self._steady = True
        self._bad: dict[str, BadRecord] = {}

    @property
    def parts_of_a_page(self) -> int:
        """Into how many parts to cut so that, evenly spread, each is half a page."""
        return min(max(-(-2 * (self._total or 0) // self._limit), 2), MOST_PARTS)

    def read(self) -> bool:
        """True when this slice is done: covered, less the records at fault, which stay gaps."""
        begun = self.context.begun.pop(self.span, None) or unread(self.context, self.span)
        try:
            return self._read(begun)
        finally:
            begun.cancel()
            self.context.second_writer.settle()

    def _read(self, begun: Begun) -> bool:
        # It counts for rows without a time of change, none of which are asked for ahead.
        asked_at = begun.asked_at
        # The next one's first page tells how many it has: it is there when more of them are wanted.
        ask_ahead(self.context, self.following, 1, self.context.windows.page_limit)
        for page in begun.pages:
            if page.number == 1 and self._must_be_cut(page):
                return False
            items = self._fresh(page)
            self._ask_for_following(page)
            store = partial(self._store, page, items, asked_at)
            # After the last page, and as soon as rows have shifted.
            if _is_last(page) or not self._steady:
                return store(is_verdict_due=True)
            # With one that waits no writer waits for the other to ask for more: they do not fall into step.
            # A page that is only looked at is sooner stored than handed over.
            waiting = 1 if self.context.progress.most_differed else 0
            if not self.context.second_writer.takes(store, waiting=waiting):
                store()
            asked_at = self.context.fenced_at
        return False

    def _ask_for_following(self, page: Page) -> None:
        """Keep as many pages on their way: where this slice has no more, those of the next."""
        if self._steady:
            rows_left = page.total - page.offset - len(page.items)
            pages_left = max(-(-rows_left // max(page.limit - 1, 1)), 0)
            ask_ahead(self.context, self.following, PAGES_AHEAD - pages_left, page.limit)

    def _must_be_cut(self, first: Page) -> bool:
        if not is_too_long(self.span, first.total, first.limit):
            return False
        self.parts = parts_needed(first.total, first.limit)
        ask_ahead(self.context, self.span.split(self.parts)[::-1], PAGES_AHEAD, first.limit)
        return True

    def _store(
        self, page: Page, items: list[Any], asked_at: datetime | None, *, is_verdict_due: bool = False
    ) -> bool:
        """One transaction: rows, fence and counters, quarantine, log line, and coverage on the last page.

        All others are stored before the verdict. The last page's rows need not wait for them: no two pages of
        a reading hold the same record (`_fresh`), and both writers pass the fence after their rows.
        """
        context, table = self.context, self.context.worker.table
        with context.storing() as fence:
            result = store_rows(context, table, items, asked_at=asked_at)
            if is_verdict_due:
                context.second_writer.settle()
            expected = page.total if self.attempt == 1 and page.number == 1 else 0
            fence.pass_and_count(page_counters(result, fetched=len(items), expected=expected))
            set_aside(context, table, result, place=self._place)
            self._bad.update({bad.key: bad for bad in result.bad})
            done = _is_last(page) and self._is_complete() and self._cover()
            runlog.page(context.run, self.span, page, result)
        if self.shown is not None:
            self.shown.update(result.ids.values())
        context.progress.most_differed = result.stored > result.unchanged
        if done:
            context.progress.slice_done()
        page_done(context, fence.signals, fence.counted)
        return done

    def _fresh(self, page: Page) -> list[Any]:
        """The records of the page less those seen already; notes whether the pages fit together."""
        identities = [identity_of(self.context.worker.table, item) for item in page.items]
        if self._total is None:
            self._total, self._limit = page.total, page.limit
        elif page.total != self._total or not identities or identities[0] != self._last_identity:
            self._steady = False
        pairs = zip(identities, page.items, strict=True)
        fresh = [item for identity, item in pairs if identity not in self._seen]
        self._seen.update(identities)
        self._last_identity = identities[-1] if identities else ""
        return fresh

    def _is_complete(self) -> bool:
        return self._steady and len(self._seen) == self._total

    def _place(self, bad: BadRecord) -> Span:
        """The millisecond of the record at fault, or the slice when it does not say (truly)."""
        at = to_millisecond(bad.modified_at) if bad.modified_at else None
        return Span(at, at + MILLISECOND) if at and self.span.start <= at <= self.span.end else self.span

    def _cover(self) -> bool:
        """Cover the slice less the records at fault. False when it must be cut to find out where they are."""
        places = {self._place(bad) for bad in self._bad.values()}
        if self.span in places and self.span.length > SHORTEST_SLICE:
            self.parts = 2
            return False
        if self.shown is not None:
            return True
        run, ebay_now = self.context.run, self.context.ebay_now()
        # Its end was set before eBay told its clock, to a second: nobody has read what is still to come.
        to_come = Span(to_millisecond(ebay_now - SAFETY / 2), max(ebay_now, self.span.end) + MILLISECOND)
        coverage.add_coverage(run.account_id, run.api_family, without([self.span], [*places, to_come]))
        # eBay's ranges include their end; what lies there belongs to the next slice.
        inside = merged(place for place in places if place.overlaps(self.span))
        if inside:
            # Covered before, when the record was not there or not at fault.
            coverage.uncover(run.account_id, run.api_family, inside)
            self.context.give_up(inside, Reason.QUARANTINE, "a record is in quarantine")
        return True


def _is_last(page: Page) -> bool:
    return not page.items or not page.has_next or page.offset + len(page.items) >= page.total
