from __future__ import annotations

import json
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext

from syncworkers.models import Order, OrderLineItem, Transaction
from syncworkers.registry import TABLES
from syncworkers.services import payloads
from syncworkers.services import store as store_module
from syncworkers.services.records import identity_of
from syncworkers.services.store import Asked, upsert_page
from tests.factories import AccountFactory

from .running import ORDERS, rows_written
from .test_finance_mappers import SALE

pytestmark = pytest.mark.django_db


def line(line_id: str = "1", **more: Any) -> dict[str, Any]:
    return {"lineItemId": line_id, "sku": "ABC", "quantity": 1, **more}


def order(order_id: str = "1", at: str = "2026-11-20T12:00:00.000Z", **more: Any) -> dict[str, Any]:
    return {"orderId": order_id, "lastModifiedDate": at, "lineItems": [line()], **more}


@pytest.fixture
def account():
    return AccountFactory(token=False)


@pytest.fixture(params=["objects", "bytes"], autouse=True)
def as_it_comes(request, monkeypatch):
    """Every test with records that were parsed and with those that come as eBay's bytes."""
    if request.param == "bytes":
        monkeypatch.setitem(
            globals(), "form", lambda item: json.dumps(item).encode() if isinstance(item, dict) else item
        )


def form(item):
    return item


def store(account, *orders):
    return upsert_page(ORDERS.table, account, [form(one) for one in orders])


def test_a_new_page_is_stored_with_its_lines(account):
    result = store(account, order("1"), order("2", lineItems=[line("1"), line("2")]))
    assert (result.stored, result.unchanged, result.bad) == (2, 0, [])
    row = Order.objects.get(order_id="2")
    assert (row.account_id, row.house_name, row.line_item_count) == (account.pk, account.house_name, 2)
    assert row.payload == order("2", lineItems=[line("1"), line("2")])
    said = form(order("2", lineItems=[line("1"), line("2")]))
    assert bytes(row.content_hash) == payloads.document(said, ()).digest
    assert OrderLineItem.objects.filter(order=row, account=account).count() == 2


def test_the_same_page_again_writes_nothing(account):
    page = [order(str(n)) for n in range(5)]
    store(account, *page)
    before = rows_written()
    result = store(account, *page)
    assert (result.stored, result.unchanged) == (0, 5)
    assert rows_written() == before


def test_other_bytes_of_the_same_order_are_no_change(account):
    item = order("1", orderPaymentStatus="PAID")
    store(account, item)
    Order.objects.update(changed_at="2020-01-01T00:00:00Z")
    turned = dict(reversed(item.items()))
    result = upsert_page(ORDERS.table, account, [json.dumps(turned, indent=1).encode()])
    assert (result.stored, result.unchanged, Order.objects.get().changed_at.year) == (0, 1, 2020)
    before = rows_written()
    assert upsert_page(ORDERS.table, account, [json.dumps(turned, indent=1).encode()]).unchanged == 1
    assert rows_written() == before


def test_the_hash_of_a_row_that_was_changed_meanwhile_is_left_alone(account, monkeypatch):
    """The person eraser, say, between the comparison and the note."""
    item = order("1", orderPaymentStatus="PAID")
    store(account, item)
    compare = store_module._with_withheld

    def and_somebody_writes(*args):
        found = compare(*args)
        Order.objects.update(content_hash=b"somebody else's")
        return found

    monkeypatch.setattr(store_module, "_with_withheld", and_somebody_writes)
    turned = json.dumps(dict(reversed(item.items())), indent=1).encode()
    assert upsert_page(ORDERS.table, account, [turned]).unchanged == 1
    assert bytes(Order.objects.get().content_hash) == b"somebody else's"


def test_an_unchanged_order_is_not_even_mapped(account, monkeypatch):
    page = [json.dumps(order(str(n))).encode() for n in range(3)]
    upsert_page(ORDERS.table, account, page)
    monkeypatch.setattr("syncworkers.mappers.orders._usual_row", None)
    monkeypatch.setattr("syncworkers.mappers.orders.order_row", None)
    assert upsert_page(ORDERS.table, account, page).unchanged == 3


