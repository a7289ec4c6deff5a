"""What one execution of a worker carries with it, and what makes it end early."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.paging import OffsetPages, Page
from syncworkers.locks import Fence, Signals, beat, check_connection, fenced, move_to_history, storing
from syncworkers.models import Reason, SyncState, WorkerRun
from syncworkers.models.runs import Lane
from syncworkers.ranges import Span
from syncworkers.registry import Windows, Worker
from syncworkers.windows import Reach

from . import coverage, runlog
from .writers import SecondWriter

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
    """What a run has achieved so far, as far as its end depends on it; its two writers share it.

    `parts_held_back`: keys of the parts that this run leaves alone (`parts.read_part`).
    `has_quarantine`: whether records of its worker may be set aside.
    `most_differed`: whether more than half of the last page was written.
    """

    pages: int = 0
    stored: int = 0
    slices: int = 0
    has_quarantine: bool = True
    most_differed: bool = True
    live_done: bool = False
    complete: bool = True
    reason: Reason | None = None
    errors: list[str] = field(default_factory=list)
    parts_held_back: set[str] = field(default_factory=set)
    _set_aside: bool = False
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def incomplete(self, reason: Reason, error: str) -> None:
        """Something could not be read: the run goes on with the rest and will end `partial`."""
        with self._lock:
            self.complete = False
            self.reason = self.reason or reason
            self.errors.append(error)

    def page_stored(self, run: WorkerRun, counted: Mapping[str, int]) -> None:
        """`counted`: the run's counters after the page; the later one of two may come first."""
        with self._lock:
            self.pages += 1
            for name, value in counted.items():
                setattr(run, name, max(getattr(run, name), value))
            self.stored = run.rows_stored

    def slice_done(self) -> None:
        with self._lock:
            self.slices += 1

    def set_aside(self) -> None:
        """A record goes into quarantine now."""
        with self._lock:
            self._set_aside = self.has_quarantine = True

    def quarantine_is_empty(self) -> None:
        """As far as the database says: what this run has set aside itself may not be committed yet."""
        with self._lock:
            self.has_quarantine = self._set_aside

    @property
    def achieved_any(self) -> bool:
        return bool(self.stored or self.slices)


@dataclass(frozen=True)
class Begun:
    """A slice whose first pages were asked for, at `asked_at` or later, while others before it were read."""

    pages: Iterator[Page]
    asked_at: datetime | None

    def cancel(self) -> None:
        """Nobody reads on: what is not under way is not asked for any more."""
        if isinstance(self.pages, OffsetPages):
            self.pages.cancel()


