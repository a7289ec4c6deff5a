"""`/api/data/{family}/`: rows, filters, changes, CSV."""

import csv
import io
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import pytest
from django.utils import timezone

from syncworkers.models import Order
from syncworkers.registry import WORKERS
from tests.api_callers import as_member
from tests.factories import AccountFactory, OrderFactory, OrderLineItemFactory

pytestmark = pytest.mark.django_db
ORDERS = "/api/data/orders/"
PAST = datetime(2026, 3, 1, 12, tzinfo=UTC)


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def viewer(account):
    return as_member("viewer", account.organization)


def ids(client, query=""):
    response = client.get(f"{ORDERS}?{query}")
    assert response.status_code == 200, response.content
    return [row["id"] for row in response.json()["results"]]


def test_a_row_has_its_columns_payload_and_lines(viewer, account):
    order = OrderFactory(account=account, payload={"orderId": "1", "deep": {"a": [1]}})
    OrderLineItemFactory(order=order, position=1, sku="B")
    OrderLineItemFactory(order=order, position=0, sku="A")
    row = viewer.get(f"{ORDERS}{order.pk}/").json()
    assert row["payload"] == {"orderId": "1", "deep": {"a": [1]}}
    assert [line["sku"] for line in row["line_items"]] == ["A", "B"]
    assert (row["account_id"], row["house_name"]) == (account.pk, account.house_name)
    assert (row["total"], row["currency"]) == ("22.0000", "USD")
    assert {"order_id", "ebay_modified_at", "changed_at", "closed_at", "buyer_username"} < set(row)
    assert "content_hash" not in row
    assert viewer.get(ORDERS).json()["results"] == [row]


def test_every_family_of_the_registry_is_served(viewer):
    assert [viewer.get(f"/api/data/{family}/").status_code for family in WORKERS] == [200] * len(WORKERS)


@pytest.mark.parametrize("rows", [1, 6])
def test_rows_with_lines_take_the_same_queries_however_many(viewer, account, django_assert_num_queries, rows):
    for order in OrderFactory.create_batch(rows, account=account):
        OrderLineItemFactory.create_batch(2, order=order)
    # The login and its memberships, the count, the rows, their lines.
    with django_assert_num_queries(5):
        assert len(viewer.get(ORDERS).json()["results"]) == rows
    with django_assert_num_queries(4):
        viewer.get(f"{ORDERS}{order.pk}/")


def test_filters(viewer, account):
    other = AccountFactory(organization=account.organization, house_name="Other")
    one = OrderFactory(
        account=account, order_id="A-1", fulfillment_status="FULFILLED", payment_status="PAID",
        buyer_username="ann", created_at_ebay=PAST, ebay_modified_at=PAST + timedelta(days=1),
    )  # fmt: skip
    two = OrderFactory(
        account=other, order_id="B-2", fulfillment_status="NOT_STARTED", payment_status="FAILED",
        buyer_username="bob", created_at_ebay=PAST + timedelta(days=5),
        ebay_modified_at=PAST + timedelta(days=9), ship_to_name="Bob Builder", closed_at=timezone.now(),
    )  # fmt: skip
    OrderLineItemFactory(order=two, sku="X-9", title="Blue hammer")
    OrderLineItemFactory(order=two, sku="X-9", title="Blue nail", position=1)
    only_one = [
        f"account={account.pk}", f"account_id={account.pk}", f"house_name={account.house_name}",
        "fulfillment_status=FULFILLED", "fulfillment_status=FULFILLED,OTHER", "payment_status=PAID",
        "buyer=ann", "buyer_username=ann", "order_id=A-1", "created_to=2026-03-02",
        "modified_to=2026-03-03T00:00:00Z", "closed=false", "search=a-1",
        "created_from=2026-03-01T12:00:00Z&created_to=2026-03-01T12:00:01Z",
    ]  # fmt: skip
    only_two = [
        "sku=X-9", "search=hammer", "search=Builder", "search=bob", "closed=true", "created_from=2026-03-02",
        "modified_from=2026-03-05", f"account={other.pk}&payment_status=FAILED",
    ]  # fmt: skip
    assert {query: ids(viewer, query) for query in only_one} == dict.fromkeys(only_one, [one.pk])
    assert {query: ids(viewer, query) for query in only_two} == dict.fromkeys(only_two, [two.pk])
    assert ids(viewer, "sku=X") == ids(viewer, "created_to=2026-03-01T12:00:00Z") == []
    assert ids(viewer) == [two.pk, one.pk]
    assert ids(viewer, "ordering=order_id") == [one.pk, two.pk]
    assert ids(viewer, "ordering=-order_id&limit=1&offset=1") == [one.pk]


@pytest.mark.parametrize(
    "query",
    ["stauts=PAID", "ordering=payload", "ordering=account__house_name", "ordering=content_hash", "limit=x",
     "offset=-3", "created_from=yesterday", "account=x", "account=1e400", "search=%00", "closed=perhaps",
     "format=xml", "format=", "updated_since=yesterday", "updated_since=2026-03-01_x",
     "updated_since=2026-03-01_99999999999999999999", "updated_since=_5",
     "updated_since=0001-01-01T00:00:00%2B14:00",
     "updated_since=2026-03-01&ordering=id", "updated_since=2026-03-01&offset=1",
     "updated_since=2026-03-01&format=csv", "format=csv&limit=5", "format=csv&stauts=PAID"],
)  # fmt: skip
def test_a_query_that_is_not_understood_is_refused(viewer, account, query):
    OrderFactory(account=account)
    response = viewer.get(f"{ORDERS}?{query}")
    assert response.status_code == 400, response.content
    assert response["Content-Type"] == "application/json"
    assert response.json()["error"]["message"]


