"""Reading records again that change without saying so: by their age, and by what eBay lists as open."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Q, QuerySet
from django.utils import timezone

from ebayconnector.ebay.errors import BadAnswer, NotFound, Refused, Unavailable
from syncworkers.mappers.reading import Maturity
from syncworkers.maturity import next_check
from syncworkers.models import FailedSlice, QuarantinedRecord, Reason, SyncState, Trigger
from syncworkers.models.rows import NOT_LISTED, DetailedRow
from syncworkers.ranges import MILLISECOND, Span, merged, to_millisecond, without
from syncworkers.registry import Recheck
from syncworkers.windows import SAFETY

from . import coverage, runlog
from .context import GaveWay, RunContext, words
from .details import note_vanished
from .pages import count, page_done, store_items
from .records import BadRecord
from .slices import KeptMoving, answers_at_all, read_slice

# Records due for a look that lie closer together than this are read in one go.
_TOGETHER = timedelta(hours=6)
_SPANS_PER_RUN = 20
_POSTPONED = timedelta(hours=1)
_ASKED_AGAIN = timedelta(days=1)


def recheck(context: RunContext, step: Recheck) -> None:
    """Look again at what is due, newest first; what is left is for the next run."""
    is_time = _is_time_to_ask(context, step)
    if step.source is not None and is_time:
        _ask(context, step)
    elif step.together and not is_time:
        return
    spans = _due_spans(context)
    for span in spans:
        _read_again(context, span)
    if step.together and len(spans) < _SPANS_PER_RUN:
        _remember_asking(context, "all that was due was read again")


def _ask(context: RunContext, step: Recheck) -> None:
    """Ask eBay what is not final, what is late, and about what is only named.

    A run that ends in the middle leaves all of it to the next one; when that has not time enough either, the
    rest is left until the next time.
    """
    if step.late and context.state.late_read_at is None:
        _note_late(context, context.state.statuses_asked_at or context.ebay_now())
    try:
        asked = _ask_by_status(context, step)
        if step.late:
            _read_late(context, step)
            _note_out_of_reach(context)
        if step.named is not None and context.state.covered:
            for key in list(step.named(context.run.account_id, context.state.covered[0].start)):
                _ask_for_named(context, step, key)
    except GaveWay:
        if context.run.trigger == Trigger.FOLLOW_UP and context.time_is_up:
            text = "What is not final could not be listed within one run: it is read again as it ages"
            context.progress.incomplete(Reason.EBAY_UNAVAILABLE, text)
            _remember_asking(context, text, "warning")
        raise
    if asked is not None or step.late:
        _remember_asking(context, *(asked or ("nothing that may change is known", "info")))


def _rows(context: RunContext) -> QuerySet[Any]:
    """The account's rows of the family's table, which is one of MaturingRow."""
    model: Any = context.worker.table.model
    rows: QuerySet[Any] = model._default_manager.filter(account_id=context.run.account_id)
    return rows


def _oldest(context: RunContext) -> datetime:
    """What happened before is refused by eBay, or not listed."""
    return context.reach.oldest(context.ebay_now())


def _due_spans(context: RunContext) -> list[Span]:
    """Spans of eBay's time that hold the records due, the newest first, at most so many as a run takes."""
    moments = (
        _rows(context)
        .filter(check_at__lte=context.ebay_now(), occurred_at__gte=_oldest(context))
        .order_by("-occurred_at")
        .values_list("occurred_at", flat=True)
    )
    spans: list[Span] = []
    longest = context.windows.longest or timedelta(days=90)
    for moment in moments.iterator(chunk_size=2000):
        at = Span(to_millisecond(moment), to_millisecond(moment) + MILLISECOND)
        joined = Span(at.start, spans[-1].end) if spans else at
        if spans and spans[-1].start - at.end <= _TOGETHER and joined.length <= longest:
            spans[-1] = joined
        elif len(spans) == _SPANS_PER_RUN:
            break
        else:
            spans.append(at)
    return spans


