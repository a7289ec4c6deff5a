from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest

from syncworkers.mappers.finances import funds_row, payout_row, transaction_row, transfer_row
from syncworkers.mappers.reading import Maturity


def money(value: str, currency: str = "USD") -> dict[str, str]:
    return {"value": value, "currency": currency}


SALE: dict[str, Any] = {
    "transactionId": "05-12345-67890",
    "transactionType": "SALE",
    "transactionStatus": "FUNDS_AVAILABLE_FOR_PAYOUT",
    "transactionDate": "2026-10-02T10:00:00.250Z",
    "bookingEntry": "CREDIT",
    "amount": {**money("18.00"), "convertedFromValue": "16.2", "convertedFromCurrency": "EUR"},
    "totalFeeBasisAmount": money("21.50"),
    "totalFeeAmount": money("2.00"),
    "eBayCollectedTaxAmount": money("1.50"),
    "orderId": "12-34567-89012",
    "payoutId": "5000000001",
    "paymentsEntity": "eBay Commerce Inc.",
    "salesRecordReference": "0",
    "transactionMemo": "Funds on hold",
    "buyer": {"username": "buyer_1"},
    "references": [{"referenceId": "1100", "referenceType": "ITEM_ID"}],
    "taxes": [],
    "orderLineItems": [
        {
            "lineItemId": "1001",
            "feeBasisAmount": money("10.00"),
            "marketplaceFees": [
                {"feeType": "FINAL_VALUE_FEE", "amount": money("1.20"), "feeMemo": "12 %"},
                {
                    "feeType": "REGULATORY_OPERATING_FEE",
                    "amount": money("0.30"),
                    "feeJurisdiction": {"regionType": "STATE", "regionName": "CA"},
                },
            ],
            "donations": [{"feeType": "CHARITY_DONATION", "amount": money("0.50")}],
        },
        {"lineItemId": 1002},
    ],
}
CHARGE: dict[str, Any] = {
    "transactionId": "FEE-1",
    "transactionType": "NON_SALE_CHARGE",
    "transactionStatus": "PAYOUT",
    "transactionDate": "2026-10-03T00:00:00.000Z",
    "bookingEntry": "DEBIT",
    "amount": money("4.95"),
    "feeType": "STORE_SUBSCRIPTION_FEE",
    "feeJurisdiction": {"regionType": "COUNTRY", "regionName": "DE"},
    "transactionMemo": "Monthly",
}
PAYOUT: dict[str, Any] = {
    "payoutId": "5000000001",
    "payoutStatus": "SUCCEEDED",
    "payoutStatusDescription": "Funds sent",
    "amount": money("118.25"),
    "payoutDate": "2026-10-05T09:00:00.000Z",
    "lastAttemptedPayoutDate": "2026-10-05T08:00:00.000Z",
    "transactionCount": 12,
    "payoutInstrument": {
        "instrumentType": "BankAccount",
        "nickname": "Main",
        "accountLastFourDigits": "4321",
    },
    "payoutMemo": "Soon",
    "bankReference": "EBAY 123",
    "totalAmount": money("120.00"),
    "totalFee": money("1.75"),
    "totalFeeDetails": [],
}
TRANSFER: dict[str, Any] = {
    "transferId": "7000000001",
    "transactionDate": "2026-10-06T09:00:00.000Z",
    "transferAmount": money("30.00"),
    "fundingSource": {"type": "BANK", "brand": "Sparkasse", "memo": None},
    "transferDetail": {
        "totalChargeNetAmount": money("35.00"),
        "balanceAdjustment": {"adjustmentAmount": money("5.00"), "adjustmentType": "DEBIT"},
        "charges": [
            {"orderId": "12-1", "refundId": "9", "chargeNetAmount": money("20.00")},
            {"orderId": "12-2", "chargeNetAmount": money("10.00")},
            {"orderId": "12-1", "chargeNetAmount": money("5.00")},
            {"caseId": "77"},
        ],
    },
}
FUNDS: dict[str, Any] = {
    "totalFunds": money("60.00"),
    "availableFunds": money("10.00"),
    "fundsOnHold": money("20.00"),
    "processingFunds": money("30.00"),
}
MAPPERS = [(transaction_row, SALE), (payout_row, PAYOUT), (transfer_row, TRANSFER), (funds_row, FUNDS)]
KEYS = ("transactionId", "transactionType", "payoutId", "transferId")
EVERY_FIELD = [(mapper, record, name) for mapper, record in MAPPERS for name in record]


