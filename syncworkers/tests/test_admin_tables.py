"""The console's lists and pages of money and stock."""

from __future__ import annotations

import re

import pytest
from django.contrib import admin
from django.contrib.admin import ModelAdmin
from django.contrib.admin.utils import flatten_fieldsets, label_for_field
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import Role
from syncworkers.admin.data_rows import SyncedRowAdmin
from syncworkers.models import MoneyRow
from syncworkers.registry import TABLES
from tests.factories import (
    ROW_FACTORIES,
    AccountFactory,
    InventoryItemFactory,
    MembershipFactory,
    OfferFactory,
    OrderFactory,
    PayoutFactory,
    TransactionFactory,
)

pytestmark = pytest.mark.django_db
# `FUNDS_ON_HOLD`; a marketplace is called what eBay calls it.
_CODE = re.compile(r"\b(?!EBAY_)[A-Z]{2,}_[A-Z_]+\b")
_COLUMN_NAME = re.compile(r"_|\b(at|url|json|sku|mpn|epid|api)\b")


@pytest.fixture
def account():
    return AccountFactory(house_name="Warehouse-A")


@pytest.fixture
def viewer(account):
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=Role.VIEWER).user)
    return client


def listed(client, model, **query) -> str:
    answer = client.get(reverse(f"admin:syncworkers_{model}_changelist"), query)
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def shown(client, row) -> str:
    answer = client.get(reverse(f"admin:syncworkers_{row._meta.model_name}_change", args=[row.pk]))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


@pytest.mark.parametrize("key", TABLES)
def test_every_table_has_a_list_a_page_and_csv(account, viewer, key):
    model = TABLES[key].model
    assert isinstance(admin.site._registry[model], SyncedRowAdmin)
    row = ROW_FACTORIES[key](account=account, payload={"note": "as eBay sent it"})
    foreign = ROW_FACTORIES[key]()
    assert f"/admin/syncworkers/{model._meta.model_name}/{row.pk}/change/" in listed(
        viewer, model._meta.model_name
    )
    html = shown(viewer, row)
    assert "as eBay sent it" in html
    assert not _CODE.findall(re.sub("<[^>]*>", " ", html.split("payload, as eBay")[0]))
    answer = viewer.post(
        reverse(f"admin:syncworkers_{model._meta.model_name}_changelist"),
        {"action": "export_csv", "_selected_action": [row.pk, foreign.pk]},
    )
    body = b"".join(answer.streaming_content).decode()
    assert len(body.splitlines()) == 2
    assert all(str(getattr(row, name)) in body for name in TABLES[key].natural_key)


def names_on_pages(table: ModelAdmin) -> list[str]:
    """Of the fields of a row's page, the columns of the list, and the filters."""
    page = flatten_fieldsets(table.fieldsets) if table.fieldsets else table.fields or ()
    shown = [label_for_field(name, table.model, table) for name in (*page, *table.list_display)]
    return shown + [label_for_field(one, table.model) for one in table.list_filter if isinstance(one, str)]


_TABLES = [table for model, table in admin.site._registry.items() if model._meta.app_label == "syncworkers"]


@pytest.mark.parametrize("table", _TABLES, ids=lambda table: table.model._meta.model_name)
def test_names_on_pages_are_words_and_not_those_of_columns(table):
    names = names_on_pages(table)
    assert len(names) > 3
    assert not [name for name in names if _COLUMN_NAME.search(name)]
    assert not str(table.model._meta.verbose_name_plural).endswith("sss")


@pytest.mark.parametrize("model", ["transaction", "moneyrow"])
@pytest.mark.parametrize("many", [1, 8])
def test_links_in_lists_cost_no_query_per_row(account, viewer, django_assert_max_num_queries, model, many):
    order, payout = OrderFactory(account=account), PayoutFactory(account=account)
    for _ in range(many):
        TransactionFactory(account=account, order_id=order.order_id, payout_id=payout.payout_id)
    with django_assert_max_num_queries(15):
        html = listed(viewer, model)
    assert html.count(f"/admin/syncworkers/order/{order.pk}/change/") == many
    assert html.count(f"/admin/syncworkers/payout/{payout.pk}/change/") == many


def test_a_transaction_shows_its_fees_and_leads_to_order_and_payout(account, viewer):
    order, payout = OrderFactory(account=account), PayoutFactory(account=account)
    row = TransactionFactory(account=account, order_id=order.order_id, payout_id=payout.payout_id)
    html = shown(viewer, row)
    assert "Final value fee" in html and "FINAL_VALUE_FEE" not in html.split("Payload")[0]
    assert f"/admin/syncworkers/order/{order.pk}/change/" in html
    assert f"/admin/syncworkers/payout/{payout.pk}/change/" in html


