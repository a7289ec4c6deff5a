"""Payment disputes over HTTP, against 03 §4.3 and eBay's contract."""

from decimal import Decimal

import pytest
from jsonschema import Draft202012Validator

from ebayconnector.simulator.times import DAY_MS, iso, parse_iso

from .conftest import API, contract, error_id
from .finances import Finances
from .test_order_bodies import ALL_SELLERS, schema_of, unknown_fields, without_nulls
from .troubles import DISPUTES, Troubles, troubled

ROWS = "paymentDisputeSummaries"


@pytest.fixture
def caller(sim):
    return troubled(sim)


@pytest.fixture
def large(caller):
    caller.sim.control("POST", "/sellers", {"username": "large", "orders": 1_500})
    return Troubles(caller.sim, "large")


def rows_of(caller, **params):
    answer = caller.disputes(**params)
    assert answer.status_code == 200, answer.text
    return answer.json()[ROWS]


def ids_of(caller, **params):
    return [row["paymentDisputeId"] for row in rows_of(caller, **params)]


def refused(answer, status=400):
    assert (answer.status_code, error_id(answer)) == (status, 33001), answer.text


# -- who may call -----------------------------------------------------------------------------------------


def test_the_scope_of_disputes_is_needed(caller):
    for token in (caller.sim.mint(scopes=[API, f"{API}/sell.fulfillment"]), caller.sim.app_token()):
        for path in (f"{DISPUTES}_summary", f"{DISPUTES}/1", f"{DISPUTES}/1/activity"):
            answer = caller.sim.get(path, token)
            assert (answer.status_code, error_id(answer)) == (403, 1100)
    enough = caller.sim.mint(scopes=[f"{API}/sell.payment.dispute"])
    assert caller.sim.get(f"{DISPUTES}_summary", enough).status_code == 200


def test_tokens_are_bearers(caller):
    answer = caller.sim.get(f"{DISPUTES}_summary", None, headers={"Authorization": f"IAF {caller.token}"})
    assert (answer.status_code, error_id(answer)) == (400, 1003)
    caller.sim.control("POST", "/tokens/expire", {"seller": caller.seller})
    answer = caller.disputes()
    assert (answer.status_code, error_id(answer)) == (401, 1001)


def test_quota_is_apart_from_that_of_orders(caller):
    limits = caller.sim.control("GET", "/state")["quotas"]["limits"]
    assert limits["payment_dispute"] == 250_000
    caller.sim.control("POST", "/quotas", {"api": "payment_dispute", "limit": 1})
    assert [caller.disputes().status_code for _ in range(2)] == [200, 429]
    assert caller.sim.orders(caller.token).status_code == 200


def test_there_is_no_post_search(caller):
    headers = {"Authorization": f"Bearer {caller.token}"}
    url = f"{caller.sim.url}{DISPUTES}_summary/search"
    assert caller.sim.http.post(url, json={}, headers=headers, timeout=30).status_code == 404


def test_server_error_has_its_own_number(caller):
    caller.sim.control("POST", "/faults", {"path": "payment_dispute", "kind": "server_error"})
    answer = caller.disputes()
    assert (answer.status_code, error_id(answer)) == (500, 33000)


# -- the list ---------------------------------------------------------------------------------------------


def test_pages_link_to_each_other(large):
    everything = ids_of(large)
    assert len(everything) > 10
    page = large.disputes(limit=4, offset=4, payment_dispute_status="CLOSED").json()
    assert (page["limit"], page["offset"]) == (4, 4)
    closed = ids_of(large, payment_dispute_status="CLOSED")
    assert [row["paymentDisputeId"] for row in page[ROWS]] == closed[4:8]
    assert page["total"] == len(closed)
    headers = {"Authorization": f"Bearer {large.token}"}
    after = large.sim.http.get(page["next"], headers=headers, timeout=30).json()
    assert [row["paymentDisputeId"] for row in after[ROWS]] == closed[8:12]
    assert large.sim.http.get(page["prev"], headers=headers, timeout=30).json()["offset"] == 0
    assert "next" not in large.disputes(offset=len(everything) - 1, limit=1).json()