def _read_late(context: RunContext, step: Recheck) -> None:
    """Read again what became visible long after its time, of the time that is wanted: so long before the last
    such look. What eBay does not answer for becomes a gap, and is left to that.
    """
    now, state = context.ebay_now(), context.state
    end = to_millisecond(now - SAFETY)
    last = to_millisecond(min(state.late_read_at or end, end))
    wanted = Span(max(last - step.late, context.reach.since(state.covered, now)), end)
    if wanted.start >= end:
        return
    for span in reversed(without([wanted], _not_answered(context))):
        # What is due in it has looks of its own, which one record that eBay fails on does not hold up.
        if _read_again(context, span, postpones=False):
            continue
        if not answers_at_all(context):
            return
        _uncover(context, span)
    _note_late(context, end)


def _not_answered(context: RunContext) -> list[Span]:
    """The gaps that eBay failed on, narrowed down to what is at fault."""
    run = context.run
    failed = FailedSlice.objects.filter(account_id=run.account_id, api_family=run.api_family)
    return merged(each.span for each in failed.filter(reason=Reason.EBAY_UNAVAILABLE))


def _uncover(context: RunContext, span: Span) -> None:
    """All of it but the end, which the next run reads anew."""
    run, covered = context.run, context.state.covered
    if not covered or covered[-1].end - context.worker.overlap <= span.start:
        return
    span = Span(span.start, min(span.end, covered[-1].end - context.worker.overlap))
    with context.fenced():
        coverage.uncover(run.account_id, run.api_family, [span])
        runlog.write(run, "uncovered", f"{words(span)} is to be read again", level="warning")


def _note_late(context: RunContext, until: datetime) -> None:
    """Unless a person has set another start meanwhile."""
    state = context.state
    with context.fenced():
        rows = SyncState.objects.filter(pk=state.pk, wanted_from=state.wanted_from)
        rows.update(late_read_at=until)
    state.late_read_at = until


def _note_out_of_reach(context: RunContext) -> None:
    """What is open and older than eBay's lists go back: its details tell all that they know."""
    rows = _rows(context).filter(
        maturity=Maturity.OPEN.value, closed_at=None, occurred_at__lt=_oldest(context)
    )
    with context.fenced():
        note_vanished(rows.exclude(content_hash=NOT_LISTED))


def _ask_for_named(context: RunContext, step: Recheck, key: str) -> None:
    """What no list has shown is stored as its id tells. Where eBay does not know it, that is said, and asked
    again a day later."""
    assert step.by_id is not None
    run, table = context.run, context.worker.table
    set_aside = QuarantinedRecord.objects.filter(
        account_id=run.account_id, api_family=run.api_family, record_key=key, healed_at=None
    )
    if set_aside.filter(last_seen_at__gt=timezone.now() - _ASKED_AGAIN).exists():
        return
    context.pause_point()
    try:
        record = step.by_id(context.client, key)
    except (NotFound, Refused, Unavailable, BadAnswer) as failure:
        text = f"{table.key} {key} is named by another record, and eBay does not list it: {failure}"
        with context.fenced():
            coverage.quarantine(run.account, run.api_family, key, BadRecord(key, {}, text, None), None)
            runlog.write(run, "not_answered", text, level="warning")
        if not isinstance(failure, NotFound | Refused):
            context.progress.incomplete(Reason.EBAY_UNAVAILABLE, text)
        return
    with context.fenced() as signals:
        result = store_items(context, table, [record])
        counted = count(context, result, fetched=1)
    page_done(context, signals, counted)


def _read_again(context: RunContext, span: Span, *, postpones: bool = True) -> bool:
    """Read a span once more, slice by slice, and set the next look of what is not final yet.

    False: not to its end. What is due in it then waits an hour if it `postpones`, else it stays due.
    """
    began = context.ebay_now()
    shown: set[int] = set()
    waiting = [span]
    try:
        while waiting:
            part, fenced_at = waiting.pop(), context.fenced_at
            smaller = read_slice(context, part, shown=shown)
            waiting.extend(smaller)
            if not smaller:
                _settle(context, part, began, fenced_at, shown)
    except (Unavailable, BadAnswer, KeptMoving, Refused, NotFound) as failure:
        text = f"{words(span)} could not be looked at again: {failure}"
        with context.fenced():
            if postpones:
                _due_in(context, span, began).update(check_at=began + _POSTPONED)
            runlog.write(context.run, "recheck_failed", text, level="error")
        context.progress.incomplete(_why(failure), text)
        return False
    return True


def _why(failure: Exception) -> Reason:
    if isinstance(failure, KeptMoving):
        return Reason.DRIFT
    return Reason.EBAY_REFUSED if isinstance(failure, Refused | NotFound) else Reason.EBAY_UNAVAILABLE


