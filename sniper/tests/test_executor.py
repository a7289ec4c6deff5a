"""An executor as a process of its own against the simulator: each snipe ends as it should."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.core.management import CommandError, call_command
from django.db.models import F
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import EbayAccount
from ebayconnector.ebay.endpoints import SCOPE_BASE
from sniper.models import ExecutorClock, Snipe, SnipeAttempt, SnipeEvent
from sniper.services.change import cancel_snipe, edit_snipe
from sniper.services.groups import create_group
from sniper.services.switches import set_sniper_enabled
from tests.waiting import eventually
from tokens.models import ProcessHeartbeat, TokenRefreshLog
from tokens.processes import register_process

from .bidding import auction, bidder, ended, executors, planned, raises

pytestmark = pytest.mark.slow

ENDS_IN_S = 12.0
AHEAD_S = 40.0


def users(simulator) -> list[str]:
    return [user["username"] for user in simulator.sellers()]


def armed(*snipes: Snipe) -> None:
    ids = [snipe.pk for snipe in snipes]
    eventually(
        lambda: not Snipe.objects.filter(pk__in=ids, armed_at=None).exists(), within_s=15, what="armed"
    )


def came_to(snipe: Snipe) -> str:
    return f"{snipe.status} {snipe.reason}".strip()


def lost_answer(simulator, item: str, kind: str = "reset", **more) -> None:
    simulator.fault(f"{item}.*place_proxy_bid", kind, **more)


@pytest.mark.timeout(240)
def test_each_snipe_ends_as_it_should(ebay, tmp_path):
    """All at once, because most of the time is waiting for the end of the auctions.

    eBay's clock is 40 s ahead: nothing would be in time by ours.
    """
    ebay.post("clock", offset_s=AHEAD_S)
    account = bidder(ebay)
    other = bidder(ebay, users(ebay)[1])
    poor = bidder(ebay, users(ebay)[2])
    expected: dict[int, str] = {}
    items: dict[str, str] = {}
    # Rivals that show from the beginning, and one that comes after the last look at the price.
    early, late = 600, 4.5
    late_rivals = [
        {"bidder": name, "amount": amount, "before_end_s": late} for name, amount in (("a", 70), ("b", 60))
    ]
    wishes = {
        "won": {},
        "won outbids": {"rivals": [{"amount": 40, "before_end_s": early}]},
        "lost outbid": {"rivals": [{"amount": 80, "before_end_s": 1}]},
        "lost reserve_not_met": {"reserve": 90},
        "lost too_low": {"rivals": late_rivals},
        "skipped price_above_maximum": {"start": 60},
        "error not_eligible": {"refuse": 120026},
        "error amount_refused": {"refuse": 120011},
        "lost ended_early": {},
        "won answer reset": {},
        "won answer cut": {},
        "won never arrived": {},
        "won server error": {},
        "skipped own_bid_stands": {},
        "skipped switched_off": {},
        "skipped account_inactive": {},
        "cancelled by_person": {},
        "won moved": {},
        "missed token": {},
        "won token expired": {},
        "won token expired after others": {},
        "error token_rejected": {},
        "error access_not_granted": {},
    }
    tokenless = bidder(ebay, users(ebay)[3])
    expired, revoked = bidder(ebay, users(ebay)[4]), bidder(ebay, users(ebay)[5])
    tokenless.token.expires_at = F("consented_at") - timedelta(hours=1)
    tokenless.token.refresh_error = "invalid_grant: revoked"
    tokenless.token.save()
    without_scope = bidder(ebay, users(ebay)[3], scopes=[SCOPE_BASE])
    accounts = {
        "error access_not_granted": without_scope,
        "skipped switched_off": other,
        "skipped account_inactive": poor,
        "missed token": tokenless,
        "won token expired": expired,
        "won token expired after others": expired,
        "error token_rejected": revoked,
    }
    with executors(tmp_path) as (executor,):
        snipes: dict[str, Snipe] = {}
        for name, wish in wishes.items():
            items[name] = auction(ebay, ends_in_s=ENDS_IN_S, **wish)
            by = accounts.get(name, account)
            if name == "skipped own_bid_stands":
                bid_by_hand(account, items[name], "55.00")
            snipes[name] = planned(by, items[name], seconds_before_end=3)
            expected[snipes[name].pk] = name
        lost_answer(ebay, items["won answer reset"])
        lost_answer(ebay, items["won answer cut"], "cut")
        lost_answer(ebay, items["won never arrived"], before=True)
        lost_answer(ebay, items["won server error"], "server_error")
        set_sniper_enabled(other.organization, enabled=False, reason="test", by=SYSTEM)
        EbayAccount.objects.filter(pk=poor.pk).update(is_active=False)
        names = ["lost ended_early", "cancelled by_person", "won moved"]
        armed(*(snipes[name] for name in names + [name for name in wishes if "token" in name][1:]))
        # eBay takes their tokens no more; ours look alive.
        ebay.post("tokens/expire", seller=expired.username)
        ebay.post("tokens/revoke", seller=revoked.username)
        ebay.patch(f"auctions/{items['lost ended_early']}", end="seller")
        ebay.patch(f"auctions/{items['won moved']}", ends_in_s=ENDS_IN_S + 1)
        assert cancel_snipe(snipes["cancelled by_person"], by=SYSTEM)
        in_groups = grouped(ebay, account)
        an_edit_reaches_it(ebay, account)
        found = ended(*snipes.values(), *in_groups)
    troubles = {
        expected[snipe.pk]: came_to(snipe)
        for snipe in found[: len(snipes)]
        if not expected[snipe.pk].startswith(came_to(snipe))
    }
    assert not troubles, executor.log.read_text()[-4000:]
    assert [came_to(snipe) for snipe in found[len(snipes) :]][:2] == ["lost outbid", "won"]
    assert sorted(came_to(snipe) for snipe in found[-2:]) == ["skipped group_undecided", "won"]
    for name in ("won answer reset", "won answer cut", "won never arrived", "won server error"):
        (row,) = raises(ebay, items[name])
        assert row["raises"] == 1, name
        snipe = next(one for one in found if expected[one.pk] == name)
        outcomes = list(snipe.attempts.values_list("outcome", flat=True))
        assert outcomes[0] in ("stands", "absent"), (name, outcomes)
        assert len(outcomes) == (1 if outcomes[0] == "stands" else 2)
    in_time(
        ebay, [snipe for snipe in found if expected.get(snipe.pk) in ("won", "won outbids", "lost outbid")]
    )
    refused_tokens(ebay, items, found, expected)
    won = next(one for one in found if expected[one.pk] == "won outbids")
    assert won.result_price == Decimal("41.00")
    assert [row["maximum"] for row in raises(ebay, items["won outbids"])] == ["50.00"]
    tokens_of_calls(ebay, account)
    attempt = won.attempts.get()
    assert 0 <= attempt.lateness_ms < 500 and attempt.offset_error_ms < 700
    assert won.armed_at <= won.connected_at < won.claimed_at < attempt.sent_at < attempt.answered_at
    assert set(SnipeEvent.objects.filter(snipe=won).values_list("event_type", flat=True)) >= {
        "planned", "armed", "claimed", "place_bid", "result_check",
    }  # fmt: skip
    bid = SnipeEvent.objects.get(snipe=won, event_type="place_bid")
    assert (bid.endpoint, bid.token_kind, bid.http_status) == ("placeProxyBid", "user", 200)
    assert bid.ebay_bid_id and bid.correlation_id


def an_edit_reaches_it(simulator, account: EbayAccount) -> None:
    """Its bid was due in more than a minute, and is due in a few seconds now.

    The next reading of the schedule would come too late.
    """
    snipe = planned(account, auction(simulator, ends_in_s=90), seconds_before_end=3)
    assert Snipe.objects.get(pk=snipe.pk).armed_at is None
    now = timezone.now() + timedelta(seconds=AHEAD_S)
    edit_snipe(snipe, seconds_before_end=int((snipe.end_time - now).total_seconds()) - 5, by=SYSTEM)
    accepted = SnipeAttempt.objects.filter(snipe=snipe, outcome="accepted")
    eventually(accepted.exists, within_s=8, what="the bid is sent at its new moment")


def in_time(simulator, snipes: list[Snipe]) -> None:
    """By eBay's clock, as near as a few probes can tell it, and half a second for a busy machine."""
    for snipe in snipes:
        bids = simulator.get("truth/bids", item_id=snipe.item_id)["bids"]
        own = [bid["before_end_us"] for bid in bids if bid["bidder"] == snipe.account.username]
        assert 2.0 < max(own) / 1e6 < 3.6, snipe


