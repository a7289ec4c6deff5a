"""Buy Offer over HTTP: bids, refusals, what a bidder may know, and the log of every POST (03 §9)."""

import pytest
import requests

from .auctions import AUCTION_SCOPE, BUYER, OTHER, Bidders
from .conftest import API, contract, error_id


@pytest.fixture
def bidders(sim):
    return Bidders(sim)


def test_a_bid_is_taken_and_told_to_its_bidder_only(bidders):
    item = bidders.auction(rivals=[{"bidder": "m***k", "amount": 25.0, "before_end_s": 600}])
    assert set(bidders.bid(item, "40.00").json()) == {"proxyBidId"}
    told = bidders.bidding(item).json()
    assert told["currentProxyBid"]["maxAmount"] == {"value": "40.00", "currency": "USD"}
    assert (told["auctionStatus"], told["highBidder"], told["bidCount"]) == ("LIVE", True, 2)
    assert told["currentPrice"] == {"value": "26.00", "currency": "USD"}
    assert told["suggestedBidAmounts"][0]["value"] == "27.00"
    assert error_id(bidders.bidding(item, OTHER)) == 120033


def test_won_is_ended_and_leading(bidders):
    item = bidders.auction(rivals=[{"amount": 30.0, "before_end_s": 0.001}])
    bidders.bid(item, "40.00")
    bidders.bid(bidders.auction(), "11.00", OTHER)
    bidders.advance(601)
    told = bidders.bidding(item).json()
    assert (told["auctionStatus"], told["highBidder"], told["currentPrice"]["value"]) == (
        "ENDED",
        True,
        "31.00",
    )
    assert bidders.state(item)["winner"] == BUYER
    assert "suggestedBidAmounts" not in told


def test_a_rival_at_the_last_moment_takes_it_away(bidders):
    item = bidders.auction(rivals=[{"amount": 90.0, "before_end_s": 0.001}])
    bidders.bid(item, "40.00")
    assert bidders.bidding(item).json()["highBidder"] is True
    bidders.advance(601)
    assert bidders.bidding(item).json()["highBidder"] is False
    assert bidders.state(item)["winner"] == "r***7"


def test_too_late_is_judged_to_the_microsecond(bidders):
    item = bidders.auction(ends_in_s=10)
    now = bidders.sim.freeze()
    bidders.change(item, ends_at=now)
    assert error_id(bidders.bid(item, "40.00")) == 120012
    bidders.change(item, ends_in_s=0.001)
    assert bidders.bid(item, "40.00").status_code == 200
    assert [post["before_end_us"] for post in bidders.posts(item)] == [1000, 1000]


def test_ended_early_by_its_seller_or_by_buy_it_now(bidders):
    by_seller, bought = bidders.auction(), bidders.auction(buy_it_now=99.0)
    bidders.bid(by_seller, "40.00")
    bidders.change(by_seller, end="seller")
    bidders.change(bought, end="buy_it_now")
    assert error_id(bidders.bid(by_seller, "50.00")) == 120012
    assert error_id(bidders.bid(bought, "50.00")) == 120002
    told = bidders.bidding(by_seller).json()
    assert (told["auctionStatus"], told["highBidder"]) == ("ENDED", False)


def test_buy_it_now_caps_bids_until_the_first_one(bidders):
    item = bidders.auction(buy_it_now=30.0)
    assert error_id(bidders.bid(item, "40.00")) == 120005
    assert bidders.browse(item).json()["buyingOptions"] == ["FIXED_PRICE", "AUCTION"]
    bidders.bid(item, "20.00", OTHER)
    assert bidders.browse(item).json()["buyingOptions"] == ["AUCTION"]
    assert bidders.bid(item, "40.00").status_code == 200