@pytest.mark.parametrize(
    "params",
    [
        {"limit": 0}, {"limit": 201}, {"limit": "x"}, {"offset": -1},
        {"payment_dispute_status": "LOST"}, {"open_date_from": "2026-11-01"}, {"open_date_to": "x"},
    ],
)  # fmt: skip
def test_wrong_parameters_are_33001(caller, params):
    refused(caller.disputes(**params))


def test_limit_defaults_to_200(large):
    assert large.disputes().json()["limit"] == large.disputes(limit=200).json()["limit"] == 200


def test_statuses_are_repeated(large):
    for number in (large.open("dispute"), large.open("dispute")):
        large.change(number, step="contest")
    large.open("dispute")
    both = large.disputes(payment_dispute_status=["OPEN", "ACTION_NEEDED"]).json()[ROWS]
    assert {row["paymentDisputeStatus"] for row in both} == {"OPEN", "ACTION_NEEDED"}
    one = large.disputes(payment_dispute_status="OPEN").json()[ROWS]
    assert {row["paymentDisputeStatus"] for row in one} == {"OPEN"}
    assert len(one) < len(both) < len(rows_of(large))


def test_window_is_at_most_90_days_from_18_months_ago(caller):
    start = caller.ago(100)
    end = iso(parse_iso(start) + 90 * DAY_MS)
    assert caller.disputes(open_date_from=start, open_date_to=end).status_code == 200
    refused(caller.disputes(open_date_from=start, open_date_to=iso(parse_iso(end) + 1)))
    refused(caller.disputes(open_date_from=end, open_date_to=start))
    caller.sim.control("POST", "/clock", {"now": "2028-05-31T06:00:00.000Z"})
    assert caller.disputes(open_date_from="2026-11-30T06:00:00.000Z").status_code == 200
    refused(caller.disputes(open_date_from="2026-11-30T05:59:59.999Z"))


def test_only_a_start_spans_90_days(large):
    start, end = large.ago(120), large.ago(30)
    found = rows_of(large, open_date_from=start)
    expected = [row["id"] for row in large.truth("dispute") if start <= row["summary"]["openDate"] <= end]
    assert [row["paymentDisputeId"] for row in found] == expected[::-1]
    assert 0 < len(expected) < len(rows_of(large))


def test_both_ends_are_inclusive(large):
    day = rows_of(large)[0]["openDate"]
    assert rows_of(large, open_date_from=day, open_date_to=day)
    assert not rows_of(large, open_date_from=iso(parse_iso(day) + 1), open_date_to=iso(parse_iso(day) + 1))


def test_order_id_overrides_all_other_filters(large):
    row = rows_of(large)[-1]
    found = rows_of(
        large, order_id=row["orderId"], payment_dispute_status="LOST", open_date_from="x", buyer_username="x"
    )
    assert row in found
    assert {one["orderId"] for one in found} == {row["orderId"]}
    assert rows_of(large, order_id="00-00000-00000") == []


def test_buyer_filter(large):
    row = rows_of(large)[0]
    found = rows_of(large, buyer_username=row["buyerUsername"])
    assert row in found
    assert {one["buyerUsername"] for one in found} == {row["buyerUsername"]}


def test_nothing_is_an_empty_list_or_no_content(caller):
    nothing = {"order_id": "00-00000-00000"}
    body = caller.disputes(**nothing).json()
    assert (body["total"], body[ROWS]) == (0, [])
    caller.sim.control("POST", "/post_order", {"empty_disputes": "no_content"})
    answer = caller.disputes(**nothing)
    assert (answer.status_code, answer.content) == (204, b"")


# -- the detail -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", ["1", "x", "foreign"])
@pytest.mark.parametrize("more", ["", "/activity"])
def test_unknown_and_foreign_disputes_are_404(caller, number, more):
    if number == "foreign":
        number = Troubles(caller.sim, "mueller_technik").truth("dispute")[0]["id"]
    refused(caller.dispute(number, more), 404)


