"""The money itself: what orders bring, how statuses and payouts follow the clock (03 §5)."""

import re
from collections import Counter

import pytest

from ebayconnector.simulator.money_entries import Payout
from ebayconnector.simulator.money_statuses import fate
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, iso, parse_iso

from .finances import US_SELLER, Finances, cents, key_of, signed
from .test_order_bodies import ALL_SELLERS

FUNDS = ("totalFunds", "availableFunds", "fundsOnHold", "processingFunds")


@pytest.fixture
def caller(sim):
    sim.freeze()
    return Finances(sim)


@pytest.fixture
def large(sim):
    sim.freeze()
    sim.control("POST", "/sellers", {"username": "large", "orders": 1_500})
    return Finances(sim, "large")


def fees(row):
    return [fee for line in row["orderLineItems"] for fee in line["marketplaceFees"]]


def gifts(row):
    return [fee for line in row["orderLineItems"] for fee in line.get("donations", [])]


def of_type(rows, kind):
    return [row for row in rows if row["transactionType"] == kind]


def tax_of(row):
    amount = row.get("eBayCollectedTaxAmount") or row.get("ebayCollectedTaxAmount")
    return cents(amount) if amount else 0


def change(caller, kind, count=120):
    body = {"seller": caller.seller, "count": count, "kind": kind}
    return caller.sim.control("POST", "/orders/change", body)


def test_each_paid_order_has_one_sale_of_its_creation(caller):
    orders = {row["orderId"]: row for row in caller.sim.truth(caller.seller)}
    sales = of_type(caller.truth(), "SALE")
    assert sorted(row["orderId"] for row in sales) == sorted(orders)
    for row in sales:
        assert row["transactionDate"] == orders[row["orderId"]]["creationDate"]
        assert row["bookingEntry"] == "CREDIT"


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_sales_reconcile_with_their_orders(sim, seller):
    caller = Finances(sim, seller)
    orders = {row["orderId"]: row for row in sim.truth(seller)}
    checked = 0
    for row in of_type(caller.truth(), "SALE"):
        order = orders[row["orderId"]]
        fee = cents(row["totalFeeAmount"])
        assert cents(row["amount"]) + fee == cents(row["totalFeeBasisAmount"])
        assert cents(row["totalFeeBasisAmount"]) == cents(order["pricingSummary"]["total"])
        assert sum(cents(one["amount"]) for one in fees(row) + gifts(row)) == fee
        if "totalMarketplaceFee" in order:
            assert fee == cents(order["totalMarketplaceFee"])
            checked += 1
        taxes = [tax for line in order["lineItems"] for tax in line.get("ebayCollectAndRemitTaxes", [])]
        assert tax_of(row) == sum(cents(tax["amount"]) for tax in taxes)
        lines = [line["lineItemId"] for line in row["orderLineItems"]]
        assert lines == [line["lineItemId"] for line in order["lineItems"]]
    assert checked > 50


def test_all_kinds_of_fees_occur(large):
    found = Counter(fee["feeType"] for row in of_type(large.truth(), "SALE") for fee in fees(row))
    kinds = {"FINAL_VALUE_FEE", "FINAL_VALUE_FEE_FIXED_PER_ORDER", "INTERNATIONAL_FEE", "AD_FEE"}
    assert set(found) == kinds
    assert found["FINAL_VALUE_FEE_FIXED_PER_ORDER"] == 1_500
    assert any(gifts(row) for row in of_type(large.truth(), "SALE"))


def test_tax_is_spelled_as_documents_or_as_live_answers_spell_it(sim):
    spelled = {
        seller: {name for row in Finances(sim, seller).truth() for name in row if "CollectedTax" in name}
        for seller in ("northwind_parts", "outback_spares", "thames_tools")
    }
    assert spelled == {
        "northwind_parts": {"eBayCollectedTaxAmount"},
        "outback_spares": {"ebayCollectedTaxAmount"},
        "thames_tools": set(),
    }


def test_amounts_are_unsigned_and_written_as_live(large):
    for row in large.truth():
        assert re.fullmatch(r"\d+\.(\d[1-9]|\d)", row["amount"]["value"])
        assert cents(row["amount"]) > 0


def test_amounts_abroad_are_converted(large):
    converted = [row["amount"] for row in large.truth() if "exchangeRate" in row["amount"]]
    assert converted
    for amount in converted:
        before = float(amount["convertedFromValue"]) * float(amount["exchangeRate"])
        assert before == pytest.approx(float(amount["value"]), abs=0.02)


