"""The one engine that runs every family: slices of the window, pages of a slice, truth by overlap.

A slice counts as complete when each page began with the last record of the one before, the total stayed
the same and the distinct records equal it; its last page's transaction adds it to the coverage. Else it
is read again, at most three times, then stays a gap.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import reset_queries, transaction

from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.errors import BadAnswer, Unavailable
from ebayconnector.ebay.paging import Page
from syncworkers.locks import Signals, beat
from syncworkers.models import Reason, SyncState, WorkerRun
from syncworkers.models.runs import Lane
from syncworkers.ranges import Span
from syncworkers.registry import Worker
from syncworkers.windows import Reach, gaps, live_span

from . import coverage, runlog
from .store import PageResult, upsert_page

logger = logging.getLogger(__name__)

PAGES_PER_SLICE = 10
ATTEMPTS_PER_SLICE = 3
_SHORTEST_SLICE = timedelta(seconds=1)
_LONGEST_WAIT_S = 10.0


class Stopped(Exception):
    """Somebody wants this run to end now; what is stored stays."""

    def __init__(self, reason: Reason) -> None:
        super().__init__(reason.label)
        self.reason = reason


class GaveWay(Exception):
    """The run's time is up, or a person waits: the rest is for a follow-up."""


@dataclass
class Progress:
    """What a run has done so far; the run row carries the same numbers."""

    stored_any: bool = False
    complete: bool = True
    reason: Reason | None = None
    errors: list[str] = field(default_factory=list)


@dataclass
class RunContext:
    """Everything one execution needs; made by `runs.execute_run`."""

    run: WorkerRun
    state: SyncState
    worker: Worker
    client: EbayClient
    ebay_now: Callable[[], datetime]
    deadline: float
    progress: Progress = field(default_factory=Progress)
    on_page: Callable[[WorkerRun], None] = lambda run: None

    @property
    def reach(self) -> Reach:
        return Reach(self.state.wanted_from, self.worker.backfill, self.worker.longest_lookback)

    def heed(self, signals: Signals) -> None:
        """Raise Stopped or GaveWay when a person, a switch, the process or the clock wants an end."""
        reason = _stop_reason(signals)
        if reason is not None:
            raise Stopped(reason)
        if time.monotonic() > self.deadline:
            raise GaveWay("its time was up")
        if self.run.lane == Lane.HISTORY and signals.manual_run_waits:
            raise GaveWay("a run that a person asked for waits")

    def wait(self, seconds: float) -> None:
        """For the client's pauses between attempts: beats and heeds every second."""
        end = time.monotonic() + min(seconds, _LONGEST_WAIT_S)
        while (left := end - time.monotonic()) > 0:
            self.heed(beat(self.run.pk))
            time.sleep(min(1.0, left))


def _stop_reason(signals: Signals) -> Reason | None:
    reasons = (
        (signals.cancel_requested_at is not None, Reason.CANCELLED),
        (not signals.switched_on, Reason.WORKERS_DISABLED),
        (not signals.account_active, Reason.ACCOUNT_INACTIVE),
        (not signals.account_enabled or not signals.worker_enabled, Reason.DISABLED),
        (signals.process_stopping, Reason.CLUSTER_STOPPING),
    )
    return next((reason for true, reason in reasons if true), None)


def read_everything(context: RunContext) -> None:
    """The live part, then the gaps, newest first.

    Raises Stopped, GaveWay, FenceLost, TokenUnavailable and EbayError; what was stored until then stays.
    """
    state, worker = context.state, context.worker
    now = context.ebay_now()
    live = live_span(state.covered, now=now, overlap=worker.overlap, reach=context.reach)
    read_span(context, live)
    waiting = coverage.waiting_slices(state)
    for gap in gaps(state.covered, live=live, reach=context.reach, now=now, waiting=waiting):
        read_span(context, gap)


def read_span(context: RunContext, span: Span) -> None:
    """Read a span in slices of at most ten pages, newest first."""
    waiting = [span]
    while waiting:
        current = waiting.pop()
        smaller = _read_slice(context, current)
        waiting.extend(smaller)


def _read_slice(context: RunContext, span: Span) -> list[Span]:
    """Read one slice to the end, or return the smaller ones it must be cut into (newest last)."""
    for attempt in range(1, ATTEMPTS_PER_SLICE + 1):
        try:
            reading = SliceReading(context, span, attempt)
            if reading.read():
                return []
        except (Unavailable, BadAnswer) as failure:
            return _after_broken_pages(context, span, failure)
        if reading.too_long:
            return span.split(reading.parts)
        if reading.quarantined:
            return _give_up(context, span, Reason.QUARANTINE, "records of this slice are in quarantine")
        runlog.write(
            context.run,
            "drift",
            f"records moved while {_words(span)} was read (attempt {attempt})",
            level="warning",
        )
    return _give_up(context, span, Reason.DRIFT, "records kept moving while the slice was read")