def changed(record: dict[str, Any], *path: str | int, to: Any) -> dict[str, Any]:
    """A copy of the record with another value at `path`."""
    result = copy.deepcopy(record)
    place: Any = result
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = to
    return result


def test_a_sale_becomes_columns():
    row = transaction_row(SALE)
    assert row.columns == {
        "transaction_id": "05-12345-67890",
        "transaction_type": "SALE",
        "transaction_status": "FUNDS_AVAILABLE_FOR_PAYOUT",
        "booking_entry": "CREDIT",
        "amount": Decimal("18.00"),
        "net": Decimal("18.00"),
        "gross": Decimal("20.00"),
        "fee_total": Decimal("2.00"),
        "fee_basis": Decimal("21.50"),
        "tax": Decimal("1.50"),
        "currency": "USD",
        "order_id": "12-34567-89012",
        "payout_id": "5000000001",
        "payout_reference": "",
        "buyer_username": "buyer_1",
        "fee_type": "",
        "memo": "Funds on hold",
        "sales_record_reference": "",
    }
    assert row.occurred_at == datetime(2026, 10, 2, 10, 0, 0, 250_000, tzinfo=UTC)
    assert row.modified_at is None


def test_fees_and_donations_of_all_lines_keep_their_order():
    fees = transaction_row(SALE).children["fees"]
    assert [
        (fee["position"], fee["kind"], fee["line_item_id"], fee["fee_type"], fee["amount"], fee["currency"])
        for fee in fees
    ] == [
        (0, "marketplace_fee", "1001", "FINAL_VALUE_FEE", Decimal("1.20"), "USD"),
        (1, "marketplace_fee", "1001", "REGULATORY_OPERATING_FEE", Decimal("0.30"), "USD"),
        (2, "donation", "1001", "CHARITY_DONATION", Decimal("0.50"), "USD"),
    ]
    assert [(fee["memo"], fee["jurisdiction"]) for fee in fees] == [("12 %", ""), ("", "STATE CA"), ("", "")]


@pytest.mark.parametrize(
    ("transaction", "net", "gross", "fees"),
    [
        (SALE, "18.00", "20.00", "-2.00"),
        (SALE | {"transactionType": "REFUND", "bookingEntry": "DEBIT"}, "-18.00", "-20.00", "2.00"),
        (CHARGE, "-4.95", "0", "-4.95"),
        (CHARGE | {"bookingEntry": "CREDIT"}, "4.95", "0", "4.95"),
    ],
    ids=["sale", "refund", "charge", "charge given back"],
)
def test_gross_and_fees_sum_up_to_net_whichever_way_the_money_goes(transaction, net, gross, fees):
    row = transaction_row(transaction)
    signed = sum(fee["signed_amount"] for fee in row.children["fees"])
    assert (row.columns["net"], row.columns["gross"], signed) == (Decimal(net), Decimal(gross), Decimal(fees))
    assert row.columns["gross"] + signed == row.columns["net"]
    assert row.columns["amount"] > 0


@pytest.mark.parametrize("entry", [None, "", "SOMETHING_NEW"])
def test_without_a_known_booking_entry_nothing_has_a_sign(entry):
    row = transaction_row(SALE | {"bookingEntry": entry})
    assert (row.columns["net"], row.columns["gross"]) == (None, None)
    assert row.columns["amount"] == Decimal("18.00")
    assert {fee["signed_amount"] for fee in row.children["fees"]} == {None}


def test_a_charge_is_its_own_and_only_fee():
    (fee,) = transaction_row(CHARGE | {"orderLineItems": SALE["orderLineItems"]}).children["fees"]
    assert fee == {
        "position": 0,
        "kind": "non_sale_charge",
        "line_item_id": "",
        "fee_type": "STORE_SUBSCRIPTION_FEE",
        "amount": Decimal("4.95"),
        "signed_amount": Decimal("-4.95"),
        "currency": "USD",
        "memo": "Monthly",
        "jurisdiction": "COUNTRY DE",
    }


