"""How long the missing history of a worker still takes, by the pace of its last minutes."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django.utils.dateparse import parse_datetime

from .models import SyncState, WorkerLog, WorkerRun
from .ranges import Span, merged, without

_LOOK_BACK = timedelta(minutes=10)
# The first slices of a run say little about the others.
_LEAST_SPENT = timedelta(seconds=5)


def time_left(*, missing: timedelta, gained: timedelta, spent: timedelta) -> timedelta | None:
    """How long `missing` takes at the pace of `gained` in `spent`.

    None when nothing is missing, nothing was gained, or too little time was spent to tell.
    """
    if missing <= timedelta(0) or gained <= timedelta(0) or spent < _LEAST_SPENT:
        return None
    return spent * (missing / gained)


def history_time_left(state: SyncState, *, missing: Sequence[Span], history: Span) -> timedelta | None:
    """The estimate for the `missing` parts of `history`, the wanted time before the live part.

    eBay's row totals are known for begun slices only; what counts is the time that became covered.
    """
    if not missing:
        return None
    now = timezone.now()
    since = now - _LOOK_BACK
    return time_left(
        missing=_length(missing),
        gained=_length(_read_since(state, since, within=history)),
        spent=_spent_since(state, since, now),
    )


def _read_since(state: SyncState, since: datetime, *, within: Span) -> list[Span]:
    """The slices read since then, as far as they are covered now and lie within the span."""
    pages = WorkerLog.objects.filter(
        run__account_id=state.account_id,
        run__api_family=state.api_family,
        event="page",
        created_at__gte=since,
    )
    slices = pages.order_by().values_list("detail__slice", flat=True).distinct()
    spans = [_span(*ends) for ends in slices if ends]
    outside = without([within], spans)
    return without([within], [*outside, *without([within], state.covered)])


def _span(start: str, end: str) -> Span:
    parsed = parse_datetime(start), parse_datetime(end)
    assert parsed[0] and parsed[1], "the log's slices are ISO times"
    return Span(parsed[0], parsed[1])


def _spent_since(state: SyncState, since: datetime, now: datetime) -> timedelta:
    """The time that runs of the worker were at work since then."""
    runs = WorkerRun.objects.filter(
        Q(finished_at=None) | Q(finished_at__gt=since),
        account_id=state.account_id, api_family=state.api_family, started_at__isnull=False,
    )  # fmt: skip
    worked = [Span(max(run.started_at or now, since), run.finished_at or now) for run in runs]
    return sum((span.length for span in worked), timedelta(0))


def _length(spans: Sequence[Span]) -> timedelta:
    return sum((span.length for span in merged(spans)), timedelta(0))
