"""Thousands of random groups in virtual time: never more wins than wanted, never more money than allowed."""

from __future__ import annotations

import heapq
import itertools
import random
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sniper.grouping import Bid, Move, Rules, Sibling, judge, overlaps

START = datetime(2026, 11, 22, tzinfo=UTC)


@dataclass
class Auction:
    """A snipe and what will become of it: the price at which it is won (None: lost), known after the end."""

    fire_s: float
    end_s: float
    told_s: float
    maximum: Decimal
    price: Decimal | None
    sibling: Sibling
    ended: str = ""

    @property
    def last_s(self) -> float:
        return self.end_s - 1.0


def auctions(source: random.Random, most: int) -> list[Auction]:
    return [_auction(source) for _ in range(source.randint(0, most))]


def _auction(source: random.Random) -> Auction:
    lead, fire = source.randint(2, 60), source.randint(0, 300)
    maximum = Decimal(source.randint(1, 100))
    price = Decimal(source.randint(1, int(maximum))) if source.random() < 0.5 else None
    told = fire + lead + source.randint(1, 120)
    return Auction(fire, fire + lead, told, maximum, price, Sibling("arming", maximum))


def play(rules: Rules, group: list[Auction]) -> None:
    """Fire, hold, pass and decide in the order of time, as executors do."""
    order = itertools.count()
    events = [(one.fire_s, next(order), "due", one) for one in group]
    heapq.heapify(events)
    while events:
        now, _, what, one = heapq.heappop(events)
        if what == "told":
            status = "lost" if one.price is None else "won"
            one.sibling = Sibling(status, one.maximum, one.price)
            continue
        verdict = judge(rules, [other.sibling for other in group if other is not one], one.maximum)
        if verdict.move == Move.FIRE:
            one.sibling = Sibling("bidding", one.maximum)
            heapq.heappush(events, (one.told_s, next(order), "told", one))
        elif verdict.move == Move.WAIT and now + 3.0 <= one.last_s:
            heapq.heappush(events, (now + 3.0, next(order), "due", one))
        else:
            one.ended, one.sibling = verdict.reason, Sibling("skipped", one.maximum)
        check_budget(rules, group)


def check_budget(rules: Rules, group: list[Auction]) -> None:
    if rules.budget is not None:
        assert sum(one.sibling.spent for one in group) <= rules.budget


def wins(group: list[Auction]) -> int:
    return sum(one.sibling.status == "won" for one in group)


def any_rules(source: random.Random) -> Rules:
    budget = Decimal(source.randint(1, 250)) if source.random() < 0.7 else None
    return Rules(source.randint(1, 4), budget, source.choice(["hold", "skip", "allow"]))


# Each example is ten groups: drawing every number from hypothesis costs more than playing them.
seeds = st.integers(0, 2**64)


@settings(max_examples=300)
@given(seeds)
def test_no_group_wins_too_much_or_costs_too_much(seed):
    source = random.Random(seed)
    for _ in range(10):
        rules, group = any_rules(source), auctions(source, 12)
        play(rules, group)
        if rules.policy != "allow":
            assert wins(group) <= rules.win_at_most
        assert all(one.sibling.status in ("won", "lost") or one.ended for one in group)


@settings(max_examples=100)
@given(seeds)
def test_without_overlaps_hold_wins_whatever_can_be_won(seed):
    """Nothing is passed over for a sibling that turns out to be lost."""
    source = random.Random(seed)
    group, wanted = auctions(source, 8), source.randint(1, 3)
    for place, one in enumerate(group):
        one.fire_s, one.end_s, one.told_s = place * 500.0, place * 500.0 + 10, place * 500.0 + 20
    play(Rules(wanted, None, "hold"), group)
    assert wins(group) == min(wanted, sum(one.price is not None for one in group))


@pytest.mark.parametrize(
    ("siblings", "policy", "move", "reason"),
    [
        ([], "hold", Move.FIRE, ""),
        ([("bidding", 30)], "hold", Move.WAIT, "group_undecided"),
        ([("bidding", 30)], "skip", Move.PASS, "group_undecided"),
        ([("bidding", 30)], "allow", Move.FIRE, ""),
        ([("bidding", 70)], "allow", Move.WAIT, "group_undecided"),
        ([("won", 30)], "allow", Move.PASS, "group_complete"),
        ([("lost", 30), ("cancelled", 30), ("arming", 90)], "hold", Move.FIRE, ""),
    ],
)
def test_one_of_two_for_a_hundred(siblings, policy, move, reason):
    known = [Sibling(status, Decimal(maximum)) for status, maximum in siblings]
    verdict = judge(Rules(1, Decimal(100), policy), known, Decimal(40))
    assert (verdict.move, verdict.reason) == (move, reason)


def test_a_price_below_the_maximum_frees_the_rest_of_the_budget():
    rules = Rules(2, Decimal(100), "hold")
    assert judge(rules, [Sibling("won", Decimal(80), Decimal(50))], Decimal(50)).move == Move.FIRE
    verdict = judge(rules, [Sibling("won", Decimal(80), Decimal(60))], Decimal(50))
    assert (verdict.move, verdict.reason) == (Move.PASS, "group_budget")


def test_overlaps_are_those_that_must_bid_before_the_other_has_ended():
    def bid(snipe_id: int, fire_s: int, end_s: int) -> Bid:
        return Bid(snipe_id, START + timedelta(seconds=fire_s), START + timedelta(seconds=end_s))

    first, inside, after = bid(1, 0, 10), bid(2, 9, 20), bid(3, 30, 40)
    assert overlaps([after, inside, first]) == [(first, inside)]
