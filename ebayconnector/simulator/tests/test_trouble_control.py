"""The control calls about inquiries, cases, returns and payment disputes."""

import pytest

from .conftest import SELLER
from .troubles import TRUTHS, Troubles, created, troubled


@pytest.fixture
def caller(sim):
    return troubled(sim)


def test_truth_pages(caller):
    for family, name in TRUTHS.items():
        whole = caller.truth(family)
        page = caller.sim.control("GET", f"/truth/{name}?seller={SELLER}&offset=2&limit=3")
        assert page[name] == whole[2:5]
        assert (page["total"], page["offset"], page["limit"]) == (len(whole), 2, 3)


def test_opened_now_about_a_given_line(caller):
    order = next(row for row in caller.sim.truth() if len(row["lineItems"]) > 1)
    for family in ("inquiry", "return", "dispute"):
        number = caller.open(family, order_id=order["orderId"], line=1)
        row = caller.one(family, number)
        assert (row["orderId"], row["lineItemId"]) == (order["orderId"], order["lineItems"][1]["lineItemId"])
        assert (row["open"], row["escalated"], row["caseId"]) == (True, False, None)
    number = caller.open("return", order_id=order["orderId"])
    assert number in caller.ids("return")


def test_opened_long_ago(caller):
    day = f"{caller.ago(300)[:19]}.000Z"
    number = caller.open("inquiry", opened_at=day)
    assert created(caller.one("inquiry", number)["summary"]) == day
    lived = caller.open("inquiry", opened_at=day, lives=True)
    assert not caller.one("inquiry", lived)["open"]


def test_what_is_opened_by_hand_waits(caller):
    number = caller.open("return")
    before = caller.one("return", number)
    caller.advance(30)
    after = caller.one("return", number)
    assert after["detail"]["responseHistory"] == before["detail"]["responseHistory"]


def test_a_step_by_hand_ends_what_was_to_come(caller):
    row = next(row for row in caller.truth("return") if row["open"] and not row["escalated"])
    caller.change(row["id"], step="approve")
    caller.advance(60)
    now = caller.one("return", row["id"])
    assert now["summary"]["status"] == "READY_FOR_SHIPPING"
    assert len(now["detail"]["responseHistory"]) == len(row["detail"]["responseHistory"]) + 1


def test_a_step_by_hand_forgets_the_case_that_was_to_come(caller):
    body = {"seller": SELLER, "count": 50, "kind": "create", "family": "inquiry"}
    made = [row["id"] for row in caller.sim.control("POST", "/troubles/change", body)["changed"]]
    closed, left = made[:25], made[25:]
    for number in closed:
        caller.change(number, step="close")
    caller.advance(20)
    rows = {row["id"]: row for row in caller.truth("inquiry")}
    assert any(rows[number]["escalated"] for number in left)
    assert not any(rows[number]["escalated"] for number in closed)
    assert {rows[number]["caseId"] for number in left} - {None} <= set(caller.ids("case"))


def test_a_step_can_be_the_start_of_a_life(caller):
    number = caller.open("dispute")
    caller.change(number, step="contest", lives=True)
    caller.advance(60)
    assert caller.one("dispute", number)["summary"]["paymentDisputeStatus"] == "CLOSED"


@pytest.mark.parametrize(("family", "step"), [("inquiry", "close"), ("return", "refund"), ("dispute", "win")])
def test_closed_is_closed(caller, family, step):
    number = caller.open(family)
    caller.change(number, step=step)
    assert not caller.one(family, number)["open"]
    assert "closed" in caller.change(number, step=step, status=400)["error"]


def test_a_closed_case_can_be_appealed(caller):
    number = caller.open("inquiry")
    case = caller.change(number, step="escalate")["caseId"]
    caller.change(case, step="appeal", status=400)
    caller.change(case, step="cs_close")
    before = caller.one("case", case)
    caller.advance(1)
    caller.change(case, step="appeal")
    after = caller.one("case", case)
    assert before["detail"]["appealDetails"] == {}
    assert after["detail"]["appealDetails"]["appealStatus"] == "SELLER_APPEALED"
    assert (after["open"], after["detail"]["status"]) == (False, "CS_CLOSED")
    assert after["summary"]["lastModifiedDate"] != before["summary"]["lastModifiedDate"]


def test_a_patch_leaves_the_dates(caller):
    row = caller.truth("case")[0]
    caller.change(row["id"], summary={"buyer": "x"}, detail={"claimAmount": {"value": 1.5}, "new": [1]})
    after = caller.one("case", row["id"])
    assert after["summary"] == row["summary"] | {"buyer": "x"}
    assert after["detail"]["claimAmount"] == row["detail"]["claimAmount"] | {"value": 1.5}
    assert caller.detail("case", row["id"]).json()["new"] == [1]


