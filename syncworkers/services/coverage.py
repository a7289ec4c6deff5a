"""Coverage is the state: which time of a family is complete, and which slices failed."""

from __future__ import annotations

from django.utils import timezone

from ebayconnector.database import execute
from syncworkers.models import FailedSlice, QuarantinedRecord, SyncState
from syncworkers.ranges import Span, multirange_of
from syncworkers.windows import retry_pause

from .store import BadRecord


def add_coverage(account_id: int, api_family: str, span: Span) -> None:
    """Mark a slice complete, in the transaction of its last page; failures inside it are healed."""
    execute(
        "UPDATE ebay_sync_state SET covered = covered + %s WHERE account_id = %s AND api_family = %s",
        [multirange_of([span]), account_id, api_family],
    )
    FailedSlice.objects.filter(
        account_id=account_id, api_family=api_family, start_at__gte=span.start, end_at__lte=span.end
    ).delete()


def record_failed_slice(account_id: int, api_family: str, span: Span, *, reason: str, evidence: str) -> None:
    """Keep a slice that could not be completed as a gap, with the time of the next attempt."""
    now = timezone.now()
    failed, created = FailedSlice.objects.get_or_create(
        account_id=account_id,
        api_family=api_family,
        start_at=span.start,
        end_at=span.end,
        defaults={
            "reason": reason,
            "evidence": evidence[:4000],
            "failed_at": now,
            "retry_at": now + retry_pause(1),
        },
    )
    if created:
        return
    failed.attempts += 1
    failed.reason, failed.evidence = reason, evidence[:4000]
    failed.failed_at, failed.retry_at = now, now + retry_pause(failed.attempts)
    failed.save()


def waiting_slices(state: SyncState) -> list[Span]:
    """Failed slices whose next attempt is not due yet."""
    failed = FailedSlice.objects.filter(
        account_id=state.account_id, api_family=state.api_family, retry_at__gt=timezone.now()
    )
    return [slice_.span for slice_ in failed]


def quarantine(account_id: int, api_family: str, bad: BadRecord) -> None:
    """Keep a record that could not be stored, with its evidence."""
    now = timezone.now()
    record, created = QuarantinedRecord.objects.get_or_create(
        account_id=account_id,
        api_family=api_family,
        record_key=bad.key,
        defaults={"evidence": bad.evidence, "error": bad.error, "last_seen_at": now},
    )
    if not created:
        record.attempts += 1
        record.evidence, record.error, record.last_seen_at, record.healed_at = (
            bad.evidence,
            bad.error,
            now,
            None,
        )
        record.save()


def heal_quarantine(account_id: int, api_family: str, keys: list[str]) -> None:
    """Records that could be stored this time leave the quarantine."""
    QuarantinedRecord.objects.filter(
        account_id=account_id, api_family=api_family, record_key__in=keys, healed_at=None
    ).update(healed_at=timezone.now())