@pytest.mark.parametrize(
    ("fields", "value", "more", "status", "expected"),
    [
        ({}, "5.00", {}, 409, 120008),
        ({}, "0.00", {}, 400, 120013),
        ({}, "12,50", {}, 400, 120013),
        ({}, "12.505", {}, 400, 120013),
        ({}, "", {"body": {}}, 400, 120016),
        ({}, "", {"body": []}, 400, 120013),
        ({}, "20.00", {"currency": "XXX"}, 400, 120014),
        ({}, "20.00", {"currency": "EUR"}, 409, 120009),
        ({}, "20.00", {"headers": {}}, 400, 120015),
        ({}, "20.00", {"headers": {"X-EBAY-C-MARKETPLACE-ID": "ebay_us"}}, 400, 120017),
        ({}, "2000000", {}, 400, 120011),
        ({}, "99999999999", {}, 400, 120007),
        ({"whole_amounts": True}, "20.50", {}, 400, 120018),
        ({"adult": True}, "20.00", {}, 400, 120032),
        ({"seller": BUYER}, "20.00", {}, 409, 120003),
        ({"business_only": True}, "20.00", {"seller": "flohmarkt_anna"}, 409, 120023),
        ({"kind": "fixed_price"}, "20.00", {}, 400, 120001),
        ({"gone": True}, "20.00", {}, 404, None),
        ({"refuse": 120030}, "20.00", {}, 409, 120030),
        ({"refuse": {BUYER: 120026}}, "20.00", {}, 409, 120026),
    ],
)
def test_refusals_by_state(bidders, fields, value, more, status, expected):
    item = bidders.auction(**fields)
    answer = bidders.bid(item, value, **more)
    assert answer.status_code == status
    assert (error_id(answer) if answer.content else None) == expected
    logged = bidders.posts(item)[-1]
    assert (logged["status"], logged["error_id"], logged["raised"]) == (status, expected, False)
    assert bidders.state(item)["bids"] == 0


def test_every_refusal_of_the_contract_can_be_asked_for(bidders):
    paths = contract("buy_offer_v1_beta_oas3.json")["paths"]
    responses = paths["/bidding/{item_id}/place_proxy_bid"]["post"]["responses"]
    item = bidders.auction()
    asked = set()
    for status in ("400", "409"):
        for number in responses[status]["x-response-codes"]["errors"]:
            if number in ("120001", "120017"):
                continue
            bidders.change(item, refuse=int(number))
            answer = bidders.bid(item, "20.00")
            assert (answer.status_code, error_id(answer)) == (int(status), int(number))
            asked.add(number)
    assert len(asked) > 28
    bidders.change(item, refuse=None)
    assert bidders.bid(item, "20.00").status_code == 200


def test_unknown_items(bidders):
    assert error_id(bidders.bid("410000000001", "20.00")) == 120001
    assert bidders.bid("v1|abc|0", "20.00").status_code == 404
    assert bidders.bidding("v1|1|2|3").status_code == 404


@pytest.mark.parametrize("rule", ["accepted", "refused"])
def test_a_maximum_can_only_be_raised(bidders, rule):
    bidders.sim.control("POST", "/bidding", {"same_maximum": rule})
    item = bidders.auction()
    bidders.bid(item, "40.00")
    assert error_id(bidders.bid(item, "39.99")) == 120010
    assert bidders.bid(item, "40.00").status_code == (200 if rule == "accepted" else 409)
    bidders.bid(item, "41.00")
    (row,) = bidders.raises(item)
    assert (row["posts"], row["raises"], row["maximum"]) == (4, 2, "41.00")
    assert [(post["before"], post["after"], post["raised"]) for post in bidders.posts(item)] == [
        (None, "40.00", True),
        ("40.00", "40.00", False),
        ("40.00", "40.00", False),
        ("40.00", "41.00", True),
    ]


def test_a_token_without_the_scope_may_not_bid(bidders):
    item, token = bidders.auction(), bidders.sim.mint(BUYER, scopes=[API])
    answer = bidders.bid(item, "20.00", token=token)
    assert (answer.status_code, error_id(answer)) == (403, 1100)
    assert bidders.bid(item, "20.00", token=bidders.sim.app_token()).status_code == 403
    kinds = [(post["token_kind"], post["seller"], post["status"]) for post in bidders.posts(item)]
    assert kinds == [("user", BUYER, 403), ("application", None, 403)]


def test_access_to_bidding_is_granted_to_a_keyset(bidders):
    asked = f"{API} {AUCTION_SCOPE}"
    refused = bidders.sim.authorize(scope=asked)
    assert "invalid_scope" in refused.text
    for taken_back in (("/bidding/access", {"granted": False}), ("/reset", {})):
        bidders.sim.control("POST", "/bidding/access", {"granted": True})
        assert bidders.sim.code(scope=asked)
        bidders.sim.control("POST", *taken_back)
        assert "invalid_scope" in bidders.sim.authorize(scope=asked).text


