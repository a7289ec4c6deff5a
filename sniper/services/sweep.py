"""No snipe vanishes: what no executor fired ends `missed`, also when none is running."""

from __future__ import annotations

from datetime import timedelta

from django.utils import timezone

from sniper.events import log_event
from sniper.models import Snipe, SnipeReason, SnipeStatus

# An executor that is late itself comes first.
_GRACE = timedelta(minutes=2)


def sweep() -> int:
    """End snipes whose auction has been over for two minutes and that nobody fired; returns how many."""
    now = timezone.now()
    waiting = (SnipeStatus.SCHEDULED, SnipeStatus.ARMING)
    over = Snipe.objects.filter(status__in=waiting, end_time__lt=now - _GRACE).order_by("pk")
    ended = 0
    for snipe in over[:1000]:
        reason = SnipeReason(snipe.trouble or SnipeReason.NO_EXECUTOR)
        words = snipe.trouble_message or reason.label
        changed = Snipe.objects.filter(pk=snipe.pk, status__in=waiting, end_time=snipe.end_time).update(
            status=SnipeStatus.MISSED, reason=reason, result_message=words, finished_at=now
        )
        if changed:
            ended += 1
            log_event(snipe, "skipped_too_late", words, status=SnipeStatus.MISSED)
    return ended