def test_links_do_not_lead_to_another_accounts_rows(account, viewer):
    foreign = OrderFactory(order_id="12-1"), PayoutFactory(payout_id="77")
    row = TransactionFactory(account=account, order_id="12-1", payout_id="77")
    html = shown(viewer, row) + listed(viewer, "transaction") + listed(viewer, "moneyrow")
    assert all(f"/{one._meta.model_name}/{one.pk}/change/" not in html for one in foreign)


def test_the_money_of_an_order_stands_on_its_page(account, viewer):
    order = OrderFactory(account=account, total="20.00")
    payout = PayoutFactory(account=account)
    row = TransactionFactory(account=account, order_id=order.order_id, payout_id=payout.payout_id)
    html = shown(viewer, order)
    assert 'data-money="reconciles"' in html and "All stored numbers agree." in html
    assert "Fee: final value fee" in html and "-2.00 USD" in html
    assert f"/admin/syncworkers/payout/{payout.pk}/change/" in html
    assert f"/admin/syncworkers/transaction/{row.pk}/change/" in html
    row.gross = 25
    row.save()
    assert "differs from what its sales brought" in shown(viewer, order)


def test_a_payout_lists_its_transactions_and_says_what_is_missing(account, viewer):
    payout = PayoutFactory(account=account, amount="36.00", transaction_count=2)
    row = TransactionFactory(account=account, payout_id=payout.payout_id)
    html = shown(viewer, payout)
    assert "18.00 USD are missing; eBay counts 2, 1 are stored." in html
    assert f"/admin/syncworkers/transaction/{row.pk}/change/" in html


def test_a_payout_of_very_many_transactions_shows_the_first_and_leads_to_all(account, viewer, monkeypatch):
    monkeypatch.setattr("syncworkers.admin.money_section._SHOWN", 2)
    payout = PayoutFactory(account=account)
    TransactionFactory.create_batch(3, account=account, payout_id=payout.payout_id)
    html = shown(viewer, payout)
    assert len(re.findall(r"/syncworkers/transaction/\d+/change/", html)) == 2
    assert f"transaction/?account={account.pk}&amp;payout_id={payout.payout_id}" in html
    found = listed(viewer, "transaction", account=account.pk, payout_id=payout.payout_id)
    assert len(re.findall(r"/syncworkers/transaction/\d+/change/", found)) == 3


def test_an_item_lists_its_offers_and_an_offer_leads_to_its_item(account, viewer):
    item = InventoryItemFactory(account=account, sku="A 1/2")
    offer = OfferFactory(account=account, sku="A 1/2")
    other = OfferFactory(sku="A 1/2")
    html = shown(viewer, item)
    assert f"/admin/syncworkers/offer/{offer.pk}/change/" in html
    assert f"/admin/syncworkers/offer/{other.pk}/change/" not in html
    assert f"/admin/syncworkers/inventoryitem/{item.pk}/change/" in listed(viewer, "offer")


def test_what_ebay_no_longer_shows_is_found_by_a_filter(account, viewer):
    OfferFactory(account=account, offer_id="there-1")
    OfferFactory(account=account, offer_id="gone-1", closed_at="2026-01-01T00:00Z")
    assert "gone-1" not in listed(viewer, "offer", closed="no")
    assert "there-1" not in listed(viewer, "offer", closed="yes")


@pytest.mark.parametrize("key", ["cases", "inquiries", "returns", "payment_disputes", "messages"])
def test_what_ebay_has_no_longer_says_so_and_is_found_by_a_filter(account, viewer, key):
    model = TABLES[key].model._meta.model_name
    there = ROW_FACTORIES[key](account=account)
    assert "Gone" not in shown(viewer, there).split("Gone from eBay since")[0]
    gone = ROW_FACTORIES[key](account=account, closed_at=timezone.now())
    page = shown(viewer, gone).split("Gone from eBay since")[0]
    assert "Gone" in page
    assert "read again until" not in page
    html = listed(viewer, model, closed="yes")
    assert (f"/{model}/{gone.pk}/" in html, f"/{model}/{there.pk}/" in html) == (True, False)


def test_the_money_view_is_listed_and_exported(account, viewer):
    order = OrderFactory(account=account, total="20.00")
    row = TransactionFactory(account=account, order_id=order.order_id)
    TransactionFactory()
    assert "20.00 USD" in listed(viewer, "moneyrow")
    answer = viewer.post(
        reverse("admin:syncworkers_moneyrow_changelist"),
        {"action": "export_csv", "_selected_action": list(MoneyRow.objects.values_list("pk", flat=True))},
    )
    lines = b"".join(answer.streaming_content).decode().splitlines()
    assert len(lines) == 2 and row.transaction_id in lines[1]


def test_data_of_every_table_cannot_be_changed(account):
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=Role.ADMIN).user)
    rows = [make(account=account) for make in ROW_FACTORIES.values()]
    rows.append(MoneyRow.objects.get())
    for row in rows:
        for page in ("change", "delete"):
            url = reverse(f"admin:syncworkers_{row._meta.model_name}_{page}", args=[row.pk])
            assert client.post(url, {"post": "yes"}).status_code == 403, url
