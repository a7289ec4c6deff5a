"""`/api/data/…` of all tables, and the money view."""

from __future__ import annotations

import csv
import io
from datetime import UTC, datetime, timedelta

import pytest
from django.utils import timezone

from syncworkers.models import MoneyRow, Payout, Transaction
from syncworkers.registry import TABLES
from tests.api_callers import as_member
from tests.factories import (
    ROW_FACTORIES,
    AccountFactory,
    FinancesFeeFactory,
    InventoryItemFactory,
    OfferFactory,
    OrderFactory,
    PayoutFactory,
    TransactionFactory,
    TransferFactory,
)

pytestmark = pytest.mark.django_db
PAST = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def viewer(account):
    return as_member("viewer", account.organization)


def ids(client, key, query=""):
    response = client.get(f"/api/data/{key}/?{query}")
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def csv_of(client, key):
    text = b"".join(client.get(f"/api/data/{key}/?format=csv").streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize("key", TABLES)
def test_every_table_serves_its_rows_with_payload_children_changes_and_csv(viewer, account, key):
    row = ROW_FACTORIES[key](account=account, payload={"as": "eBay sent it"}, changed_at=PAST)
    body = viewer.get(f"/api/data/{key}/{row.pk}/").json()
    assert (body["payload"], body["account_id"]) == ({"as": "eBay sent it"}, account.pk)
    assert set(TABLES[key].children) | set(TABLES[key].natural_key) <= set(body)
    assert viewer.get(f"/api/data/{key}/").json()["results"] == [body]
    assert ids(viewer, key, "updated_since=2026-03-01") == [row.pk]
    assert ids(viewer, key, f"account={account.pk}&closed=false") == [row.pk]
    assert [line["id"] for line in csv_of(viewer, key)] == [str(row.pk)]


@pytest.mark.parametrize("key", TABLES)
def test_what_has_a_time_of_its_own_comes_the_latest_first(viewer, account, key):
    own = "occurred_at" if hasattr(TABLES[key].model, "occurred_at") else "changed_at"
    name = "ebay_modified_at" if key == "orders" else own
    currencies = {"currency": "EUR"} if key == "seller_funds" else {}
    old = ROW_FACTORIES[key](account=account, **{name: PAST}, **currencies)
    new = ROW_FACTORIES[key](account=account, **{name: PAST + timedelta(days=1)})
    assert ids(viewer, key) == ([old.pk, new.pk] if key == "seller_funds" else [new.pk, old.pk])


def test_filters_of_transactions(viewer, account):
    one = TransactionFactory(
        account=account, order_id="12-1", payout_id="77", occurred_at=PAST, transaction_status="PAYOUT",
        payout_reference="P1",
    )  # fmt: skip
    two = TransactionFactory(
        account=account, transaction_type="NON_SALE_CHARGE", fee_type="AD_FEE", fees=False, currency="GBP",
        occurred_at=PAST + timedelta(days=2),
    )  # fmt: skip
    FinancesFeeFactory(transaction=two, fee_type="AD_FEE")
    FinancesFeeFactory(transaction=two, fee_type="AD_FEE")
    only_one = [
        "transaction_type=SALE", "transaction_status=PAYOUT,COMPLETED", "order_id=12-1", "payout_id=77",
        "occurred_to=2026-03-02", "fee=FINAL_VALUE_FEE", "currency=USD", "payout_reference=P1",
        f"transaction_id={one.transaction_id}", f"search={one.transaction_id[:8]}",
    ]  # fmt: skip
    only_two = [
        "transaction_type=NON_SALE_CHARGE,REFUND",
        "occurred_from=2026-03-02",
        "fee=AD_FEE",
        "fee_type=AD_FEE",
    ]
    assert {query: ids(viewer, "transactions", query) for query in only_one} == dict.fromkeys(
        only_one, [one.pk]
    )
    assert {query: ids(viewer, "transactions", query) for query in only_two} == dict.fromkeys(
        only_two, [two.pk]
    )


def test_filters_of_the_other_tables(viewer, account):
    offer = OfferFactory(
        account=account, sku="A/1", listing_id="110", offer_status="UNPUBLISHED", format="AUCTION"
    )
    OfferFactory(account=account)
    item = InventoryItemFactory(account=account, sku="A/1", title="Blue hammer", closed_at=timezone.now())
    InventoryItemFactory(account=account)
    payout = PayoutFactory(
        account=account, payout_status="REVERSED", bank_reference="EBAY1", occurred_at=PAST
    )
    PayoutFactory(account=account)
    transfer = TransferFactory(account=account, funding_type="CREDIT_CARD")
    TransferFactory(account=account)
    expected = {
        "offers": (["sku=A/1", "listing_id=110", "offer_status=UNPUBLISHED", "search=a/1",
                    "format_is=AUCTION"], offer),
        "inventory_items": (["sku=A/1", "search=hammer", "closed=true"], item),
        "finances": (["payout_status=REVERSED", "bank_reference=EBAY1", "occurred_to=2026-04-01"], payout),
        "transfers": (["funding_type=CREDIT_CARD", f"transfer_id={transfer.transfer_id}"], transfer),
    }  # fmt: skip
    for key, (queries, row) in expected.items():
        assert {query: ids(viewer, key, query) for query in queries} == dict.fromkeys(queries, [row.pk])


@pytest.mark.parametrize("rows", [1, 5])
def test_rows_with_fees_take_the_same_queries_however_many(viewer, account, django_assert_num_queries, rows):
    for each in TransactionFactory.create_batch(rows, account=account):
        FinancesFeeFactory(transaction=each)
    with django_assert_num_queries(5):
        assert len(ids(viewer, "transactions")) == rows


class TestMoneyView:
    @pytest.fixture
    def sale(self, account):
        order = OrderFactory(account=account, total="20.00")
        payout = PayoutFactory(account=account, payout_status="INITIATED", amount="500.00", occurred_at=PAST)
        return TransactionFactory(
            account=account, order_id=order.order_id, payout_id=payout.payout_id, transaction_status="PAYOUT"
        )

    def test_a_row_has_fees_payout_and_order(self, viewer, sale):
        FinancesFeeFactory(transaction=sale, amount="0.50", signed_amount="-0.50")
        FinancesFeeFactory(transaction=sale, amount="9.00", signed_amount="-9.00", currency="EUR")
        row = viewer.get(f"/api/data/money/{sale.pk}/").json()
        assert (row["gross"], row["fees"], row["net"]) == ("20.0000", "-2.5000", "18.0000")
        assert (row["order_total"], row["order_payment_status"]) == ("20.0000", "PAID")
        assert (row["payout_status"], row["payout_amount"]) == ("INITIATED", "500.0000")
        assert row["paid_out_at"] == "2026-03-01T12:00:00Z"
        assert viewer.get("/api/data/money/").json()["results"] == [row]

    def test_without_payout_order_and_fees_the_rest_is_there(self, viewer, account):
        bare = TransactionFactory(account=account, fees=False, order_id="nowhere", payout_id="nothing")
        row = viewer.get(f"/api/data/money/{bare.pk}/").json()
        assert (row["fees"], row["order_total"], row["payout_status"], row["paid_out_at"]) == (
            "0.0000", None, "", None
        )  # fmt: skip

    def test_another_accounts_payout_of_the_same_id_is_not_joined(self, account):
        PayoutFactory(payout_id="77")
        OrderFactory(order_id="12-9")
        TransactionFactory(account=account, payout_id="77", order_id="12-9")
        row = MoneyRow.objects.get()
        assert (row.payout_status, row.order_total) == ("", None)

    def test_filters_and_csv(self, viewer, sale, account):
        TransactionFactory(account=account, order_id="x", occurred_at=PAST)
        queries = [
            "payout_status=INITIATED", f"payout_id={sale.payout_id}", f"order_id={sale.order_id}",
            "transaction_status=PAYOUT", "occurred_from=2026-06-01", "order_payment_status=PAID",
            f"search={sale.order_id}",
        ]  # fmt: skip
        assert {query: ids(viewer, "money", query) for query in queries} == dict.fromkeys(queries, [sale.pk])
        assert {line["payout_status"] for line in csv_of(viewer, "money")} == {"INITIATED", ""}

    def test_it_changes_with_its_payout(self, viewer, sale):
        Transaction.objects.update(changed_at=PAST)
        type(sale).objects.update(changed_at=PAST)
        Payout.objects.update(changed_at=PAST)
        OrderFactory._meta.model.objects.update(changed_at=PAST)
        body = viewer.get("/api/data/money/?updated_since=2026-03-01").json()
        assert [row["id"] for row in body["results"]] == [sale.pk]
        since = body["next_since"]
        assert ids(viewer, "money", f"updated_since={since}") == []
        Payout.objects.update(payout_status="SUCCEEDED", changed_at=PAST + timedelta(hours=1))
        assert ids(viewer, "money", f"updated_since={since}") == [sale.pk]


def test_the_money_of_an_order_says_whether_it_adds_up(viewer, account):
    order = OrderFactory(account=account, total="20.00")
    TransactionFactory(account=account, order_id=order.order_id, payout_id="77")
    body = viewer.get(f"/api/data/orders/{order.pk}/money").json()
    assert body["verdict"] == "waiting"
    assert body["findings"] == [
        {"verdict": "waiting", "text": "Payout 77 is not stored yet: whether it was sent is not known."}
    ]
    assert body["lines"][0] == {
        "kind": "order_total", "words": "Order total", "amount": "20.0000", "currency": "USD", "is_sum": True,
    }  # fmt: skip
    assert body["payouts"] == [
        {"payout_id": "77", "status": "", "paid_at": None, "amount": "18.0000", "currency": "USD"}
    ]


def test_the_money_of_a_payout_says_whether_it_adds_up(viewer, account):
    payout = PayoutFactory(account=account)
    TransactionFactory(account=account, payout_id=payout.payout_id)
    body = viewer.get(f"/api/data/finances/{payout.pk}/money").json()
    assert (body["verdict"], body["findings"], body["payouts"]) == ("reconciles", [], [])
    assert [line["kind"] for line in body["lines"]] == ["sale", "fee", "net", "payout"]


@pytest.mark.parametrize("address", ["orders/{}/money", "finances/{}/money"])
def test_money_that_is_missing_and_a_query_that_is_not_understood(viewer, account, address):
    assert viewer.get(f"/api/data/{address.format(10**6)}").status_code == 404
    assert viewer.get(f"/api/data/{address.format(10**30)}").status_code == 404
    row = OrderFactory(account=account) if "orders" in address else PayoutFactory(account=account)
    assert viewer.get(f"/api/data/{address.format(row.pk)}?x=1").status_code == 400
