"""Members and API keys in the console."""

from __future__ import annotations

import re

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import ApiKey, AuditEvent, Membership, Role, User
from accounts.services import find_api_key
from tests.factories import PASSWORD, MembershipFactory, OrganizationFactory, UserFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def organization():
    return OrganizationFactory()


@pytest.fixture
def client(organization) -> Client:
    client = Client()
    client.force_login(MembershipFactory(organization=organization, role=Role.ADMIN).user)
    return client


def test_an_admin_adds_a_member_by_name(client, organization):
    olga = UserFactory(username="olga")
    data = {"organization": organization.pk, "username": "olga", "role": "operator"}
    assert client.post(reverse("admin:accounts_membership_add"), data).status_code == 302
    assert Membership.objects.get(user=olga).role == Role.OPERATOR
    assert AuditEvent.objects.get().action == "member_added"


def test_an_admin_cannot_add_members_to_another_organisation(client):
    UserFactory(username="olga")
    other = OrganizationFactory()
    data = {"organization": other.pk, "username": "olga", "role": "admin"}
    assert client.post(reverse("admin:accounts_membership_add"), data).status_code == 200
    assert not other.memberships.exists()


def test_an_admin_changes_and_removes_a_member(client, organization):
    other = MembershipFactory(organization=organization, role=Role.VIEWER)
    client.post(reverse("admin:accounts_membership_change", args=[other.pk]), {"role": "admin"})
    other.refresh_from_db()
    assert other.role == Role.ADMIN
    client.post(reverse("admin:accounts_membership_delete", args=[other.pk]), {"post": "yes"})
    assert not Membership.objects.filter(pk=other.pk).exists()
    assert AuditEvent.objects.filter(action="member_removed").count() == 1


def test_a_viewer_cannot_make_itself_admin(organization):
    own = MembershipFactory(organization=organization, role=Role.VIEWER)
    client = Client()
    client.force_login(own.user)
    url = reverse("admin:accounts_membership_change", args=[own.pk])
    assert client.post(url, {"role": "admin"}).status_code == 403
    own.refresh_from_db()
    assert own.role == Role.VIEWER


def test_an_admin_of_one_organisation_changes_nothing_where_it_only_reads(client, organization):
    user = organization.memberships.get().user
    elsewhere = MembershipFactory(user=user, role=Role.VIEWER)
    url = reverse("admin:accounts_membership_change", args=[elsewhere.pk])
    assert client.post(url, {"role": "admin"}).status_code == 403


def test_a_new_api_key_is_shown_once_and_works(client, organization):
    data = {"organization": organization.pk, "name": "ERP", "role": "viewer", "days": 30}
    shown = client.post(reverse("admin:accounts_apikey_add"), data, follow=True).content.decode()
    secret = re.search(r"ebc_[\w-]+(?=</code>)", shown).group()
    assert find_api_key(secret) == ApiKey.objects.get()
    assert secret not in client.get(reverse("admin:accounts_apikey_changelist")).content.decode()


def test_a_key_for_another_organisation_is_refused(client):
    data = {"organization": OrganizationFactory().pk, "name": "ERP", "role": "viewer", "days": 30}
    client.post(reverse("admin:accounts_apikey_add"), data)
    assert not ApiKey.objects.exists()


def test_revoking_leaves_an_audit_row_and_foreign_keys_alone(client, organization):
    data = {"organization": organization.pk, "name": "ERP", "role": "viewer", "days": 30}
    client.post(reverse("admin:accounts_apikey_add"), data)
    key = ApiKey.objects.get()
    foreign = ApiKey.objects.create(
        organization=OrganizationFactory(), name="x", prefix="x", key_hash="x", expires_at=key.expires_at
    )
    selected = {"action": "revoke", "_selected_action": [key.pk, foreign.pk]}
    client.post(reverse("admin:accounts_apikey_changelist"), selected)
    key.refresh_from_db(), foreign.refresh_from_db()
    assert key.revoked_at and not foreign.revoked_at
    assert AuditEvent.objects.filter(action="api_key_revoked").count() == 1


def test_a_login_at_the_login_page_leads_to_the_dashboard(organization):
    user = MembershipFactory(organization=organization).user
    page = Client().get(reverse("admin:login")).content.decode()
    target = re.search(r'name="next" value="([^"]+)"', page).group(1)
    data = {"username": user.username, "password": PASSWORD, "next": target}
    assert Client().post(reverse("admin:login"), data).url == reverse("admin:index")


def test_a_superuser_makes_a_login():
    client = Client()
    client.force_login(User.objects.create_superuser("root"))
    data = {
        "username": "nina", "usable_password": "true", "password1": PASSWORD, "password2": PASSWORD,
        "is_staff": "on",
    }  # fmt: skip
    assert client.post(reverse("admin:accounts_user_add"), data).status_code == 302
    assert User.objects.get(username="nina").check_password(PASSWORD)
