"""An order's page: letters and trouble in one view, of this order and account only."""

from __future__ import annotations

import pytest
from django.test import Client

from accounts.models import Role
from tests.factories import (
    AccountFactory,
    CaseFactory,
    InquiryFactory,
    MembershipFactory,
    MessageBodyFactory,
    MessageFactory,
    OrderFactory,
    OrderLineItemFactory,
    PaymentDisputeFactory,
    ReturnFactory,
)

from .test_admin_tables import shown

pytestmark = pytest.mark.django_db

ITEM, LINE = "110012345678", "10001"


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def viewer(account):
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=Role.VIEWER).user)
    return client


@pytest.fixture
def order(account):
    order = OrderFactory(account=account, order_id="12-1", buyer_username="buyer_1")
    OrderLineItemFactory(order=order, legacy_item_id=ITEM, line_item_id=LINE, title="A blue hammer")
    return order


def leads_to(html, row) -> bool:
    return f"/admin/syncworkers/{row._meta.model_name}/{row.pk}/change/" in html


def test_one_view_shows_lines_money_messages_and_all_trouble(account, viewer, order):
    rows = [
        ReturnFactory(account=account, order_id="12-1"),
        CaseFactory(account=account, order_id="12-1"),
        InquiryFactory(account=account, order_id="12-1"),
        PaymentDisputeFactory(account=account, order_id="12-1"),
        MessageFactory(account=account, item_id=ITEM, sender="buyer_1", recipient="me"),
        MessageFactory(account=account, item_id=ITEM, sender="me", recipient="buyer_1"),
    ]
    html = shown(viewer, order)
    assert [leads_to(html, row) for row in rows] == [True] * 6
    assert "A blue hammer" in html and "data-money=" in html


@pytest.mark.parametrize("make", [CaseFactory, InquiryFactory, ReturnFactory])
def test_without_an_order_number_item_and_transaction_lead_to_the_order(account, viewer, order, make):
    ours = make(account=account, order_id="", item_id=ITEM, transaction_id=LINE)
    auction = make(account=account, order_id="", item_id=ITEM, transaction_id="0", buyer="buyer_1")
    strangers = [
        make(account=account, order_id="", item_id=ITEM, transaction_id="10002"),
        make(account=account, order_id="", item_id="999", transaction_id=LINE),
        make(account=account, order_id="", item_id=ITEM, transaction_id="0", buyer="buyer_2"),
        make(account=account, order_id="12-2", item_id=ITEM, transaction_id=LINE),
        make(order_id="12-1", item_id=ITEM, transaction_id=LINE),
    ]
    html = shown(viewer, order)
    assert leads_to(html, ours) and leads_to(html, auction)
    assert not any(leads_to(html, row) for row in strangers)


def test_letters_of_others_and_about_other_items_are_not_the_orders(account, viewer, order):
    strangers = [
        MessageFactory(account=account, item_id=ITEM, sender="buyer_2"),
        MessageFactory(account=account, item_id="999", sender="buyer_1"),
        MessageFactory(item_id=ITEM, sender="buyer_1"),
    ]
    html = shown(viewer, order)
    assert not any(leads_to(html, row) for row in strangers)


def test_an_order_whose_buyer_is_withheld_has_no_letters(account, viewer, order):
    order.buyer_username = ""
    order.save()
    anonymous = MessageFactory(account=account, item_id=ITEM, sender="")
    assert not leads_to(shown(viewer, order), anonymous)


def test_a_letters_page_shows_its_html_without_running_it(account, viewer):
    html = '<p>Hello <b>you</b></p><script>steal()</script><img src="https://x.example/1.png" onerror="a()">'
    message = MessageFactory(account=account, message_id="1")
    body = MessageBodyFactory(account=account, message_id="1", html=html)
    MessageBodyFactory(message_id="1", content="foreign text")
    for row in (message, body):
        page = shown(viewer, row)
        assert "<p>Hello <b>you</b></p></div>" in page
        assert "<script>steal" not in page and '<img src="https://x.example' not in page
        assert "foreign text" not in page


def test_a_letter_whose_text_was_not_read_says_so(account, viewer):
    assert "The text was not read yet." in shown(viewer, MessageFactory(account=account))
