"""The one engine that runs every family: first the live part, then the gaps, slice by slice.

How one slice is read, and when it counts as complete: `slices`.
"""

from __future__ import annotations

from datetime import datetime

from ebayconnector.ebay.errors import BadAnswer, Unavailable
from syncworkers.locks import move_to_history
from syncworkers.models import Reason, WorkerRun
from syncworkers.models.runs import Lane
from syncworkers.ranges import Span
from syncworkers.windows import check_coverage, gaps, live_span

from . import coverage
from .context import GaveWay, RunContext
from .slices import read_slice


def read_everything(context: RunContext) -> None:
    """The live part, then the gaps, newest first.

    Raises Stopped, GaveWay, FenceLost, TokenUnavailable and EbayError; what was stored until then stays.
    ImpossibleCoverage before anything is read.
    """
    state, worker = context.state, context.worker
    now = context.ebay_now()
    check_coverage(state.covered, now=now)
    live = live_span(state.covered, now=now, overlap=worker.overlap, reach=context.reach)
    missing = _gaps(context, live, now)
    _note_window(context, [*missing, live])
    read_span(context, live)
    context.progress.live_done = True
    missing = _gaps(context, live, now)
    if missing:
        _turn_to_history(context)
    for gap in missing:
        read_span(context, gap)


def _gaps(context: RunContext, live: Span, now: datetime) -> list[Span]:
    waiting = coverage.waiting_slices(context.state)
    return gaps(context.state.covered, live=live, reach=context.reach, now=now, waiting=waiting)


def _note_window(context: RunContext, spans: list[Span]) -> None:
    with context.fenced() as signals:
        WorkerRun.objects.filter(pk=context.run.pk).update(
            window_from=min(span.start for span in spans), window_to=max(span.end for span in spans)
        )
    context.heed_stops(signals)


def _turn_to_history(context: RunContext) -> None:
    """Old data is read in lane 3, whoever asked: it never takes the last free worker, and it gives way."""
    if not context.in_worker or context.run.lane == Lane.HISTORY:
        return
    if not move_to_history(context.run.pk):
        raise GaveWay("other runs read old data already")
    context.run.lane = Lane.HISTORY


def read_span(context: RunContext, span: Span) -> None:
    """Read a span in slices of at most ten pages, newest first."""
    waiting = [span] if span.start < span.end else []
    while waiting:
        current = waiting.pop()
        try:
            waiting.extend(read_slice(context, current))
        except (Unavailable, BadAnswer) as failure:
            # eBay did not answer properly, three times: the slice waits, and so does the rest of the run.
            with context.fenced():
                context.give_up([current], Reason.EBAY_UNAVAILABLE, str(failure))
            raise
