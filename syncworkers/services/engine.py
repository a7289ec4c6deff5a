"""The one engine that runs every family: first what is new, then what is still missing.

How one slice of time is read, and when it counts as complete: `slices`. What is read whole: `passes`. What
a run does besides: `steps`.
"""

from __future__ import annotations

import gc
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime

from ebayconnector.ebay.errors import BadAnswer, Unavailable
from syncworkers.models import Reason, WorkerRun
from syncworkers.ranges import Span, merged
from syncworkers.registry import Passes
from syncworkers.windows import SHORTEST_SLICE, check_coverage, gaps, live_span

from . import coverage
from .ahead import ask_ahead
from .context import RunContext, turn_to_history
from .passes import read_pass
from .slices import answers_at_all, read_slice
from .steps import look_again, take_steps

# Of what a run asks about single records before it counts as old work that gives way to others.
_DETAILS_AT_ONCE = 50
_OBJECTS_BETWEEN_COLLECTIONS = 20_000
_SWITCH_INTERVAL_S = 0.001


def read_everything(context: RunContext) -> None:
    """All that a run sets out to do; what old data it leaves is for the next one.

    Raises Stopped, GaveWay, FenceLost, TokenUnavailable and EbayError; what was stored until then stays.
    ImpossibleCoverage before anything is read.
    """
    with _python_for_pages():
        if isinstance(context.worker.reads, Passes):
            read_pass(context, context.worker.reads)
            take_steps(context)
        else:
            try:
                with context.second_writer:
                    _read_windows(context)
            finally:
                for begun in context.begun.values():
                    begun.cancel()


@contextmanager
def _python_for_pages() -> Iterator[None]:
    """A page is some ten thousand objects without cycles, which reference counts free: to look through them
    for cycles as often as Python does by default takes a third of the time of reading them.

    And whoever waits for PostgreSQL gets the interpreter back soon from the thread that reads the next page.
    """
    usual, interval = gc.get_threshold(), sys.getswitchinterval()
    gc.set_threshold(_OBJECTS_BETWEEN_COLLECTIONS, *usual[1:])
    sys.setswitchinterval(_SWITCH_INTERVAL_S)
    try:
        yield
    finally:
        gc.set_threshold(*usual)
        sys.setswitchinterval(interval)


def _read_windows(context: RunContext) -> None:
    """The live part, the steps that the family adds, then the gaps, newest first."""
    state, worker = context.state, context.worker
    now = context.ebay_now()
    check_coverage(state.covered, now=now)
    live = live_span(state.covered, now=now, overlap=worker.overlap, reach=context.reach)
    missing = _gaps(context, live, now)
    _note_window(context, [*missing, live])
    then = missing if context.may_read_old else []
    for span in (*then[:1], live):
        if span.start < span.end:
            ask_ahead(context, [span], 1, context.windows.page_limit)
    read_span(context, live, then=then)
    context.progress.live_done = True
    steps_done = take_steps(context, most=_DETAILS_AT_ONCE)
    missing = _gaps(context, live, now)
    if missing or not steps_done:
        turn_to_history(context)
        for number, gap in enumerate(missing, start=1):
            read_span(context, gap, then=missing[number:])
        look_again(context)


def _gaps(context: RunContext, live: Span, now: datetime) -> list[Span]:
    waiting, failed = coverage.failed_slices(context.state)
    covered, reach = context.state.covered, context.reach
    return gaps(covered, live=live, reach=reach, now=now, waiting=waiting, failed=failed)


def _note_window(context: RunContext, spans: list[Span]) -> None:
    with context.fenced() as signals:
        WorkerRun.objects.filter(pk=context.run.pk).update(
            window_from=min(span.start for span in spans), window_to=max(span.end for span in spans)
        )
    context.heed_stops(signals)


def read_span(context: RunContext, span: Span, *, then: Sequence[Span] = ()) -> None:
    """Read a span in slices of at most fifteen pages, newest first; `then`: what will be read next.

    What eBay does not answer for although it answers otherwise is narrowed down and stays a gap; raises
    Unavailable or BadAnswer when it does not answer at all.
    """
    waiting = [span] if span.start < span.end else []
    while waiting:
        current = waiting.pop()
        try:
            parts = read_slice(context, current, following=[*waiting[::-1], *then])
        except (Unavailable, BadAnswer) as failure:
            _narrow(context, current, failure)
        else:
            if parts:
                _uncover(context, current)
            waiting.extend(parts)


def _uncover(context: RunContext, span: Span) -> None:
    """What is read in parts from now on may stay without the older ones: its overlap with what was covered
    before is to be a gap then, like the rest."""
    run = context.run
    if any(span.overlaps(covered) for covered in context.state.covered):
        with context.fenced():
            coverage.uncover(run.account_id, run.api_family, [span])


def _narrow(context: RunContext, span: Span, failure: Unavailable | BadAnswer) -> None:
    """Halve a span that eBay fails on, until the rest is read and only what is at fault is left.

    Breadth first and with single attempts: of two halves with one record at fault, one soon succeeds.
    """
    patient, context.client = context.client, context.client.trying(1)
    suspects, hopeless = _halves(span), [] if span.length > SHORTEST_SLICE else [span]
    try:
        _refuse_to_narrow_an_outage(context, [span], failure)
        _uncover(context, span)
        while suspects:
            suspect = suspects.popleft()
            try:
                suspects.extend(read_slice(context, suspect))
            except (Unavailable, BadAnswer) as again:
                failure = again
                suspects.extend(_halves(suspect))
                hopeless += [] if suspect.length > SHORTEST_SLICE else [suspect]
                _refuse_to_narrow_an_outage(context, merged([*suspects, *hopeless]), failure)
    finally:
        context.client = patient
    if hopeless:
        with context.fenced():
            context.give_up(hopeless, Reason.EBAY_UNAVAILABLE, str(failure))


def _halves(span: Span) -> deque[Span]:
    """Newest first; nothing when it is too short to halve."""
    return deque(reversed(span.split(2))) if span.length > SHORTEST_SLICE else deque()


def _refuse_to_narrow_an_outage(
    context: RunContext, left: list[Span], failure: Unavailable | BadAnswer
) -> None:
    """When eBay does not even answer for a second that was just now, nothing is learned by asking on."""
    with context.fenced() as signals:
        pass
    context.heed(signals)
    if not answers_at_all(context):
        with context.fenced():
            context.give_up(left, Reason.EBAY_UNAVAILABLE, str(failure))
        raise failure from None