def test_transaction_ids(large):
    rows = large.truth()
    assert len({key_of(row) for row in rows}) == len(rows)
    sales = {row["orderId"]: row["transactionId"] for row in of_type(rows, "SALE")}
    shared = [sales[row["orderId"]] == row["transactionId"] for row in of_type(rows, "REFUND")]
    assert set(shared) == {True, False}
    assert {order_id == transaction_id for order_id, transaction_id in sales.items()} == {True, False}


def test_refunds_reconcile_with_their_orders(large):
    orders = {row["orderId"]: row for row in large.truth("orders")}
    refunds = of_type(large.truth(), "REFUND")
    refunded = {n for n, row in orders.items() if row["paymentSummary"].get("refunds")}
    assert {row["orderId"] for row in refunds} == refunded
    for row in refunds:
        (paid_back,) = orders[row["orderId"]]["paymentSummary"]["refunds"]
        assert row["bookingEntry"] == "DEBIT"
        assert row["transactionDate"] == paid_back["refundDate"]
        assert cents(row["totalFeeBasisAmount"]) == cents(paid_back["amount"])
        credit = cents(row["totalFeeAmount"])
        assert cents(row["amount"]) == cents(row["totalFeeBasisAmount"]) - credit
        assert credit == sum(cents(fee["amount"]) for fee in fees(row)) > 0


def test_refund_appears_when_the_order_is_refunded(caller):
    order_id = caller.new_order()
    caller.advance(1)
    assert caller.of_order(order_id, "REFUND") == []
    caller.sim.control("POST", "/orders/change", {"seller": US_SELLER, "count": 121, "kind": "full_refund"})
    (row,) = caller.of_order(order_id, "REFUND")
    assert row["transactionDate"] == caller.sim.now()


def test_part_and_rest_are_two_refunds(caller):
    order_id = caller.new_order()
    change(caller, "refund", 121)
    (part,) = caller.of_order(order_id, "REFUND")
    caller.advance(2)
    change(caller, "full_refund", 121)
    rest, again = caller.of_order(order_id, "REFUND")
    assert (again["transactionId"], again["transactionDate"]) == (
        part["transactionId"],
        part["transactionDate"],
    )
    (sale,) = caller.of_order(order_id)
    assert cents(part["totalFeeBasisAmount"]) + cents(rest["totalFeeBasisAmount"]) == cents(
        sale["totalFeeBasisAmount"]
    )
    kept = cents(sale["totalFeeAmount"]) - cents(part["totalFeeAmount"]) - cents(rest["totalFeeAmount"])
    assert kept == 30  # the fee per order


def test_a_cancellation_asked_for_later_does_not_move_a_refund(sim):
    sim.freeze()
    sim.control("POST", "/sellers", {"username": "small", "orders": 0})
    small = Finances(sim, "small")
    order = small.new_order()
    change(small, "refund", 1)
    (before,) = small.of_order(order, "REFUND")
    small.advance(2)
    change(small, "cancel_request", 1)
    (after,) = small.of_order(order, "REFUND")
    assert after["transactionDate"] == before["transactionDate"]


def test_order_that_is_not_paid_brings_nothing(caller):
    order_id = caller.new_order(overrides={"orderPaymentStatus": "PENDING"})
    assert caller.of_order(order_id) == []
    caller.sim.control(
        "PATCH", f"/orders/{order_id}", {"seller": US_SELLER, "overrides": {"orderPaymentStatus": "PAID"}}
    )
    assert len(caller.of_order(order_id)) == 1


def test_other_types_have_their_sign_and_words(large):
    rows = large.truth()
    signs = {(row["transactionType"], row["bookingEntry"]) for row in rows}
    assert {("DISPUTE", "DEBIT"), ("CREDIT", "CREDIT"), ("TRANSFER", "DEBIT")} <= signs
    assert {("SHIPPING_LABEL", "DEBIT"), ("SHIPPING_LABEL", "CREDIT"), ("NON_SALE_CHARGE", "DEBIT")} <= signs
    charges = of_type(rows, "NON_SALE_CHARGE")
    assert {row["feeType"] for row in charges} == {"AD_FEE", "OTHER_FEES", "INSERTION_FEE"}
    assert all("orderId" not in row and "buyer" not in row for row in charges)
    assert all("buyer" not in row for row in of_type(rows, "TRANSFER"))


