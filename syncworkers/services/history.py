"""How far back a worker reads, and gaps that a person wants read now."""

from __future__ import annotations

from datetime import UTC, datetime, time

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from accounts.querysets import ScopedQuerySet
from syncworkers.models import FailedSlice, SyncState, Trigger
from syncworkers.ranges import Span
from syncworkers.registry import Windows, Worker
from syncworkers.windows import possible_coverage

from .runs import Requested, ensure_state, request_run


class UnusableStart(ValueError):
    """The start that a person asked for cannot be used; the text says why."""


class UnusableSpan(ValueError):
    """The gap that a person named cannot be one; the text says why."""


def want_since(
    account: EbayAccount, worker: Worker, since: datetime | None, *, reason: str, by: Principal
) -> SyncState:
    """Read back to `since` (None: the family's own backfill) and keep it so; gaps follow from it.

    Nothing that is covered is read again; coverage that cannot be true is dropped. Raises UnusableStart.
    """
    by.require(Role.OPERATOR, account.organization_id)
    now = timezone.now()
    if since is not None and not isinstance(worker.reads, Windows):
        raise UnusableStart(f"{worker.title.lower()} are read whole each time: there is no further back")
    if since is not None and since >= now:
        raise UnusableStart(f"{since.isoformat()} is in the future")
    if since is not None and since < now - worker.longest_lookback:
        days = worker.longest_lookback.days
        raise UnusableStart(f"eBay gives {worker.title.lower()} of the last {days} days at most")
    with transaction.atomic():
        state = SyncState.objects.select_for_update().get(pk=ensure_state(account, worker).pk)
        before = state.wanted_from
        state.wanted_from = since
        state.covered = possible_coverage(state.covered, now=now)
        if before is not None and state.late_read_at is not None:
            # Before that start nobody has looked for what became visible late.
            state.late_read_at = min(state.late_read_at, before)
        state.save(update_fields=["wanted_from", "covered", "late_read_at"])
        record_act(
            by, "cursor", organization_id=account.organization_id, target=account, family=worker.key,
            before=before.isoformat() if before else "backfill",
            after=since.isoformat() if since else "backfill", reason=reason,
        )  # fmt: skip
    return state


def heal_gap(
    account: EbayAccount, worker: Worker, span_start: datetime, span_end: datetime, *, by: Principal
) -> Requested:
    """Make what failed inside the span due now, and ask for a run. What was never read is due anyway.

    Role operator. Raises NotAllowed, and UnusableSpan for one that eBay has nothing of.
    """
    by.require(Role.OPERATOR, account.organization_id)
    now = timezone.now()
    if not isinstance(worker.reads, Windows):
        raise UnusableSpan(f"{worker.title.lower()} are read whole each time: there are no gaps")
    if span_start >= span_end:
        raise UnusableSpan("the span ends before it begins")
    if not Span(span_start, span_end).overlaps(Span(now - worker.longest_lookback, now)):
        raise UnusableSpan("the span lies in the future, or further back than eBay remembers")
    with transaction.atomic():
        # The run first, as the engine locks: a page of a running one may hold the failed slices.
        requested = request_run(account, worker, trigger=Trigger.MANUAL, by=by.label)
        slices = _failed_inside(account, worker, span_start, span_end).update(retry_at=now)
        record_act(
            by, "gap_healed", organization_id=account.organization_id, target=account, family=worker.key,
            start=span_start.isoformat(), end=span_end.isoformat(), failed_slices=slices,
            result=requested.words, run_id=requested.run_id,
        )  # fmt: skip
    return requested


def _failed_inside(
    account: EbayAccount, worker: Worker, start: datetime, end: datetime
) -> ScopedQuerySet[FailedSlice]:
    return FailedSlice.objects.filter(
        account=account, api_family=worker.key, start_at__gte=start, end_at__lte=end
    )


def span_named(text: str) -> tuple[datetime, datetime]:
    """Two moments as an ISO 8601 interval, `start/end`. Raises UnusableSpan."""
    try:
        start, end = (moment_named(moment) for moment in text.split("/"))
    except ValueError:
        raise UnusableSpan("it does not say which span") from None
    return start, end


def start_named(text: str) -> datetime | None:
    """The start that a person wrote: a date or time, or `backfill`, which is None. Raises UnusableStart."""
    return None if text.strip().lower() == "backfill" else moment_named(text)


def moment_named(text: str) -> datetime:
    """An ISO date (its midnight) or time; UTC unless it says otherwise. Raises UnusableStart."""
    text = text.strip()
    try:
        day = parse_date(text)
        moment = datetime.combine(day, time.min) if day else parse_datetime(text)
    except ValueError:
        moment = None
    if moment is None:
        raise UnusableStart(f"{text!r} is no date or time; write 2026-01-31 or 2026-01-31T08:00:00Z")
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
