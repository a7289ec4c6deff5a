"""getPayouts, the summaries, and what the control API does to the money (03 §5.2)."""

import pytest

from ebayconnector.simulator.times import iso, parse_iso

from .conftest import error_id
from .finances import US_SELLER, Finances, cents, key_of, signed


@pytest.fixture
def caller(sim):
    sim.freeze()
    return Finances(sim)


def dates(start, end="", name="payoutDate"):
    return f"{name}:[{start}..{end}]"


def patch(caller, row, **body):
    sent = {"seller": caller.seller, "transactionType": row["transactionType"]} | body
    return caller.sim.control("PATCH", f"/transactions/{row['transactionId']}", sent)


def paid_sale(caller):
    return next(row for row in caller.rows("transactionType:{SALE}") if row["transactionStatus"] == "PAYOUT")


def test_default_page_is_oldest_first_and_twenty(caller):
    page = caller.get("/payout").json()
    assert (page["limit"], page["offset"], len(page["payouts"])) == (20, 0, 20)
    assert page["payouts"] == caller.truth("payouts")[:20]
    assert "offset=20" in page["next"]


def test_sort_turns_the_list_round(caller):
    assert caller.payouts(sort="payoutDate") == caller.truth("payouts")[::-1]


def test_range_is_inclusive(caller):
    rows = caller.truth("payouts")[10:13]
    assert caller.payouts(dates(rows[0]["payoutDate"], rows[2]["payoutDate"])) == rows
    assert caller.payouts(dates(rows[1]["payoutDate"], rows[1]["payoutDate"])) == [rows[1]]


def test_one_payout(caller):
    row = caller.truth("payouts")[-1]
    assert caller.get(f"/payout/{row['payoutId']}").json() == row


def test_payout_of_another_seller_is_not_found(sim, caller):
    foreign = Finances(sim, "outback_spares").truth("payouts")[0]["payoutId"]
    assert error_id(caller.get(f"/payout/{foreign}")) == 135001


def test_nothing_is_204(caller):
    answer = caller.get("/payout", dates(caller.ago(3000), caller.ago(2990)))
    assert (answer.status_code, answer.content) == (204, b"")


@pytest.mark.parametrize("status", ["SUCCEEDED", "RETRYABLE_FAILED"])
def test_status_filter(caller, status):
    row = caller.truth("payouts")[-1]
    caller.sim.control("PATCH", f"/payouts/{row['payoutId']}", {"seller": US_SELLER, "payoutStatus": status})
    found = caller.payouts(f"payoutStatus:{{{status}}}")
    assert found == [one for one in caller.truth("payouts") if one["payoutStatus"] == status]
    assert row["payoutId"] in [one["payoutId"] for one in found]


def test_attempts_are_found_with_their_status_only(caller):
    # Not the newest: of a payout of the last hours the attempt may still lie ahead.
    row = caller.truth("payouts")[-5]
    change = {"seller": US_SELLER, "payoutStatus": "RETRYABLE_FAILED"}
    tried_at = caller.sim.control("PATCH", f"/payouts/{row['payoutId']}", change)["lastAttemptedPayoutDate"]
    given = dates(tried_at, tried_at, "lastAttemptedPayoutDate")
    found = caller.payouts(given, "payoutStatus:{RETRYABLE_FAILED}")
    assert [one["payoutId"] for one in found] == [row["payoutId"]]
    assert error_id(caller.get("/payout", given)) == 135002
    assert error_id(caller.get("/payout", given, "payoutStatus:{SUCCEEDED}")) == 135002


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("payoutStatus:{PAID}", 135002),
        ("payoutStatus:{INITIATED|SUCCEEDED}", 135002),
        ("payoutDate:[2026-01-01..]", 135004),
        ("payoutDate:2026-01-01T00:00:00.000Z", 135004),
    ],
)
def test_bad_filters(caller, given, expected):
    for path in ("/payout", "/payout_summary"):
        answer = caller.get(path, given)
        assert (answer.status_code, error_id(answer)) == (400, expected)


