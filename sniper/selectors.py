"""Questions about snipes: who runs them, how exact they are, what came of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from django.db.models import Count, Q, QuerySet, Sum
from django.db.models.functions import Now

from accounts.models import EbayAccount
from tokens.models import ProcessHeartbeat
from tokens.processes import ALIVE

from .grouping import Bid, overlaps
from .models import LIVE, AttemptOutcome, ExecutorClock, Snipe, SnipeAttempt, SnipeGroup, SnipeStatus

KIND = "sniper"
PAPER = "paper"
# What a bid needs besides its way and the error of the clock.
_MARGIN_MS = 500.0


@dataclass(frozen=True)
class RunningExecutor:
    """`clocks`: its idea of eBay's clock by environment."""

    host: str
    pid: int
    is_paper: bool
    started_at: datetime
    beat_at: datetime
    clocks: tuple[ExecutorClock, ...]


def running_executors() -> list[RunningExecutor]:
    """Those that reported within 30 s, by the database's clock."""
    alive = ProcessHeartbeat.objects.filter(kind=KIND, beat_at__gt=Now() - ALIVE)
    return [
        RunningExecutor(
            process.host, process.pid, process.name == PAPER, process.started_at, process.beat_at,
            tuple(ExecutorClock.objects.filter(process=process).order_by("environment")),
        )
        for process in alive.order_by("started_at")
    ]  # fmt: skip


def waiting_without_executor() -> int:
    """How many snipes wait while nobody would send them; 0 as long as an executor runs."""
    alive = ProcessHeartbeat.objects.filter(kind=KIND, beat_at__gt=Now() - ALIVE)
    if alive.exists():
        return 0
    return Snipe.objects.filter(status__in=(SnipeStatus.SCHEDULED, SnipeStatus.ARMING)).count()


def shortest_safe_lead_s(environment: str, executors: Iterable[RunningExecutor]) -> float | None:
    """The lead in seconds below which a bid of that environment may come too late; None: not measured.

    Latency at 99 % plus the error of the clock, of the worst executor, and half a second.
    """
    worst = [
        clock.latency_p99_ms + (clock.error_ms or 0.0) + _MARGIN_MS
        for executor in executors
        for clock in executor.clocks
        if clock.environment == environment and clock.latency_p99_ms is not None
    ]
    return max(worst) / 1000 if worst else None


def lead_warning(snipe: Snipe, executors: Sequence[RunningExecutor]) -> str:
    """Why the snipe's lead is risky as things are measured now; '' when it is not."""
    if not snipe.is_live:
        return ""
    if not executors:
        return "No executor is running: nothing will be sent."
    safe_s = shortest_safe_lead_s(snipe.account.environment, executors)
    if safe_s is None or snipe.seconds_before_end >= safe_s:
        return ""
    return (
        f"Bids take up to {safe_s:.1f} s to arrive now (99 %, with the clock's error and a margin): "
        f"{snipe.seconds_before_end} s before the end may be too late."
    )


@dataclass(frozen=True)
class Totals:
    """What came of an account's ended snipes in one currency. `saved`: maximum less price of those won."""

    currency: str
    ended: int
    won: int
    lost: int
    failed: int
    spent: Decimal
    saved: Decimal

    @property
    def success_rate(self) -> float | None:
        """Won of those that were bid on (0 to 1); None when there is none."""
        decided = self.won + self.lost
        return self.won / decided if decided else None


def totals_of(account: EbayAccount) -> list[Totals]:
    won = Q(status=SnipeStatus.WON)
    rows = (
        Snipe.objects.filter(account=account)
        .exclude(status__in=LIVE)
        .values("currency")
        .annotate(
            ended=Count("id"),
            won=Count("id", filter=won),
            lost=Count("id", filter=Q(status=SnipeStatus.LOST)),
            failed=Count("id", filter=Q(status__in=(SnipeStatus.ERROR, SnipeStatus.MISSED))),
            spent=Sum("result_price", filter=won),
            maximum=Sum("max_bid_amount", filter=won & Q(result_price__isnull=False)),
        )
        .order_by("currency")
    )
    return [
        Totals(
            row["currency"], row["ended"], row["won"], row["lost"], row["failed"],
            row["spent"] or Decimal(0), (row["maximum"] or Decimal(0)) - (row["spent"] or Decimal(0)),
        )
        for row in rows
    ]  # fmt: skip


def latencies_ms(account: EbayAccount, *, last: int = 500) -> list[float]:
    """From sending to answer of the account's last bids, newest first."""
    known = SnipeAttempt.objects.filter(
        snipe__account=account, latency_ms__isnull=False, outcome__in=_ANSWERED
    ).order_by("-id")
    found = known.values_list("latency_ms", flat=True)[:last]
    return [latency for latency in found if latency is not None]


_ANSWERED = (AttemptOutcome.ACCEPTED, AttemptOutcome.REFUSED, AttemptOutcome.PAPER)


def overlapping(group: SnipeGroup) -> list[tuple[Bid, Bid]]:
    """Live snipes of the group of which the second must bid before the first is decided."""
    live = Snipe.objects.filter(group=group, status__in=LIVE)
    return overlaps(Bid(snipe.pk, snipe.fire_at, snipe.end_time) for snipe in live)


def group_standing(group: SnipeGroup) -> dict[str, Decimal | int]:
    """`won`, `undecided`, `spent` (prices of those won) and `bound` (maxima of those fired and undecided)."""
    snipes: QuerySet[Snipe] = Snipe.objects.filter(group=group)
    undecided = snipes.filter(status__in=(SnipeStatus.FIRING, SnipeStatus.RESOLVING, SnipeStatus.BIDDING))
    won = snipes.filter(status=SnipeStatus.WON)
    return {
        "won": won.count(),
        "undecided": undecided.count(),
        "spent": won.aggregate(total=Sum("result_price"))["total"] or Decimal(0),
        "bound": undecided.aggregate(total=Sum("max_bid_amount"))["total"] or Decimal(0),
    }
