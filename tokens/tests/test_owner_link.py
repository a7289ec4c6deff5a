"""A link for an owner without a login: it says what will happen, works once, ends, can be withdrawn."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.db import connections
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.access import NotAllowed, principal_of_user
from accounts.models import AuditEvent, Role
from tests.api_callers import as_member
from tests.factories import MembershipFactory, member
from tests.simulator import consent
from tokens.models import ConnectTicket, EbayToken
from tokens.services.connect import create_connect_link
from tokens.services.revoke_link import revoke_link

from .linked import change_token, linked_account, nothing_sent, stored, token_posts

pytestmark = pytest.mark.django_db(transaction=True)
SELLER, OTHER_SELLER = "northwind_parts", "thames_tools"


@pytest.fixture
def account(simulator):
    account = linked_account(simulator, house_name="Warehouse-A")
    change_token(account, refresh_error="invalid_grant: revoked")
    return account


def admin_of(account):
    return principal_of_user(MembershipFactory(organization=account.organization, role=Role.ADMIN).user)


def owner_link(account, by=None) -> str:
    _, link = create_connect_link(
        organization=account.organization, account=account, house_name=account.house_name, for_owner=True,
        purpose=account.purpose, environment=account.environment, by=by or admin_of(account),
    )  # fmt: skip
    parts = urlsplit(link)
    return f"{parts.path}?{parts.query}"


def press(address: str, client: Client):
    """Open the page as a browser does, and press its button."""
    page = client.get(address).content.decode()
    token = re.search(r'name="csrfmiddlewaretoken" value="(\w+)"', page)
    return client.post(address, {"csrfmiddlewaretoken": token[1] if token else ""})


def come_back(to_ebay, client: Client, seller: str = SELLER):
    back = urlsplit(consent(to_ebay["Location"], seller))
    return client.get(f"{back.path}?{back.query}")


def test_an_owner_without_a_login_reconnects_with_it(account):
    client = Client(enforce_csrf_checks=True)
    address = owner_link(account)
    page = client.get(address).content.decode()
    for words in (account.organization.name, "Warehouse-A", account.username, "person", "until", "once"):
        assert words in page
    response = come_back(press(address, client), client)
    assert response.status_code == 200
    assert (stored(account).refresh_error, stored(account).consent_version) == ("", 2)
    actions = set(AuditEvent.objects.values_list("action", flat=True))
    assert {"reconnect_started", "connected"} <= actions


def test_opening_the_page_uses_nothing_up_and_asks_ebay_nothing(account, simulator):
    address = owner_link(account)
    for _ in range(3):
        assert Client().get(address).status_code == 200
        assert Client().head(address).status_code == 200
    assert ConnectTicket.objects.get().started_at is None
    assert nothing_sent(simulator)
    assert press(address, Client()).status_code == 302


def test_another_ebay_user_changes_nothing(account):
    client, before = Client(), EbayToken.objects.values().get()
    response = come_back(press(owner_link(account), client), client, OTHER_SELLER)
    assert response.status_code == 400
    assert "nothing was changed" in response.content.decode()
    assert EbayToken.objects.values().get() == before


def test_of_many_browsers_at_once_one_gets_to_ebay(account):
    address = owner_link(account)
    together, statuses = threading.Barrier(8), []

    def browser() -> None:
        together.wait(30)
        statuses.append(Client().post(address).status_code)
        connections.close_all()

    threads = [threading.Thread(target=browser) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(30)
    assert sorted(statuses) == [302] + [400] * 7
    assert ConnectTicket.objects.get().cookie_hash


def test_it_ends_after_a_day(account):
    address = owner_link(account)
    ticket = ConnectTicket.objects.get()
    assert timedelta(hours=23) < ticket.link_expires_at - timezone.now() <= timedelta(hours=24)
    ConnectTicket.objects.update(link_expires_at=timezone.now())
    for response in (Client().get(address), Client().post(address)):
        assert response.status_code == 400
        assert "expired" in response.content.decode()


def test_a_withdrawn_link_is_dead_even_for_an_owner_who_is_at_ebay(account, simulator):
    by, client = admin_of(account), Client()
    address = owner_link(account, by)
    to_ebay = press(address, client)
    ticket = ConnectTicket.objects.get()
    assert revoke_link(ticket, by=by) is True
    assert revoke_link(ticket, by=by) is False
    response = come_back(to_ebay, client)
    assert (response.status_code, "withdrawn" in response.content.decode()) == (400, True)
    assert token_posts(simulator) == []
    assert Client().get(address).status_code == 400
    assert AuditEvent.objects.filter(action="connect_link_revoked", target_label="Warehouse-A").count() == 1


def test_withdrawing_needs_the_role_and_comes_too_late_for_a_finished_one(account):
    client, by = Client(), admin_of(account)
    address = owner_link(account, by)
    ticket = ConnectTicket.objects.get()
    for user in (member(Role.OPERATOR, account.organization), member(Role.ADMIN)):
        with pytest.raises(NotAllowed):
            revoke_link(ticket, by=principal_of_user(user))
    assert come_back(press(address, client), client).status_code == 200
    assert revoke_link(ticket, by=by) is False


def test_the_console_lists_links_and_withdraws_them(account):
    owner_link(account)
    ticket = ConnectTicket.objects.get()
    address = reverse("admin:tokens_connectticket_changelist")
    chosen = {"action": "withdraw", "_selected_action": [str(ticket.pk)]}
    client = Client()
    client.force_login(member(Role.ADMIN))
    client.post(address, chosen)
    ticket.refresh_from_db()
    assert ticket.revoked_at is None
    client.force_login(member(Role.ADMIN, account.organization))
    assert "1 withdrawn." in client.post(address, chosen, follow=True).content.decode()
    ticket.refresh_from_db()
    assert ticket.revoked_at is not None
    assert ticket.secret_hash not in client.get(address).content.decode()


def test_the_api_makes_links_for_owners_too(account):
    client = as_member(Role.ADMIN, account.organization)
    address = f"/api/ebay-accounts/{account.pk}/reconnect"
    for asked, hours in (({"for_owner": True}, 24), ({}, 0)):
        answer = client.post(address, asked, format="json")
        assert answer.status_code == 201
        ticket = ConnectTicket.objects.latest("created_at")
        assert round((ticket.link_expires_at - timezone.now()) / timedelta(hours=1)) == hours
        assert ticket.for_owner is bool(hours)
