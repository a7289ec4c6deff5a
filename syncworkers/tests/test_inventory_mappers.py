from __future__ import annotations

import copy
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.mappers.inventory import item_row, offer_row
from syncworkers.mappers.reading import Unmappable

ITEM: dict[str, Any] = {
    "sku": "ABC-1",
    "locale": "en_US",
    "condition": "USED_EXCELLENT",
    "conditionDescription": "A scratch",
    "availability": {
        "shipToLocationAvailability": {"quantity": 5, "allocationByFormat": {"auction": 0, "fixedPrice": 5}},
        "pickupAtLocationAvailability": [],
    },
    "product": {
        "title": "A thing",
        "aspects": {"Color": ["Red"]},
        "brand": "Acme",
        "mpn": "M-1",
        "epid": "123",
        "imageUrls": [],
    },
    "packageWeightAndSize": {},
    "groupIds": ["G1", "G2"],
    "inventoryItemGroupKeys": [],
}
OFFER: dict[str, Any] = {
    "offerId": "36445435465",
    "sku": "ABC-1",
    "marketplaceId": "EBAY_US",
    "format": "FIXED_PRICE",
    "status": "PUBLISHED",
    "listing": {
        "listingId": "110012345678",
        "listingStatus": "ACTIVE",
        "soldQuantity": 2,
        "listingOnHold": False,
    },
    "availableQuantity": 5,
    "categoryId": "9355",
    "merchantLocationKey": "berlin",
    "listingDuration": "GTC",
    "pricingSummary": {"price": {"value": "18.00", "currency": "USD"}},
    "listingPolicies": {},
    "lotSize": None,
}
KEYS = [(item_row, ITEM, "sku"), (offer_row, OFFER, "offerId")]
EVERY_FIELD = [(item_row, ITEM, name) for name in ITEM] + [(offer_row, OFFER, name) for name in OFFER]


def changed(record: dict[str, Any], *path: str, to: Any) -> dict[str, Any]:
    """A copy of the record with another value at `path`."""
    result = copy.deepcopy(record)
    place = result
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return result


def test_an_item_becomes_columns():
    row = item_row(ITEM)
    assert row.columns == {
        "sku": "ABC-1",
        "title": "A thing",
        "condition": "USED_EXCELLENT",
        "quantity": 5,
        "brand": "Acme",
        "mpn": "M-1",
        "epid": "123",
        "locale": "en_US",
        "group_ids": "G1,G2",
    }
    assert (row.modified_at, row.occurred_at, row.children) == (None, None, {})


def test_an_offer_becomes_columns():
    assert offer_row(OFFER).columns == {
        "offer_id": "36445435465",
        "sku": "ABC-1",
        "marketplace_id": "EBAY_US",
        "format": "FIXED_PRICE",
        "offer_status": "PUBLISHED",
        "listing_id": "110012345678",
        "listing_status": "ACTIVE",
        "listing_duration": "GTC",
        "available_quantity": 5,
        "sold_quantity": 2,
        "price": Decimal("18.00"),
        "currency": "USD",
        "category_id": "9355",
        "merchant_location_key": "berlin",
    }


@pytest.mark.parametrize(
    ("price", "shown"),
    [
        ({"auctionStartPrice": {"value": "1.00", "currency": "EUR"}}, (Decimal("1.00"), "EUR")),
        (
            {
                "price": {"value": "9", "currency": "USD"},
                "auctionStartPrice": {"value": "1", "currency": "EUR"},
            },
            (Decimal("9"), "USD"),
        ),
        ({"price": None}, (None, "")),
        (None, (None, "")),
    ],
)
def test_an_auction_without_a_price_shows_its_start_price(price, shown):
    columns = offer_row(OFFER | {"pricingSummary": price}).columns
    assert (columns["price"], columns["currency"]) == shown


@pytest.mark.parametrize(("ids", "shown"), [(None, ""), ([], ""), (["G1"], "G1"), ([1, None, "b"], "1,b")])
def test_groups_are_one_text(ids, shown):
    assert item_row(ITEM | {"groupIds": ids}).columns["group_ids"] == shown


@pytest.mark.parametrize("sku", ["a b/c+d&e", "größe", " x "])
def test_a_sku_stays_as_it_is(sku):
    assert (
        item_row({"sku": sku}).columns["sku"] == offer_row({"offerId": "1", "sku": sku}).columns["sku"] == sku
    )


@pytest.mark.parametrize(("mapper", "least"), [(item_row, {"sku": "1"}), (offer_row, {"offerId": "1"})])
def test_nothing_but_the_key_is_needed(mapper, least):
    assert set(mapper(least).columns.values()) == {"1", "", None}


@pytest.mark.parametrize(("mapper", "record", "name"), [each for each in EVERY_FIELD if each not in KEYS])
def test_each_field_but_the_key_may_be_null(mapper, record, name):
    assert mapper(record | {name: None}).columns.keys() == mapper(record).columns.keys()


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize(("mapper", "record", "name"), KEYS)
def test_a_record_without_its_key_is_refused(mapper, record, name, value):
    with pytest.raises(Unmappable, match=f"{name} is missing"):
        mapper(record | {name: value})


@pytest.mark.parametrize(
    ("mapper", "record", "words"),
    [
        (item_row, changed(ITEM, "sku", to=[]), "sku is not a text"),
        (item_row, changed(ITEM, "product", to="A thing"), "product.title"),
        (item_row, changed(ITEM, "product", "brand", to={}), "product.brand is not a text"),
        (
            item_row,
            changed(ITEM, "availability", "shipToLocationAvailability", "quantity", to="5"),
            "availability.shipToLocationAvailability.quantity is not a whole number",
        ),
        (item_row, changed(ITEM, "availability", to=[]), "availability.shipToLocationAvailability"),
        (item_row, changed(ITEM, "groupIds", to="G1"), "groupIds is not a list"),
        (item_row, changed(ITEM, "groupIds", to=0), "groupIds is not a list"),
        (item_row, changed(ITEM, "groupIds", to=[{}]), "groupIds is not a text"),
        (offer_row, changed(OFFER, "offerId", to=True), "offerId is not a text"),
        (offer_row, changed(OFFER, "listing", to="1100"), "listing.listingId"),
        (offer_row, changed(OFFER, "listing", "soldQuantity", to=2.5), "listing.soldQuantity is not a whole"),
        (
            offer_row,
            changed(OFFER, "pricingSummary", "price", "value", to="free"),
            "pricingSummary.price is not an amount",
        ),
        (offer_row, changed(OFFER, "pricingSummary", to=[]), "pricingSummary.price"),
    ],
)
def test_nonsense_is_refused_and_the_field_named(mapper, record, words):
    with pytest.raises(Unmappable) as refused:
        mapper(record)
    assert words in str(refused.value)


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(EVERY_FIELD), anything)
def test_whatever_comes_is_mapped_or_refused_never_a_crash(place, value):
    mapper, record, name = place
    try:
        row = mapper(record | {name: value})
    except Unmappable as refused:
        assert name in str(refused)
    else:
        assert not any(isinstance(column, float) for column in row.columns.values())
