"""A day of 40 accounts under eBay's default limits, in virtual time: the rules alone, without a database."""

from __future__ import annotations

import heapq
import random
from collections import defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tokens.quotas import (
    DAY,
    Counts,
    Demand,
    Lane,
    default_limit,
    effective_interval,
    per_day,
    room,
)

pytestmark = pytest.mark.slow

MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
MIDNIGHT = datetime(2026, 11, 22, 8, tzinfo=UTC)
ACCOUNTS = 40
WANTED = 5 * MINUTE
DAYS = 2

# What a run of each family calls on average: family -> API -> calls. What the families to come will call is
# assumed here.
FAMILIES = {
    "orders": {"fulfillment": 1.3},
    "transactions": {"finances": 2.2},
    "finances": {"finances": 1.5},
    "offers": {"inventory": 5.0},
    "messages": {"trading": 2.0},
    "active_inventory": {"trading": 3.0},
    "buyer": {"trading": 1.0},
    "cases": {"postorder.case": 1.1, "payment_dispute": 1.0},
    "inquiries": {"postorder.inquiry": 1.1},
    "returns": {"postorder.return": 1.6},
}


@dataclass
class Quota:
    """The counter of one API, without a database."""

    api: str
    limit: int
    wanted_per_day: float
    used: int = 0
    history_used: int = 0
    refused: dict[Lane, int] = field(default_factory=lambda: defaultdict(int))
    full_days: list[int] = field(default_factory=list)

    def counts(self, now: datetime) -> Counts:
        left = DAY - (now - MIDNIGHT) % DAY
        return Counts(self.limit, self.used, self.history_used, self.wanted_per_day, left)

    def take(self, lane: Lane, now: datetime) -> bool:
        if lane != Lane.FIRST and room(lane, self.counts(now)) < 1:
            self.refused[lane] += 1
            return False
        self.used += 1
        self.history_used += lane == Lane.HISTORY
        assert self.used <= self.limit, f"{self.api} went over its limit at {now}"
        return True

    def turn_day(self) -> None:
        self.full_days.append(self.used)
        self.used = self.history_used = 0


class Day:
    """The schedule as it ticks each minute; people, snipes, refreshes and history beside it."""

    def __init__(self, seed: int) -> None:
        self.dice = random.Random(seed)
        demands = defaultdict(list)
        for calls in FAMILIES.values():
            for api, number in calls.items():
                demands[api].append(Demand(ACCOUNTS, number, WANTED))
        self.quotas = {api: Quota(api, default_limit(api), per_day(found)) for api, found in demands.items()}
        for api in ("token.refresh_token", "buy_offer", "identity"):
            self.quotas[api] = Quota(api, default_limit(api), 0)
        self.served: dict[tuple[str, int], list[datetime]] = defaultdict(list)
        self.intervals: dict[str, list[timedelta]] = defaultdict(list)
        self.history_calls: dict[str, int] = defaultdict(int)

    def run(self) -> None:
        due = [
            (MIDNIGHT + WANTED * self.dice.random(), family, account)
            for family in FAMILIES
            for account in range(ACCOUNTS)
        ]
        heapq.heapify(due)
        for number in range(DAYS * 24 * 60):
            now = MIDNIGHT + number * MINUTE
            if number and (now - MIDNIGHT) % DAY == timedelta(0):
                self.turn_day()
            self.tick(now, due)
            self.others(now, number)
        self.turn_day()

    def tick(self, now: datetime, due: list[tuple[datetime, str, int]]) -> None:
        """Planned from the planned time, as the tick does it; a slot that was missed is dropped."""
        intervals = {family: self.interval(family, now) for family in FAMILIES}
        while due and due[0][0] <= now:
            planned, family, account = heapq.heappop(due)
            every = intervals[family]
            again = planned + every if planned > now - every else now + every
            if self.run_worker(family, Lane.SCHEDULE, now):
                self.served[family, account].append(now)
            else:
                again = now + self.quotas["trading"].counts(now).left
            heapq.heappush(due, (again, family, account))
        if now.minute == 0:
            for family, every in intervals.items():
                self.intervals[family].append(every)

    def interval(self, family: str, now: datetime) -> timedelta:
        apis = [self.quotas[api] for api in FAMILIES[family]]
        return max(effective_interval(WANTED, one.counts(now), one.wanted_per_day) for one in apis)

    def run_worker(self, family: str, lane: Lane, now: datetime) -> bool:
        """A run makes more calls or fewer than the average; the first refusal ends it."""
        return all(
            self.quotas[api].take(lane, now)
            for api, number in FAMILIES[family].items()
            for _ in range(self.some(number))
        )

    def some(self, mean: float) -> int:
        """At least a call, sometimes three times as many as the average."""
        extra = mean - 1
        return 1 + sum(self.dice.random() < extra / 4 for _ in range(4)) if extra < 4 else round(mean)

    def others(self, now: datetime, number: int) -> None:
        if now.minute == 30:
            for _ in range(ACCOUNTS):
                assert self.quotas["token.refresh_token"].take(Lane.FIRST, now)
                assert self.quotas["identity"].take(Lane.MANUAL, now)
        if number % 47 == 0:
            assert self.quotas["buy_offer"].take(Lane.FIRST, now)
            assert self.quotas["trading"].take(Lane.FIRST, now), "a snipe reads the bidding state"
        if number % (7 * 60) == 6 * 60:
            # Somebody presses Run all for ten accounts.
            for family in FAMILIES:
                for _ in range(10):
                    assert self.run_worker(family, Lane.MANUAL, now), f"a person was refused {family}"
        # A large backfill of every family never has enough.
        for api in ("trading", "finances", "postorder.return", "fulfillment"):
            while self.history_calls[api] < 10_000 and self.quotas[api].take(Lane.HISTORY, now):
                self.history_calls[api] += 1

    def turn_day(self) -> None:
        for quota in self.quotas.values():
            quota.turn_day()