def refused_tokens(simulator, items: dict[str, str], found: list[Snipe], expected: dict[int, str]) -> None:
    """A token that eBay refused at the moment: fetched anew once, and the same maximum sent once more."""
    snipes = {expected[snipe.pk]: snipe for snipe in found if snipe.pk in expected}
    for name in ("won token expired", "won token expired after others"):
        first, second = snipes[name].attempts.all()
        assert (first.outcome, first.error_code, second.outcome) == ("refused", "token_rejected", "accepted")
        assert first.amount == second.amount
        (row,) = raises(simulator, items[name])
        assert (row["accepted"], row["raises"]) == (1, 1)
    refreshes = TokenRefreshLog.objects.filter(account=snipes["won token expired"].account)
    assert refreshes.count() == 1
    revoked = snipes["error token_rejected"]
    assert revoked.attempts.get().outcome == "refused" and "invalid_grant" in revoked.result_message


def bid_by_hand(account: EbayAccount, item: str, amount: str) -> None:
    from ebayconnector.ebay.bidding import place_proxy_bid
    from ebayconnector.ebay.money import Money
    from tokens.services.clients import client_for

    place_proxy_bid(client_for(account, source="test"), f"v1|{item}|0", maximum=Money(Decimal(amount), "USD"))


def grouped(simulator, account: EbayAccount) -> list[Snipe]:
    """The first is lost, the second waits for that and is won; of the other two only one may bid."""
    hold = create_group(account.organization, name="Hold", win_at_most=1, by=SYSTEM)
    skip = create_group(account.organization, name="Skip", win_at_most=1, policy="skip", by=SYSTEM)
    lost = auction(simulator, ends_in_s=9, rivals=[{"amount": 90, "before_end_s": 1}])
    first = planned(account, lost, seconds_before_end=3, group=hold)
    second = planned(account, auction(simulator, ends_in_s=13), seconds_before_end=6, group=hold)
    ends_in_s = [9, 9]
    pair = [
        planned(account, auction(simulator, ends_in_s=after), seconds_before_end=3, group=skip)
        for after in ends_in_s
    ]
    return [first, second, *pair]