def test_a_limit_above_500_means_500(viewer, account):
    assert viewer.get(f"{ORDERS}?limit=100000").status_code == 200
    OrderFactory(account=account)
    body = viewer.get(f"{ORDERS}?limit=1").json()
    assert (body["count"], body["next"], body["previous"]) == (1, None, None)


def test_what_is_missing_is_404(viewer):
    assert viewer.get("/api/data/nothing/").status_code == 404
    assert viewer.get(f"{ORDERS}{10**6}/").status_code == 404
    assert viewer.get(f"{ORDERS}{10**30}/").status_code == 404


def changed(account, *moments):
    return [OrderFactory(account=account, changed_at=moment) for moment in moments]


def harvest(client, since, limit=2):
    """All ids in the order they come, and the last next_since."""
    seen = []
    while True:
        body = client.get(ORDERS, {"updated_since": since, "limit": limit}).json()
        seen += [row["id"] for row in body["results"]]
        since = body["next_since"]
        if not body["next"]:
            return seen, since


def test_many_rows_of_one_moment_are_neither_lost_nor_repeated(viewer, account):
    orders = changed(account, *[PAST] * 7, PAST + timedelta(microseconds=1))
    seen, since = harvest(viewer, "2026-03-01")
    assert seen == [order.pk for order in orders]
    assert harvest(viewer, since) == ([], since)


def test_a_change_comes_again_exactly_once(viewer, account):
    first, second = changed(account, PAST, PAST)
    _, since = harvest(viewer, "2026-01-01")
    Order.objects.filter(pk=first.pk).update(changed_at=PAST + timedelta(hours=1))
    seen, since = harvest(viewer, since)
    assert seen == [first.pk]
    assert harvest(viewer, since)[0] == []


def test_rows_younger_than_a_minute_come_later_and_are_not_skipped(viewer, account):
    old, young = changed(
        account, timezone.now() - timedelta(seconds=70), timezone.now() - timedelta(seconds=40)
    )
    seen, since = harvest(viewer, "2026-01-01")
    assert seen == [old.pk]
    Order.objects.filter(pk=young.pk).update(changed_at=timezone.now() - timedelta(seconds=61))
    assert harvest(viewer, since)[0] == [young.pk]


def test_a_time_includes_its_own_moment_and_a_plus_may_arrive_as_a_space(viewer, account):
    (order,) = changed(account, PAST)
    for text in ("2026-03-01T12:00:00Z", "2026-03-01T14:00:00%2B02:00", "2026-03-01T14:00:00+02:00"):
        assert ids(viewer, f"updated_since={text}") == [order.pk]
    assert ids(viewer, "updated_since=2026-03-01T12:00:00.000001Z") == []


def test_an_empty_answer_says_where_to_go_on(viewer):
    body = viewer.get(f"{ORDERS}?updated_since=2026-03-01").json()
    assert (body["results"], body["next"]) == ([], None)
    assert body["next_since"].startswith("2026-03-01T00:00:00")


def test_next_leads_to_the_next_page_of_changes_with_the_same_filters(viewer, account):
    orders = changed(account, PAST, PAST, PAST)
    Order.objects.filter(pk=orders[1].pk).update(buyer_username="ann")
    body = viewer.get(f"{ORDERS}?updated_since=2026-03-01&limit=1&buyer=buyer_1").json()
    parts = urlsplit(body["next"])
    rest = viewer.get(f"{parts.path}?{parts.query}").json()
    assert [row["id"] for row in rest["results"]] == [orders[2].pk]
    assert rest["next"] is None


def read_csv(response):
    assert response.streaming
    text = b"".join(response.streaming_content).decode()
    return list(csv.DictReader(io.StringIO(text)))


def test_csv_has_all_columns_but_the_payload(viewer, account):
    order = OrderFactory(account=account, created_at_ebay=PAST, ebay_modified_at=None)
    response = viewer.get(f"{ORDERS}?format=csv")
    assert response["Content-Type"].startswith("text/csv")
    assert "orders.csv" in response["Content-Disposition"]
    (row,) = read_csv(response)
    assert (row["order_id"], row["house_name"]) == (order.order_id, account.house_name)
    assert (row["created_at_ebay"], row["ebay_modified_at"]) == ("2026-03-01T12:00:00+00:00", "")
    assert row["total"] == "22.0000"
    assert "payload" not in row and "content_hash" not in row


def test_csv_takes_filters_order_and_the_caller_into_account(viewer, account):
    for name in ("b", "a", "c"):
        OrderFactory(account=account, order_id=name, payment_status="PAID")
    OrderFactory(account=account, payment_status="FAILED")
    OrderFactory(payment_status="PAID")
    rows = read_csv(viewer.get(f"{ORDERS}?format=csv&payment_status=PAID&ordering=order_id"))
    assert [row["order_id"] for row in rows] == ["a", "b", "c"]


@pytest.mark.parametrize("start", ["=", "+", "-", "@", "\t", "\r", "\n", "＝"])
def test_csv_carries_no_formula_into_a_spreadsheet(viewer, account, start):
    OrderFactory(account=account, ship_to_name=f"{start}cmd|' /C calc'!A0", total="-5.00")
    (row,) = read_csv(viewer.get(f"{ORDERS}?format=csv"))
    assert row["ship_to_name"].startswith("'")
    assert row["total"] == "-5.0000"


def test_csv_may_be_asked_for_by_the_accept_header(viewer, account):
    OrderFactory(account=account)
    assert len(read_csv(viewer.get(ORDERS, HTTP_ACCEPT="text/csv"))) == 1
