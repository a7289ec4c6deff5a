from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.mappers import trading_values as t
from syncworkers.mappers.messages import message_body_row, message_row
from syncworkers.mappers.my_ebay import listing_key, listing_row, purchase_row, variation_key
from syncworkers.mappers.reading import Maturity, Unmappable

from .records_of_trading import BODY, LISTING, MESSAGE, PURCHASE, VARIATION, VARIED
from .test_inventory_mappers import anything, changed

RECORDS = [(message_row, MESSAGE), (message_body_row, BODY), (listing_row, LISTING), (listing_row, VARIED),
           (purchase_row, PURCHASE)]  # fmt: skip
EVERY_FIELD = [(mapper, record, name) for mapper, record in RECORDS for name in record]
KEYS = {"MessageID", "ItemID", "OrderLineItemID"}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def test_a_letter_becomes_columns():
    row = message_row(MESSAGE)
    assert row.columns == {
        "message_id": "1234567890",
        "external_id": "9912345678",
        "folder_id": "0",
        "sender": "buyer_1",
        "recipient": "seller_1",
        "subject": "Frage zu <Übertopf>",
        "message_type": "AskSellerQuestion",
        "question_type": "General",
        "item_id": "110012345678",
        "item_title": "Übertopf, weiß",
        "listing_status": "Active",
        "is_read": True,
        "is_flagged": False,
        "is_replied": False,
        "is_high_priority": False,
        "can_be_answered": True,
        "expires_at": at("2027-11-20T10:00:00"),
    }
    assert (row.occurred_at, row.modified_at, row.maturity) == (
        at("2026-11-20T10:00:00"), None, Maturity.SETTLING,
    )  # fmt: skip


def test_flags_that_ebay_leaves_out_are_unknown():
    columns = message_row({"MessageID": "1"}).columns
    assert (columns["is_read"], columns["is_replied"], columns["can_be_answered"]) == (None, None, None)


def test_a_text_becomes_columns_and_keeps_its_html_out_of_them():
    assert message_body_row(BODY).columns == {"message_id": "1234567890", "content": "Passt der?"}


def test_a_listing_becomes_columns():
    row = listing_row(LISTING)
    assert row.columns == {
        "item_id": "110012345678",
        "variation_key": "",
        "sku": "ABC-1",
        "variation": "",
        "title": "A thing",
        "listing_type": "FixedPriceItem",
        "price": Decimal("10.0"),
        "currency": "USD",
        "quantity": 5,
        "available": 3,
        "sold": 2,
        "bid_count": 0,
        "started_at": at("2026-10-01T08:00:00"),
        "ends_at": at("2026-12-16T23:00:00"),
        "view_url": "https://ebay.example/1",
        "picture_url": "https://i.example/1.jpg",
    }
    assert (row.modified_at, row.occurred_at) == (None, None)


def test_a_variation_has_its_own_price_numbers_and_sku():
    columns = listing_row(VARIED).columns
    names = ("variation_key", "sku", "variation", "price", "quantity", "available", "sold")
    assert [columns[name] for name in names] == [
        "ABC-1-RED", "ABC-1-RED", "Size: M, Color: Red, Blue", Decimal("12.5"), 4, 3, 1,
    ]  # fmt: skip


def with_variation(**parts):
    return LISTING | {"Variation": {**VARIATION, **parts}}


def test_a_variation_without_a_sku_is_known_by_its_specifics():
    columns = listing_row(with_variation(SKU=None)).columns
    assert len(columns["variation_key"]) == 24
    assert columns["sku"] == "ABC-1"


def test_the_order_of_specifics_does_not_matter_their_values_do():
    pairs = VARIATION["VariationSpecifics"]["NameValueList"]
    turned = [{"Name": pair["Name"], "Value": pair["Value"][::-1]} for pair in pairs[::-1]]
    other = [{"Name": "Size", "Value": ["L"]}, pairs[1]]
    keys = [
        variation_key(with_variation(SKU=None, VariationSpecifics={"NameValueList": each}))
        for each in (pairs, turned, other, [])
    ]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_one_value_may_come_without_its_list():
    specifics = {"NameValueList": [{"Name": "Size", "Value": "M"}]}
    assert listing_row(with_variation(VariationSpecifics=specifics)).columns["variation"] == "Size: M"


