"""Trouble and letters find their order, whichever comes first."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta

import pytest
from django.db import connection, transaction

from accounts.models import Purpose
from syncworkers.models import Case, Inquiry, Message, Order, Return, WorkerRun
from tests.api_callers import as_member
from tests.factories import (
    AccountFactory,
    CaseFactory,
    InquiryFactory,
    MessageFactory,
    OrderFactory,
    OrderLineItemFactory,
    ReturnFactory,
)

from .running import execute, run_family, seller_account, state_of, whole_truth

pytestmark = pytest.mark.django_db

FAMILIES = (
    ("cases", "case_id", Case),
    ("inquiries", "inquiry_id", Inquiry),
    ("returns", "return_id", Return),
)
ITEM = "110055500001"
MAY = datetime(2026, 5, 1, 12, tzinfo=UTC)


@pytest.fixture
def account(ebay):
    ebay.reset(orders=250)
    return seller_account(ebay, purpose=Purpose.BOTH)


def run_whole(account, family: str) -> None:
    run = run_family(account, family)
    while run.more:
        run = execute(WorkerRun.objects.get(account=account, status="queued").pk)
    assert (run.status, run.error) == ("completed", "")


def true_orders(ebay, account, family: str) -> dict[str, str]:
    """What the simulator says of troubles whose order is stored."""
    stored = set(Order.objects.values_list("order_id", flat=True))
    everything = whole_truth(ebay, family, account)
    return {each["id"]: each["orderId"] for each in everything if each["orderId"] in stored}


@pytest.mark.parametrize("first", ["orders", "trouble"])
def test_all_trouble_has_its_order_whichever_came_first(ebay, account, first):
    families = [family for family, _, _ in FAMILIES]
    for family in ["orders", *families] if first == "orders" else [*families, "orders"]:
        run_whole(account, family)
    for family, key, model in FAMILIES:
        truth = true_orders(ebay, account, family)
        linked = dict(model.objects.exclude(order_id="").values_list(key, "order_id"))
        # The oldest trouble is older than what is read back.
        known = set(model.objects.values_list(key, flat=True))
        expected = {key: order for key, order in truth.items() if key in known}
        assert {key: linked.get(key) for key in expected} == expected != {}


def test_a_case_that_finds_its_order_later_has_changed_and_lists_filter_by_it(account):
    case = CaseFactory(account=account, item_id=ITEM, transaction_id="10001")
    run_whole(account, "cases")
    sell(account, "12-1", line="10001")
    run_whole(account, "orders")
    found = Case.objects.get(pk=case.pk)
    assert found.order_id == "12-1"
    assert found.changed_at > case.changed_at
    viewer = as_member("viewer", account.organization)
    for path, listed in (("cases/?order_id=12-1", [case.pk]), ("cases/?order_id=12-2", [])):
        assert [row["id"] for row in viewer.get(f"/api/data/{path}").json()["results"]] == listed
    run_whole(account, "orders")
    assert Case.objects.get(pk=case.pk).changed_at == found.changed_at


def sell(account, order_id: str, *, line: str = "1", buyer: str = "buyer_1", at=MAY, **values) -> Order:
    order = OrderFactory(
        account=account,
        order_id=order_id,
        buyer_username=buyer,
        created_at_ebay=at,
        line_item_count=1,
        **values,
    )
    OrderLineItemFactory(order=order, legacy_item_id=ITEM, line_item_id=line)
    return order


@pytest.mark.parametrize("transaction_id", ["", "0"])
def test_of_an_auction_the_buyer_tells_and_of_two_orders_neither_is_taken(account, transaction_id):
    sale = {"account": account, "item_id": ITEM, "transaction_id": transaction_id}
    mine = InquiryFactory(**sale, buyer="buyer_1")
    twice, nobody = InquiryFactory(**sale, buyer="buyer_2"), InquiryFactory(**sale, buyer="")
    sell(account, "12-1")
    sell(account, "12-2", buyer="buyer_2")
    sell(account, "12-3", buyer="buyer_2")
    sell(account, "12-4", buyer="")
    run_whole(account, "inquiries")
    linked = dict(Inquiry.objects.values_list("pk", "order_id"))
    assert [linked[row.pk] for row in (mine, twice, nobody)] == ["12-1", "", ""]


def test_an_order_of_the_old_kind_is_known_by_its_legacy_id(account):
    sell(account, "12-1", line="777", payload={"legacyOrderId": f"{ITEM}-10001"})
    row = ReturnFactory(account=account, order_id="", item_id=ITEM, transaction_id="10001")
    run_whole(account, "returns")
    assert Return.objects.get(pk=row.pk).order_id == "12-1"


def test_nothing_is_linked_to_the_order_of_another_account_or_another_sale(account):
    sell(account, "12-1", line="10002")
    sell(AccountFactory(), "12-2", line="10001")
    row = CaseFactory(account=account, item_id=ITEM, transaction_id="10001")
    run_whole(account, "cases")
    run_whole(account, "orders")
    assert Case.objects.get(pk=row.pk).order_id == ""


def test_an_inquiry_that_was_not_escalated_has_no_case(account):
    same = {"account": account, "item_id": ITEM, "transaction_id": "10001"}
    escalated = InquiryFactory(**same, escalated_at=MAY, occurred_at=MAY)
    other = InquiryFactory(**same, occurred_at=MAY)
    case = CaseFactory(**same, case_type="ITEM_NOT_RECEIVED", occurred_at=MAY + timedelta(days=3))
    CaseFactory(**same, case_type="RETURN", occurred_at=MAY + timedelta(days=9))
    run_whole(account, "cases")
    linked = dict(Inquiry.objects.values_list("pk", "case_id"))
    assert [linked[row.pk] for row in (escalated, other)] == [case.case_id, ""]


def test_of_two_escalated_inquiries_of_a_sale_each_finds_its_own_case(account):
    """Also when the cases come one after the other, and the wrong one first."""
    same = {"account": account, "item_id": ITEM, "transaction_id": "10001", "occurred_at": MAY}
    first = InquiryFactory(**same, escalated_at=MAY)
    second = InquiryFactory(**same, escalated_at=MAY + timedelta(days=2))

    def linked() -> list[str]:
        run_whole(account, "inquiries")
        return [Inquiry.objects.get(pk=row.pk).case_id for row in (first, second)]

    def opened(days: int) -> str:
        at = MAY + timedelta(days=days, seconds=1)
        return CaseFactory(**{**same, "occurred_at": at}, case_type="ITEM_NOT_RECEIVED").case_id

    of_second = opened(2)
    assert linked() == ["", of_second]
    of_first = opened(0)
    assert linked() == [of_first, of_second]


def test_of_a_case_that_came_before_the_right_one_an_inquiry_lets_go(account):
    same = {"account": account, "item_id": ITEM, "transaction_id": "10001"}
    row = InquiryFactory(**same, occurred_at=MAY, escalated_at=MAY + timedelta(days=1))
    case = {**same, "case_type": "ITEM_NOT_RECEIVED"}
    later = CaseFactory(**case, occurred_at=MAY + timedelta(days=9))
    run_whole(account, "cases")
    assert Inquiry.objects.get(pk=row.pk).case_id == later.case_id
    own = CaseFactory(**case, occurred_at=MAY + timedelta(days=1))
    run_whole(account, "cases")
    assert Inquiry.objects.get(pk=row.pk).case_id == own.case_id


def test_a_case_that_turns_out_to_be_another_inquirys_is_let_go(account):
    same = {"account": account, "item_id": ITEM, "transaction_id": "10001", "occurred_at": MAY}
    first = InquiryFactory(**same, escalated_at=MAY + timedelta(days=1))
    case = CaseFactory(
        **{**same, "occurred_at": MAY + timedelta(days=9)}, case_type="ITEM_NOT_RECEIVED"
    ).case_id

    def linked() -> dict[int, str]:
        run_whole(account, "inquiries")
        return dict(Inquiry.objects.filter(item_id=ITEM).values_list("pk", "case_id"))

    assert linked() == {first.pk: case}
    second = InquiryFactory(**same, escalated_at=MAY + timedelta(days=9))
    assert linked() == linked() == {first.pk: "", second.pk: case}


def test_two_inquiries_that_a_case_fits_equally_have_none(account):
    same = {"account": account, "item_id": ITEM, "transaction_id": "10001", "occurred_at": MAY}
    rows = [InquiryFactory(**same, escalated_at=MAY + timedelta(days=1)) for _ in range(2)]
    CaseFactory(**{**same, "occurred_at": MAY + timedelta(days=1)}, case_type="ITEM_NOT_RECEIVED")
    run_whole(account, "inquiries")
    assert [Inquiry.objects.get(pk=row.pk).case_id for row in rows] == ["", ""]


@pytest.mark.slow
def test_a_letter_has_the_order_before_it_or_else_the_first_after_it(account):
    def letter(days: int, **people) -> Message:
        people = {"sender": "buyer_1", "recipient": "me"} | people
        return MessageFactory(account=account, item_id=ITEM, occurred_at=MAY + timedelta(days=days), **people)

    rows = [letter(-5), letter(5), letter(25, sender="me", recipient="buyer_1"), letter(5, sender="buyer_3")]

    def orders() -> list[str]:
        stored = dict(Message.objects.values_list("pk", "order_id"))
        return [stored[row.pk] for row in rows]

    sell(account, "12-9", at=MAY + timedelta(days=20))
    run_whole(account, "messages")
    assert orders() == ["12-9", "12-9", "12-9", ""]
    # History is read from new to old: a better one may come later.
    sell(account, "12-1", at=MAY)
    run_whole(account, "orders")
    assert orders() == ["12-1", "12-1", "12-9", ""]
    viewer = as_member("viewer", account.organization)
    found = viewer.get("/api/data/messages/?order_id=12-1").json()["results"]
    assert {row["id"] for row in found} == {rows[0].pk, rows[1].pk}


def test_a_row_that_somebody_writes_now_is_linked_by_the_next_run(account):
    sell(account, "12-1", line="10001")
    case = CaseFactory(account=account, item_id=ITEM, transaction_id="10001")
    written, done = threading.Event(), threading.Event()

    def hold() -> None:
        try:
            with transaction.atomic():
                Case.objects.select_for_update().get(pk=case.pk)
                written.set()
                done.wait(20)
        finally:
            connection.close()

    holder = threading.Thread(target=hold)
    holder.start()
    assert written.wait(20)
    try:
        run_whole(account, "orders")
        assert state_of(account).linked_until is None
    finally:
        done.set()
        holder.join()
    run_whole(account, "orders")
    assert Case.objects.get(pk=case.pk).order_id == "12-1"
    assert state_of(account).linked_until is not None
