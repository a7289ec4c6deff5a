"""Accounts in the console: connecting, changing, the terminal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from accounts.models import AuditEvent, Role
from tests.factories import AccountFactory, MembershipFactory
from tokens.models import ConnectLog, ConnectTicket, TokenRefreshLog

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return AccountFactory(house_name="Warehouse-A", username="seller_a")


def client_of(account, role: str = Role.ADMIN) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=role).user)
    return client


def form(account, **changes) -> dict[str, object]:
    asked = {
        "organization": account.organization_id,
        "house_name": "Warehouse-B",
        "purpose": "SELLER",
        "environment": "simulator",
    }
    return asked | changes


def change(client: Client, account, **values):
    data = {"house_name": account.house_name, "purpose": account.purpose, "is_active": "on"} | values
    return client.post(reverse("admin:accounts_ebayaccount_change", args=[account.pk]), data)


def test_connecting_leads_the_browser_to_our_one_use_link(account):
    answer = client_of(account).post(reverse("admin:connect_account"), form(account))
    assert answer.status_code == 302
    assert "/ebay/connect/?ticket=" in answer.url
    assert ConnectTicket.objects.get().house_name == "Warehouse-B"


def test_a_link_for_the_owner_is_shown_and_lives_a_day(account):
    answer = client_of(account).post(reverse("admin:connect_account"), form(account, for_owner="1"))
    assert b"/ebay/connect/?ticket=" in answer.content
    assert ConnectTicket.objects.get().link_expires_at > timezone.now() + timedelta(hours=23)


def test_a_taken_house_name_is_refused_in_words(account):
    answer = client_of(account).post(
        reverse("admin:connect_account"), form(account, house_name="warehouse-a")
    )
    assert b"choose another house name" in answer.content
    assert not ConnectTicket.objects.exists()


def test_an_environment_without_keys_is_refused_in_words(account):
    answer = client_of(account).post(reverse("admin:connect_account"), form(account, environment="sandbox"))
    assert b"EBAY_SANDBOX_CLIENT_ID" in answer.content
    assert not ConnectTicket.objects.exists()


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_connecting_and_reconnecting_need_the_role_admin(role, account):
    client = client_of(account, role)
    assert client.post(reverse("admin:connect_account"), form(account)).status_code == 403
    assert client.post(reverse("admin:reconnect_account", args=[account.pk])).status_code == 403
    assert not ConnectTicket.objects.exists()


def test_an_admin_cannot_connect_for_another_organisation(account):
    other = AccountFactory()
    answer = client_of(account).post(reverse("admin:connect_account"), form(other))
    assert answer.status_code == 200
    assert not ConnectTicket.objects.exists()


def test_reconnecting_is_pinned_to_the_account(account):
    client_of(account).post(reverse("admin:reconnect_account", args=[account.pk]))
    assert ConnectTicket.objects.get().account == account


def test_renaming_goes_through_the_service_and_its_audit(account):
    assert change(client_of(account), account, house_name="Warehouse-Z").status_code == 302
    account.refresh_from_db()
    assert account.house_name == "Warehouse-Z"
    assert AuditEvent.objects.get().action == "account_changed"


def test_a_name_that_another_active_account_has_is_refused(account):
    AccountFactory(organization=account.organization, house_name="Taken")
    answer = change(client_of(account), account, house_name="taken")
    assert b"Another active account has this house name" in answer.content


def test_deactivating_frees_the_name(account):
    client = client_of(account)
    data = {"house_name": account.house_name, "purpose": account.purpose}
    client.post(reverse("admin:accounts_ebayaccount_change", args=[account.pk]), data)
    account.refresh_from_db()
    assert not account.is_active and account.deactivated_at


def test_an_operator_reads_the_account_and_cannot_change_it(account):
    client = client_of(account, Role.OPERATOR)
    page = client.get(reverse("admin:accounts_ebayaccount_change", args=[account.pk]))
    assert page.status_code == 200
    assert b"Reconnect" not in page.content
    assert change(client, account, house_name="X").status_code == 403


def test_the_account_page_says_what_is_wrong_and_who_tried(account):
    account.token.refresh_error = "invalid_grant: revoked by the owner"
    account.token.save()
    TokenRefreshLog.objects.create(
        account=account, triggered_by="scheduled", success=False, error_code="invalid_grant",
        error_message="revoked by the owner", started_at=timezone.now(),
    )  # fmt: skip
    page = (
        client_of(account)
        .get(reverse("admin:accounts_ebayaccount_change", args=[account.pk]))
        .content.decode()
    )
    assert "Needs reconnect" in page
    assert "invalid_grant: revoked by the owner" in page
    assert "Failures in row" in page


def exchange(account, **values) -> ConnectLog:
    defaults = {
        "organization": account.organization, "account": account, "environment": "simulator",
        "action": "token_refreshed", "source": "scheduled", "request": {"body": "asked"},
        "response": {"status": 200},
    }  # fmt: skip
    return ConnectLog.objects.create(**defaults | values)


def test_the_terminal_is_newest_first_and_filters(account):
    other = AccountFactory(organization=account.organization)
    exchange(account, request={"method": "POST", "body": "first-one"})
    exchange(account, source="debug", request={"method": "POST", "body": "second-one"})
    exchange(other, request={"method": "POST", "body": "of-the-other"})
    client, url = client_of(account), reverse("admin:terminal_rows")
    body = client.get(url, {"account": account.pk}).content.decode()
    assert body.index("second-one") < body.index("first-one")
    assert "of-the-other" not in body
    assert "first-one" not in client.get(url, {"source": "debug"}).content.decode()


def test_the_terminal_shows_what_failed_before_any_http(account):
    exchange(account, error="decrypt_failed: unknown key", request={"note": "nothing was sent"}, response={})
    body = client_of(account).get(reverse("admin:terminal_rows")).content.decode()
    assert "decrypt_failed: unknown key" in body
    assert "note: nothing was sent" in body and "no answer" in body


@pytest.mark.parametrize("role", [Role.VIEWER, Role.OPERATOR])
def test_the_terminal_needs_the_role_admin(role, account):
    exchange(account)
    assert client_of(account, role).get(reverse("admin:terminal")).status_code == 403


def test_the_result_page_works_without_a_login():
    answer = Client().get("/ebay/connect/", {"ticket": "unknown"})
    assert answer.status_code == 400
    assert b"not connected" in answer.content