def _settle(
    context: RunContext, span: Span, began: datetime, fenced_at: datetime | None, shown: set[int]
) -> None:
    """Of a slice that was read again, whose reading began after `fenced_at`: what was not shown, and when all
    that was due is looked at next."""
    with context.fenced():
        _note_vanished(context, _due_in(context, span, began).exclude(pk__in=shown))
        # What somebody changed meanwhile may have been looked at too late (`store`): it stays due.
        looked_at = _due_in(context, span, began).filter(changed_at__lte=fenced_at or timezone.now())
        rows = list(looked_at.only("id", "maturity", "occurred_at"))
        for row in rows:
            row.check_at = next_check(Maturity(row.maturity), row.occurred_at, now=began)
        _rows(context).bulk_update(rows, ["check_at"], batch_size=1000)
        runlog.write(context.run, "rechecked", f"{words(span)}: {len(rows)} records looked at again")


def _note_vanished(context: RunContext, rows: QuerySet[Any]) -> None:
    """A record that the list no longer shows may live on elsewhere: its details tell."""
    if issubclass(context.worker.table.model, DetailedRow):
        note_vanished(rows)


def _due_in(context: RunContext, span: Span, began: datetime) -> QuerySet[Any]:
    """What was due before we began, by eBay's clock; what was stored meanwhile has its next look already."""
    due = _rows(context).filter(check_at__lte=began)
    return due.filter(occurred_at__gte=span.start, occurred_at__lte=span.end)


def _is_time_to_ask(context: RunContext, step: Recheck) -> bool:
    asked = context.state.statuses_asked_at
    return asked is None or asked <= context.ebay_now() - step.every


def _ask_by_status(context: RunContext, step: Recheck) -> tuple[str, str] | None:
    """Which records does eBay still list as not final? What we hold so and it does not list is read by time:
    it has changed, or is in a status that eBay does not list, which the run says.

    Returns words for the log and their level; None when we hold nothing so.
    """
    began = timezone.now()
    held = _rows(context).filter(
        maturity=Maturity.OPEN.value, closed_at=None, occurred_at__gte=_oldest(context)
    )
    oldest = held.order_by("occurred_at").values_list("occurred_at", flat=True).first()
    if oldest is None:
        return None
    whole = Span(to_millisecond(oldest), to_millisecond(context.ebay_now() - SAFETY))
    listed: set[int] = set()
    failed: list[str] = []
    for status in step.statuses:
        try:
            for span in _cut(whole, context.windows.longest):
                listed.update(_store_listed(context, step, status, span))
        except (Refused, NotFound, Unavailable, BadAnswer) as failure:
            failed.append(f"eBay did not list what is {status}: {failure}")
            context.progress.incomplete(_why(failure), failed[-1])
    changed = held.filter(~Q(pk__in=listed), changed_at__lt=began, occurred_at__lte=whole.end)
    with context.fenced():
        due = changed.filter(check_at__gt=whole.end).update(check_at=whole.end)
    text = f"{len(listed)} records are not final; {due} others have changed and are read again"
    return "; ".join([*failed, text]), "error" if failed else "info"


def _remember_asking(context: RunContext, text: str, level: str = "info") -> None:
    now = context.ebay_now()
    with context.fenced():
        SyncState.objects.filter(pk=context.state.pk).update(statuses_asked_at=now)
        runlog.write(context.run, "statuses", text, level=level)
    context.state.statuses_asked_at = now


def _cut(whole: Span, longest: timedelta | None) -> list[Span]:
    if whole.start >= whole.end:
        return []
    return whole.split(-(-whole.length // longest)) if longest and whole.length > longest else [whole]


def _store_listed(context: RunContext, step: Recheck, status: str, span: Span) -> Iterator[int]:
    """Store what eBay lists in this status; yields the ids of the rows. Shifted rows are no loss here:
    who is missed is read again for nothing."""
    assert step.source is not None
    limit = context.windows.page_limit
    context.pause_point()
    pages = step.source(context.client, status, start=span.start, end=span.end, limit=limit, overlap=1)
    for page in pages:
        with context.fenced() as signals:
            result = store_items(context, context.worker.table, page.items)
            counted = count(context, result, fetched=len(page.items))
        page_done(context, signals, counted)
        yield from result.row_ids
