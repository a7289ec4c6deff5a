import pytest

from accounts.access import principal_of_user
from accounts.models import EbayAccount, Membership, Organization, Role, User

pytestmark = pytest.mark.django_db


def test_roles_include_the_ones_before_them():
    org = Organization.objects.create(name="Alpha")
    user = User.objects.create_user("olga")
    Membership.objects.create(organization=org, user=user, role=Role.OPERATOR)
    principal = principal_of_user(user)
    assert principal.may("viewer", org.pk)
    assert principal.may("operator", org.pk)
    assert not principal.may("admin", org.pk)


def test_a_stranger_sees_no_account():
    org = Organization.objects.create(name="Alpha")
    Organization.objects.create(name="Beta")
    stranger = User.objects.create_user("eve")
    EbayAccount.objects.create(
        organization=org,
        house_name="A",
        purpose="SELLER",
        environment="simulator",
        ebay_user_id="u",
        username="u",
        marketplace_id="EBAY_US",
        site_id=0,
        connected_at="2026-01-01T00:00Z",
    )
    assert not EbayAccount.objects.visible_to(principal_of_user(stranger)).exists()
