"""The catalogue of scopes: what is asked for, who needs it, and what an account was granted."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from accounts.access import NotAllowed, principal_of_user
from accounts.models import AuditEvent, Role, User
from ebayconnector.ebay.endpoints import SCOPE_BASE
from syncworkers.registry import WORKERS
from tests.factories import AccountFactory, OrganizationFactory, member
from tokens.models import ScopeDefinition
from tokens.scopes import scope_lines, scopes_for, write_catalogue
from tokens.services.scope_switch import switch_scope

from .linked import change_token
from .test_connect import link_for, return_address

pytestmark = pytest.mark.django_db
FINANCES, READ, WRITE = (f"{SCOPE_BASE}/{name}" for name in (
    "sell.finances", "sell.inventory.readonly", "sell.inventory",
))  # fmt: skip


def states(purpose: str = "SELLER", granted=()) -> dict[str, str]:
    return {line.name: line.state for line in scope_lines(purpose, granted)}


def test_every_family_finds_what_it_needs_in_the_catalogue_and_is_named_there():
    catalogue = dict(ScopeDefinition.objects.values_list("scope", "needed_by"))
    kinds = dict(ScopeDefinition.objects.values_list("scope", "grant_type"))
    for worker in WORKERS.values():
        for scope in worker.scopes:
            assert worker.key in catalogue[scope], (worker.key, scope)
            assert kinds[scope] in ("user", "both")
    assert kinds[SCOPE_BASE] == "both"


def test_what_was_granted_stands_against_what_is_needed():
    granted = [SCOPE_BASE, WRITE, f"{SCOPE_BASE}/sell.marketing"]
    assert states("BOTH", granted) == {
        "basic access": "granted", "commerce.identity.readonly": "missing",
        "sell.fulfillment.readonly": "missing", "sell.finances": "missing",
        "sell.inventory.readonly": "granted", "sell.payment.dispute": "missing",
        "buy.offer.auction": "inactive", "sell.marketing": "extra",
    }  # fmt: skip


@pytest.mark.django_db(transaction=True)
def test_a_scope_that_is_switched_off_is_not_asked_for_at_ebay(simulator):
    root = User.objects.create_superuser("root")
    client, organization = Client(), OrganizationFactory()
    client.force_login(root)
    row = ScopeDefinition.objects.get(scope=FINANCES)
    page = reverse("admin:tokens_scopedefinition_change", args=[row.pk])
    assert client.post(page, {}).status_code == 302
    assert FINANCES not in scopes_for("SELLER")
    event = AuditEvent.objects.latest("id")
    assert (event.action, event.actor_label, event.detail) == ("scope_switched", "root", {"active": False})
    assert return_address(link_for(organization), Client())
    (asked,) = simulator.requests("/oauth2/authorize")
    assert "sell.fulfillment.readonly" in str(asked)
    assert "sell.finances" not in str(asked)
    assert client.post(page, {"is_active": "on"}).status_code == 302
    assert FINANCES in scopes_for("SELLER")


def test_only_superusers_switch_scopes():
    admin = member(Role.ADMIN)
    client = Client()
    client.force_login(admin)
    row = ScopeDefinition.objects.get(scope=FINANCES)
    assert client.post(reverse("admin:tokens_scopedefinition_change", args=[row.pk]), {}).status_code == 403
    with pytest.raises(NotAllowed):
        switch_scope(FINANCES, active=False, by=principal_of_user(admin))
    assert ScopeDefinition.objects.get(pk=row.pk).is_active


def test_a_new_release_brings_its_words_and_keeps_the_switches():
    ScopeDefinition.objects.filter(scope=FINANCES).update(needed_by="old words", is_active=False)
    ScopeDefinition.objects.filter(scope=WRITE).delete()
    write_catalogue()
    row = ScopeDefinition.objects.get(scope=FINANCES)
    assert (row.needed_by, row.is_active) == ("transactions, finances", False)
    assert ScopeDefinition.objects.filter(scope=WRITE).exists()


def test_the_account_page_says_what_the_consent_lacks():
    account = AccountFactory()
    change_token(account, granted_scopes=[SCOPE_BASE])
    client = Client()
    client.force_login(member(Role.VIEWER, account.organization))
    page = client.get(reverse("admin:accounts_ebayaccount_change", args=[account.pk])).content.decode()
    text = page[page.index("What the consent allows") :]
    assert text.index("sell.finances") < text.index("transactions, finances")
    assert text.count("Missing") >= 4
