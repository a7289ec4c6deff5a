"""The statements that decide who bids, on connections of their own, as two executors have them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest
from django.apps import apps
from django.utils import timezone

from accounts.models import EbayAccount
from sniper.claims.fire import Due, claim, claimed_by_me, read_group, record_second
from sniper.claims.group import claim_of_group
from sniper.claims.record import Answer, claim_check, record_answers
from sniper.claims.sql import connect
from sniper.claims.takeover import take_over
from sniper.models import Snipe, SnipeAttempt, SnipeEvent, SniperSwitch

from .rows import AttemptFactory, GroupFactory, SnipeFactory

pytestmark = pytest.mark.django_db(transaction=True)

A, B = "executor-a", "executor-b"


@pytest.fixture
def two():
    """Connections of two executors."""
    with ExitStack() as stack:
        yield [stack.enter_context(connect()) for _ in range(2)]


def due(snipe: Snipe, **changes) -> Due:
    known = {"fire_at": snipe.fire_at, "maximum": Decimal(snipe.max_bid_amount), **changes}
    return Due(snipe.pk, known["fire_at"], known["maximum"], datetime.now(UTC))


def armed(**fields) -> Snipe:
    return SnipeFactory(**{"status": "arming", **fields})


def at_once(*acts: Callable[[], object]) -> list:
    """All of them at the same moment, each in a thread."""
    ready, found = threading.Barrier(len(acts)), [None] * len(acts)

    def run(place: int) -> None:
        ready.wait(10)
        found[place] = acts[place]()

    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(acts))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    return found


def claimed(found) -> set[int]:
    return {one.snipe_id for one in found if one.claimed}


def test_of_two_that_claim_the_same_each_gets_what_the_other_does_not(two):
    snipes = [armed() for _ in range(20)]
    wanted = [due(snipe) for snipe in snipes]
    first, second = at_once(
        lambda: claimed(claim(two[0], wanted, owner=A, paper=False)),
        lambda: claimed(claim(two[1], wanted, owner=B, paper=False)),
    )
    assert not first & second and first | second == {snipe.pk for snipe in snipes}
    assert set(SnipeAttempt.objects.values_list("snipe_id", "no", "amount", "outcome")) == {
        (snipe.pk, 1, Decimal("50.00"), "") for snipe in snipes
    }
    assert set(Snipe.objects.values_list("status", flat=True)) == {"firing"}
    for owner, own, connection in ((A, first, two[0]), (B, second, two[1])):
        assert set(claimed_by_me(connection, sorted(first | second), owner=owner)) == own


def test_a_claim_waits_for_no_other_and_takes_nothing_of_it(two):
    snipe, other = armed(), armed()
    with two[0].transaction():
        assert claimed(claim(two[0], [due(snipe)], owner=A, paper=False)) == {snipe.pk}
        assert claimed(claim(two[1], [due(snipe), due(other)], owner=B, paper=False)) == {other.pk}


@pytest.mark.parametrize(
    "change",
    [{"max_bid_amount": "60.00"}, {"fire_at": timezone.now()}, {"status": "scheduled"},
     {"status": "cancelled", "reason": "by_person"}, {"status": "firing"}],
)  # fmt: skip
def test_what_was_changed_meanwhile_is_not_claimed(two, change):
    snipe = armed()
    wanted = due(snipe)
    Snipe.objects.filter(pk=snipe.pk).update(**change)
    (found,) = claim(two[0], [wanted], owner=A, paper=False)
    assert not found.claimed and found.status == change.get("status", "arming")
    assert not SnipeAttempt.objects.exists()


@pytest.mark.parametrize("whose", ["organisation", "installation"])
def test_a_switch_that_is_off_and_an_inactive_account_keep_it_from_firing(two, whose):
    snipe, idle = armed(), armed()
    SniperSwitch.objects.create(
        organization=snipe.account.organization if whose == "organisation" else None, enabled=False
    )
    EbayAccount.objects.filter(pk=idle.account_id).update(is_active=False)
    found = {one.snipe_id: one for one in claim(two[0], [due(snipe), due(idle)], owner=A, paper=False)}
    assert (found[snipe.pk].refusal, found[idle.pk].refusal) == ("switched_off", "account_inactive")
    assert not claimed(found.values())


def test_the_big_red_button_and_switched_off_workers_leave_snipes_alone(two):
    snipe = armed()
    switches = apps.get_model("syncworkers", "SyncSwitch").objects
    for organization in (snipe.account.organization, None):
        switches.update_or_create(organization=organization, defaults={"enabled": False})
    EbayAccount.objects.filter(pk=snipe.account_id).update(workers_enabled=False)
    assert claimed(claim(two[0], [due(snipe)], owner=A, paper=False)) == {snipe.pk}


def test_a_decision_about_a_group_is_void_when_another_was_made_upon_the_same(two):
    group = GroupFactory(win_at_most=1)
    first, second = armed(group=group), armed(group=group)
    state = read_group(two[0], group.pk)
    assert state and read_group(two[1], group.pk) == state
    shared = {"paper": False, "group": group.pk, "version": state.version}
    assert claimed(claim(two[0], [due(first)], owner=A, **shared)) == {first.pk}
    assert claimed(claim(two[1], [due(second)], owner=B, **shared)) == set()


@pytest.mark.parametrize("was_in_one", [False, True])
def test_a_snipe_that_was_moved_to_a_group_is_not_claimed_by_where_it_was(two, was_in_one):
    group = GroupFactory() if was_in_one else None
    snipe = armed(group=group)
    wanted = due(snipe)
    Snipe.objects.filter(pk=snipe.pk).update(group=GroupFactory())
    known = {"group": group.pk, "version": group.version} if group else {}
    assert claimed(claim(two[0], [wanted], owner=A, paper=False, **known)) == set()


@pytest.mark.parametrize("budget", [None, "120.00"])
def test_two_executors_at_once_never_fire_more_of_a_group_than_it_wants(two, budget):
    """K is 3, or as many as the budget pays for; each claims other snipes of it at the same moment."""
    for _ in range(5):
        group = GroupFactory(win_at_most=3, budget=budget, policy="skip")
        wanted = [due(armed(group=group)) for _ in range(6)]
        at_once(
            partial(claim_of_group, two[0], group.pk, wanted[:3], owner=A, paper=False),
            partial(claim_of_group, two[1], group.pk, wanted[3:], owner=B, paper=False),
        )
        fired = Snipe.objects.filter(group=group, status="firing")
        assert 1 <= fired.count() <= (3 if budget is None else 2)
        if budget is not None:
            assert sum(snipe.max_bid_amount for snipe in fired) <= Decimal(budget)


@pytest.mark.parametrize(("policy", "status"), [("hold", "arming"), ("skip", "skipped"), ("allow", "firing")])
def test_the_policy_decides_while_an_earlier_auction_is_undecided(two, policy, status):
    group = GroupFactory(win_at_most=1, policy=policy)
    armed(group=group, status="bidding")
    later = armed(group=group)
    claim_of_group(two[0], group.pk, [due(later)], owner=A, paper=False)
    later.refresh_from_db()
    assert later.status == status
    if policy == "skip":
        assert later.reason == "group_undecided"


# -- After the bid ------------------------------------------------------------------------------------------


def fired(owner: str = A, **fields) -> Snipe:
    """Fired by `owner`, its attempt recorded and unanswered."""
    snipe = SnipeFactory(**{"status": "firing", "owner": owner, **fields})
    AttemptFactory(snipe=snipe, owner=owner, outcome="", sent_at=None, answered_at=None)
    return snipe


def test_who_takes_over_has_it_alone_until_he_falls_silent(two):
    snipe = fired()
    assert [taken.mine for taken in take_over(two[1], [snipe.pk], owner=B)] == [True]
    (kept,) = take_over(two[0], [snipe.pk], owner=A)
    assert (kept.mine, kept.status, kept.attempts) == (False, "resolving", 1)
    Snipe.objects.update(resolving_at=timezone.now() - timedelta(seconds=1.3))
    assert [taken.mine for taken in take_over(two[0], [snipe.pk], owner=A)] == [True]
    assert record_second(two[1], [snipe.pk], owner=B, now=timezone.now()) == []


def test_the_second_attempt_is_recorded_once_by_who_resolves_it_and_of_the_same_amount(two):
    snipe = fired()
    now = timezone.now()
    assert record_second(two[0], [snipe.pk], owner=A, now=now) == []
    take_over(two[1], [snipe.pk], owner=B)
    assert record_second(two[0], [snipe.pk], owner=A, now=now) == []
    assert record_second(two[1], [snipe.pk], owner=B, now=now) == [snipe.pk]
    assert record_second(two[1], [snipe.pk], owner=B, now=now) == []
    assert list(snipe.attempts.values_list("no", "amount", "outcome")) == [
        (1, Decimal("50.00"), "absent"), (2, Decimal("50.00"), ""),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("outcome", "error_code", "again"),
    [("unclear", "", True), ("not_sent", "", True), ("refused", "token_rejected", True),
     ("refused", "feedback", False), ("accepted", "", False), ("stands", "", False)],
)  # fmt: skip
def test_only_what_cannot_stand_is_tried_again(two, outcome, error_code, again):
    snipe = fired(status="resolving")
    snipe.attempts.update(outcome=outcome, error_code=error_code)
    recorded = record_second(two[0], [snipe.pk], owner=A, now=timezone.now())
    assert recorded == ([snipe.pk] if again else [])


def refused(snipe: Snipe, **fields) -> Answer:
    return Answer(**{
        "snipe_id": snipe.pk, "no": 1, "outcome": "refused", "status": "error", "reason": "not_eligible",
        "event_type": "place_bid_error", "owner": A, **fields,
    })  # fmt: skip


def test_a_refusal_ends_a_snipe_only_while_nobody_else_has_it_and_it_is_its_one_attempt(two):
    own, taken, twice = fired(), fired(), fired()
    take_over(two[1], [taken.pk, twice.pk], owner=B)
    record_second(two[1], [twice.pk], owner=B, now=timezone.now())
    record_answers(two[0], [refused(own), refused(taken), refused(twice, owner=B)])
    status = dict(Snipe.objects.values_list("pk", "status"))
    assert (status[own.pk], status[taken.pk], status[twice.pk]) == ("error", "resolving", "bidding")
    assert SnipeEvent.objects.filter(event_type="place_bid_error").count() == 3


def test_an_end_is_not_undone_by_a_late_answer(two):
    snipe = fired(status="won", reason="")
    record_answers(two[0], [refused(snipe), refused(snipe, outcome="accepted", status="bidding", reason="")])
    assert Snipe.objects.get().status == "won"


def test_one_of_two_asks_for_a_result_and_later_each_time(two):
    snipe = fired(status="bidding")
    asked = at_once(*(lambda c=c: claim_check(c, snipe.pk) for c in two))
    assert sorted(asked, key=str) == [1, None]
    first = Snipe.objects.get().check_at
    Snipe.objects.update(check_at=timezone.now())
    assert claim_check(two[0], snipe.pk) == 2
    assert Snipe.objects.get().check_at > first
