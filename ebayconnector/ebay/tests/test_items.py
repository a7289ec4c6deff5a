"""Browse's items and the links to them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest

from ebayconnector.ebay import errors, items
from ebayconnector.ebay.item_links import legacy_item_id
from ebayconnector.ebay.money import Money

from .loopback import json_answer, rest_error

ITEM_ID = "110012345678"
ENDS = datetime(2026, 11, 22, 18, 3, 11, tzinfo=UTC)


def eur(value: str, original: str | None = None) -> dict[str, str]:
    amount = {"value": value, "currency": "EUR"}
    return amount | ({"convertedFromValue": original, "convertedFromCurrency": "USD"} if original else {})


def document(**changes: object) -> dict[str, object]:
    return {
        "itemId": f"v1|{ITEM_ID}|0",
        "legacyItemId": ITEM_ID,
        "title": "Enamel mug",
        "image": {"imageUrl": "https://i.ebayimg.example/1.jpg"},
        "itemWebUrl": f"https://www.ebay.com/itm/{ITEM_ID}",
        "seller": {"username": "attic-finds"},
        "buyingOptions": ["AUCTION"],
        "currentBidPrice": eur("9.66", "10.50"),
        "minimumPriceToBid": eur("10.12", "11.00"),
        "price": eur("9.66", "10.50"),
        "bidCount": 4,
        "reservePriceMet": False,
        "itemEndDate": "2026-11-22T18:03:11.000Z",
        "listingMarketplaceId": "EBAY_US",
    } | changes


def read(connect, **changes: object) -> items.Item:
    return items.get_item(connect(json_answer(document(**changes))).client, ITEM_ID)


def test_an_item_is_read_in_its_own_currency(connect):
    connected = connect(json_answer(document()))
    item = items.get_item(connected.client, ITEM_ID)
    assert item == items.Item(
        item_id=f"v1|{ITEM_ID}|0",
        legacy_item_id=ITEM_ID,
        title="Enamel mug",
        image_url="https://i.ebayimg.example/1.jpg",
        web_url=f"https://www.ebay.com/itm/{ITEM_ID}",
        seller="attic-finds",
        marketplace_id="EBAY_US",
        buying_options=frozenset({"AUCTION"}),
        currency="USD",
        current_price=Money(Decimal("10.50"), "USD"),
        minimum_bid=Money(Decimal("11.00"), "USD"),
        buy_it_now=None,
        bid_count=4,
        reserve_met=False,
        ends_at=ENDS,
        adult_only=False,
    )
    (request,) = connected.server.requests
    assert (request.path, request.params) == (
        "/buy/browse/v1/item/get_item_by_legacy_id",
        {"legacy_item_id": ITEM_ID},
    )
    assert request.headers["x-ebay-c-marketplace-id"] == "EBAY_DE"
    assert connected.watcher.calls[0].api == "browse"


def test_an_auction_is_open_before_its_end_only(connect):
    item = read(connect)
    assert item.is_open(ENDS - timedelta(microseconds=1))
    assert not item.is_open(ENDS)


def test_a_fixed_price_is_no_auction_and_never_open(connect):
    item = read(connect, buyingOptions=["FIXED_PRICE"], itemEndDate=None, currentBidPrice=None)
    assert (item.is_auction, item.is_open(ENDS), item.ends_at) == (False, False, None)
    assert item.buy_it_now == Money(Decimal("10.50"), "USD")


@pytest.mark.parametrize(
    "changes",
    [
        {name: None for name in document() if name != "itemId"},
        {"title": 5, "seller": "x", "image": [], "buyingOptions": "AUCTION", "bidCount": "4"},
        {"currentBidPrice": {"value": "NaN", "currency": "USD"}, "minimumPriceToBid": {"value": 11}},
    ],
)
def test_what_ebay_leaves_out_or_spells_otherwise_is_empty(connect, changes):
    item = read(connect, **changes)
    assert item.legacy_item_id == ITEM_ID
    assert item.current_price is None or item.current_price.currency == "USD"


@pytest.mark.parametrize("changes", [{"itemId": ""}, {"itemEndDate": "tomorrow"}])
def test_an_answer_that_names_no_item_or_no_time_is_a_bad_one(connect, changes):
    with pytest.raises(errors.BadAnswer):
        items.get_item(connect(json_answer(document(**changes)), attempts=1).client, ITEM_ID)


@pytest.mark.parametrize(
    ("status", "error_id", "trouble"),
    [
        (404, 11001, items.ItemTrouble.NOT_FOUND),
        (400, 11003, items.ItemTrouble.NOT_FOUND),
        (400, 11004, items.ItemTrouble.NOT_AVAILABLE),
        (400, 11006, items.ItemTrouble.IS_GROUP),
        (400, 11011, items.ItemTrouble.MARKETPLACE),
        (404, 2002, items.ItemTrouble.NOT_FOUND),
        (403, 1100, None),
        (400, 2004, None),
    ],
)
def test_a_refusal_says_what_is_wrong_with_the_item(connect, status, error_id, trouble):
    # 403/1100 asks for a fresh token first.
    script = [rest_error(status, error_id)] * (2 if status == 403 else 1)
    with pytest.raises(errors.EbayError) as caught:
        items.get_item(connect(*script).client, ITEM_ID)
    assert items.item_trouble(caught.value) is trouble


@pytest.mark.parametrize(
    "text",
    [
        ITEM_ID,
        f"  {ITEM_ID}\n",
        f"v1|{ITEM_ID}|0",
        f"v1%7C{ITEM_ID}%7C0",
        f"https://www.ebay.com/itm/{ITEM_ID}",
        f"http://ebay.com/itm/{ITEM_ID}?hash=item1:g:abc&mkcid=16",
        f"https://www.ebay.de/itm/Alter-Becher-weiß/{ITEM_ID}?_trkparms=1",
        f"https://www.ebay.co.uk/itm/any%20title/{ITEM_ID}/",
        f"https://www.ebay.com.au/itm/title?item={ITEM_ID}&category=22416&cmd=ViewItem",
        f"https://cgi.ebay.fr/ws/eBayISAPI.dll?ViewItem&item={ITEM_ID}",
        f"https://m.ebay.it/itm/{ITEM_ID}",
        f"https://befr.ebay.be/itm/{ITEM_ID}",
        f"https://www.benl.ebay.be/itm/{ITEM_ID}",
        f"https://www.ebay.com.hk/itm/{ITEM_ID}",
        f"https://www.ebay.ca/itm/{ITEM_ID}#viTabs_0",
        f"https://www.sandbox.ebay.com/itm/{ITEM_ID}",
        f"www.ebay.ch/itm/{ITEM_ID}",
        f"ebay.at/itm/{ITEM_ID}",
        f"<https://www.ebay.pl/itm/{ITEM_ID}>",
        f"https://www.ebay.com/i/{ITEM_ID}",
        f"https://www.ebay.com/p/2254320?iid={ITEM_ID}",
        f"HTTPS://WWW.EBAY.ES/ITM/{ITEM_ID}",
        f"https://rover.ebay.com/rover/1/7?mpre=https%3A%2F%2Fwww.ebay.com%2Fitm%2F{ITEM_ID}",
    ],
)
def test_the_item_of_a_link(text):
    assert legacy_item_id(text) == ITEM_ID


@pytest.mark.parametrize(
    "text",
    [
        "",
        "mug",
        "12345678",
        "0123456789",
        f"{ITEM_ID}1234",
        "١١٠٠١٢٣٤٥٦٧٨",
        f"https://evil.example/itm/{ITEM_ID}",
        f"https://notebay.com/itm/{ITEM_ID}",
        f"https://ebay.com.evil.example/itm/{ITEM_ID}",
        f"https://www.ebay.com@evil.example/itm/{ITEM_ID}",
        f"https://www.ebay.com/sch/i.html?_nkw={ITEM_ID}",
        "https://ebay.us/AbCdEf",
        "https://www.ebay.com/itm/",
        "https://[::1/itm/1",
        f"javascript:alert({ITEM_ID})",
        f"v1|{ITEM_ID}",
    ],
)
def test_what_names_no_item(text):
    assert legacy_item_id(text) is None