@pytest.mark.parametrize(
    ("listing", "key"),
    [
        (LISTING, "110012345678/"),
        (VARIED, "110012345678/ABC-1-RED"),
        ({}, ""),
        ({"ItemID": []}, ""),
        (LISTING | {"Variation": "x"}, ""),
        (with_variation(SKU=None, VariationSpecifics=[]), ""),
    ],
)
def test_the_key_as_text_never_fails(listing, key):
    assert listing_key(listing) == key


def test_the_key_as_text_is_that_of_the_row():
    for listing in (LISTING, VARIED, with_variation(SKU=None)):
        columns = listing_row(listing).columns
        assert listing_key(listing) == f"{columns['item_id']}/{columns['variation_key']}"


@pytest.mark.parametrize(
    ("changes", "price"),
    [
        ({}, "10.0"),
        ({"SellingStatus": {}}, "11"),
        ({"SellingStatus": {}, "BuyItNowPrice": None, "StartPrice": {"value": "1", "currency": "USD"}}, "1"),
        ({"Variation": {"SKU": "x"}}, "10.0"),
    ],
)
def test_a_listing_costs_what_it_costs_now(changes, price):
    listing = LISTING | {"BuyItNowPrice": {"value": "11", "currency": "USD"}} | changes
    assert listing_row(listing).columns["price"] == Decimal(price)


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"SellingStatus": {"QuantitySold": "4"}}, (5, 3, 4)),
        ({"QuantityAvailable": "9"}, (5, 9, 0)),
        ({"Quantity": None}, (None, 3, None)),
        ({"QuantityAvailable": None}, (5, None, None)),
        ({"Variation": {"Quantity": "1", "SellingStatus": {"QuantitySold": "3"}}}, (1, 0, 3)),
        ({"Variation": {"Quantity": "1"}}, (1, 1, None)),
    ],
)
def test_what_is_offered_left_and_sold(changes, expected):
    columns = listing_row(LISTING | changes).columns
    assert (columns["quantity"], columns["available"], columns["sold"]) == expected


@pytest.mark.parametrize(
    ("changes", "ends_at"),
    [
        ({}, "2026-12-16T23:00:00"),
        ({"AsOf": "2026-11-21T20:00:00.700Z"}, "2026-12-16T23:00:01"),
        ({"TimeLeft": "PT0S"}, "2026-11-21T20:00:00"),
        ({"ListingDetails": {"EndTime": "2026-11-30T00:00:00.000Z"}}, "2026-11-30T00:00:00"),
        ({"TimeLeft": None}, None),
        ({"AsOf": None}, None),
        ({"TimeLeft": "P1M"}, None),
    ],
)
def test_when_a_listing_ends(changes, ends_at):
    assert listing_row(LISTING | changes).columns["ends_at"] == (at(ends_at) if ends_at else None)


def test_a_purchase_becomes_columns():
    assert purchase_row(PURCHASE).columns == {
        "order_line_item_id": "110099-0",
        "item_id": "110099",
        "transaction_id": "0",
        "order_id": "O-1",
        "title": "A won thing",
        "seller": "somebody",
        "listing_type": "Chinese",
        "quantity": 1,
        "price": Decimal("20.0"),
        "total": Decimal("23.99"),
        "currency": "EUR",
        "paid_status": "Paid",
        "bought_at": at("2026-11-01T10:00:00"),
        "paid_at": at("2026-11-01T11:00:00"),
        "shipped_at": at("2026-11-02T11:00:00"),
    }


def test_a_purchase_without_its_line_is_item_and_transaction():
    purchase = PURCHASE | {"OrderLineItemID": None, "TransactionID": "77"}
    assert purchase_row(purchase).columns["order_line_item_id"] == "110099-77"


@pytest.mark.parametrize(
    ("text", "expected"),
    [("5", 5), (" 5 ", 5), ("-1", -1), ("", None), (None, None), (7, 7)],
)
def test_numbers_are_read(text, expected):
    assert t.number({"A": {"B": text}}, "A", "B") == expected


@pytest.mark.parametrize("text", ["5.0", "five", "٣", "1e3", "1" * 19, [], {"value": "5"}])
def test_what_is_no_number_is_refused(text):
    with pytest.raises(Unmappable, match="^A is not"):
        t.number({"A": text}, "A")


