"""How the console says things about snipes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.display import badge
from sniper.access import BiddingAccess
from sniper.models import LIVE, Snipe, SnipeStatus
from sniper.selectors import RunningExecutor, lead_warning

TONES = {
    SnipeStatus.SCHEDULED: "grey",
    SnipeStatus.ARMING: "blue",
    SnipeStatus.FIRING: "blue",
    SnipeStatus.RESOLVING: "amber",
    SnipeStatus.BIDDING: "blue",
    SnipeStatus.WON: "green",
    SnipeStatus.LOST: "grey",
    SnipeStatus.ERROR: "red",
    SnipeStatus.MISSED: "red",
    SnipeStatus.SKIPPED: "amber",
    SnipeStatus.CANCELLED: "grey",
}


def status_badge(snipe: Snipe) -> SafeString:
    status = SnipeStatus(snipe.status)
    title = snipe.get_reason_display() if snipe.reason else ""
    return badge(status.label, TONES[status], title=title)


def access_badge(access: BiddingAccess) -> SafeString:
    tone = "green" if access == BiddingAccess.GRANTED else "amber"
    return badge("granted" if access == BiddingAccess.GRANTED else "not granted", tone, title=access.words)


def countdown(at: datetime, *, now: datetime | None = None) -> str:
    """`0:04:12`, from two days on `3 days`; `now` when it is over. The page's script says it alike."""
    left = at - (now or timezone.now())
    if left <= timedelta(0):
        return "now"
    if left >= timedelta(days=2):
        return f"{left.days} days"
    seconds = int(left.total_seconds())
    return f"{seconds // 3600}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


def counting(at: datetime) -> SafeString:
    """A `<time>` that the page's script counts down by this server's clock."""
    now = timezone.now()
    return format_html(
        '<time class="ec-mono" title="{}" data-countdown="{}" data-now="{}">{}</time>',
        f"{at:%Y-%m-%d %H:%M:%S} UTC", at.isoformat(), now.isoformat(), countdown(at, now=now),
    )  # fmt: skip


@dataclass(frozen=True)
class Line:
    """A snipe as lists show it. `warning` is what should worry about a live one."""

    snipe: Snipe
    warning: str

    @property
    def badge(self) -> SafeString:
        return status_badge(self.snipe)

    @property
    def left(self) -> SafeString:
        """Until the bid; afterwards until the auction's end."""
        waits = self.snipe.status in (SnipeStatus.SCHEDULED, SnipeStatus.ARMING)
        return counting(self.snipe.fire_at if waits else self.snipe.end_time)

    @property
    def is_live(self) -> bool:
        return self.snipe.status in LIVE


def lines(snipes: Sequence[Snipe], executors: Sequence[RunningExecutor]) -> list[Line]:
    return [Line(snipe, warning_of(snipe, executors)) for snipe in snipes]


def warning_of(snipe: Snipe, executors: Sequence[RunningExecutor]) -> str:
    """What keeps a live snipe from being ready, or makes it risky; '' for nothing."""
    if not snipe.is_live:
        return ""
    if snipe.trouble:
        return snipe.trouble_message or snipe.get_trouble_display()
    return lead_warning(snipe, executors)
