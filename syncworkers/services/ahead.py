"""Asking for what will be read next while something else is worked on, so that eBay's answers are there."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from functools import partial

from ebayconnector.ebay.paging import OffsetPages
from syncworkers.ranges import Span
from syncworkers.windows import is_too_long, parts_needed

from .context import Begun, RunContext
from .records import prepared

_UNKNOWN_AT_ONCE = 3


def ask_ahead(context: RunContext, following: Sequence[Span], most: int, limit: int) -> None:
    """Ask for the first pages of what is read next, as long as no more than `most` are on their way, and
    perhaps the first one of a slice more.

    How many a slice has one knows when its first page has come; until then that one alone is asked for, and
    those of the two slices after it. Of a slice that is too long the parts will be read.
    """
    longest = context.windows.longest
    spans, unknown = deque(following), 0
    while spans and most > 0 and unknown < _UNKNOWN_AT_ONCE:
        span = spans.popleft()
        begun = context.begun.get(span) or unread(context, span)
        if not isinstance(begun.pages, OffsetPages) or (longest is not None and span.length > longest):
            return
        total = begun.pages.known_total()
        if total is not None and is_too_long(span, total, limit):
            spans.extendleft(span.split(parts_needed(total, limit)))
            continue
        while begun.pages.begun < most and begun.pages.ask_ahead(total or 0):
            context.begun[span] = begun
        unknown += total is None
        most -= begun.pages.begun


def unread(context: RunContext, span: Span) -> Begun:
    """The pages of a slice, none of which was asked for."""
    client = context.client
    if context.worker.table.from_bytes:
        client = client.preparing(partial(prepared, context.worker.table))
    limit = context.windows.page_limit
    pages = context.windows.pages(
        client, modified_from=span.start, modified_to=span.end, limit=limit, overlap=1
    )
    return Begun(pages, context.fenced_at)