def test_only_the_changed_row_is_rewritten(account):
    store(account, order("1"), order("2"), order("3", lineItems=[line("1"), line("2")]))
    before = rows_written()
    result = store(account, order("1"), order("2"), order("3", lineItems=[line("1"), line("2", quantity=9)]))
    assert (result.stored, result.unchanged) == (1, 2)
    changed = {key for key, place in rows_written().items() if before[key] != place}
    rewritten = OrderLineItem.objects.get(order__order_id="3", line_item_id="2")
    assert changed == {Order.objects.get(order_id="3").pk, -rewritten.pk}
    assert rewritten.quantity == 9


def test_a_row_that_changes_takes_the_account_s_new_house_name(account):
    before = account.house_name
    store(account, order("1"), order("2"))
    account.house_name = "Renamed"
    store(account, order("1"), order("2", buyerCheckoutNotes="please hurry"))
    assert dict(Order.objects.values_list("order_id", "house_name")) == {"1": before, "2": "Renamed"}


def test_changed_at_moves_only_with_a_change(account):
    store(account, order("1"), order("2"))
    Order.objects.update(changed_at="2020-01-01T00:00:00Z")
    store(account, order("1"), order("2", buyerCheckoutNotes="please hurry"))
    years = dict(Order.objects.values_list("order_id", "changed_at__year"))
    assert years["1"] == 2020
    assert years["2"] > 2020


def test_an_older_version_never_wins(account):
    store(account, order("1", "2026-11-20T12:00:00.000Z", orderPaymentStatus="PAID"))
    before = rows_written()
    older = order("1", "2026-11-20T11:59:59.999Z", orderPaymentStatus="PENDING", lineItems=[])
    result = store(account, older)
    assert (result.stored, result.unchanged) == (0, 1)
    assert rows_written() == before
    assert Order.objects.get().payment_status == "PAID"


def test_other_content_of_the_same_time_wins(account):
    store(account, order("1", orderPaymentStatus="PAID"))
    assert store(account, order("1", orderPaymentStatus="FULLY_REFUNDED")).stored == 1
    assert Order.objects.get().payment_status == "FULLY_REFUNDED"


def test_of_two_answers_that_crossed_the_later_one_does_not_win_but_ebay_is_asked_again(account):
    """Of a record without a change time nobody knows which of the two is newer."""
    table, paid_out = TABLES["transactions"], SALE | {"transactionStatus": "PAYOUT"}
    upsert_page(table, account, [paid_out])
    row = Transaction.objects.get()
    assert row.check_at is None
    crossed = Asked(at=row.changed_at - timedelta(seconds=1))
    assert upsert_page(table, account, [SALE], asked=crossed).stored == 0
    row.refresh_from_db()
    assert (row.payload, row.check_at) == (paid_out, row.occurred_at)
    assert upsert_page(table, account, [SALE], asked=Asked(at=row.changed_at)).stored == 1


def test_of_one_order_twice_on_a_page_the_newer_stays(account):
    newer = order("1", "2026-11-20T13:00:00.000Z", orderPaymentStatus="PAID")
    result = store(account, newer, order("1", "2026-11-20T12:00:00.000Z", orderPaymentStatus="PENDING"))
    assert (result.stored, result.unchanged) == (1, 0)
    assert Order.objects.get().payment_status == "PAID"


def test_lines_are_replaced_as_a_set(account):
    store(account, order("1", lineItems=[line("1"), line("2"), line("3")]), order("2"))
    store(account, order("1", lineItems=[line("3"), line("4"), line("2")]))
    lines = OrderLineItem.objects.filter(order__order_id="1").order_by("position")
    assert [row.line_item_id for row in lines] == ["3", "4", "2"]
    store(account, order("1", lineItems=[]))
    assert not OrderLineItem.objects.filter(order__order_id="1").exists()
    assert OrderLineItem.objects.filter(order__order_id="2").count() == 1


