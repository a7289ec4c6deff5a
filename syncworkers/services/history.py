"""How far back a worker reads: a person's wish beside the family's setting."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.utils import timezone

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from syncworkers.models import SyncState
from syncworkers.registry import Worker

from .runs import ensure_state


class UnusableStart(ValueError):
    """The start that a person asked for cannot be used; the text says why."""


def want_since(
    account: EbayAccount, worker: Worker, since: datetime | None, *, reason: str, by: Principal
) -> SyncState:
    """Read back to `since` (None: the family's own backfill) and keep it so; gaps follow from it.

    Nothing that is covered is read again. Raises UnusableStart.
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
        state.save(update_fields=["wanted_from"])
        record_act(
            by, "cursor", organization_id=account.organization_id, target=account, family=worker.key,
            before=before.isoformat() if before else "backfill",
            after=since.isoformat() if since else "backfill", reason=reason,
        )  # fmt: skip
    return state
