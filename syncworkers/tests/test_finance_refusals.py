"""Finances records that cannot be true: refused, and the field named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncworkers.mappers.finances import funds_row, payout_row, transaction_row, transfer_row
from syncworkers.mappers.reading import Unmappable

from .test_finance_mappers import CHARGE, EVERY_FIELD, FUNDS, PAYOUT, SALE, TRANSFER, changed


@pytest.mark.parametrize("value", [None, ""])
@pytest.mark.parametrize(
    ("mapper", "record", "name"),
    [
        (transaction_row, SALE, "transactionId"),
        (transaction_row, SALE, "transactionType"),
        (payout_row, PAYOUT, "payoutId"),
        (transfer_row, TRANSFER, "transferId"),
    ],
)
def test_a_record_without_its_key_is_refused(mapper, record, name, value):
    with pytest.raises(Unmappable, match=f"{name} is missing"):
        mapper({**record, name: value})


def test_funds_of_no_currency_are_refused():
    with pytest.raises(Unmappable, match="totalFunds.currency is missing"):
        funds_row({})


@pytest.mark.parametrize(
    ("mapper", "record", "words"),
    [
        (transaction_row, changed(SALE, "transactionId", to=["x"]), "transactionId is not a text"),
        (transaction_row, changed(SALE, "transactionDate", to="yesterday"), "transactionDate is not a time"),
        (transaction_row, changed(SALE, "bookingEntry", to=True), "bookingEntry is not a text"),
        (transaction_row, changed(SALE, "amount", to="18"), "amount.currency"),
        (transaction_row, changed(SALE, "amount", "value", to="a lot"), "amount is not an amount"),
        (transaction_row, changed(SALE, "amount", "value", to="NaN"), "amount is not an amount"),
        (transaction_row, changed(SALE, "totalFeeAmount", "value", to="1 000"), "totalFeeAmount is not"),
        (transaction_row, changed(SALE, "eBayCollectedTaxAmount", to=[]), "eBayCollectedTaxAmount"),
        (transaction_row, changed(SALE, "buyer", to="buyer_1"), "buyer.username"),
        (transaction_row, SALE | {"payoutId": "", "payoutDetails": {"payoutIds": "5"}}, "payoutIds is not a"),
        (transaction_row, changed(SALE, "orderLineItems", to={}), "orderLineItems is not a list"),
        (transaction_row, changed(SALE, "orderLineItems", 1, to=None), "orderLineItems holds something"),
        (
            transaction_row,
            changed(SALE, "orderLineItems", 1, "marketplaceFees", to=[{}, {}, {"amount": 5}]),
            "orderLineItems[1].marketplaceFees[2].amount.value",
        ),
        (
            transaction_row,
            changed(SALE, "orderLineItems", 0, "marketplaceFees", 0, "amount", "value", to="x"),
            "orderLineItems[0].marketplaceFees[0].amount is not an amount",
        ),
        (
            transaction_row,
            changed(SALE, "orderLineItems", 0, "donations", 0, "feeType", to={}),
            "orderLineItems[0].donations[0].feeType is not a text",
        ),
        (transaction_row, changed(CHARGE, "feeJurisdiction", to="DE"), "feeJurisdiction.regionType"),
        (payout_row, changed(PAYOUT, "transactionCount", to="12"), "transactionCount is not a whole number"),
        (payout_row, changed(PAYOUT, "payoutInstrument", to="Bank"), "payoutInstrument.instrumentType"),
        (transfer_row, changed(TRANSFER, "transferDetail", "charges", to=5), "transferDetail.charges is not"),
        (
            transfer_row,
            changed(TRANSFER, "transferDetail", "charges", 1, "orderId", to=[]),
            "transferDetail.charges[1].orderId is not a text",
        ),
        (funds_row, changed(FUNDS, "fundsOnHold", "value", to=True), "fundsOnHold is not an amount"),
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
        row = mapper({**record, name: value})
    except Unmappable as refused:
        assert name in str(refused)
    else:
        every = [row.columns, *row.children.get("fees", [])]
        assert not any(isinstance(value, float) for columns in every for value in columns.values())


@given(st.sampled_from(["marketplaceFees", "donations", "lineItemId"]), anything)
def test_whatever_a_line_holds_its_place_is_named(name, value):
    try:
        transaction_row(changed(SALE, "orderLineItems", 1, name, to=value))
    except Unmappable as refused:
        assert f"orderLineItems[1].{name}" in str(refused)