def test_some_change_by_themselves(caller):
    before = {row["id"]: row for row in caller.truth("return")}
    changed = caller.sim.control(
        "POST", "/troubles/change", {"seller": SELLER, "count": 4, "kind": "change", "family": "return"}
    )["changed"]
    after = {row["id"]: row for row in caller.truth("return")}
    assert len(changed) == 4
    for row in changed:
        assert after[row["id"]] != before.get(row["id"])


def test_some_are_opened(caller):
    body = {"seller": SELLER, "count": 5, "kind": "create", "family": "case"}
    made = [row["id"] for row in caller.sim.control("POST", "/troubles/change", body)["changed"]]
    assert len(made) == 5
    assert set(made) <= set(caller.ids("case"))
    body = {"seller": SELLER, "count": 40, "kind": "create"}
    families = {row["family"] for row in caller.sim.control("POST", "/troubles/change", body)["changed"]}
    assert families == {"inquiry", "return", "dispute"}


@pytest.mark.parametrize("family", ["case", "inquiry", "return", "dispute"])
def test_new_rows_appear_between_pages(caller, family):
    def total():
        if family == "dispute":
            return caller.disputes(limit=2).json()["total"]
        return caller.search(family, limit=2).json()["paginationOutput"]["totalEntries"]

    caller.sim.control("POST", "/troubles/drift", {"per_page": 2, "kind": "create", "pages": 2})
    assert [total() - first for first in [total()] for _ in range(3)] == [2, 4, 4]


def test_rows_change_between_pages_of_the_named_search_only(caller):
    body = {"seller": SELLER, "per_page": 3, "kind": "change", "family": "return"}
    caller.sim.control("POST", "/troubles/drift", body)
    before = {family: caller.truth(family) for family in TRUTHS}
    caller.search("inquiry", limit=2)
    caller.search("case", limit=2)
    assert {family: caller.truth(family) for family in TRUTHS} == before
    caller.search("return", limit=2)
    assert caller.truth("return") != before["return"]
    caller.sim.control("POST", "/troubles/drift", {"per_page": 0})
    quiet = caller.truth("return")
    caller.search("return", limit=2)
    assert caller.truth("return") == quiet


def test_an_escalation_between_pages_takes_an_inquiry_out(caller):
    numbers = [caller.open("inquiry") for _ in range(4)]
    total = caller.search("inquiry").json()["totalNumberOfInquiries"]
    for number in numbers:
        caller.change(number, step="escalate")
    assert caller.search("inquiry").json()["totalNumberOfInquiries"] == total - 4


def test_reset_brings_the_settings_back(caller):
    plain = caller.sim.control("GET", "/post_order")
    changed = {"error_shape": "list", "offset": "page", "max_span_days": 7, "sort": "by_id"}
    changed |= {"empty_disputes": "no_content"}
    assert caller.sim.control("POST", "/post_order", changed) == changed
    caller.sim.control("POST", "/reset", {})
    assert caller.sim.control("GET", "/post_order") == plain


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/post_order", {"offset": "column"}),
        ("POST", "/post_order", {"max_span_days": 0}),
        ("POST", "/troubles", {"seller": SELLER}),
        ("POST", "/troubles", {"seller": SELLER, "family": "case"}),
        ("POST", "/troubles", {"seller": SELLER, "family": "return", "order_id": "00-00000-00000"}),
        ("POST", "/troubles", {"seller": SELLER, "family": "return", "line": 9}),
        ("POST", "/troubles", {"seller": SELLER, "family": "return", "quantity": 99}),
        ("POST", "/troubles", {"seller": SELLER, "family": "return", "opened_at": "now"}),
        ("POST", "/troubles/change", {"seller": SELLER, "kind": "explode"}),
        ("POST", "/troubles/drift", {"per_page": -1}),
        ("POST", "/troubles/drift", {"per_page": 1, "family": "orders"}),
        ("PATCH", "/troubles/1", {"seller": SELLER, "step": "close"}),
        ("POST", "/reset", {"trouble_share": 2}),
        ("GET", "/truth/cases", None),
    ],
)
def test_wrong_calls_change_nothing(caller, method, path, body):
    before = {family: caller.truth(family) for family in TRUTHS}
    assert caller.sim.control(method, path, body, status=400)["error"]
    assert {family: caller.truth(family) for family in TRUTHS} == before


@pytest.mark.parametrize(
    "fields",
    [
        {"step": "open"}, {"step": "case_closed"}, {"step": "win"},
        {"step": "approve", "detail": {"responseHistory": []}}, {"summary": {"returnId": "1"}},
    ],
)  # fmt: skip
def test_wrong_steps_and_patches_change_nothing(caller, fields):
    number = caller.open("return")
    before = caller.one("return", number)
    assert caller.change(number, status=400, **fields)["error"]
    assert caller.one("return", number) == before


def test_an_order_has_at_most_eight_of_a_kind(sim):
    sim.control("POST", "/reset", {"trouble_share": 0})
    caller = Troubles(sim)
    for _ in range(8):
        caller.open("return")
    body = {"seller": SELLER, "family": "return"}
    assert "at most" in sim.control("POST", "/troubles", body, status=400)["error"]