@pytest.mark.parametrize(("text", "expected"), [("true", True), ("0", False), ("", None), ("1", True)])
def test_flags_are_read(text, expected):
    assert t.flag({"A": text}, "A") is expected


@pytest.mark.parametrize("text", ["yes", "True", "2", [], True])
def test_what_is_no_flag_is_refused(text):
    with pytest.raises(Unmappable, match="^A is"):
        t.flag({"A": text}, "A")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("P25DT3H7M2S", timedelta(days=25, hours=3, minutes=7, seconds=2)),
        ("PT1.5S", timedelta(seconds=1)),
        ("P1D", timedelta(days=1)),
        ("-PT1M", timedelta(minutes=-1)),
        ("P0Y0M1D", timedelta(days=1)),
        ("P1Y", None),
        ("", None),
    ],
)
def test_durations_are_read(text, expected):
    assert t.duration({"A": text}, "A") == expected


@pytest.mark.parametrize("text", ["25 days", "P", "P1D2H", "PT1,5S", "P1DT1H ago", "1D", f"P{'9' * 9}D"])
def test_what_is_no_duration_is_refused_or_nothing(text):
    try:
        assert t.duration({"A": text}, "A") == timedelta(0)
    except Unmappable as refused:
        assert str(refused) == "A is not a duration"


@pytest.mark.parametrize(
    ("mapper", "least"),
    [(message_row, {"MessageID": "1"}), (message_body_row, {"MessageID": "1"}),
     (listing_row, {"ItemID": "1"}), (purchase_row, {"OrderLineItemID": "1"})],
)  # fmt: skip
def test_nothing_but_the_key_is_needed(mapper, least):
    assert set(mapper(least).columns.values()) <= {"1", "", None}


@pytest.mark.parametrize(("mapper", "record", "name"), [each for each in EVERY_FIELD if each[2] not in KEYS])
def test_each_field_but_the_key_may_be_missing(mapper, record, name):
    less = {key: value for key, value in record.items() if key != name}
    assert mapper(less).columns.keys() == mapper(record).columns.keys()


@pytest.mark.parametrize(
    ("mapper", "record", "words"),
    [
        (message_row, MESSAGE | {"MessageID": None}, "MessageID is missing"),
        (message_row, MESSAGE | {"Read": "perhaps"}, "Read is neither true nor false"),
        (message_row, MESSAGE | {"ReceiveDate": "yesterday"}, "ReceiveDate is not a time"),
        (message_body_row, BODY | {"Text": {"p": "x"}}, "Text is not a text"),
        (listing_row, LISTING | {"ItemID": ""}, "ItemID is missing"),
        (listing_row, LISTING | {"TimeLeft": "soon"}, "TimeLeft is not a duration"),
        (listing_row, LISTING | {"TimeLeft": "P999999D", "AsOf": "9999-01-01T00:00:00Z"}, "beyond all times"),
        (listing_row, LISTING | {"Variation": [VARIATION]}, "Variation is not an object"),
        (listing_row, changed(VARIED, "Variation", "Quantity", to="many"), "Variation.Quantity is not"),
        (listing_row, LISTING | {"BuyItNowPrice": {"value": "x"}, "SellingStatus": {}}, "is not an amount"),
        (purchase_row, {"TransactionID": "5"}, "OrderLineItemID is missing"),
        (purchase_row, PURCHASE | {"Item": "x"}, "Item.ItemID"),
        (purchase_row, PURCHASE | {"TotalPrice": "5"}, "TotalPrice.value"),
    ],
)
def test_nonsense_is_refused_and_the_field_named(mapper, record, words):
    with pytest.raises(Unmappable) as refused:
        mapper(record)
    assert words in str(refused.value)


@given(st.sampled_from(EVERY_FIELD), anything)
def test_whatever_comes_is_mapped_or_refused_never_a_crash(place, value):
    mapper, record, name = place
    try:
        row = mapper(record | {name: value})
    except Unmappable as refused:
        assert str(refused)
    else:
        assert not any(isinstance(column, float | list | dict) for column in row.columns.values())
    assert isinstance(listing_key(record | {name: value}), str)
