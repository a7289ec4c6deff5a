"""What people see of eBay's daily quotas.

The numbers are the installation's, because eBay counts by application; shown are those of the environments in
which somebody has accounts, and of accounts only one's own.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils import timezone

from accounts.access import Principal
from accounts.models import EbayAccount
from tokens import wire
from tokens.models import ApiPause, ApiQuota
from tokens.quotas import SCHEDULE_PERCENT, Counts, ceiling, forecast

from .cadence import Pace, Plan, current_plan
from .models import SyncState
from .registry import Worker


@dataclass(frozen=True)
class FamilyLine:
    """How a family runs under a quota. `calls`: of this API, by a run, on average."""

    worker: Worker
    accounts: int
    calls: float
    wanted: timedelta
    effective: timedelta

    @property
    def is_stretched(self) -> bool:
        return self.effective > self.wanted


@dataclass(frozen=True)
class QuotaLine:
    """One API's quota today. `forecast`: used at the reset if the schedule goes on as it is paced now."""

    environment: str
    api: str
    limit: int
    used: int
    forecast: int
    wanted_per_day: int
    reset_at: datetime
    reported_at: datetime | None
    reported_count: int | None
    paused_until: datetime | None
    families: tuple[FamilyLine, ...]

    @property
    def remaining(self) -> int:
        return max(0, self.limit - self.used)

    @property
    def is_stretched(self) -> bool:
        return any(family.is_stretched for family in self.families)

    @property
    def status(self) -> str:
        """`used up` for the schedule, `paused` by eBay, `stretched`, or `ok`."""
        if self.used >= ceiling(self.limit, SCHEDULE_PERCENT):
            return "used up"
        if self.paused_until:
            return "paused"
        return "stretched" if self.is_stretched else "ok"


def quota_board(principal: Principal) -> list[QuotaLine]:
    """The quotas that matter to the principal: scarcest first, those that nothing uses left out."""
    mine = _own_workers(principal)
    environments = set(_own_environments(principal))
    plan, now = current_plan(), timezone.now()
    pauses = _pauses()
    lines = []
    for row in ApiQuota.objects.filter(environment__in=environments):
        key = wire.quota_key(row.environment, row.api)
        counts = row.counts(now)
        families = tuple(_families(plan, row, mine))
        if row.client_id != key.client_id or not (counts.used or families):
            continue
        lines.append(_line(row, counts, plan.wanted_per_day.get(key, 0.0), pauses, families))
    return sorted(lines, key=lambda line: (line.environment, -line.forecast / max(line.limit, 1), line.api))


def _own_environments(principal: Principal) -> list[str]:
    visible = EbayAccount.objects.visible_to(principal).filter(is_active=True).order_by()
    return list(visible.values_list("environment", flat=True).distinct())


def _own_workers(principal: Principal) -> Counter[tuple[str, str]]:
    """How many workers of the principal's accounts are on, by environment and family."""
    states = SyncState.objects.visible_to(principal).filter(
        enabled=True, account__is_active=True, account__workers_enabled=True
    )
    return Counter(states.order_by().values_list("account__environment", "api_family"))


def _families(plan: Plan, row: ApiQuota, mine: Counter[tuple[str, str]]) -> list[FamilyLine]:
    def line(pace: Pace) -> FamilyLine:
        own = mine[pace.environment, pace.worker.key]
        calls = pace.calls[row.api]
        return FamilyLine(pace.worker, own, calls, pace.worker.every, pace.effective)

    return [line(p) for p in plan.paces if p.environment == row.environment and row.api in p.calls]


def _pauses() -> dict[tuple[str, str], datetime]:
    """Pauses of whole APIs; those of single accounts are shown with the account."""
    live = ApiPause.objects.filter(account=None, until__gt=timezone.now())
    return {(pause.environment, pause.api): pause.until for pause in live}


def _line(
    row: ApiQuota,
    counts: Counts,
    wanted: float,
    pauses: dict[tuple[str, str], datetime],
    families: tuple[FamilyLine, ...],
) -> QuotaLine:
    return QuotaLine(
        environment=row.environment,
        api=row.api,
        limit=counts.limit,
        used=counts.used,
        forecast=forecast(counts, wanted),
        wanted_per_day=round(wanted),
        reset_at=timezone.now() + counts.left,
        reported_at=row.reported_at,
        reported_count=row.reported_count,
        paused_until=pauses.get((row.environment, row.api)),
        families=families,
    )