def test_a_sum_in_another_currency_is_left_out_and_makes_the_gross_unknown():
    foreign = {"totalFeeAmount": money("2", "EUR"), "eBayCollectedTaxAmount": money("1", "EUR")}
    columns = transaction_row(SALE | foreign).columns
    assert (columns["fee_total"], columns["tax"], columns["gross"]) == (None, None, None)
    assert (columns["fee_basis"], columns["net"]) == (Decimal("21.50"), Decimal("18.00"))


@pytest.mark.parametrize("name", ["eBayCollectedTaxAmount", "ebayCollectedTaxAmount"])
def test_the_tax_is_found_however_ebay_spells_it(name):
    untaxed = {k: v for k, v in SALE.items() if k != "eBayCollectedTaxAmount"}
    assert transaction_row(untaxed).columns["tax"] is None
    assert transaction_row(untaxed | {name: money("1.50")}).columns["tax"] == Decimal("1.50")


def test_without_fees_the_gross_is_the_amount():
    label = {k: v for k, v in SALE.items() if k != "totalFeeAmount"} | {"transactionType": "SHIPPING_LABEL"}
    assert transaction_row(label).columns["gross"] == Decimal("18.00")


@pytest.mark.parametrize(
    ("places", "payout_id"),
    [
        ({"payoutId": "1"}, "1"),
        ({"payoutDetails": {"payoutId": "2"}}, "2"),
        ({"payoutId": "1", "payoutDetails": {"payoutId": "2"}}, "1"),
        ({"payoutDetails": {"payoutIds": ["3", "4"], "payoutReference": "R"}}, "3"),
        ({"payoutDetails": {"payoutIds": []}}, ""),
        ({"payoutId": None, "payoutDetails": None}, ""),
    ],
)
def test_the_payout_is_found_wherever_it_stands(places, payout_id):
    assert transaction_row({**SALE, "payoutId": None, **places}).columns["payout_id"] == payout_id


def test_the_payout_reference_is_kept():
    details = {"payoutReference": "R-1", "payoutIds": [1, 2]}
    assert transaction_row(SALE | {"payoutDetails": details}).columns["payout_reference"] == "R-1"


@pytest.mark.parametrize(("reference", "shown"), [("0", ""), (0, ""), ("1234", "1234"), (None, "")])
def test_a_sales_record_reference_of_0_is_none(reference, shown):
    columns = transaction_row(SALE | {"salesRecordReference": reference}).columns
    assert columns["sales_record_reference"] == shown


@pytest.mark.parametrize(
    ("status", "payout_id", "maturity"),
    [
        ("PAYOUT", "5", Maturity.FINAL),
        ("PAYOUT", None, Maturity.OPEN),
        ("COMPLETED", None, Maturity.FINAL),
        ("FAILED", None, Maturity.FINAL),
        ("FUNDS_PROCESSING", "5", Maturity.OPEN),
        ("FUNDS_AVAILABLE_FOR_PAYOUT", None, Maturity.OPEN),
        ("FUNDS_ON_HOLD", None, Maturity.OPEN),
        ("SOMETHING_NEW", "5", Maturity.OPEN),
        (None, "5", Maturity.OPEN),
    ],
)
def test_which_transactions_are_read_again(status, payout_id, maturity):
    row = transaction_row(SALE | {"transactionStatus": status, "payoutId": payout_id})
    assert row.maturity is maturity


@pytest.mark.parametrize(
    ("status", "maturity"),
    [
        ("SUCCEEDED", Maturity.SETTLING),
        ("TERMINAL_FAILED", Maturity.FINAL),
        ("REVERSED", Maturity.OPEN),
        ("INITIATED", Maturity.OPEN),
        ("RETRYABLE_FAILED", Maturity.OPEN),
        ("SOMETHING_NEW", Maturity.OPEN),
        (None, Maturity.OPEN),
    ],
)
def test_which_payouts_are_read_again(status, maturity):
    assert payout_row(PAYOUT | {"payoutStatus": status}).maturity is maturity