def test_two_lines_may_share_a_sku(account):
    store(account, order("1", lineItems=[line("1", sku="SAME"), line("2", sku="SAME")]))
    assert OrderLineItem.objects.filter(sku="SAME").count() == 2


def test_a_withheld_email_and_address_stay(account):
    def bought(buyer: dict[str, Any], ship_to: dict[str, Any] | None) -> dict[str, Any]:
        step = {"shippingCarrierCode": "USPS", "shipTo": ship_to}
        return order("1", buyer=buyer, fulfillmentStartInstructions=[{"shippingStep": step}])

    address = {"fullName": "Ann", "contactAddress": {"countryCode": "DE"}}
    store(account, bought({"username": "ann", "email": "ann@example.com"}, address))
    Order.objects.update(changed_at="2020-01-01T00:00:00Z")
    result = store(account, bought({"username": "ann"}, None))
    row = Order.objects.get()
    assert row.payload["buyer"] == {"username": "ann", "email": "ann@example.com"}
    assert (row.ship_to_name, row.ship_to_country, row.changed_at.year) == ("Ann", "DE", 2020)
    before = rows_written()
    again = store(account, bought({"username": "ann"}, None))
    assert (result.stored, again.unchanged, rows_written()) == (0, 1, before)


def test_of_two_orders_on_a_page_each_keeps_what_is_withheld_of_itself(account):
    def bought(order_id: str, at: str, **withheld: Any) -> dict[str, Any]:
        step = {"shipTo": {"contactAddress": {"countryCode": "DE"}, **withheld}}
        return order(order_id, at, fulfillmentStartInstructions=[{"shippingStep": step}])

    store(
        account,
        bought("1", "2026-11-20T12:00:00.000Z", fullName="Ann", email="ann@example.com"),
        bought("2", "2026-11-20T12:00:00.000Z", fullName="Bea", email="bea@example.com"),
    )
    at = "2026-11-21T12:00:00.000Z"
    assert store(account, bought("1", at), bought("2", at)).stored == 2
    for order_id, name in (("1", "Ann"), ("2", "Bea")):
        row = Order.objects.get(order_id=order_id)
        ship_to = row.payload["fulfillmentStartInstructions"][0]["shippingStep"]["shipTo"]
        assert (ship_to["fullName"], ship_to["email"]) == (name, f"{name.lower()}@example.com")
        assert row.ship_to_name == name


def test_a_withheld_final_destination_stays(account):
    withheld = [{"fulfillmentInstructionsType": "SHIP_TO"}]
    given = [withheld[0] | {"finalDestinationAddress": {"city": "Bonn", "countryCode": "DE"}}]
    store(account, order("1", fulfillmentStartInstructions=given))
    store(account, order("1", "2026-11-21T12:00:00.000Z", fulfillmentStartInstructions=withheld))
    assert Order.objects.get().payload["fulfillmentStartInstructions"] == given


def test_a_change_is_stored_without_losing_what_is_withheld(account):
    store(account, order("1", buyer={"username": "ann", "email": "ann@example.com"}))
    later = order("1", "2026-11-21T12:00:00.000Z", buyer={"username": "9k2"}, orderPaymentStatus="PAID")
    assert store(account, later).stored == 1
    row = Order.objects.get()
    assert row.payload["buyer"] == {"username": "9k2", "email": "ann@example.com"}
    assert (row.payment_status, row.buyer_username) == ("PAID", "9k2")
    assert store(account, later).unchanged == 1


def test_a_record_that_the_mapper_refuses_is_set_aside_alone(account):
    result = store(account, order("1"), order("2", creationDate="soon"), order("3"))
    assert set(Order.objects.values_list("order_id", flat=True)) == {"1", "3"}
    (bad,) = result.bad
    assert (bad.key, bad.error) == ("2", "creationDate is not a time")
    assert bad.evidence["creationDate"] == "soon"
    assert bad.modified_at is not None
    assert result.healthy_keys == ["1", "3"]
    assert (result.stored, result.unchanged) == (2, 0)