def test_revision_grows_with_each_change(caller):
    number = caller.open("dispute")
    seen = [caller.dispute(number).json()]
    for step in ("contest", "ask", "evidence", "defend", "lose"):
        caller.advance(1)
        caller.change(number, step=step)
        seen.append(caller.dispute(number).json())
    assert [row["revision"] for row in seen] == [1, 2, 3, 4, 5, 6]
    assert [row["paymentDisputeStatus"] for row in seen] == [
        "ACTION_NEEDED", "OPEN", "ACTION_NEEDED", "OPEN", "OPEN", "CLOSED",
    ]  # fmt: skip
    activity = caller.dispute(number, "/activity").json()["activity"]
    assert [row["activityType"] for row in activity] == [
        "DISPUTE_OPENED", "SELLER_CONTEST", "ADDITIONAL_EVIDENCE_REQUEST",
        "EVIDENCE_PROVIDED", "DEFENCE_EXECUTED", "DISPUTE_CLOSED",
    ]  # fmt: skip
    assert seen[-1]["closedDate"] == activity[-1]["activityDate"]


def test_fields_come_with_their_state(caller):
    number = caller.open("dispute")
    fresh = caller.dispute(number).json()
    assert fresh["availableChoices"] == ["ACCEPT", "CONTEST"]
    assert fresh["respondByDate"] > fresh["openDate"]
    assert not {"sellerResponse", "closedDate", "resolution", "evidence", "evidenceRequests"} & set(fresh)
    caller.change(number, step="accept")
    answered = caller.dispute(number).json()
    assert answered["sellerResponse"] == "ACCEPT"
    assert not {"availableChoices", "respondByDate"} & set(answered)
    caller.change(number, step="close")
    assert caller.dispute(number).json()["resolution"]["reasonForClosure"] == "SELLER_ACCEPT"


def test_detail_agrees_with_the_summary(large):
    for row in rows_of(large):
        detail = large.dispute(row["paymentDisputeId"]).json()
        shared = without_nulls(row)
        assert {name: detail[name] for name in shared} == shared
    assert any(row.get("closedDate", 0) is None for row in rows_of(large))  # null here, absent there


def test_disputes_are_about_orders(large):
    orders = {
        row["orderId"]: row
        for page in (0, 1_000)
        for row in large.sim.control("GET", f"/truth/orders?seller=large&offset={page}")["orders"]
    }
    for row in large.truth("dispute"):
        order = orders[row["orderId"]]
        assert row["summary"]["buyerUsername"] == order["buyer"]["username"]
        lines = [(line["legacyItemId"], line["lineItemId"]) for line in order["lineItems"]]
        assert [(line["itemId"], line["lineItemId"]) for line in row["detail"]["lineItems"]] == lines


def test_disputes_take_the_money_that_transactions_say(large):
    """DISPUTE on the day it opens; CREDIT on the day that the seller wins."""
    disputes = {row["orderId"]: row for row in large.truth("dispute")}
    money = Finances(large.sim, "large").truth()
    taken = [row for row in money if row["transactionType"] == "DISPUTE"]
    back = {row["orderId"]: row for row in money if row["transactionType"] == "CREDIT" and row.get("orderId")}
    assert len(taken) > 5
    for row in taken:
        dispute = disputes[row["orderId"]]
        assert dispute["summary"]["openDate"] == row["transactionDate"]
        assert Decimal(dispute["summary"]["amount"]["value"]) == Decimal(row["amount"]["value"])
        reason = dispute["detail"].get("resolution", {}).get("reasonForClosure")
        assert (reason == "SELLER_WON") == (row["orderId"] in back)
        if row["orderId"] in back:
            assert dispute["detail"]["closedDate"] == back[row["orderId"]]["transactionDate"]


@pytest.mark.parametrize("seller", ALL_SELLERS)
def test_bodies_fit_the_contract(caller, seller):
    document = contract("sell_fulfillment_v1_oas3.json")
    caller = Troubles(caller.sim, seller)
    for step in ("ask", "lose", "overdue"):
        caller.change(caller.open("dispute"), step=step)
    answers = [("DisputeSummaryResponse", caller.disputes())]
    for row in rows_of(caller):
        answers.append(("PaymentDispute", caller.dispute(row["paymentDisputeId"])))
        answers.append(
            ("PaymentDisputeActivityHistory", caller.dispute(row["paymentDisputeId"], "/activity"))
        )
    assert len(answers) > 7
    for name, answer in answers:
        body = without_nulls(answer.json())
        assert [
            error.message for error in Draft202012Validator(schema_of(document, name)).iter_errors(body)
        ] == []
        assert list(unknown_fields(document, name, body)) == []