@pytest.mark.parametrize(("name", "value"), [("limit", "0"), ("limit", "201"), ("offset", "x")])
def test_bad_paging(caller, name, value):
    assert error_id(caller.get("/payout", **{name: value})) == 135003


def test_bad_sort(caller):
    assert error_id(caller.get("/payout", sort="amount")) == 135005


def test_longest_range_of_the_old_contract(caller):
    caller.sim.control("POST", "/finances", {"generation": "v1.9"})
    assert error_id(caller.get("/payout", dates(caller.ago(91), caller.ago(0)))) == 135004


def test_payout_summary(caller):
    rows = caller.truth("payouts")[-30:]
    body = caller.get("/payout_summary", dates(rows[0]["payoutDate"], caller.ago(0))).json()
    assert body["payoutCount"] == 30
    assert body["transactionCount"] == sum(row["transactionCount"] for row in rows)
    assert cents(body["amount"]) == sum(cents(row["amount"]) for row in rows)


def test_transaction_summary_wants_a_status(caller):
    answer = caller.get("/transaction_summary", "transactionType:{SALE}")
    assert (answer.status_code, error_id(answer)) == (400, 135011)


def test_transaction_summary_counts_and_sums(caller):
    rows = [row for row in caller.truth() if row["transactionStatus"] == "PAYOUT"]
    body = caller.get("/transaction_summary", "transactionStatus:{PAYOUT}").json()
    for name, kinds in (
        ("credit", ("SALE", "CREDIT")),
        ("refund", ("REFUND",)),
        ("shippingLabel", ("SHIPPING_LABEL",)),
    ):
        own = [row for row in rows if row["transactionType"] in kinds]
        total = sum(signed(row) for row in own)
        assert body[f"{name}Count"] == len(own) > 0
        assert cents(body[f"{name}Amount"]) == abs(total)
        assert body[f"{name}BookingEntry"] == ("CREDIT" if total > 0 else "DEBIT")
    assert body["balanceTransferCount"] == 0
    assert "balanceTransferAmount" not in body
    assert "onHoldCount" not in body


def test_transaction_summary_of_one_type_tells_only_of_it(caller):
    body = caller.get("/transaction_summary", "transactionStatus:{PAYOUT}", "transactionType:{REFUND}").json()
    assert {name for name in body if name.endswith("Count")} == {"refundCount"}


def test_fee_added_by_hand_lowers_the_sale_and_raises_the_fee_of_its_order(caller):
    sale = next(
        row
        for row in caller.rows("transactionType:{SALE}")
        if "totalMarketplaceFee"
        in caller.sim.orders(caller.token, orderIds=row["orderId"]).json()["orders"][0]
    )
    before = caller.sim.orders(caller.token, orderIds=sale["orderId"]).json()["orders"][0]
    changed = patch(caller, sale, fee={"feeType": "HIGH_ITEM_NOT_AS_DESCRIBED_FEE", "amount": "1.25"})
    (row,) = caller.of_order(sale["orderId"])
    assert row == changed
    assert cents(row["amount"]) == cents(sale["amount"]) - 125
    assert cents(row["totalFeeAmount"]) == cents(sale["totalFeeAmount"]) + 125
    added = row["orderLineItems"][0]["marketplaceFees"][-1]
    assert (added["feeType"], added["amount"]["value"]) == ("HIGH_ITEM_NOT_AS_DESCRIBED_FEE", "1.25")
    after = caller.sim.orders(caller.token, orderIds=sale["orderId"]).json()["orders"][0]
    assert cents(after["totalMarketplaceFee"]) == cents(before["totalMarketplaceFee"]) + 125
    assert after["lastModifiedDate"] == before["lastModifiedDate"]


