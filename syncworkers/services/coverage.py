"""Coverage is the state: which time of a family is complete, which slices failed, which records did not fit.

Everything here is called inside a transaction that begins at the run's fence.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import datetime

from django.db.models.functions import Now
from django.utils import timezone

from accounts.models import EbayAccount
from ebayconnector.database import execute
from syncworkers.models import FailedSlice, QuarantinedRecord, SyncState
from syncworkers.ranges import Span, multirange_of
from syncworkers.windows import retry_pause

from . import people
from .records import BadRecord

_EVIDENCE_LENGTH = 4000

# What is covered now is no failure any more, whatever slices it was read in.
_FORGET_HEALED_SLICES = """
DELETE FROM syncworkers_failedslice f USING ebay_sync_state s
WHERE s.account_id = %(account)s AND s.api_family = %(family)s
  AND f.account_id = s.account_id AND f.api_family = s.api_family
  AND tstzrange(f.start_at, f.end_at) <@ s.covered
"""

# Records without a key of their own are known by their time: it was read again, and they did not come.
_HEAL_BY_TIME = """
UPDATE syncworkers_quarantinedrecord SET healed_at = clock_timestamp()
WHERE account_id = %(account)s AND api_family = %(family)s AND healed_at IS NULL
  AND tstzrange(start_at, end_at) <@ %(spans)s::tstzmultirange
"""


def add_coverage(account_id: int, api_family: str, spans: Sequence[Span]) -> None:
    """Mark spans complete; failures and quarantined records inside them are healed."""
    parameters = {"account": account_id, "family": api_family, "spans": multirange_of(spans)}
    execute(
        "UPDATE ebay_sync_state SET covered = covered + %(spans)s::tstzmultirange "
        "WHERE account_id = %(account)s AND api_family = %(family)s",
        parameters,
    )
    execute(_FORGET_HEALED_SLICES, parameters)
    execute(_HEAL_BY_TIME, parameters)


def uncover(account_id: int, api_family: str, spans: Sequence[Span]) -> None:
    """Take spans out of what is complete: they are to be read again."""
    execute(
        "UPDATE ebay_sync_state SET covered = covered - %(spans)s::tstzmultirange "
        "WHERE account_id = %(account)s AND api_family = %(family)s",
        {"account": account_id, "family": api_family, "spans": multirange_of(spans)},
    )


def record_failed_slice(
    account_id: int, api_family: str, span: Span, *, reason: str, evidence: str, at_once: bool = False
) -> None:
    """Keep a span that could not be completed as a gap, with the time of the next attempt.

    It takes the place of failures that it overlaps. A span that is read before its time, because it lies
    in the live part, keeps its place in the row of pauses; `at_once`: it does not pause at all.
    """
    now = timezone.now()
    before = FailedSlice.objects.filter(
        account_id=account_id, api_family=api_family, start_at__lt=span.end, end_at__gt=span.start
    )
    attempts, retry_at = _next_attempt(list(before), now, at_once)
    before.delete()
    FailedSlice.objects.create(
        account_id=account_id,
        api_family=api_family,
        start_at=span.start,
        end_at=span.end,
        reason=reason,
        evidence=evidence[:_EVIDENCE_LENGTH],
        attempts=attempts,
        failed_at=now,
        retry_at=retry_at,
    )


def _next_attempt(before: list[FailedSlice], now: datetime, at_once: bool) -> tuple[int, datetime]:
    latest = max(before, key=lambda failed: failed.attempts, default=None)
    if at_once:
        return latest.attempts if latest else 1, now
    if latest is None:
        return 1, now + retry_pause(1)
    if latest.retry_at > now:
        return latest.attempts, latest.retry_at
    return latest.attempts + 1, now + retry_pause(latest.attempts + 1)


def failed_slices(state: SyncState) -> tuple[list[Span], list[Span]]:
    """Failed slices whose next attempt is not due yet, and those whose is."""
    now = timezone.now()
    waiting: list[Span] = []
    due: list[Span] = []
    for slice_ in FailedSlice.objects.filter(account_id=state.account_id, api_family=state.api_family):
        (waiting if slice_.retry_at > now else due).append(slice_.span)
    return waiting, due


def quarantine(account: EbayAccount, api_family: str, key: str, bad: BadRecord, span: Span | None) -> None:
    """Keep a record that could not be stored, with its evidence and the smallest span known to hold it."""
    evidence = people.storable_evidence(account, bad.evidence)
    values = {
        "evidence": evidence,
        "error": people.storable_error(evidence, bad.error),
        "start_at": span.start if span else None,
        "end_at": span.end if span else None,
        # By the clock that a pass begins by.
        "last_seen_at": Now(),
    }
    record, created = QuarantinedRecord.objects.get_or_create(
        account_id=account.pk, api_family=api_family, record_key=key, defaults=values
    )
    if not created:
        QuarantinedRecord.objects.filter(pk=record.pk).update(
            attempts=record.attempts + 1, healed_at=None, **values
        )
    people.remember_evidence(account, record.pk, evidence)


def heal_quarantine(account_id: int, api_family: str, keys: list[str]) -> None:
    """Records that could be stored this time leave the quarantine."""
    # With every page: hundreds of keys as one parameter.
    execute(
        f"UPDATE {QuarantinedRecord._meta.db_table} SET healed_at = %s "
        "WHERE account_id = %s AND api_family = %s AND healed_at IS NULL "
        "AND record_key IN (SELECT json_array_elements_text(%s::json))",
        [timezone.now(), account_id, api_family, json.dumps(keys)],
    )


def has_quarantine(account_id: int, api_family: str) -> bool:
    """Whether records are set aside; only the worker's own run sets any aside."""
    return QuarantinedRecord.objects.filter(
        account_id=account_id, api_family=api_family, healed_at=None
    ).exists()


def heal_unseen(account_id: int, api_family: str, *, before: datetime) -> None:
    """What was last set aside before a complete reading of everything began is gone, or whole again."""
    QuarantinedRecord.objects.filter(
        account_id=account_id, api_family=api_family, last_seen_at__lt=before, healed_at=None
    ).update(healed_at=timezone.now())
