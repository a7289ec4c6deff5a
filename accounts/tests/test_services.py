"""Accounts, members and API keys: what changes, who may, and what the audit keeps."""

from __future__ import annotations

import hashlib
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import SYSTEM, NotAllowed, Principal, principal_of_api_key, principal_of_user
from accounts.audit import record_act
from accounts.models import ApiKey, AuditEvent, EbayAccount, Membership, Role
from accounts.services import (
    HouseNameTaken,
    add_member,
    change_account,
    create_api_key,
    find_api_key,
    remove_member,
    revoke_api_key,
)
from tests.factories import AccountFactory, OrganizationFactory, UserFactory, member

pytestmark = pytest.mark.django_db


def person(role: str, organization) -> Principal:
    return principal_of_user(member(role, organization), ip_address="203.0.113.9")


# -- Accounts --------------------------------------------------------------------------------------------


def test_a_change_is_stored_returned_and_audited():
    account = AccountFactory(house_name="Old")
    by = person("admin", account.organization)
    changed = change_account(account, by=by, house_name=" New ", purpose="BOTH")
    assert (changed.house_name, changed.purpose) == ("New", "BOTH")
    assert EbayAccount.objects.get().house_name == "New"
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.ip_address) == ("account_changed", by.user, "203.0.113.9")
    assert (event.target_type, event.target_id, event.target_label) == ("ebayaccount", str(account.pk), "Old")
    assert (event.detail, event.result) == ({"house_name": "New", "purpose": "BOTH"}, "ok")
    assert event.organization == account.organization


def test_what_stays_as_it_is_leaves_no_trace():
    account = AccountFactory()
    change_account(account, by=SYSTEM, house_name=account.house_name, is_active=True)
    change_account(account, by=SYSTEM)
    assert not AuditEvent.objects.exists()


def test_a_copy_that_is_out_of_date_changes_the_stored_row():
    account = AccountFactory()
    EbayAccount.objects.update(workers_enabled=False)
    assert change_account(account, by=SYSTEM, workers_enabled=True).workers_enabled
    assert EbayAccount.objects.get().workers_enabled


def test_deactivation_is_dated_and_undone_by_reactivation():
    account = AccountFactory()
    assert change_account(account, by=SYSTEM, is_active=False).deactivated_at
    assert change_account(account, by=SYSTEM, is_active=True).deactivated_at is None


@pytest.mark.parametrize("name", ["Taken", "tAKEN", " taken "])
def test_a_taken_name_is_refused_whatever_its_case_and_nothing_changes(name):
    account = AccountFactory(house_name="Mine")
    AccountFactory(house_name="Taken", organization=account.organization)
    with pytest.raises(HouseNameTaken, match="choose another"):
        change_account(account, by=SYSTEM, house_name=name, workers_enabled=False)
    account.refresh_from_db()
    assert (account.house_name, account.workers_enabled) == ("Mine", True)
    assert AuditEvent.objects.get().result.startswith("refused")


def test_a_name_is_free_after_deactivation_and_reactivation_then_needs_another():
    first = AccountFactory(house_name="Name")
    change_account(first, by=SYSTEM, is_active=False)
    AccountFactory(house_name="NAME", organization=first.organization)
    with pytest.raises(HouseNameTaken):
        change_account(first, by=SYSTEM, is_active=True)
    assert change_account(first, by=SYSTEM, is_active=True, house_name="Other").is_active


def test_another_organization_may_use_the_name():
    AccountFactory(house_name="Name")
    assert change_account(AccountFactory(), by=SYSTEM, house_name="Name").house_name == "Name"


@pytest.mark.parametrize("wrong", [{"house_name": "  "}, {"house_name": "x" * 101}, {"purpose": "THIEF"}])
def test_what_no_door_lets_through_is_an_error(wrong):
    with pytest.raises(ValueError, match=r"house name|purpose"):
        change_account(AccountFactory(), by=SYSTEM, **wrong)


@pytest.mark.parametrize(
    ("role", "changes", "allowed"),
    [
        ("viewer", {"workers_enabled": False}, False),
        ("operator", {"workers_enabled": False}, True),
        ("operator", {"house_name": "X"}, False),
        ("operator", {"workers_enabled": False, "is_active": False}, False),
        ("admin", {"workers_enabled": False, "is_active": False}, True),
    ],
)
def test_the_role_decides(role, changes, allowed):
    account = AccountFactory()
    by = person(role, account.organization)
    if not allowed:
        with pytest.raises(NotAllowed):
            change_account(account, by=by, **changes)
        assert not AuditEvent.objects.exists()
        return
    assert not change_account(account, by=by, **changes).workers_enabled


# -- API keys --------------------------------------------------------------------------------------------


def test_a_key_is_found_by_its_secret_of_which_only_a_hash_is_stored():
    organization = OrganizationFactory()
    key, secret = create_api_key(organization=organization, name="ERP", role=Role.OPERATOR, by=SYSTEM)
    assert find_api_key(secret) == key
    stored = ApiKey.objects.values().get()
    assert stored["key_hash"] == hashlib.sha256(secret.encode()).hexdigest()
    assert secret not in str(stored) + str(key) + str(list(AuditEvent.objects.values()))
    assert secret.startswith(key.prefix)
    assert len(secret) - len(key.prefix) > 30


