"""The same eBay user coming back, another one instead, and two organisations with one."""

from __future__ import annotations

import dataclasses

import pytest

from accounts.access import SYSTEM
from accounts.models import AuditEvent, EbayAccount
from accounts.services import change_account
from ebayconnector.ebay.marketplaces import site_by_id
from tests.factories import OrganizationFactory
from tests.simulator import connect
from tokens import wire
from tokens.models import EbayToken
from tokens.services.connect import ConnectRefused, create_connect_link

from .linked import (
    change_token,
    linked_account,
    stored,
    stored_access_token,
    stored_refresh_token,
)

pytestmark = pytest.mark.django_db(transaction=True)
SELLER, OTHER_SELLER = "northwind_parts", "thames_tools"


def again(account, *, seller: str = SELLER, **values):
    asked = {
        "house_name": account.house_name,
        "purpose": account.purpose,
        "environment": account.environment,
        **values,
    }
    _, link = create_connect_link(organization=account.organization, account=account, by=SYSTEM, **asked)
    return connect(link, seller)


def anew(organization, *, seller: str = SELLER, environment: str = "simulator", **values):
    asked = {"house_name": "Another", "purpose": "BOTH", **values}
    _, link = create_connect_link(organization=organization, environment=environment, by=SYSTEM, **asked)
    return connect(link, seller)


def everything(account):
    return EbayAccount.objects.values().get(pk=account.pk), EbayToken.objects.values().get(account=account)


def test_a_reconnect_renews_the_consent_and_clears_the_error(simulator):
    account = linked_account(simulator)
    change_token(account, refresh_error="invalid_grant: revoked", granted_scopes=[])
    old = stored_refresh_token(account)
    assert again(account).status_code == 200
    token = stored(account)
    assert stored_refresh_token(account) != old
    assert (token.refresh_error, token.consent_version, len(token.granted_scopes)) == ("", 2, 6)
    assert EbayAccount.objects.count() == 1
    assert AuditEvent.objects.filter(action="reconnect_started", target_label=account.house_name).exists()


def test_another_ebay_user_changes_nothing(simulator):
    account = linked_account(simulator)
    before = everything(account)
    response = again(account, seller=OTHER_SELLER)
    assert response.status_code == 400
    assert f"{OTHER_SELLER} gave the consent; nothing was changed" in response.content.decode()
    assert everything(account) == before
    assert EbayAccount.objects.count() == 1
    failed = AuditEvent.objects.get(action="connect_failed")
    assert (failed.target_label, failed.target_type) == (account.house_name, "ebayaccount")
    assert failed.result == "another eBay user gave the consent; nothing was changed"


def test_a_new_username_is_taken_over_at_the_next_consent(simulator):
    account = linked_account(simulator)
    simulator.patch(f"sellers/{SELLER}", username="northwind_new")
    again(account, seller="northwind_new")
    account.refresh_from_db()
    assert account.username == "northwind_new"


def test_a_rename_meanwhile_is_kept(simulator):
    account = linked_account(simulator, house_name="Old")
    _, link = create_connect_link(
        organization=account.organization, account=account, by=SYSTEM, house_name="Old", purpose="SELLER",
        environment="simulator",
    )  # fmt: skip
    change_account(account, by=SYSTEM, house_name="New")
    assert connect(link, SELLER).status_code == 200
    account.refresh_from_db()
    assert account.house_name == "New"


def test_a_connected_user_under_another_name_is_refused(simulator):
    account = linked_account(simulator, house_name="Warehouse-A")
    before = everything(account)
    response = anew(account.organization, house_name="Warehouse-B")
    assert response.status_code == 400
    assert "connected already, as Warehouse-A" in response.content.decode()
    assert everything(account) == before


def test_a_deactivated_account_comes_back_as_the_same(simulator):
    account = linked_account(simulator)
    change_account(account, by=SYSTEM, is_active=False)
    assert anew(account.organization, house_name="Back").status_code == 200
    (back,) = EbayAccount.objects.all()
    assert (back.pk, back.house_name, back.purpose) == (account.pk, "Back", "BOTH")
    assert (back.is_active, back.deactivated_at) == (True, None)


def test_a_disconnected_account_comes_back_with_a_token(simulator):
    account = linked_account(simulator, is_active=False)
    stored(account).delete()
    assert again(account).status_code == 200
    assert stored_access_token(account)


def test_coming_back_under_a_taken_name_asks_for_another(simulator):
    account = linked_account(simulator, house_name="Warehouse-A", is_active=False)
    linked_account(simulator, seller=1, house_name="warehouse-a", organization=account.organization)
    with pytest.raises(ConnectRefused, match="choose another"):
        again(account)
    assert again(account, house_name="Warehouse-A2").status_code == 200
    account.refresh_from_db()
    assert (account.house_name, account.is_active) == ("Warehouse-A2", True)


@pytest.mark.parametrize("moved", ["organization", "environment"])
def test_an_account_never_moves(simulator, moved, settings):
    account = linked_account(simulator)
    settings.EBAY_APPLICATIONS = {
        **settings.EBAY_APPLICATIONS,
        "sandbox": settings.EBAY_APPLICATIONS["simulator"],
    }
    elsewhere = {
        "organization": OrganizationFactory() if moved == "organization" else account.organization,
        "environment": "sandbox" if moved == "environment" else "simulator",
    }
    with pytest.raises(ConnectRefused, match="never moves"):
        create_connect_link(account=account, house_name="X", purpose="SELLER", by=SYSTEM, **elsewhere)


def test_two_organisations_may_hold_the_same_ebay_user(simulator):
    first = linked_account(simulator)
    assert anew(OrganizationFactory(), house_name=first.house_name).status_code == 200
    one, other = EbayAccount.objects.order_by("id")
    assert one.ebay_user_id == other.ebay_user_id
    assert one.organization != other.organization
    assert stored_refresh_token(one) != stored_refresh_token(other)


def test_of_two_sites_of_a_marketplace_trading_names_the_one(simulator):
    from tokens.services.connect import _site

    assert _site("EBAY_BE", "Belgium_Dutch") == site_by_id(123)
    assert _site("EBAY_BE", "") == site_by_id(23)
    assert _site("EBAY_DE", "US") == site_by_id(77)
    assert _site("", "Germany") == site_by_id(77)
    with pytest.raises(ConnectRefused, match="'EBAY_MOON', a marketplace we do not know"):
        _site("EBAY_MOON", "Moon")


def test_the_sandbox_is_told_apart_by_the_eias_token(simulator, settings, monkeypatch):
    """Its Identity API answers the same for everybody (03 §2), so that it is not asked at all."""
    simulated = wire.environment("simulator")
    monkeypatch.setattr(wire, "environment", lambda name: dataclasses.replace(simulated, name=name))
    settings.EBAY_APPLICATIONS = {
        **settings.EBAY_APPLICATIONS,
        "sandbox": settings.EBAY_APPLICATIONS["simulator"],
    }
    seller = simulator.sellers()[2]
    assert anew(OrganizationFactory(), environment="sandbox", seller=seller["username"]).status_code == 200
    account = EbayAccount.objects.get()
    assert account.ebay_user_id == f"eias:{seller['eiasToken']}"
    assert (account.environment, account.marketplace_id, account.site_id) == ("sandbox", "EBAY_DE", 77)
    assert simulator.requests("commerce/identity") == []
    assert again(account, seller=OTHER_SELLER).status_code == 400