@pytest.fixture(scope="module", params=[1, 2])
def day(request) -> Day:
    simulated = Day(request.param)
    simulated.run()
    return simulated


def gaps(day: Day, family: str, *, after: datetime = MIDNIGHT) -> list[timedelta]:
    """For each account the longest time without a run."""
    longest = []
    for account in range(ACCOUNTS):
        times = [MIDNIGHT, *day.served[family, account], MIDNIGHT + DAYS * DAY]
        longest.append(max(later - earlier for earlier, later in zip(times, times[1:], strict=False)))
    return longest


def test_no_limit_is_ever_passed(day):
    # Each call asserted it; what is counted here is that there was something to assert.
    assert all(max(quota.full_days) <= quota.limit for quota in day.quotas.values())
    assert sum(sum(quota.full_days) for quota in day.quotas.values()) > 200_000


def test_the_schedule_is_stretched_before_anything_is_refused(day):
    refused = sum(quota.refused[Lane.SCHEDULE] for quota in day.quotas.values())
    runs = sum(len(times) for times in day.served.values())
    assert runs > 50_000
    assert refused <= runs / 10_000


def test_all_accounts_of_a_family_grow_stale_alike(day):
    for family in FAMILIES:
        longest = gaps(day, family)
        assert max(longest) <= 1.5 * min(longest) + 2 * MINUTE, family


def test_all_families_of_an_api_are_stretched_alike(day):
    for one, other in (("messages", "active_inventory"), ("messages", "buyer"), ("transactions", "finances")):
        assert day.intervals[one] == day.intervals[other]


def test_what_the_quota_does_not_limit_keeps_its_rhythm(day):
    for family in ("orders", "offers"):
        assert max(gaps(day, family)) <= WANTED + 2 * MINUTE, family


def test_the_pace_is_steady_over_the_day(day):
    for family, intervals in day.intervals.items():
        of_a_day = intervals[1:23]
        assert max(of_a_day) <= 1.5 * min(of_a_day), family


def test_no_part_of_a_scarce_quota_is_left_lying(day):
    for api in ("trading", "finances", "postorder.case", "postorder.inquiry", "postorder.return"):
        quota = day.quotas[api]
        assert quota.wanted_per_day > quota.limit, f"{api} is not scarce"
        assert min(quota.full_days) >= 0.9 * quota.limit, api


def test_history_arrives_even_where_the_schedule_is_stretched(day):
    assert day.history_calls["trading"] >= DAYS * 5000 * 0.09
    assert day.history_calls["fulfillment"] == 10_000
