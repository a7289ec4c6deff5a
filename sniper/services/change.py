"""Changing and cancelling a snipe while that is allowed; races with the executors are decided by the row."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from typing import Any

from django.db import transaction
from django.utils import timezone

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import Role
from sniper.currencies import as_written
from sniper.events import log_event, tell_executors
from sniper.models import Snipe, SnipeReason, SnipeStatus
from sniper.refusals import SnipeRefused

from .limits import check_limits
from .plan import check_amount, check_notice, check_seconds


def edit_snipe(
    snipe: Snipe,
    *,
    by: Principal,
    max_bid_amount: Decimal | None = None,
    seconds_before_end: int | None = None,
    comment: str | None = None,
) -> Snipe:
    """Change what is given (None: stays) while the snipe is `scheduled`. Role operator.

    Raises NotAllowed and SnipeRefused (`not_changeable` when an executor has begun).
    """
    by.require(Role.OPERATOR, snipe.account.organization_id)
    changes = _changes(snipe, max_bid_amount, seconds_before_end, comment)
    if not changes:
        return snipe
    with transaction.atomic():
        if "max_bid_amount" in changes:
            check_limits(snipe.account, snipe.currency, changes["max_bid_amount"], but=snipe.pk)
        log_event(snipe, "edited", f"by {by.label}", **_written(changes))
        record_act(
            by, "snipe_edited", organization_id=snipe.account.organization_id, target=snipe,
            **_written(changes),
        )  # fmt: skip
        tell_executors(snipe.pk)
        # Last, so that a process that freezes in here keeps no executor from the row for long. The end may
        # have moved since `snipe` was read, and the moment with it.
        same = Snipe.objects.filter(
            pk=snipe.pk, status=SnipeStatus.SCHEDULED, end_time=snipe.end_time, fire_at=snipe.fire_at
        )
        if same.update(**changes) != 1:
            raise SnipeRefused("not_changeable", _why_not(snipe))
    snipe.refresh_from_db()
    return snipe


def _changes(
    snipe: Snipe, maximum: Decimal | None, seconds: int | None, comment: str | None
) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if maximum is not None and maximum != snipe.max_bid_amount:
        check_amount(maximum, snipe.currency)
        changes["max_bid_amount"] = as_written(maximum, snipe.currency)
    if seconds is not None and seconds != snipe.seconds_before_end:
        check_seconds(seconds)
        fire_at = snipe.end_time - timedelta(seconds=seconds)
        check_notice(snipe.account, fire_at)
        changes |= {"seconds_before_end": seconds, "fire_at": fire_at}
    if comment is not None and comment != snipe.comment:
        changes["comment"] = comment[:500]
    return changes


def _written(changes: dict[str, Any]) -> dict[str, str]:
    return {name: str(value) for name, value in changes.items()}


def _why_not(snipe: Snipe) -> str:
    status = Snipe.objects.filter(pk=snipe.pk).values_list("status", flat=True).first()
    if status == SnipeStatus.SCHEDULED:
        return "it was changed by somebody else at the same time: look again"
    return f"it can be changed only while it is scheduled; it is {status or 'gone'}"


def cancel_snipe(snipe: Snipe, *, by: Principal) -> bool:
    """Take it back before an executor fires it; False when it was too late, or ended already.

    Role operator; raises NotAllowed.
    """
    by.require(Role.OPERATOR, snipe.account.organization_id)
    with transaction.atomic():
        cancelled = _cancelled(snipe, by)
        if not cancelled:
            transaction.set_rollback(True)
    snipe.refresh_from_db()
    if not cancelled:
        record_act(
            by, "snipe_cancelled", organization_id=snipe.account.organization_id, target=snipe,
            result=f"too late: it is {snipe.status}",
        )  # fmt: skip
    return cancelled


def _cancelled(snipe: Snipe, by: Principal) -> bool:
    log_event(snipe, "cancelled", f"by {by.label}", status=SnipeStatus.CANCELLED)
    record_act(by, "snipe_cancelled", organization_id=snipe.account.organization_id, target=snipe)
    tell_executors(snipe.pk)
    waiting = Snipe.objects.filter(pk=snipe.pk, status__in=(SnipeStatus.SCHEDULED, SnipeStatus.ARMING))
    taken_back = waiting.update(
        status=SnipeStatus.CANCELLED,
        reason=SnipeReason.BY_PERSON,
        result_message=f"by {by.label}"[:500],
        finished_at=timezone.now(),
    )
    return taken_back == 1