@dataclass
class RunContext:
    """Everything one execution needs; made by `execution.execute_run`.

    `deadline` is on the monotonic clock. `in_worker` is False in the foreground, where a run keeps no
    worker from others and therefore gives way to nobody. `shown`: of a table that was read whole (`Summary`)
    the ids of its rows.
    """

    run: WorkerRun
    state: SyncState
    worker: Worker
    client: EbayClient
    ebay_now: Callable[[], datetime]
    deadline: float
    in_worker: bool = True
    sleep: Callable[[float], None] = time.sleep
    on_page: Callable[[WorkerRun], None] = lambda run: None
    progress: Progress = field(default_factory=Progress)
    fenced_at: datetime | None = None
    second_writer: SecondWriter = field(default_factory=SecondWriter)
    begun: dict[Span, Begun] = field(default_factory=dict)
    shown: dict[str, set[int]] = field(default_factory=dict)

    @property
    def reach(self) -> Reach:
        return Reach(self.state.wanted_from, self.worker.backfill, self.worker.longest_lookback)

    @property
    def windows(self) -> Windows:
        """How this family is read by time; only for families that are."""
        assert isinstance(self.worker.reads, Windows)
        return self.worker.reads

    @property
    def may_read_old(self) -> bool:
        """Without asking (`turn_to_history`): it is a run for old data, or keeps no worker from others."""
        return not self.in_worker or self.run.lane == Lane.HISTORY

    @property
    def time_is_up(self) -> bool:
        return time.monotonic() > self.deadline

    def heed(self, signals: Signals) -> None:
        """Raise Stopped or GaveWay when a person, a switch, the process or the clock wants an end."""
        self.heed_stops(signals)
        if self.time_is_up:
            raise GaveWay("its time was up")
        if self.in_worker and self.run.lane == Lane.HISTORY and signals.manual_run_waits:
            raise GaveWay("a run that a person asked for waits")

    def heed_stops(self, signals: Signals) -> None:
        """Only Stopped: a run that has begun reads at least a page, however late it is."""
        reason = _stop_reason(signals)
        if reason is not None:
            raise Stopped(reason)

    def wait(self, seconds: float) -> None:
        """For the client's pauses between attempts: beats and heeds every second."""
        left = min(seconds, _LONGEST_WAIT_S)
        while left > 0:
            check_connection()
            try:
                self.heed(beat(self.run.pk))
            except GaveWay as way:
                self.progress.incomplete(Reason.EBAY_UNAVAILABLE, f"eBay did not answer, and {way}")
                raise
            step = min(1.0, left)
            self.sleep(step)
            left -= step

    @contextmanager
    def fenced(self) -> Iterator[Signals]:
        """A transaction behind the fence. `fenced_at` (the database's time) then is later than the call to
        eBay whose answer it stores, and earlier than the next one."""
        with fenced(self.run.pk) as signals:
            yield signals
        self.fenced_at = signals.at

    @contextmanager
    def storing(self) -> Iterator[Fence]:
        """A transaction that stores a page of a slice, and passes the fence after its rows."""
        with storing(self.run.pk) as fence:
            yield fence
        self.fenced_at = max(filter(None, (self.fenced_at, fence.signals.at)))

    def pause_point(self) -> None:
        """Before a call that does not follow a page: beat, and end here if somebody wants an end.

        A run that has begun reads at least a page, however late it is.
        """
        check_connection()
        signals = beat(self.run.pk)
        self.fenced_at = signals.at
        (self.heed if self.progress.pages else self.heed_stops)(signals)

    def give_up(self, spans: list[Span], reason: Reason, evidence: str) -> None:
        """Spans stay a gap; the run goes on with the others and will end `partial`. Inside `fenced`.

        A live part that eBay did not answer is tried again by the next run, which waits by itself.
        """
        run, worker = self.run, self.worker
        at_once = reason == Reason.EBAY_UNAVAILABLE and not self.progress.live_done
        for span in spans:
            coverage.record_failed_slice(
                run.account_id, worker.key, span, reason=reason, evidence=evidence, at_once=at_once
            )
            runlog.write(run, "slice_failed", f"{words(span)} stays a gap: {evidence}", level="error")
            self.progress.incomplete(reason, f"{words(span)}: {evidence}")


def turn_to_history(context: RunContext) -> None:
    """What takes long is done in lane 3, whoever asked: it never takes the last free worker and gives way."""
    if context.may_read_old:
        return
    if not move_to_history(context.run.pk):
        raise GaveWay("other runs read old data already")
    context.run.lane = Lane.HISTORY
    context.client = context.client.in_lane(Lane.HISTORY)


def _stop_reason(signals: Signals) -> Reason | None:
    reasons = (
        (signals.cancel_requested_at is not None, Reason.CANCELLED),
        (not signals.switched_on, Reason.WORKERS_DISABLED),
        (not signals.account_active, Reason.ACCOUNT_INACTIVE),
        (not signals.account_enabled or not signals.worker_enabled, Reason.DISABLED),
        (signals.process_stopping, Reason.CLUSTER_STOPPING),
    )
    return next((reason for true, reason in reasons if true), None)


def words(span: Span) -> str:
    return f"{span.start:%Y-%m-%d %H:%M:%S} to {span.end:%Y-%m-%d %H:%M:%S}"
