"""How inquiries, cases, returns and disputes live: with the clock, from the orders, one into the other."""

from collections import Counter
from random import Random

import pytest

from ebayconnector.simulator.order_book import OrderBook
from ebayconnector.simulator.sellers import default_sellers
from ebayconnector.simulator.times import DAY_MS
from ebayconnector.simulator.trouble_book import TroubleBook
from ebayconnector.simulator.trouble_lives import ESCALATE, FAMILIES, LIVES

from .troubles import Troubles, created, large_seller, troubled

EPOCH_MS = 1_795_000_000_000
CLOSED = ("CLOSED", "CS_CLOSED", "CLOSED_WITH_ESCALATION")


@pytest.fixture
def caller(sim):
    return troubled(sim)


@pytest.fixture
def large(caller):
    return large_seller(caller.sim)


def book_of(orders: int = 3_000, *, share: float = 0.3, steps: int = 1) -> TroubleBook:
    """A seller's troubles; `steps`: in how many goes the orders come."""
    seller = default_sellers(0)[0]
    book = OrderBook(seed=1, seller_number=seller.number)
    troubles = TroubleBook(book, seller, share)
    for at in range(steps):
        for n in range(at * orders // steps, (at + 1) * orders // steps):
            at_ms = EPOCH_MS + n * DAY_MS // 40
            book.add(created_ms=at_ms, modified_ms=at_ms)
        troubles.refresh()
    return troubles


def every(book: TroubleBook):
    return [one for family in FAMILIES for one in book.opened_between(family, 0, 1 << 60)]


def plain(trouble):
    steps = [(step.at_ms, step.kind.name) for step in trouble.steps]
    return trouble.family, trouble.number, trouble.n, trouble.line, trouble.quantity, steps


# -- from the orders --------------------------------------------------------------------------------------


def test_troubles_follow_from_the_orders_alone():
    assert [plain(one) for one in every(book_of())] == [plain(one) for one in every(book_of(steps=7))]


def test_ids_are_unique_among_families_and_sellers(sim):
    rows = [
        row["id"]
        for seller in ("thames_tools", "northwind_parts")
        for family in FAMILIES
        for row in Troubles(sim, seller).truth(family)
    ]
    assert len(set(rows)) == len(rows) > 20


def test_share_says_how_many_orders_have_trouble():
    troubled_orders = {one.n for one in every(book_of(share=0.3)) if one.family in ("inquiry", "return")}
    assert 800 < len(troubled_orders) < 1_000
    assert every(book_of(share=0)) == []


def test_one_order_may_have_several_returns():
    returns = Counter(one.n for one in every(book_of()) if one.family == "return")
    assert 2 in returns.values()
    several = [one for one in every(book_of()) if returns[one.n] > 1 and one.family == "return"]
    assert {one.quantity for one in several} == {1}


def test_removed_order_brings_no_trouble():
    book = book_of(1)
    n = book.orders.add(created_ms=EPOCH_MS, modified_ms=EPOCH_MS)
    whole = TroubleBook(book.orders, book.seller, 1.0)
    book.orders.remove(n)
    whole.refresh()
    assert {one.n for one in every(whole)} == {0}


# -- lives ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("family", FAMILIES)
def test_every_step_can_happen_and_every_life_ends(family):
    found = [one for one in every(book_of(12_000)) if one.family == family]
    names = {step.kind.name for one in found for step in one.steps}
    assert names == set(LIVES[family]) - {"appeal"}
    for one in found:
        assert [step.at_ms for step in one.steps] == sorted(step.at_ms for step in one.steps)
        assert [step.kind.ends for step in one.steps] == [False] * (len(one.steps) - 1) + [True]


def test_some_of_each_escalate_and_their_case_is_theirs():
    found = every(book_of())
    for family, kind in (("inquiry", "ITEM_NOT_RECEIVED"), ("return", "RETURN")):
        escalated = [one for one in found if one.family == family and one.case is not None]
        assert 0.1 < len(escalated) / sum(one.family == family for one in found) < 0.5, kind
        for one in escalated:
            (step,) = [step for step in one.steps if step.kind.name == ESCALATE]
            case = one.case
            assert (case.opened_ms, case.n, case.line, case.quantity, case.origin) == (
                step.at_ms, one.n, one.line, one.quantity, one,
            )  # fmt: skip
    assert sum(one.family == "case" for one in found) == sum(one.case is not None for one in found)


def test_a_return_ends_with_its_case():
    escalated = [one for one in every(book_of()) if one.family == "return" and one.case is not None]
    for one in escalated:
        assert one.steps[-1].kind.status == "CLOSED"
        assert one.steps[-1].at_ms == one.case.steps[-1].at_ms


def test_a_closed_inquiry_never_becomes_a_case():
    book = book_of()
    one = next(one for one in every(book) if one.family == "inquiry" and one.case is not None)
    case = one.case
    book.move(one, "close", one.opened_ms, source=Random(1), goes_on=False)
    assert one.case is None
    assert case.number not in book.by_id
    assert case not in book.opened_between("case", 0, 1 << 60)


def test_a_return_waits_for_a_case_that_somebody_holds_up():
    book = book_of()
    one = next(one for one in every(book) if one.family == "return" and one.case is not None)
    assert one.steps[-1].kind.ends
    book.move(one.case, "hold", one.case.opened_ms, source=Random(1), goes_on=False)
    assert one.steps[-1].kind.name == ESCALATE
    at_ms = one.case.opened_ms + 90 * DAY_MS
    book.move(one.case, "close", at_ms, source=Random(1), goes_on=False)
    assert (one.steps[-1].at_ms, one.steps[-1].kind.ends) == (at_ms, True)


def test_a_life_goes_with_the_clock(caller):
    number = caller.open("return", lives=True)
    seen = []
    for _ in range(40):
        row = caller.one("return", number)
        history = row["detail"]["responseHistory"]
        seen.append((row["summary"]["status"], len(history), history[-1]["creationDate"]["value"]))
        caller.advance(1)
    assert seen[0][:2] == ("RETURN_REQUESTED", 1)
    assert seen[-1][0] == "CLOSED"
    lengths = [length for _, length, _ in seen]
    assert lengths == sorted(lengths)
    assert len(set(seen)) == len({length for _, length, _ in seen}) > 1  # no change without its entry


def test_what_is_closed_stays_as_it_is(caller):
    def closed(family):
        return {
            row["id"]: row
            for row in caller.truth(family)
            if family in ("return", "dispute") or not row["open"]
        }

    before = {family: closed(family) for family in FAMILIES}
    caller.advance(3)
    for family, rows in before.items():
        now = {row["id"]: row for row in caller.truth(family)}
        ended = [row for row in rows.values() if not row["open"]]
        assert ended
        assert all(now[row["id"]] == row for row in ended)


def test_each_change_of_a_case_or_inquiry_moves_its_date(large):
    for family in ("case", "inquiry"):
        before = {row["id"]: row for row in large.truth(family)}
        large.advance(3)
        moved = [row for row in large.truth(family) if row["id"] in before and row != before[row["id"]]]
        for row in moved:
            was = before[row["id"]]["summary"]["lastModifiedDate"]["value"]
            assert row["summary"]["lastModifiedDate"]["value"] > was
        assert moved


@pytest.mark.parametrize("family", ["case", "inquiry", "return"])
def test_answers_are_due_only_of_open_records(large, family):
    for row in large.truth(family):
        due = {"respondByDate", "sellerResponseDue", "buyerResponseDue"} & set(row["summary"])
        assert row["open"] or not due
    assert any(
        {"respondByDate", "sellerResponseDue", "buyerResponseDue"} & set(row["summary"])
        for row in large.truth(family)
    )


def test_due_date_is_after_the_last_step(large):
    rows = [row["summary"] for row in large.truth("case") if "respondByDate" in row["summary"]]
    assert rows
    assert all(row["respondByDate"]["value"] > row["lastModifiedDate"]["value"] for row in rows)


# -- escalation, over HTTP --------------------------------------------------------------------------------


def test_an_escalated_inquiry_leaves_the_search(caller):
    number = caller.open("inquiry")
    assert number in caller.ids("inquiry")
    caller.change(number, step="escalate")
    assert number not in caller.ids("inquiry")
    assert number not in caller.ids("inquiry", inquiry_status="CLOSED_WITH_ESCALATION")
    detail = caller.detail("inquiry", number).json()
    assert detail["status"] == "CLOSED_WITH_ESCALATION"
    assert "caseId" not in detail
    row = caller.one("inquiry", number)
    assert row["escalated"]
    case = next(one for one in caller.members("case") if str(one["caseId"]) == row["caseId"])
    assert (str(case["itemId"]), str(case["transactionId"])) == (detail["itemId"], detail["transactionId"])
    assert created(case) == detail["inquiryDetails"]["escalationDate"]["value"]
    case_detail = caller.detail("case", row["caseId"]).json()
    assert (case_detail["caseType"], "returnId" in case_detail) == ("ITEM_NOT_RECEIVED", False)


def test_no_search_shows_escalated_inquiries(caller):
    truth = caller.truth("inquiry")
    escalated = {row["id"] for row in truth if row["escalated"]}
    assert escalated
    assert set(caller.ids("inquiry")) == {row["id"] for row in truth} - escalated


def test_an_escalated_return_stays_and_names_its_case(caller):
    number = caller.open("return")
    caller.change(number, step="approve")
    caller.change(number, step="escalate")
    row = caller.detail("return", number, fieldgroups="SUMMARY").json()["summary"]
    assert (row["state"], row["status"]) == ("ITEM_READY_TO_SHIP", "ESCALATED")
    case = caller.detail("case", row["escalationInfo"]["caseId"]).json()
    assert (case["caseType"], case["returnId"], case["status"]) == ("RETURN", number, "OPEN")
    assert number in caller.ids("return")
    caller.change(case["caseId"], step="cs_close")
    row = caller.detail("return", number, fieldgroups="SUMMARY").json()["summary"]
    assert row["status"] == "CLOSED"
    assert case["caseId"] == row["escalationInfo"]["caseId"]


def test_a_return_names_no_case_before_it_is_escalated(caller):
    coming = [row for row in caller.truth("return") if row["open"] and not row["escalated"]]
    assert coming
    assert not any("escalationInfo" in row["summary"] or row["caseId"] for row in coming)


def test_live_rate_opens_and_moves_troubles(sim):
    sim.control("POST", "/reset", {"trouble_share": 0.1, "trouble_changes_per_minute": 2})
    sim.freeze()
    caller = large_seller(sim)
    before = {family: {row["id"]: row for row in caller.truth(family)} for family in FAMILIES}
    caller.advance(1 / 24)
    after = {family: {row["id"]: row for row in caller.truth(family)} for family in FAMILIES}
    fresh = sum(len(set(after[family]) - set(before[family])) for family in FAMILIES)
    moved = sum(
        row != before[family].get(number, row) for family in FAMILIES for number, row in after[family].items()
    )
    assert 20 < fresh < 100
    assert moved > 0
    assert after == {family: {row["id"]: row for row in caller.truth(family)} for family in FAMILIES}
