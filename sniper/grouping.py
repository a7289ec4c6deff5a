"""May this snipe of a group be fired now? A pure function of what its siblings have come to."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from .models.groups import GroupPolicy
from .models.snipes import COMMITTED, SnipeReason, SnipeStatus


@dataclass(frozen=True, slots=True)
class Rules:
    """Win at most so many; spend at most `budget` (None: no bound)."""

    win_at_most: int
    budget: Decimal | None
    policy: str


@dataclass(frozen=True, slots=True)
class Sibling:
    """Another snipe of the group. `price` is what it was won for, None before that."""

    status: str
    maximum: Decimal
    price: Decimal | None = None

    @property
    def is_won(self) -> bool:
        return self.status == SnipeStatus.WON

    @property
    def is_undecided(self) -> bool:
        """Fired, and its auction has not told its result yet."""
        return self.status in COMMITTED

    @property
    def spent(self) -> Decimal:
        """What it costs: its price when won, its maximum when it could still be won."""
        if self.is_won:
            return self.maximum if self.price is None else self.price
        return self.maximum if self.is_undecided else Decimal(0)


class Move(StrEnum):
    """FIRE now; WAIT for a result as long as the auction allows; PASS for good."""

    FIRE = "fire"
    WAIT = "wait"
    PASS = "pass"


@dataclass(frozen=True, slots=True)
class Verdict:
    """`reason` is what the snipe ends `skipped` for, now or when the waiting was in vain; '' for FIRE."""

    move: Move
    reason: str = ""


def judge(rules: Rules, siblings: Iterable[Sibling], maximum: Decimal) -> Verdict:
    """Whether a snipe with that maximum may be fired beside its siblings.

    What is fired and undecided counts as won at its maximum. Under `hold` and `skip` no more than
    `win_at_most` are ever won; the budget is never exceeded under any policy.
    """
    known = list(siblings)
    won = [one for one in known if one.is_won]
    spent = sum((one.spent for one in won), Decimal(0))
    if len(won) >= rules.win_at_most:
        return Verdict(Move.PASS, SnipeReason.GROUP_COMPLETE)
    if _exceeds(rules, spent + maximum):
        return Verdict(Move.PASS, SnipeReason.GROUP_BUDGET)
    undecided = [one for one in known if one.is_undecided]
    is_full = len(won) + len(undecided) >= rules.win_at_most and rules.policy != GroupPolicy.ALLOW
    could_cost = spent + sum((one.spent for one in undecided), Decimal(0)) + maximum
    if not is_full and not _exceeds(rules, could_cost):
        return Verdict(Move.FIRE)
    move = Move.PASS if rules.policy == GroupPolicy.SKIP else Move.WAIT
    return Verdict(move, SnipeReason.GROUP_UNDECIDED)


def _exceeds(rules: Rules, amount: Decimal) -> bool:
    return rules.budget is not None and amount > rules.budget


@dataclass(frozen=True, slots=True)
class Bid:
    """When a snipe of a group fires and when its auction ends."""

    snipe_id: int
    fire_at: datetime
    end_time: datetime


def overlaps(bids: Iterable[Bid]) -> list[tuple[Bid, Bid]]:
    """Pairs of which the second must bid before the first is decided, in the order of their moments.

    They hurt once the group could be full: `hold` and `skip` would let the second pass.
    """
    ordered = sorted(bids, key=lambda bid: (bid.fire_at, bid.snipe_id))
    return [
        (first, second)
        for place, first in enumerate(ordered)
        for second in _until_decided(first, ordered[place + 1 :])
    ]


def _until_decided(first: Bid, later: Sequence[Bid]) -> Iterable[Bid]:
    for second in later:
        if second.fire_at > first.end_time:
            return
        yield second
