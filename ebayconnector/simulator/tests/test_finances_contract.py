"""Bodies of the Finances API against eBay's contract v1.9.0, and what only the newer one has (03 §5)."""

import pytest
from jsonschema import Draft202012Validator

from .conftest import contract, error_id
from .finances import Finances
from .test_order_bodies import ALL_SELLERS, schema_of, unknown_fields, without_nulls

V18_ONLY = {
    "payoutDetails",
    "eBayCollectedTaxAmount",
    "ebayCollectedTaxAmount",
    "feeJurisdiction",
    "donations",
}


@pytest.fixture
def large(sim):
    sim.freeze()
    sim.control("POST", "/sellers", {"username": "large", "orders": 1_500})
    return Finances(sim, "large")


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_bodies_fit_the_contract(sim, seller):
    document = contract("sell_finances_v1_oas3.json")
    sim.control("POST", "/finances", {"generation": "v1.9", "signatures": "never"})
    caller = Finances(sim, seller)
    answers = {
        "Transactions": caller.get("/transaction", limit=1000),
        "Payouts": caller.get("/payout", limit=200),
        "PayoutSummaryResponse": caller.get("/payout_summary"),
        "TransactionSummaryResponse": caller.get("/transaction_summary", "transactionStatus:{PAYOUT}"),
        "SellerFundsSummaryResponse": caller.get("/seller_funds_summary"),
    }
    for name, answer in answers.items():
        check(document, name, answer.json())


def check(document, name, body):
    validator = Draft202012Validator(schema_of(document, name))
    body = without_nulls(body)
    assert [error.message for error in validator.iter_errors(body)] == []
    assert list(unknown_fields(document, name, body)) == []


def test_what_the_old_contract_does_not_know(large):
    document = contract("sell_finances_v1_oas3.json")
    unknown = {
        path.rsplit(".", 1)[1]
        for row in large.truth()
        for path in unknown_fields(document, "Transaction", without_nulls(row))
    }
    assert unknown <= V18_ONLY
    assert {"payoutDetails", "eBayCollectedTaxAmount", "donations"} <= unknown


def test_transfers_fit_the_contract(large):
    document = contract("sell_finances_v1_oas3.json")
    transfers = large.truth("transfers")
    assert {row["fundingSource"]["type"] for row in transfers} >= {"AVAILABLE_FUNDS", "BANK"}
    for row in transfers[:5]:
        assert large.get(f"/transfer/{row['transferId']}").json() == row
        check(document, "Transfer", row)
    owed = {row["transferId"]: row["transferAmount"] for row in transfers}
    rows = [row for row in large.truth() if row["transactionType"] == "TRANSFER"]
    assert {row["transactionId"]: row["amount"] for row in rows} == owed


def test_unknown_transfer_and_payout(large):
    for path, expected in (("/transfer/1", 135012), ("/payout/1", 135001)):
        answer = large.get(path)
        assert (answer.status_code, error_id(answer)) == (404, expected)