@pytest.mark.parametrize(
    "refused",
    [
        order("2", orderFulfillmentStatus="X" * 41),
        order("2" * 101),
        order("2", pricingSummary={"total": {"value": "1e30", "currency": "USD"}}),
        order("2", lineItems=[line("1", quantity=2**40)]),
        order("2", lineItems=[line("1", quantity=2**80)]),
    ],
    ids=["status", "id", "amount", "line", "huge number"],
)
def test_a_record_that_the_database_refuses_is_set_aside_alone(account, refused):
    result = store(account, *(order(f"a{n}") for n in range(7)), refused, order("z"))
    assert Order.objects.count() == result.stored == 8
    (bad,) = result.bad
    assert bad.error.startswith("the database refuses it: ")
    assert bad.evidence["orderId"] == refused["orderId"]
    assert bad.key not in result.healthy_keys
    assert result.unchanged == 0
    assert OrderLineItem.objects.count() == 8


@pytest.mark.parametrize(
    "record", [None, 5, "order", [], {}, {"orderId": "\x00\ud800"}, {"lastModifiedDate": 1}]
)
def test_nonsense_never_fails_the_page(account, record):
    result = store(account, order("1"), record)
    assert Order.objects.filter(order_id="1").exists()
    assert Order.objects.count() + len(result.bad) == 2


def test_characters_that_cannot_be_stored_are_replaced_and_counted(account):
    result = store(account, order("1", buyerCheckoutNotes="a\x00b\ud800", **{"k\x00": 1}))
    assert result.replaced_characters == 3
    row = Order.objects.get()
    assert row.payload["buyerCheckoutNotes"] == "a�b�"
    assert row.payload["k�"] == 1


def test_accounts_with_the_same_order_id_do_not_touch_each_other(account):
    other = AccountFactory(token=False)
    store(account, order("1", orderPaymentStatus="PAID"))
    store(other, order("1", orderPaymentStatus="PENDING", lineItems=[]))
    rows = dict(Order.objects.values_list("account_id", "payment_status"))
    assert rows == {account.pk: "PAID", other.pk: "PENDING"}
    assert OrderLineItem.objects.get().account_id == account.pk


def test_amounts_come_back_exactly(account):
    total = {"value": "1234567890123456.7891", "currency": "USD"}
    store(account, order("1", pricingSummary={"total": total}))
    assert Order.objects.get().total == Decimal("1234567890123456.7891")


def test_a_closed_row_that_changes_is_open_again(account):
    store(account, order("1"))
    Order.objects.update(closed_at="2026-01-01T00:00:00Z")
    store(account, order("1", "2026-11-21T12:00:00.000Z"))
    assert Order.objects.get().closed_at is None


def statements(account, count: int, at: str) -> int:
    page = [order(f"o{n}", at, lineItems=[line("1"), line("2")]) for n in range(count)]
    with CaptureQueriesContext(connection) as queries:
        upsert_page(ORDERS.table, account, page)
    return len(queries)


def test_the_number_of_statements_does_not_grow_with_the_page(account):
    assert statements(account, 2, "2026-11-20T12:00:00.000Z") == statements(
        AccountFactory(token=False), 150, "2026-11-20T12:00:00.000Z"
    )
    assert statements(account, 2, "2026-11-21T12:00:00.000Z") == statements(
        account, 150, "2026-11-22T12:00:00.000Z"
    )


def test_an_empty_page_writes_nothing(account):
    assert store(account).stored == 0


def test_records_without_a_key_are_told_apart_by_their_content():
    one, other = {"a": "\ud800"}, {"a": 2}
    assert (
        identity_of(ORDERS.table, one)
        == identity_of(ORDERS.table, dict(one))
        != identity_of(ORDERS.table, other)
    )
    assert identity_of(ORDERS.table, order("7")) == "7"
