"""Pages that a stranger can read: workers that explain themselves, words instead of codes, empty lists."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from django.utils.html import escape

from accounts.models import Role
from syncworkers.admin.codes import code_words
from syncworkers.admin.facts import facts
from syncworkers.registry import WORKERS
from syncworkers.titles import family_title, quota_title
from tests.factories import (
    AccountFactory,
    CaseFactory,
    MembershipFactory,
    MessageBodyFactory,
    MessageFactory,
    OrderFactory,
    OrderLineItemFactory,
    RunFactory,
    SyncStateFactory,
    give_token,
)
from tokens.quotas import DEFAULT_LIMITS

from .test_admin_tables import shown

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return AccountFactory(house_name="Warehouse-A")


@pytest.fixture
def viewer(account):
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=Role.VIEWER).user)
    return client


def page(client: Client, address: str) -> str:
    return client.get(address).content.decode()


def test_every_worker_says_its_source_its_call_its_key_and_what_fresh_means(account, viewer):
    html = page(viewer, f"/admin/workers/?account={account.pk}")
    for worker in WORKERS.values():
        row = html.split(f'data-worker="{worker.key}"')[1].split("<tbody")[0]
        call = worker.endpoint.name if worker.endpoint.kind == "trading" else worker.endpoint.path
        said = (worker.title, worker.source, call, " + ".join(worker.table.natural_key), worker.fresh_means)
        assert [escape(words) in row for words in said] == [True] * 5, worker.key


def test_every_family_and_every_quota_has_a_name():
    assert not [key for key in WORKERS if family_title(key) == key]
    assert not [api for api in DEFAULT_LIMITS if quota_title(api) == api]
    assert family_title("of-an-older-release") == "of-an-older-release"


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("NOT_AS_DESCRIBED", "Not as described"), ("CS_CLOSED", "Closed by eBay"), ("BUYER", "Buyer"),
        ("AskSellerQuestion", "Ask seller question"), ("Completed", "Completed"), ("", ""),
        ("Funds sent", "Funds sent"), ("sold_out", "sold out"),
    ],
)  # fmt: skip
def test_codes_become_words(code, words):
    assert code_words(code) == words


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ({"sellerTotalRefund": 3}, ["<dt>Seller total refund</dt><dd>3</dd>"]),
        ({"itemId": "1", "state": "RETURN_CLOSED"}, ["<dt>Item ID</dt>", "<dd>Return closed</dd>"]),
        ({"amount": {"value": "12.30", "currency": "EUR"}}, ["<dd>12.30 EUR</dd>"]),
        ({"at": {"value": "2026-11-20T08:15:00.000Z", "formattedValue": "x"}}, ["2026-11-20 08:15:00 UTC"]),
        ({"value": 3, "unit": "KG"}, ["<dt>Value</dt><dd>3</dd>"]),
        ({"sku": "ABCDEF", "buyerLoginName": "HANNA", "currency": "EURO"}, ["ABCDEF", "HANNA", "EURO"]),
        ({"a": {"b": [{"c": False}, 0]}}, ["<li>", "<dt>C</dt><dd>No</dd>", "<li>0</li>"]),
        ({"note": "<script>", "<b>": "1"}, ["&lt;script&gt;", "<dt>&lt;b&gt;</dt>"]),
        ("just words", ["just words"]),
    ],
)
def test_what_ebay_says_by_an_id_is_told_in_words(value, told):
    html = str(facts(value))
    assert [words in html for words in told] == [True] * len(told), html


def test_of_what_ebay_leaves_empty_nothing_is_told():
    html = str(facts({"here": 1, "a": None, "b": "", "c": [], "d": {"e": [{"f": ""}]}}))
    assert html == '<dl class="ec-facts"><dt>Here</dt><dd>1</dd></dl>'


def test_a_run_is_listed_by_its_workers_title(account, viewer):
    RunFactory(account=account, api_family="active_inventory")
    for address in ("/admin/syncworkers/workerrun/", f"/admin/workers/?account={account.pk}"):
        assert "Active inventory" in page(viewer, address)
    listed = page(viewer, "/admin/syncworkers/workerrun/?api_family=orders")
    assert "No worker run matches the search and filters" in listed


def test_a_list_without_a_row_says_what_fills_it(viewer):
    html = page(viewer, "/admin/syncworkers/payout/")
    assert "There is no payout yet" in html
    assert "/admin/workers/" in html


def test_the_dashboard_says_what_an_account_did_not_grant(account, viewer):
    scopes = [scope for scope in WORKERS["orders"].scopes if "fulfillment" in scope]
    give_token(account, granted_scopes=scopes)
    for family in ("orders", "transactions", "finances"):
        SyncStateFactory(account=account, api_family=family)
    html = page(viewer, "/admin/")
    assert "Reconnect it to grant Transactions, Payouts; they do not run." in html


def test_an_orders_page_says_in_words_what_was_sold_and_what_went_wrong(account, viewer):
    order = OrderFactory(account=account, order_id="12-1", buyer_username="b", cancel_state="NONE_REQUESTED")
    OrderLineItemFactory(order=order, legacy_item_id="7", title="A blue hammer", sku="HAM-1")
    CaseFactory(account=account, order_id="12-1", case_type="ITEM_NOT_RECEIVED")
    letters = [MessageFactory(account=account, item_id="7", sender="b", subject=f"no. {n}") for n in range(7)]
    for letter in letters:
        MessageBodyFactory(account=account, message_id=letter.message_id, html=f"<p>{letter.subject}!</p>")
    html = shown(viewer, order).split("payload, as eBay")[0]
    for words in ("A blue hammer", "HAM-1", "None asked for", "Item not received"):
        assert words in html
    assert "ITEM_NOT_RECEIVED" not in html and "NONE_REQUESTED" not in html
    assert html.count("Its text is on its own page.") == 2
    assert html.count('class="ec-letter"') == 5


@pytest.mark.parametrize(
    ("minutes", "words"), [(0, "waits for a free process"), (2, "waits to start in 2 min")]
)
def test_a_queued_run_says_what_it_waits_for(account, viewer, minutes, words):
    at = timezone.now() + timedelta(minutes=minutes)
    run = RunFactory(account=account, api_family="orders", not_before=at)
    SyncStateFactory(account=account, api_family="orders")
    for address in (f"/admin/workers/?account={account.pk}", f"/admin/workers/runs/{run.pk}/"):
        assert words in page(viewer, address)