def test_keys_differ():
    organization = OrganizationFactory()
    secrets = {
        create_api_key(organization=organization, name="k", role="viewer", by=SYSTEM)[1] for _ in range(3)
    }
    assert len(secrets) == 3


def test_a_key_acts_only_in_its_organization_and_role():
    key, _ = create_api_key(organization=OrganizationFactory(), name="k", role=Role.OPERATOR, by=SYSTEM)
    principal = principal_of_api_key(key)
    assert principal.may("operator", key.organization_id)
    assert not principal.may("admin", key.organization_id)
    assert not principal.may("viewer", OrganizationFactory().pk)
    assert principal.user is None


def test_an_expired_key_is_none():
    organization = OrganizationFactory()
    now = timezone.now()
    _, live = create_api_key(
        organization=organization, name="k", role="viewer", by=SYSTEM, expires_at=now + timedelta(minutes=1)
    )
    _, dead = create_api_key(organization=organization, name="k", role="viewer", by=SYSTEM, expires_at=now)
    assert find_api_key(live)
    assert find_api_key(dead) is None


def test_a_key_lives_a_year_unless_said_otherwise():
    key, _ = create_api_key(organization=OrganizationFactory(), name="k", role="viewer", by=SYSTEM)
    assert timedelta(days=364) < key.expires_at - timezone.now() <= timedelta(days=365)


@pytest.mark.parametrize("guess", ["", "ebc_", "ebc_guess"])
def test_a_guess_is_none(guess):
    create_api_key(organization=OrganizationFactory(), name="k", role="viewer", by=SYSTEM)
    assert find_api_key(guess) is None


def test_a_revoked_key_is_dead_and_revoked_once():
    key, secret = create_api_key(organization=OrganizationFactory(), name="k", role="viewer", by=SYSTEM)
    for _ in range(2):
        revoke_api_key(key, by=SYSTEM)
    assert find_api_key(secret) is None
    assert AuditEvent.objects.filter(action="api_key_revoked").count() == 1


def test_the_use_of_a_key_is_noted_once_a_minute():
    _, secret = create_api_key(organization=OrganizationFactory(), name="k", role="viewer", by=SYSTEM)
    find_api_key(secret)
    first = ApiKey.objects.get().last_used_at
    assert first
    find_api_key(secret)
    assert ApiKey.objects.get().last_used_at == first
    ApiKey.objects.update(last_used_at=first - timedelta(minutes=2))
    find_api_key(secret)
    assert ApiKey.objects.get().last_used_at > first


def test_only_an_admin_of_the_organization_makes_and_revokes_keys():
    key, _ = create_api_key(organization=OrganizationFactory(), name="k", role="viewer", by=SYSTEM)
    for by in (person("operator", key.organization), person("admin", OrganizationFactory())):
        with pytest.raises(NotAllowed):
            create_api_key(organization=key.organization, name="x", role="viewer", by=by)
        with pytest.raises(NotAllowed):
            revoke_api_key(key, by=by)
    assert ApiKey.objects.get().revoked_at is None


# -- Members and audit -----------------------------------------------------------------------------------


def test_a_second_membership_changes_the_role():
    organization, user = OrganizationFactory(), UserFactory()
    by = person("admin", organization)
    add_member(organization=organization, user=user, role=Role.VIEWER, by=by)
    add_member(organization=organization, user=user, role=Role.ADMIN, by=by)
    assert Membership.objects.get(user=user).role == "admin"
    assert [event.detail["role"] for event in AuditEvent.objects.order_by("id")] == ["viewer", "admin"]


def test_who_is_removed_sees_nothing_any_more():
    organization, user = OrganizationFactory(), UserFactory()
    membership = add_member(organization=organization, user=user, role=Role.VIEWER, by=SYSTEM)
    remove_member(membership, by=SYSTEM)
    assert not principal_of_user(user).may("viewer", organization.pk)
    assert AuditEvent.objects.latest("id").detail == {"user": user.username, "role": "viewer"}


def test_only_an_admin_of_the_organization_manages_members():
    organization, user = OrganizationFactory(), UserFactory()
    membership = add_member(organization=organization, user=user, role=Role.VIEWER, by=SYSTEM)
    for by in (person("operator", organization), person("admin", OrganizationFactory())):
        with pytest.raises(NotAllowed):
            add_member(organization=organization, user=user, role=Role.ADMIN, by=by)
        with pytest.raises(NotAllowed):
            remove_member(membership, by=by)
    membership.refresh_from_db()
    assert membership.role == "viewer"


def test_an_act_is_cut_to_what_the_row_holds():
    by = Principal(label="x" * 300)
    event = record_act(by, "tested", organization_id=None, result="y" * 300, house_name="Ünï")
    event.refresh_from_db()
    assert (len(event.actor_label), len(event.result)) == (200, 200)
    assert event.detail == {"house_name": "Ünï"}
