"""Browse's getItemByLegacyId over HTTP (03 §8.1), and auctions in GetMyeBayBuying."""

import pytest

from .auctions import BUYER, OTHER, Bidders
from .conftest import contract, error_id
from .trading import find_all, post


@pytest.fixture
def bidders(sim):
    return Bidders(sim)


def test_an_auction_as_everybody_sees_it(bidders):
    item = bidders.auction(title="Enamel mug", seller=OTHER, reserve=500.0)
    bidders.bid(item, "40.00", currency="GBP")
    told = bidders.browse(item, "EBAY_GB").json()
    assert (told["itemId"], told["legacyItemId"], told["title"]) == (f"v1|{item}|0", item, "Enamel mug")
    assert told["currentBidPrice"] == {"value": "10.00", "currency": "GBP"}
    assert told["minimumPriceToBid"] == {"value": "10.50", "currency": "GBP"}
    assert (told["bidCount"], told["uniqueBidderCount"], told["reservePriceMet"]) == (1, 1, False)
    assert (told["seller"]["username"], told["listingMarketplaceId"]) == (OTHER, "EBAY_GB")
    assert told["itemEndDate"] == bidders.state(item)["ends_at"]


def test_prices_are_converted_for_visitors_from_elsewhere(bidders):
    item = bidders.auction(site="GB")
    price = bidders.browse(item, "EBAY_DE").json()["minimumPriceToBid"]
    assert price == {
        "value": "11.65", "currency": "EUR", "convertedFromValue": "10.00", "convertedFromCurrency": "GBP"
    }  # fmt: skip


def test_fields_are_those_of_the_contract(bidders):
    known = contract("buy_browse_v1_oas3.json")["components"]["schemas"]["Item"]["properties"]
    shown = bidders.browse(bidders.auction(reserve=20.0)).json()
    assert set(shown) - set(known) <= {"itemCreationDate", "listingMarketplaceId"}  # newer than our copy


def test_what_is_no_auction(bidders):
    fixed, group = bidders.auction(kind="fixed_price", buy_it_now=25.0), bidders.auction(kind="group")
    told = bidders.browse(fixed).json()
    assert told["buyingOptions"] == ["FIXED_PRICE", "BEST_OFFER"]
    assert told["price"]["value"] == "25.00"
    assert not {"itemEndDate", "currentBidPrice", "minimumPriceToBid", "bidCount"} & set(told)
    answer = bidders.browse(group)
    assert (answer.status_code, error_id(answer)) == (400, 11006)
    assert group in answer.json()["errors"][0]["parameters"][0]["value"]


@pytest.mark.parametrize(
    ("rule", "status"),
    [("gone", 404), ("data", 200)],
)
def test_an_auction_that_is_over(bidders, rule, status):
    bidders.sim.control("POST", "/bidding", {"ended_items": rule})
    item = bidders.auction(ends_in_s=60)
    bidders.advance(61)
    assert bidders.browse(item).status_code == status


def test_refusals(bidders):
    assert (bidders.browse("410000000001").status_code, error_id(bidders.browse("410000000001"))) == (
        404,
        11001,
    )
    item = bidders.auction()
    assert error_id(bidders.browse(item, "EBAY_XX")) == 11011
    assert error_id(bidders.browse(item, legacy_variation_sku="A")) == 11009
    assert error_id(bidders.browse(item, legacy_variation_sku="A", legacy_variation_id="1")) == 11010
    bidders.change(item, gone=True)
    assert error_id(bidders.browse(item)) == 11001
    assert bidders.sim.get("/buy/browse/v1/item/get_item_by_legacy_id", None).status_code == 400


def test_bids_may_be_shown_late(bidders):
    item = bidders.auction()
    bidders.sim.control("POST", "/bidding", {"browse_lag_s": 120})
    bidders.bid(item, "40.00")
    assert bidders.browse(item).json()["bidCount"] == 0
    bidders.advance(121)
    assert bidders.browse(item).json()["bidCount"] == 1


def test_the_world_begins_with_auctions_of_every_kind(bidders):
    listed = bidders.sim.control("GET", "/auctions")["auctions"]
    assert {one["kind"] for one in listed} == {"auction", "fixed_price", "group"}
    assert len({one["currency"] for one in listed}) > 3
    assert sum(one["rivals_to_come"] for one in listed) > 10


def test_bids_show_in_my_ebay_and_what_is_won_is_bought(bidders):
    won, lost = bidders.auction(), bidders.auction(rivals=[{"amount": 90.0, "before_end_s": 1}])
    for item in (won, lost):
        bidders.bid(item, "40.00")
    inside = "".join(
        f"<{name}><Include>true</Include></{name}>" for name in ("WonList", "BidList", "LostList")
    )

    def shown(name: str) -> set[str]:
        answer = post(bidders.sim, bidders.sim.mint(BUYER), call="GetMyeBayBuying", inside=inside)
        return {one.text for part in find_all(answer, name) for one in part.iter("{*}ItemID")} & {won, lost}

    assert (shown("BidList"), shown("WonList"), shown("LostList")) == ({won, lost}, set(), set())
    bidders.advance(601)
    assert (shown("BidList"), shown("WonList"), shown("LostList")) == (set(), {won}, {lost})
    rows = bidders.sim.control("GET", f"/truth/purchases?seller={BUYER}")["purchases"]
    assert sum(f"{won}-0" in row["ids"] for row in rows) == 1
