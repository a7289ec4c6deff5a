"""What readings and refusals mean: pure decisions."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ebayconnector.ebay.bid_reasons import BidReason
from ebayconnector.ebay.bidding import Bidding
from ebayconnector.ebay.money import Money
from sniper.executor.reactions import refusal
from sniper.executor.results import Tried, decide
from sniper.models import SnipeReason, SnipeStatus

END = datetime(2026, 11, 22, 12, tzinfo=UTC)


def usd(value: str) -> Money:
    return Money(Decimal(value), "USD")


def reading(**fields) -> Bidding:
    values = {
        "item_id": "v1|1|0", "status": "ENDED", "ends_at": END, "bid_count": 2, "current_price": usd("20"),
        "own_maximum": usd("50"), "proxy_bid_id": "1", "high_bidder": False, "reserve_met": None,
    }  # fmt: skip
    return Bidding(**{**values, **fields})


def came_to(bidding: Bidding | None, *attempts: Tried) -> tuple:
    result = decide(
        bidding,
        attempts or [Tried("accepted")],
        maximum=Decimal(50),
        end_time=END,
        now=END + timedelta(seconds=2),
    )
    return result.status, result.reason, result.price


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"high_bidder": True}, ("won", "", Decimal(20))),
        ({"high_bidder": True, "reserve_met": False}, ("lost", "reserve_not_met", Decimal(20))),
        ({"current_price": usd("51")}, ("lost", "outbid", Decimal(51))),
        ({"own_maximum": usd("49")}, ("missed", "not_received", Decimal(20))),
        ({"own_maximum": None}, ("missed", "not_received", Decimal(20))),
        ({"status": "LIVE"}, (None, "", None)),
    ],
)
def test_a_reading_after_the_end(fields, expected):
    assert came_to(reading(**fields)) == expected


def test_a_later_end_is_taken_over():
    later = END + timedelta(minutes=5)
    result = decide(
        reading(status="LIVE", ends_at=later),
        [],
        maximum=Decimal(50),
        end_time=END,
        now=END + timedelta(seconds=2),
    )
    assert result.end_time == later


@pytest.mark.parametrize(
    ("attempts", "expected"),
    [
        ([Tried("unclear"), Tried("unclear")], ("missed", "not_received")),
        ([Tried("not_sent", was_sent=False)], ("missed", "ebay_unreachable")),
        ([Tried("", was_sent=False)], ("missed", "ebay_unreachable")),
        ([Tried("absent"), Tried("refused", "too_low")], ("lost", "too_low")),
        ([Tried("refused", "feedback")], ("error", "not_eligible")),
        ([Tried("refused", "token_rejected")], ("error", "token_rejected")),
        ([Tried("refused", "token_rejected"), Tried("refused", "too_low")], ("lost", "too_low")),
    ],
)
def test_no_bid_of_ours_has_a_reason(attempts, expected):
    assert came_to(None, *attempts)[:2] == expected


@pytest.mark.parametrize("reason", list(BidReason))
def test_every_refusal_of_ebay_ends_a_snipe_with_a_reason(reason):
    status, why, words = refusal(reason.value, ended_early=False, words="eBay's own words")
    assert status in (SnipeStatus.LOST, SnipeStatus.ERROR, SnipeStatus.MISSED)
    assert why in SnipeReason.values and reason.value in words and "eBay's own words" in words


def test_a_bid_after_the_end_is_too_late_and_a_bid_well_before_it_was_ended_early():
    assert refusal("auction_ended", ended_early=False)[:2] == ("missed", "too_late")
    assert refusal("auction_ended", ended_early=True)[:2] == ("lost", "ended_early")
