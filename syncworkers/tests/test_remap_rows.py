"""`remap_rows`: rows become what this release makes of their payloads."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.db.models.functions import Now

from accounts.models import EbayAccount
from syncworkers.models import Inquiry, InquiryDetail, Order, OrderLineItem, Return
from syncworkers.registry import TABLES
from syncworkers.services import remap as remapping
from syncworkers.services.remap import remap
from syncworkers.services.store import upsert_page
from tests.factories import AccountFactory
from tokens.models import PersonIndex

from .records_of_trading import INQUIRY, INQUIRY_DETAIL, LISTING, MESSAGE, RETURN, RETURN_DETAIL

pytestmark = pytest.mark.django_db
ORDER = {
    "orderId": "1", "lastModifiedDate": "2026-11-02T10:00:00.000Z", "orderFulfillmentStatus": "NOT_STARTED",
    "buyer": {"username": "ann"},
    "lineItems": [{"lineItemId": "a", "sku": "S-1"}, {"lineItemId": "b", "sku": "S-2"}],
}  # fmt: skip
EVERYTHING = {
    "orders": ORDER, "inquiries": INQUIRY, "inquiry_details": INQUIRY_DETAIL, "returns": RETURN,
    "return_details": RETURN_DETAIL, "messages": MESSAGE, "active_inventory": LISTING,
}  # fmt: skip


@pytest.fixture
def account() -> EbayAccount:
    account: EbayAccount = AccountFactory()
    for key, record in EVERYTHING.items():
        assert upsert_page(TABLES[key], account, [record]).bad == []
    return account


def changed_at(model) -> list[object]:
    return list(model.objects.values_list("changed_at", flat=True))


def run(capsys, *tables: str) -> str:
    call_command("remap_rows", *tables)
    return capsys.readouterr().out


def test_rows_that_are_as_the_mapper_makes_them_are_not_written(account, capsys):
    # What the details told when they came.
    run(capsys)
    before = {key: changed_at(TABLES[key].model) for key in EVERYTHING}
    told = run(capsys)
    assert {key: changed_at(TABLES[key].model) for key in EVERYTHING} == before
    assert all(f"{key}: 1 rows, 0 changed" in told for key in EVERYTHING)


def test_columns_and_lines_become_what_the_payload_says(account, capsys):
    before = Order.objects.get()
    Order.objects.update(fulfillment_status="", buyer_username="", changed_at=Now() - timedelta(days=1))
    OrderLineItem.objects.filter(line_item_id="a").delete()
    OrderLineItem.objects.filter(line_item_id="b").update(sku="")
    PersonIndex.objects.all().delete()
    assert "orders: 1 rows, 1 changed" in run(capsys, "orders")
    order = Order.objects.get()
    assert (order.fulfillment_status, order.buyer_username) == ("NOT_STARTED", "ann")
    assert list(order.line_items.values_list("line_item_id", "sku")) == [("a", "S-1"), ("b", "S-2")]
    assert set(order.line_items.values_list("account", flat=True)) == {account.pk}
    assert (order.payload, order.content_hash) == (before.payload, before.content_hash)
    assert order.changed_at > before.changed_at
    # Whoever is named anew can be forgotten.
    assert PersonIndex.objects.get().row_id == order.pk


def test_what_details_and_links_told_stays(account, capsys):
    ended = {"inquiry_status": "CLOSED_WITH_ESCALATION", "maturity": "final", "order_id": "9", "case_id": "8"}
    Inquiry.objects.update(**ended, state="", refund_due_at=None)
    linked = {"order_id": "9", "case_id": "8"}
    silent = {name: value for name, value in RETURN.items() if name not in ("orderId", "escalationInfo")}
    Return.objects.update(close_reason="", state="CLOSED", payload=silent, **linked)
    run(capsys, "inquiries", "returns")
    inquiry = Inquiry.objects.get()
    assert {name: getattr(inquiry, name) for name in ended} == ended
    assert (inquiry.state, inquiry.refund_due_at is None) == ("CREATED", False)
    returned = Return.objects.get()
    assert (returned.close_reason, returned.state) == ("REFUNDED", "CLOSED")
    assert {name: getattr(returned, name) for name in linked} == linked


def test_many_rows_go_batch_by_batch(account):
    upsert_page(TABLES["orders"], account, [ORDER | {"orderId": str(n)} for n in range(2, 8)])
    Order.objects.update(fulfillment_status="")
    seen: list[int] = []
    found = remap(TABLES["orders"], batch=3, on_batch=lambda found: seen.append(found.seen))
    assert (seen, found.changed) == ([3, 6, 7], 7)
    assert not Order.objects.exclude(fulfillment_status="NOT_STARTED").exists()


def test_what_cannot_be_read_is_said_and_stays(account, capsys):
    Order.objects.update(payload={"orderId": None}, buyer_username="x")
    with pytest.raises(CommandError, match="1 rows have a payload"):
        run(capsys, "orders")
    assert Order.objects.get().buyer_username == "x"


def test_rows_that_hold_less_than_the_payload_says_are_not_written_again_and_again(account, capsys):
    """An amount of more places than the column has, and a line that comes twice."""
    lines = [{"lineItemId": "a", "sku": "old"}, {"lineItemId": "a", "sku": "new"}]
    total = {"pricingSummary": {"total": {"value": "1.234567", "currency": "USD"}}}
    upsert_page(TABLES["orders"], account, [ORDER | total | {"orderId": "2", "lineItems": lines}])
    assert "orders: 2 rows, 0 changed" in run(capsys, "orders")
    OrderLineItem.objects.filter(line_item_id="a", order__order_id="2").update(sku="")
    assert "orders: 2 rows, 1 changed" in run(capsys, "orders")
    assert Order.objects.get(order_id="2").line_items.get().sku == "new"


def test_details_that_cannot_be_read_any_more_are_said(account, capsys):
    Inquiry.objects.update(state="x")
    InquiryDetail.objects.update(payload={})
    with pytest.raises(CommandError, match="1 rows have a payload"):
        run(capsys, "inquiries")
    assert Inquiry.objects.get().state == "x"


def test_a_table_that_is_not_there_is_refused(account):
    with pytest.raises(CommandError, match="there is no table 'nonsense'; choose from orders"):
        call_command("remap_rows", "orders", "nonsense")


def test_a_batch_that_loses_to_a_page_is_begun_anew(account, monkeypatch):
    Order.objects.update(fulfillment_status="")
    real, failures = remapping._locked, [OperationalError("deadlock detected")] * 2

    def locked(*args):
        if failures:
            raise failures.pop()
        return real(*args)

    monkeypatch.setattr(remapping, "_locked", locked)
    found = remap(TABLES["orders"])
    assert (found.seen, found.changed, failures) == (1, 1, [])
    failures += [OperationalError("gone")] * 9
    with pytest.raises(OperationalError, match="gone"):
        remap(TABLES["orders"])


def test_what_details_told_of_a_return_that_is_not_listed_stays(account, capsys):
    """Its payload is what the list said last."""
    summary = RETURN | {"state": "CLOSED", "status": "CLOSED", "sellerResponseDue": None}
    assert upsert_page(TABLES["return_details"], account, [RETURN_DETAIL | {"summary": summary}]).bad == []
    told = {"state": "CLOSED", "status": "CLOSED", "activity_due": "", "respond_by_at": None}
    Return.objects.update(content_hash=b"", maturity="final", check_at=None, **told)
    run(capsys, "returns")
    row = Return.objects.get()
    assert {name: getattr(row, name) for name in told} == told
    assert (row.maturity, row.check_at) == ("final", None)