def _after_broken_pages(context: RunContext, span: Span, failure: Unavailable | BadAnswer) -> list[Span]:
    """eBay did not answer properly: nothing more to gain in this run when nothing works at all."""
    coverage.record_failed_slice(
        context.run.account_id,
        context.worker.key,
        span,
        reason=Reason.EBAY_UNAVAILABLE,
        evidence=str(failure),
    )
    raise failure


def _give_up(context: RunContext, span: Span, reason: Reason, evidence: str) -> list[Span]:
    coverage.record_failed_slice(
        context.run.account_id, context.worker.key, span, reason=reason, evidence=evidence
    )
    context.progress.complete = False
    context.progress.reason = context.progress.reason or reason
    context.progress.errors.append(f"{_words(span)}: {evidence}")
    runlog.write(context.run, "slice_failed", f"{_words(span)} stays a gap: {evidence}", level="error")
    return []


class SliceReading:
    """One reading of one slice, from its first page to the verdict."""

    def __init__(self, context: RunContext, span: Span, attempt: int) -> None:
        self.context = context
        self.span = span
        self.attempt = attempt
        self.too_long = False
        self.parts = 1
        self.quarantined = False
        self._total: int | None = None
        self._seen: set[str] = set()
        self._last_key = ""
        self._steady = True

    def read(self) -> bool:
        """True when the slice is complete and covered."""
        worker = self.context.worker
        for page in worker.pages(
            self.context.client,
            modified_from=self.span.start,
            modified_to=self.span.end,
            limit=worker.page_limit,
            overlap=1,
        ):
            if page.number == 1 and self._is_too_long(page):
                self.too_long = True
                return False
            complete = self._store(page, self._fresh(page))
            if complete or not self._steady:
                return complete
        return False

    def _is_too_long(self, first: Page) -> bool:
        rows = PAGES_PER_SLICE * (first.limit - 1)
        if first.total <= rows or self.span.length <= _SHORTEST_SLICE:
            return False
        self.parts = min(-(-first.total // rows), 64)
        return True

    def _fresh(self, page: Page) -> list[Any]:
        """The records of the page less the repeated first one; notes whether the pages fit together."""
        key_of = self.context.worker.record_key
        keys = [key_of(item) for item in page.items]
        if self._total is None:
            self._total = page.total
        elif page.total != self._total or not keys or keys[0] != self._last_key:
            self._steady = False
        fresh = [item for item, key in zip(page.items, keys, strict=True) if key not in self._seen or not key]
        self._seen.update(keys)
        self._last_key = keys[-1] if keys else ""
        return fresh

    def _store(self, page: Page, items: list[Any]) -> bool:
        """One transaction: fence, rows, quarantine, counters, log line, and coverage on the last page.

        True when the slice is complete.
        """
        context, worker, run = self.context, self.context.worker, self.context.run
        with transaction.atomic():
            signals = beat(run.pk)
            result = upsert_page(worker, run.account, items)
            self._quarantine(result)
            coverage.heal_quarantine(run.account_id, worker.key, result.healthy_keys)
            complete = _is_last(page) and self._is_complete()
            if complete:
                coverage.add_coverage(run.account_id, worker.key, self.span)
            _count(run, page, items, result, expect=self.attempt == 1 and page.number == 1)
            runlog.page(run, self.span, page, result)
        context.progress.stored_any |= bool(items)
        if settings.DEBUG:
            # Django keeps every query in DEBUG: a long run would keep them all.
            reset_queries()
        context.on_page(run)
        context.heed(signals)
        return complete

    def _quarantine(self, result: PageResult) -> None:
        run = self.context.run
        for bad in result.bad:
            self.quarantined = True
            coverage.quarantine(run.account_id, run.api_family, bad)
            runlog.write(run, "quarantined", f"record {bad.key}: {bad.error}", level="error")

    def _is_complete(self) -> bool:
        if self.quarantined or not self._steady:
            return False
        return len(self._seen) == self._total


def _is_last(page: Page) -> bool:
    return not page.items or not page.has_next or page.offset + len(page.items) >= page.total


def _count(run: WorkerRun, page: Page, items: list[Any], result: PageResult, *, expect: bool) -> None:
    """Counters on the run's row, which this transaction has locked by its fence."""
    run.pages += 1
    run.rows_fetched += len(items)
    run.rows_stored += result.stored
    run.rows_unchanged += result.unchanged
    run.rows_quarantined += len(result.bad)
    if expect:
        run.rows_expected += page.total
    WorkerRun.objects.filter(pk=run.pk).update(
        pages=run.pages,
        rows_fetched=run.rows_fetched,
        rows_stored=run.rows_stored,
        rows_unchanged=run.rows_unchanged,
        rows_quarantined=run.rows_quarantined,
        rows_expected=run.rows_expected,
    )


def _words(span: Span) -> str:
    return f"{span.start:%Y-%m-%d %H:%M:%S} to {span.end:%Y-%m-%d %H:%M:%S}"