@pytest.mark.parametrize("kind", ["cut", "reset"])
def test_an_answer_that_is_lost_leaves_the_bid(bidders, kind):
    item = bidders.auction()
    bidders.sim.control("POST", "/faults", {"path": "place_proxy_bid", "kind": kind})
    lost = (requests.ConnectionError, requests.exceptions.ChunkedEncodingError, ValueError)
    with pytest.raises(lost):
        bidders.bid(item, "40.00").json()
    assert bidders.bidding(item).json()["currentProxyBid"]["maxAmount"]["value"] == "40.00"
    assert bidders.raises(item)[0]["raises"] == 1


def test_a_system_error_is_120000_and_no_bid(bidders):
    item = bidders.auction()
    bidders.sim.control("POST", "/faults", {"path": "place_proxy_bid", "kind": "server_error"})
    answer = bidders.bid(item, "40.00")
    assert (answer.status_code, error_id(answer)) == (500, 120000)
    assert error_id(bidders.bidding(item)) == 120033


def test_a_share_of_the_calls_fails(bidders):
    item = bidders.auction()
    bidders.sim.control(
        "POST", "/faults", {"path": "place_proxy_bid", "kind": "server_error", "count": None, "chance": 0.5}
    )
    answers = [bidders.bid(item, "40.00").status_code for _ in range(40)]
    assert {200, 500} == set(answers)
    assert 8 <= answers.count(500) <= 32


def test_delays_are_drawn_from_a_distribution(bidders):
    answer = bidders.sim.control(
        "POST", "/latency", {"path": "place_proxy_bid", "seconds": 0.002, "p99_s": 0.008}
    )
    assert answer == {"place_proxy_bid": [0.002, 0.008]}
    item = bidders.auction()
    bidders.bid(item, "40.00")
    (post,) = bidders.posts(item)
    assert post["judged_at_us"] > post["received_at_us"]
    assert bidders.sim.control("POST", "/latency", {"path": "place_proxy_bid", "seconds": 0}) == {}


def test_a_wrong_clock_judges_by_itself(bidders):
    bidders.sim.control("POST", "/clock", {"offset_s": 7_200})
    item = bidders.auction(ends_in_s=60)
    assert bidders.bid(item, "40.00").status_code == 200
    bidders.sim.control("POST", "/clock", {"offset_s": 7_300})
    assert error_id(bidders.bid(item, "50.00")) == 120012


def test_an_end_that_moves_back_opens_the_auction_again(bidders):
    item = bidders.auction(ends_in_s=60)
    bidders.advance(61)
    assert error_id(bidders.bid(item, "40.00")) == 120012
    bidders.change(item, ends_in_s=60)
    assert bidders.bid(item, "40.00").status_code == 200


def test_the_log_says_who_bid_with_which_token_when(bidders):
    item = bidders.auction()
    bidders.bid(item, "40.00")
    (post,) = bidders.posts(item)
    assert (post["seller"], post["token_kind"], post["application"]) == (
        BUYER,
        "user",
        "SimulatorApp-SIM-0001",
    )
    assert (post["amount"], post["currency"], post["itemId"]) == ("40.00", "USD", item)
    assert 0 <= post["judged_at_us"] - post["received_at_us"] < 2_000_000
    assert abs(post["before_end_us"] - 600_000_000) < 30_000_000
    bidders.sim.control("DELETE", "/posts")
    assert bidders.posts(item) == []


def test_wrong_control_calls_change_nothing(bidders):
    bad = [
        {"refuse": 120001},
        {"refuse": {"nobody": 120004}},
        {"rivals": [{"amount": 5}]},
        {"rivals": [{"amount": 5, "before_end_s": 1, "at": "2026-11-21T08:25:43.511Z"}]},
        {"rivals": [{"before_end_s": 1}]},
        {"kind": "raffle"},
    ]
    before = bidders.sim.control("GET", "/auctions")["total"]
    for fields in bad:
        bidders.sim.control("POST", "/auctions", fields, status=400)
    assert bidders.sim.control("GET", "/auctions")["total"] == before
    bidders.sim.control("GET", "/auctions/1", status=400)
