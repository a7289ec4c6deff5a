from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.mappers.orders import order_id_of, order_row, order_row_of
from syncworkers.mappers.reading import Unmappable

FULL: dict[str, Any] = {
    "orderId": "12-34567-89012",
    "salesRecordReference": "1234",
    "creationDate": "2026-11-20T10:00:00.000Z",
    "lastModifiedDate": "2026-11-20T12:00:00.250Z",
    "orderFulfillmentStatus": "NOT_STARTED",
    "orderPaymentStatus": "PAID",
    "cancelStatus": {"cancelState": "NONE_REQUESTED"},
    "buyer": {"username": "buyer_1"},
    "pricingSummary": {"total": {"value": "22.10", "currency": "USD"}},
    "fulfillmentStartInstructions": [
        {"fulfillmentInstructionsType": "DIGITAL"},
        {"shippingStep": {"shipTo": {"fullName": "Ann", "contactAddress": {"countryCode": "DE"}}}},
    ],
    "lineItems": [
        {
            "lineItemId": "1001", "legacyItemId": "1100", "sku": "ABC", "title": "A thing", "quantity": 2,
            "lineItemCost": {"value": "10.05", "currency": "USD"},
            "total": {"value": "11.05", "currency": "USD"},
            "lineItemFulfillmentStatus": "NOT_STARTED",
        },
        {"lineItemId": 1002, "lineItemCost": {"value": "0.1", "currency": "EUR"}},
    ],
}  # fmt: skip


def changed(*path: str | int, to: Any) -> dict[str, Any]:
    """FULL with another value at `path`."""
    head, *rest = path
    result = {**FULL}
    place: Any = result
    for name, following in zip(path, rest, strict=False):
        place[name] = list(place[name]) if isinstance(following, int) else {**place[name]}
        place = place[name]
    place[rest[-1] if rest else head] = to
    return result


def test_a_full_order_becomes_columns():
    row = order_row(FULL)
    assert row.modified_at == datetime(2026, 11, 20, 12, 0, 0, 250_000, tzinfo=UTC)
    assert row.columns == {
        "order_id": "12-34567-89012",
        "created_at_ebay": datetime(2026, 11, 20, 10, tzinfo=UTC),
        "fulfillment_status": "NOT_STARTED",
        "payment_status": "PAID",
        "cancel_state": "NONE_REQUESTED",
        "buyer_username": "buyer_1",
        "ship_to_name": "Ann",
        "ship_to_country": "DE",
        "total": Decimal("22.10"),
        "currency": "USD",
        "line_item_count": 2,
        "sales_record_reference": "1234",
    }


def test_line_items_keep_their_order_and_ids_of_either_type():
    first, second = order_row(FULL).children["line_items"]
    assert (first["line_item_id"], first["position"], first["quantity"]) == ("1001", 0, 2)
    assert (first["cost"], first["total"], first["currency"]) == (Decimal("10.05"), Decimal("11.05"), "USD")
    assert (second["line_item_id"], second["position"], second["total"]) == ("1002", 1, None)
    assert (second["cost"], second["currency"], second["sku"]) == (Decimal("0.1"), "EUR", "")


def test_an_order_needs_nothing_but_its_id():
    row = order_row({"orderId": "1"})
    assert row.modified_at is None
    assert row.children == {"line_items": []}
    assert set(row.columns.values()) <= {"1", "", None, 0}


@pytest.mark.parametrize("order", [{}, {"orderId": ""}, {"orderId": None}])
def test_an_order_without_id_is_refused(order):
    with pytest.raises(Unmappable, match="orderId is missing"):
        order_row(order)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        (changed("orderId", to={"a": 1}), "orderId is not a text"),
        (changed("orderFulfillmentStatus", to=True), "orderFulfillmentStatus is not a text"),
        (changed("creationDate", to="yesterday"), "creationDate is not a time"),
        (changed("lastModifiedDate", to=5), "lastModifiedDate is not a time"),
        (changed("pricingSummary", "total", to="22"), "pricingSummary.total"),
        (changed("pricingSummary", "total", "value", to="a lot"), "pricingSummary.total is not an amount"),
        (changed("pricingSummary", "total", "value", to="NaN"), "pricingSummary.total is not an amount"),
        (changed("pricingSummary", "total", "value", to="1_000"), "pricingSummary.total is not an amount"),
        (changed("pricingSummary", "total", "value", to=True), "pricingSummary.total is not an amount"),
        (changed("buyer", to=["x"]), "buyer.username"),
        (changed("lineItems", to={"a": 1}), "lineItems is not a list"),
        (changed("lineItems", to="two"), "lineItems is not a list"),
        (changed("lineItems", 0, to=7), "lineItems holds something that is not an object"),
        (changed("lineItems", 0, "quantity", to="2"), "quantity is not a whole number"),
        (changed("lineItems", 0, "lineItemId", to=None), "lineItemId is missing"),
        (changed("fulfillmentStartInstructions", to=7), "fulfillmentStartInstructions is not a list"),
    ],
)
def test_nonsense_is_refused_and_the_field_named(order, words):
    with pytest.raises(Unmappable) as refused:
        order_row(order)
    assert words in str(refused.value)


def test_amounts_are_exact():
    total = order_row(changed("pricingSummary", "total", "value", to=0.1)).columns["total"]
    assert isinstance(total, Decimal)
    assert total == Decimal("0.1")


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2),
    max_leaves=4,
)


@given(st.sampled_from(sorted(FULL)), anything)
def test_whatever_comes_is_mapped_or_refused_never_a_crash(name, value):
    try:
        row = order_row(changed(name, to=value))
    except Unmappable as refused:
        assert name in str(refused)
    else:
        assert not any(isinstance(column, float) for column in row.columns.values())


def places(value: Any, *path: str | int) -> list[tuple[str | int, ...]]:
    """Every path in a value."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [place for key, item in inner for place in ((*path, key), *places(item, *path, key))]


telling = st.sampled_from(
    [
        None,
        "",
        0,
        2,
        2.0,
        1.5,
        True,
        "x",
        "1.5",
        "1e3",
        " 1",
        "2026-11-20T12:00:00Z",
        "2026-11-20",
        [],
        {},
        [{}],
    ]
)


@given(st.sampled_from(places(FULL)), telling | anything)
def test_bytes_are_mapped_as_objects_are(path, value):
    raw = msgspec.json.encode(changed(*path, to=value))
    order = msgspec.json.decode(raw)
    try:
        expected = order_row(order)
    except Unmappable as refused:
        with pytest.raises(Unmappable) as again:
            order_row_of(raw)
        assert str(again.value) == str(refused)
    else:
        assert order_row_of(raw) == expected
        assert order_id_of(raw) == expected.columns["order_id"]


def test_the_usual_order_takes_the_fast_way(monkeypatch):
    monkeypatch.setattr("syncworkers.mappers.orders.order_row", None)
    assert order_row_of(msgspec.json.encode(changed("lineItems", 1, "lineItemId", to="1002"))).columns
