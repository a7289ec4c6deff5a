"""How far back a worker reads: a person's wish beside the family's setting."""

from __future__ import annotations

from datetime import UTC, datetime, time

from django.db import transaction
from django.utils import timezone
from django.utils.dateparse import parse_date, parse_datetime

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from syncworkers.models import SyncState
from syncworkers.registry import Worker
from syncworkers.windows import possible_coverage

from .runs import ensure_state


class UnusableStart(ValueError):
    """The start that a person asked for cannot be used; the text says why."""


def want_since(
    account: EbayAccount, worker: Worker, since: datetime | None, *, reason: str, by: Principal
) -> SyncState:
    """Read back to `since` (None: the family's own backfill) and keep it so; gaps follow from it.

    Nothing that is covered is read again; coverage that cannot be true is dropped. Raises UnusableStart.
    """
    by.require(Role.OPERATOR, account.organization_id)
    now = timezone.now()
    if since is not None and since >= now:
        raise UnusableStart(f"{since.isoformat()} is in the future")
    if since is not None and since < now - worker.longest_lookback:
        days = worker.longest_lookback.days
        raise UnusableStart(f"eBay gives {worker.title.lower()} of the last {days} days at most")
    with transaction.atomic():
        state = ensure_state(account, worker)
        before = state.wanted_from
        state.wanted_from = since
        state.covered = possible_coverage(state.covered, now=now)
        state.save(update_fields=["wanted_from", "covered"])
        record_act(
            by, "cursor", organization_id=account.organization_id, target=account, family=worker.key,
            before=before.isoformat() if before else "backfill",
            after=since.isoformat() if since else "backfill", reason=reason,
        )  # fmt: skip
    return state


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