def test_payout_follows_a_fee_added_by_hand(caller):
    sale = paid_sale(caller)
    before = caller.get(f"/payout/{sale['payoutId']}").json()
    patch(caller, sale, fee={"feeType": "OTHER_FEES", "amount": "0.10"})
    after = caller.get(f"/payout/{sale['payoutId']}").json()
    assert cents(after["amount"]) == cents(before["amount"]) - 10


def test_status_set_by_hand_is_found_by_its_filter(caller):
    sale = paid_sale(caller)
    assert patch(caller, sale, transactionStatus="FUNDS_ON_HOLD")["transactionStatus"] == "FUNDS_ON_HOLD"
    held = caller.rows("transactionStatus:{FUNDS_ON_HOLD}")
    assert key_of(sale) in [key_of(row) for row in held]
    members = caller.rows(f"payoutId:{{{sale['payoutId']}}}")
    assert key_of(sale) not in [key_of(row) for row in members]


def test_paid_out_by_hand_gets_its_payout_later(caller):
    order_id = caller.new_order()
    (sale,) = caller.of_order(order_id)
    row = patch(caller, sale, transactionStatus="PAYOUT")
    assert (row["transactionStatus"], "payoutId" in row) == ("PAYOUT", False)
    caller.advance(4)
    assert "payoutId" in caller.of_order(order_id)[0]


def test_what_was_not_paid_out_is_not_paid_out_in_the_past(caller):
    """eBay does not make payouts anew when an amount changes that held them up."""
    (sale,) = caller.of_order(caller.new_order())
    patch(caller, sale, fee={"feeType": "OTHER_FEES", "amount": "99999.00"})
    caller.advance(1)
    caller.new_order()
    caller.advance(6)
    before = caller.truth("payouts")
    patch(caller, sale, transactionStatus="FAILED")
    assert caller.truth("payouts") == before
    caller.new_order()
    caller.advance(30)
    assert len(caller.truth("payouts")) > len(before)


def test_overrides_reach_the_body(caller):
    row = patch(caller, caller.rows()[0], overrides={"transactionMemo": "by hand", "buyer": None})
    assert row["transactionMemo"] == "by hand"
    assert "buyer" not in row
    assert caller.rows()[0] == row


@pytest.mark.parametrize(
    "body",
    [
        {"transactionStatus": "PAID"},
        {"overrides": {"transactionStatus": "PAYOUT"}},
        {"fee": {"feeType": "X", "amount": 5}},
        {"fee": {"feeType": "X", "amount": "5", "lineItemId": "no"}},
        {"transactionType": "REFUND"},
        {"unknown": 1},
    ],
)
def test_bad_changes_change_nothing(caller, body):
    sale = next(
        row
        for row in caller.truth()
        if row["transactionType"] == "SALE" and not caller.of_order(row["orderId"], "REFUND")
    )
    before = caller.truth()
    caller.sim.control(
        "PATCH", f"/transactions/{sale['transactionId']}", {"seller": US_SELLER} | body, status=400
    )
    assert caller.truth() == before


def test_settings_are_shown_checked_and_end_with_a_reset(sim):
    before = sim.control("GET", "/finances")
    assert sim.control("POST", "/finances", {"generation": "v1.9"}) == before | {"generation": "v1.9"}
    assert sim.control("GET", "/state")["finances"]["generation"] == "v1.9"
    sim.control("POST", "/finances", {"generation": "v2"}, status=400)
    sim.control("POST", "/reset", {})
    assert sim.control("GET", "/finances") == before


def test_truth_is_paged(caller):
    page = caller.sim.control("GET", f"/truth/transactions?seller={US_SELLER}&offset=5&limit=3")
    assert page["transactions"] == caller.truth()[5:8]
    assert page["total"] == len(caller.truth())


def test_truth_of_payouts_ends_now(caller):
    now = parse_iso(caller.sim.now())
    assert max(row["payoutDate"] for row in caller.truth("payouts")) <= iso(now)
    assert max(row["transactionDate"] for row in caller.truth()) <= iso(now)