def tokens_of_calls(simulator, account: EbayAccount) -> None:
    """Browse with the application's token, Offer with the bidder's own."""
    for path, kind in (("/buy/browse/", "application"), ("/buy/offer/", "user")):
        kinds = {request["token_kind"] for request in simulator.requests(path, limit=1000)}
        assert kinds == {kind}, path


def test_paper_mode_sends_no_bid_and_measures(ebay, tmp_path):
    account = bidder(ebay)
    ebay.post("bidding", ended_items="data")
    with executors(tmp_path, 1, "--paper") as (executor,):
        item = auction(ebay, ends_in_s=9)
        (snipe,) = ended(planned(account, item, seconds_before_end=3))
        assert ProcessHeartbeat.objects.get(pid=executor.process.pid).name == "paper"
        eventually(lambda: ExecutorClock.objects.filter(samples__gt=1).exists(), what="the clock is kept")
        assert executor.stop() == 0
    assert came_to(snipe) == "skipped paper"
    assert "below the maximum" in snipe.result_message
    assert snipe.attempts.get().outcome == "paper" and snipe.attempts.get().sent_at
    assert raises(ebay) == []
    assert not ProcessHeartbeat.objects.filter(kind="sniper").exists()


@pytest.mark.parametrize(("running", "arguments"), [("executor", ["--paper"]), ("paper", [])])
def test_one_that_bids_and_one_that_does_not_never_run_beside_each_other(db, running, arguments):
    register_process("sniper", running)
    with pytest.raises(CommandError, match="it would depend on chance"):
        call_command("sniper", *arguments)
