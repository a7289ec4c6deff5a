"""Planning, changing and cancelling: every guard, over real HTTP to the simulator."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils import timezone

from accounts.access import SYSTEM, NotAllowed, principal_of_user
from accounts.models import AuditEvent, Role
from ebayconnector import topics
from sniper.models import Snipe, SnipeAttempt, SnipeEvent
from sniper.refusals import SnipeRefused
from sniper.services.change import cancel_snipe, edit_snipe
from sniper.services.forget import erase_sellers
from sniper.services.groups import create_group, delete_group, edit_group, move_to_group
from sniper.services.limits import set_limit
from sniper.services.plan import plan_snipe, preview_item
from sniper.services.sweep import sweep
from sniper.services.switches import set_sniper_enabled, why_off
from tests.factories import member
from tokens import people

from .bidding import auction, bidder


@pytest.fixture
def simulator(ebay):
    """HTTP inside a transaction is an error: everything here commits."""
    return ebay


def refusal(act, *args, **kwargs) -> str:
    with pytest.raises(SnipeRefused) as caught:
        act(*args, **kwargs)
    return caught.value.code


def plan(account, item, maximum="50.00", **fields):
    return plan_snipe(account, item=item, max_bid_amount=Decimal(maximum), by=SYSTEM, **fields)


@pytest.fixture
def account(simulator):
    return bidder(simulator)


def test_a_plan_keeps_what_ebay_shows_and_asks_with_an_application_token(simulator, account):
    item = auction(simulator, title="A lamp", start=12.5)
    found = plan(account, f"https://www.ebay.de/itm/a-lamp/{item}?hash=1", comment="for the hall")
    snipe = Snipe.objects.get()
    assert (snipe.title, snipe.currency, snipe.status) == ("A lamp", "USD", "scheduled")
    assert (snipe.rest_item_id, snipe.current_bid_at_creation) == (f"v1|{item}|0", Decimal("12.50"))
    assert (snipe.end_time - snipe.fire_at).total_seconds() == snipe.seconds_before_end == 5
    assert found.warnings == () and snipe.image_url
    assert AuditEvent.objects.get(action="snipe_planned").detail["item_id"] == item
    assert SnipeEvent.objects.get().event_type == "planned"
    browse = simulator.requests("/buy/browse/")
    assert len(browse) == 1


def test_a_broken_token_is_a_warning(simulator, account):
    account.token.refresh_error = "invalid_grant: revoked"
    account.token.save()
    found = plan(account, auction(simulator))
    assert "token is broken" in found.warnings[0]
    assert found.snipe.warning == found.warnings[0]


def test_missing_bidding_access_is_a_warning(simulator, account):
    account.token.granted_scopes = []
    account.token.save()
    assert "not granted" in plan(account, auction(simulator)).warnings[0]


def test_a_maximum_below_the_next_bid_is_a_warning(simulator, account):
    assert "no bid below 10.00 USD" in plan(account, auction(simulator), "3.00").warnings[0]


@pytest.mark.parametrize(
    ("fields", "code"),
    [
        ({"kind": "fixed_price"}, "not_an_auction"),
        ({"kind": "group"}, "item_is_group"),
        ({"ends_in_s": 6}, "too_late"),
    ],
)
def test_what_cannot_be_sniped_is_refused(simulator, account, fields, code):
    assert refusal(plan, account, auction(simulator, **fields)) == code


def test_an_ended_or_unknown_item_is_refused(simulator, account):
    item = auction(simulator)
    simulator.post("bidding", ended_items="data")
    simulator.patch(f"auctions/{item}", end="seller")
    # The end lies within the error of our idea of eBay's clock.
    assert refusal(plan, account, item) in ("auction_ended", "item_not_available", "too_late")
    assert refusal(plan, account, "110000000001") == "item_not_found"
    assert refusal(plan, account, "https://example.com/itm/110000000001") == "bad_item"


@pytest.mark.parametrize("maximum", ["0", "-1", "NaN", "Infinity", "10.001", "9999999999999"])
def test_an_amount_that_is_none_is_refused(simulator, account, maximum):
    assert refusal(plan, account, auction(simulator), maximum) == "bad_amount"


def test_own_items_are_not_bid_on(simulator, account):
    seller = next(one for one in simulator.sellers() if one["username"] != account.username)
    bidder(simulator, seller["username"], organization=account.organization)
    item = auction(simulator, seller=seller["username"])
    assert refusal(plan, account, item) == "own_seller"


def test_a_second_live_snipe_on_an_item_is_refused_and_a_cancelled_one_counts_no_more(simulator, account):
    item = auction(simulator)
    first = plan(account, item).snipe
    assert refusal(plan, account, item) == "already_planned"
    assert cancel_snipe(first, by=SYSTEM)
    plan(account, item)


def test_two_accounts_of_one_organisation_need_a_confirmation(simulator, account):
    other = next(one for one in simulator.sellers() if one["username"] != account.username)
    second = bidder(simulator, other["username"], organization=account.organization)
    item = auction(simulator)
    plan(account, item)
    assert refusal(plan, second, item) == "needs_confirmation"
    assert account.house_name in plan(second, item, confirm=True).warnings[0]


def test_limits_hold_for_account_and_organisation(simulator, account):
    by = SYSTEM
    set_limit(account.organization, account=account, currency="USD", max_bid=Decimal(40), by=by)
    set_limit(account.organization, currency="USD", max_open_total=Decimal(70), by=by)
    assert refusal(plan, account, auction(simulator), "41") == "limit"
    first = plan(account, auction(simulator), "40").snipe
    assert refusal(plan, account, auction(simulator), "31") == "limit"
    plan(account, auction(simulator), "30")
    assert refusal(edit_snipe, first, max_bid_amount=Decimal("40.01"), by=by) == "limit"
    edit_snipe(first, max_bid_amount=Decimal("39"), by=by)


def test_a_viewer_may_not(simulator, account):
    viewer = principal_of_user(member(Role.VIEWER, account.organization))
    item = auction(simulator)
    snipe = plan(account, item).snipe
    for act in (
        lambda: plan_snipe(account, item=item, max_bid_amount=Decimal(1), by=viewer),
        lambda: preview_item(account, item=item, by=viewer),
        lambda: edit_snipe(snipe, comment="x", by=viewer),
        lambda: cancel_snipe(snipe, by=viewer),
        lambda: set_sniper_enabled(account.organization, enabled=False, reason="", by=viewer),
        lambda: create_group(account.organization, name="g", by=viewer),
        lambda: set_limit(account.organization, currency="USD", max_bid=Decimal(1), by=viewer),
    ):
        with pytest.raises(NotAllowed):
            act()


def test_an_edit_moves_the_moment_and_is_refused_once_armed(simulator, account):
    snipe = plan(account, auction(simulator)).snipe
    edit_snipe(snipe, max_bid_amount=Decimal("60"), seconds_before_end=9, comment="more", by=SYSTEM)
    snipe.refresh_from_db()
    assert (snipe.max_bid_amount, snipe.comment) == (Decimal("60.00"), "more")
    assert (snipe.end_time - snipe.fire_at).total_seconds() == 9
    Snipe.objects.update(status="arming")
    assert refusal(edit_snipe, snipe, comment="late", by=SYSTEM) == "not_changeable"
    assert AuditEvent.objects.filter(action="snipe_edited").count() == 1


@pytest.mark.parametrize(("status", "cancelled"), [("scheduled", True), ("arming", True), ("firing", False)])
def test_cancelling_works_until_the_claim(simulator, account, status, cancelled):
    snipe = plan(account, auction(simulator)).snipe
    Snipe.objects.update(status=status)
    assert cancel_snipe(snipe, by=SYSTEM) is cancelled
    assert snipe.status == ("cancelled" if cancelled else status)
    assert SnipeEvent.objects.filter(event_type="cancelled").exists() is cancelled
    assert AuditEvent.objects.filter(action="snipe_cancelled").count() == 1


def test_groups_count_in_one_currency_and_are_not_deleted_under_live_snipes(simulator, account):
    group = create_group(
        account.organization, name="Lamps", win_at_most=2, budget=Decimal(80), currency="USD", by=SYSTEM
    )
    snipe = plan(account, auction(simulator), group=group).snipe
    euros = auction(simulator, site="DE")
    assert refusal(plan, account, euros, group=group) == "group_mismatch"
    assert refusal(delete_group, group, by=SYSTEM) == "group_mismatch"
    assert edit_group(group, win_at_most=1, by=SYSTEM).version == 2
    assert move_to_group(snipe, None, by=SYSTEM).group is None
    delete_group(group, by=SYSTEM)
    assert refusal(create_group, account.organization, name="x", budget=Decimal(1), by=SYSTEM) == (
        "currency_unknown"
    )


def test_the_switch_says_who_and_why(account):
    assert why_off(account.organization_id) == ""
    set_sniper_enabled(account.organization, enabled=False, reason="holidays", by=SYSTEM)
    assert why_off(account.organization_id) == "switched off for the organisation by system: holidays"
    assert why_off(account.organization_id + 1) == ""
    set_sniper_enabled(None, enabled=False, reason="", by=SYSTEM)
    assert why_off(account.organization_id + 1) == "switched off for the installation by system"


def test_the_database_knows_no_third_attempt_and_no_end_without_a_reason(simulator, account):
    snipe = plan(account, auction(simulator)).snipe
    now = timezone.now()

    def attempt(no: int) -> None:
        SnipeAttempt.objects.create(snipe=snipe, no=no, amount=1, owner="me", recorded_at=now, planned_at=now)

    attempt(1)
    attempt(2)
    for act in (
        lambda: attempt(2),
        lambda: attempt(3),
        lambda: Snipe.objects.update(status="lost"),
        lambda: Snipe.objects.update(max_bid_amount=0),
        lambda: Snipe.objects.update(status="asleep"),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            act()


def test_what_no_executor_fired_is_swept(simulator, account):
    snipe = plan(account, auction(simulator)).snipe
    assert sweep() == 0
    past = timezone.now() - timezone.timedelta(minutes=3)
    Snipe.objects.update(end_time=past, fire_at=past - timezone.timedelta(seconds=5))
    assert sweep() == 1
    snipe.refresh_from_db()
    assert (snipe.status, snipe.reason) == ("missed", "no_executor")


def test_a_seller_who_is_to_be_forgotten_is_named_no_more(simulator, account):
    seller = simulator.sellers()[1]["username"]
    first = plan(account, auction(simulator, seller=seller)).snipe
    assert Snipe.objects.get().seller == seller
    persons = people.person_hashes(account.environment, [seller.upper()])
    people.bury(persons, known=persons)
    done = erase_sellers(account.environment, persons)
    assert done == {(account.organization_id, "ebay_snipes"): 1}
    later = plan(account, auction(simulator, seller=seller)).snipe
    assert set(Snipe.objects.values_list("pk", "seller")) == {(first.pk, ""), (later.pk, "")}
    assert erase_sellers(account.environment, persons) == {}


def test_what_is_to_be_erased_includes_snipes():
    assert "sniper.services.forget.erase_sellers" in topics.ERASERS[:-1]