def test_life_of_a_sale(caller):
    tomorrow_ms = (parse_iso(caller.sim.now()) // DAY_MS + 1) * DAY_MS
    caller.sim.control("POST", "/clock", {"now": iso(tomorrow_ms + 9 * HOUR_MS)})
    order_id = caller.new_order()
    seen, dates, payout_ids = [], set(), []
    for _hour in range(24 * 4):
        (row,) = caller.of_order(order_id)
        seen.append(row["transactionStatus"])
        dates.add(row["transactionDate"])
        payout_ids.append(row.get("payoutId"))
        caller.advance(1 / 24)
    steps = list(dict.fromkeys(seen))
    assert steps == ["FUNDS_PROCESSING", "FUNDS_AVAILABLE_FOR_PAYOUT", "PAYOUT"]
    assert 30 < seen.index("FUNDS_AVAILABLE_FOR_PAYOUT") < 66
    assert len(dates) == 1
    assert [number is not None for number in payout_ids] == [status == "PAYOUT" for status in seen]


def test_some_sales_are_held_for_days(large):
    held = [row for row in large.truth() if row["transactionStatus"] == "FUNDS_ON_HOLD"]
    assert held
    assert all(row["transactionMemo"].startswith("Funds on hold. Estimated release on ") for row in held)
    large.advance(25)
    later = {key_of(row): row["transactionStatus"] for row in large.truth()}
    assert {later[key_of(row)] for row in held} <= {"PAYOUT", "FUNDS_AVAILABLE_FOR_PAYOUT"}
    assert "PAYOUT" in {later[key_of(row)] for row in held}


def test_transfer_is_completed_or_fails_a_day_later(large):
    ends = Counter(row["transactionStatus"] for row in of_type(large.truth(), "TRANSFER"))
    assert set(ends) <= {"COMPLETED", "FAILED", "PAYOUT", "FUNDS_PROCESSING", "FUNDS_AVAILABLE_FOR_PAYOUT"}
    assert ends["COMPLETED"]
    assert ends["PAYOUT"]


@pytest.mark.parametrize("seller", ["northwind_parts", "flohmarkt_anna", "large"])
def test_payouts_are_the_signed_sums_of_their_transactions(large, seller):
    caller = Finances(large.sim, seller)
    rows, payouts = caller.truth(), caller.truth("payouts")
    assert len(payouts) > 5
    for payout in payouts:
        members = [row for row in rows if row.get("payoutId") == payout["payoutId"]]
        assert cents(payout["amount"]) == sum(signed(row) for row in members) > 0
        assert payout["transactionCount"] == len(members)
        assert max(row["transactionDate"] for row in members) <= payout["payoutDate"]
        assert {row["transactionStatus"] for row in members} == {"PAYOUT"}


def test_payouts_are_daily_or_weekly(sim):
    for seller, every in (("northwind_parts", 1), ("flohmarkt_anna", 7)):
        times = [parse_iso(row["payoutDate"]) for row in Finances(sim, seller).truth("payouts")]
        gaps = {(b - a) / 86_400_000 for a, b in zip(times, times[1:], strict=False)}
        assert min(gaps) == every
        assert all(gap % every == 0 for gap in gaps)


def test_life_of_a_payout(large):
    fates, dates = {}, {}
    for _step in range(60):
        for row in large.payouts(sort="payoutDate", limit=10):
            fates.setdefault(row["payoutId"], []).append(row["payoutStatus"])
            dates.setdefault(row["payoutId"], set()).add((row["payoutDate"], row["amount"]["value"]))
        large.advance(4 / 24)  # as short as INITIATED can be
    begun = [list(dict.fromkeys(seen)) for seen in fates.values() if seen[0] == "INITIATED"]
    assert ["INITIATED", "SUCCEEDED"] in begun
    assert all(len(seen) == 1 for seen in dates.values())


@pytest.mark.parametrize(
    ("luck", "steps"),
    [
        (500, ["INITIATED", "SUCCEEDED"]),
        (995, ["INITIATED", "SUCCEEDED", "REVERSED"]),
        (20, ["INITIATED", "RETRYABLE_FAILED", "SUCCEEDED"]),
        (2, ["INITIATED", "RETRYABLE_FAILED", "TERMINAL_FAILED"]),
    ],
)
def test_fates_of_payouts(luck, steps):
    payout = Payout("5", 0, dice=luck)
    seen = [fate(payout, hour * HOUR_MS) for hour in range(24 * 8)]
    assert list(dict.fromkeys(one.status for one in seen)) == steps
    assert all((one.last_attempt_ms is not None) == ("FAILED" in one.status) for one in seen)


def test_failed_payouts_tell_the_last_attempt(sim):
    sim.control("POST", "/sellers", {"username": "long_lived", "orders": 3_000})
    rows = Finances(sim, "long_lived").truth("payouts")
    found = {row["payoutStatus"]: "lastAttemptedPayoutDate" in row for row in rows}
    assert found["SUCCEEDED"] is False
    assert found["REVERSED"] is False
    assert all("lastAttemptedPayoutDate" in row for row in rows if "FAILED" in row["payoutStatus"])


def test_funds_are_what_is_not_paid_out(large):
    rows = large.truth()
    by_status = Counter()
    for row in rows:
        transfer = row["transactionType"] == "TRANSFER" and row["transactionStatus"] == "FUNDS_PROCESSING"
        by_status[row["transactionStatus"]] += 0 if transfer else signed(row)
    body = large.get("/seller_funds_summary").json()
    found = {name: cents(body[name]) if name in body else 0 for name in FUNDS}
    assert found == {
        "totalFunds": sum(found.values()) - found["totalFunds"],
        "availableFunds": by_status["FUNDS_AVAILABLE_FOR_PAYOUT"],
        "fundsOnHold": by_status["FUNDS_ON_HOLD"],
        "processingFunds": by_status["FUNDS_PROCESSING"],
    }
    assert body == large.sim.control("GET", "/truth/funds?seller=large")


def test_transfer_from_a_bank_is_no_part_of_the_funds(caller):
    caller.sim.control("POST", "/orders", {"seller": US_SELLER, "count": 600})
    for _half_day in range(24):
        caller.advance(0.5)
        under_way = caller.rows("transactionType:{TRANSFER}", "transactionStatus:{FUNDS_PROCESSING}")
        if under_way:
            break
    sales = caller.rows("transactionType:{SALE}", "transactionStatus:{FUNDS_PROCESSING}")
    processing = caller.get("/seller_funds_summary").json().get("processingFunds", {"value": "0"})
    assert under_way
    assert cents(processing) == sum(signed(row) for row in sales)


def test_debts_wait_for_the_next_payout(sim):
    sim.freeze()
    sim.control("POST", "/sellers", {"username": "small", "orders": 0})
    small = Finances(sim, "small")
    first = small.new_order()
    small.advance(5)
    assert small.of_order(first)[0]["transactionStatus"] in ("PAYOUT", "FUNDS_ON_HOLD")
    change(small, "full_refund", 1)
    small.advance(8)
    (refund,) = small.of_order(first, "REFUND")
    assert refund["transactionStatus"] == "FUNDS_AVAILABLE_FOR_PAYOUT"
    assert "payoutId" not in refund
    for _ in range(5):
        small.new_order()
    small.advance(30)
    assert small.of_order(first, "REFUND")[0]["transactionStatus"] == "PAYOUT"


def test_late_fee_line_leaves_the_sum(large):
    before = {row["orderId"]: row for row in of_type(large.truth(), "SALE")}
    changed = large.sim.control("POST", "/orders/change", {"seller": "large", "count": 150, "kind": "touch"})
    grown = 0
    for order_id in changed["orderIds"]:
        (row,) = large.of_order(order_id)
        old = before[order_id]
        assert (row["amount"], row["totalFeeAmount"]) == (old["amount"], old["totalFeeAmount"])
        assert sum(cents(one["amount"]) for one in fees(row) + gifts(row)) == cents(row["totalFeeAmount"])
        grown += len(fees(row)) == len(fees(old)) + 1
    assert 5 < grown < 50


def test_same_seed_same_money(sim):
    moment = sim.freeze()

    def history():
        sim.control("POST", "/clock", {"now": moment, "frozen": True})
        return Finances(sim).truth()

    first = history()
    sim.control("POST", "/reset", {"seed": 1})
    second = history()
    # The history hangs on the moment of the reset, so dates move; ids, types and amounts stay.
    same = [(key_of(row), row["amount"]) for row in of_type(first, "SALE")]
    assert same == [(key_of(row), row["amount"]) for row in of_type(second, "SALE")]