def test_a_payout_becomes_columns():
    row = payout_row(PAYOUT)
    assert row.columns == {
        "payout_id": "5000000001",
        "payout_status": "SUCCEEDED",
        "status_description": "Funds sent",
        "amount": Decimal("118.25"),
        "total_amount": Decimal("120.00"),
        "total_fee": Decimal("1.75"),
        "currency": "USD",
        "last_attempted_at": datetime(2026, 10, 5, 8, tzinfo=UTC),
        "transaction_count": 12,
        "instrument_type": "BankAccount",
        "instrument_nickname": "Main",
        "instrument_last_four": "4321",
        "memo": "Soon",
        "bank_reference": "EBAY 123",
    }
    assert row.occurred_at == datetime(2026, 10, 5, 9, tzinfo=UTC)
    assert row.children == {}


def test_a_transfer_becomes_columns():
    row = transfer_row(TRANSFER)
    assert row.columns == {
        "transfer_id": "7000000001",
        "transferred_at": datetime(2026, 10, 6, 9, tzinfo=UTC),
        "amount": Decimal("30.00"),
        "charge_total": Decimal("35.00"),
        "balance_used": Decimal("5.00"),
        "currency": "USD",
        "funding_type": "BANK",
        "funding_brand": "Sparkasse",
        "charge_count": 4,
        "order_ids": "12-1,12-2",
    }


@pytest.mark.parametrize(
    ("mapper", "record", "path", "column"),
    [
        (payout_row, PAYOUT, ("totalAmount",), "total_amount"),
        (payout_row, PAYOUT, ("totalFee",), "total_fee"),
        (transfer_row, TRANSFER, ("transferDetail", "totalChargeNetAmount"), "charge_total"),
        (transfer_row, TRANSFER, ("transferDetail", "balanceAdjustment", "adjustmentAmount"), "balance_used"),
    ],
)
def test_an_amount_in_another_currency_is_left_empty(mapper, record, path, column):
    foreign = changed(record, *path, to=money("1.00", "EUR"))
    assert mapper(foreign).columns == mapper(record).columns | {column: None}


def test_funds_become_columns():
    assert funds_row(FUNDS).columns == {
        "currency": "USD",
        "total": Decimal("60.00"),
        "available": Decimal("10.00"),
        "on_hold": Decimal("20.00"),
        "processing": Decimal("30.00"),
    }


def test_funds_that_ebay_leaves_out_are_nothing():
    columns = funds_row({"totalFunds": money("5.00"), "fundsOnHold": money("5.00")}).columns
    assert (columns["available"], columns["on_hold"], columns["processing"]) == (0, Decimal("5.00"), 0)


def test_ids_of_another_type_are_texts():
    sale = SALE | {"transactionId": 5, "orderId": 6, "payoutId": 7}
    columns = transaction_row(sale).columns
    assert (columns["transaction_id"], columns["order_id"], columns["payout_id"]) == ("5", "6", "7")
    assert transaction_row(SALE).children["fees"][0]["line_item_id"] == "1001"


@pytest.mark.parametrize(
    ("mapper", "least"),
    [
        (transaction_row, {"transactionId": "1", "transactionType": "1"}),
        (payout_row, {"payoutId": "1"}),
        (transfer_row, {"transferId": "1"}),
    ],
)
def test_nothing_but_the_key_is_needed(mapper, least):
    row = mapper(least)
    assert set(row.columns.values()) <= {"1", "", None, 0}
    assert (row.occurred_at, row.modified_at) == (None, None)
    assert not any(row.children.values())


@pytest.mark.parametrize(("mapper", "record", "name"), [each for each in EVERY_FIELD if each[2] not in KEYS])
def test_each_field_but_the_key_may_be_null(mapper, record, name):
    assert mapper({**record, name: None}).columns.keys() == mapper(record).columns.keys()


def test_amounts_are_exact():
    columns = transaction_row(changed(SALE, "amount", "value", to=0.1)).columns
    assert (columns["amount"], columns["gross"]) == (Decimal("0.1"), Decimal("2.1"))
