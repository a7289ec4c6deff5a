"""Rows for tests: `AccountFactory()` is a connected seller of the simulator environment."""

from __future__ import annotations

import functools
from datetime import timedelta

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import EbayAccount, Membership, Organization, Role, User
from syncworkers.models import Order, OrderLineItem, SyncState, WorkerRun
from syncworkers.models.runs import Lane
from tokens import sealing
from tokens.models import EbayToken
from tokens.scopes import scopes_for

PASSWORD = "a long test password"
ACCESS_TOKEN = "v^1.1#i^1#canary-access-" + "A" * 60
REFRESH_TOKEN = "v^1.1#i^1#canary-refresh-" + "R" * 60


@functools.cache
def _hashed(password: str) -> str:
    """Once per process: hashing is slow on purpose."""
    return make_password(password)


class OrganizationFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Organization

    name = factory.Sequence(lambda n: f"Organisation {n}")


class UserFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = User
        skip_postgeneration_save = True

    username = factory.Sequence(lambda n: f"person{n}")
    email = factory.LazyAttribute(lambda user: f"{user.username}@example.com")
    is_staff = True
    password = factory.LazyFunction(lambda: _hashed(PASSWORD))


class MembershipFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Membership

    organization = factory.SubFactory(OrganizationFactory)
    user = factory.SubFactory(UserFactory)
    role = Role.ADMIN


def member(role: str = Role.ADMIN, organization: Organization | None = None) -> User:
    """A person with this role in the organisation (a new one when none is given)."""
    organization = organization or OrganizationFactory()
    return MembershipFactory(role=role, organization=organization).user


class AccountFactory(factory.django.DjangoModelFactory):
    """With `token=False` the account has never been connected."""

    class Meta:
        model = EbayAccount
        skip_postgeneration_save = True

    organization = factory.SubFactory(OrganizationFactory)
    house_name = factory.Sequence(lambda n: f"Warehouse-{n}")
    purpose = "SELLER"
    environment = "simulator"
    ebay_user_id = factory.Sequence(lambda n: f"userid{n}")
    username = factory.Sequence(lambda n: f"seller_{n}")
    eias_token = factory.Sequence(lambda n: f"eias{n}==")
    marketplace_id = "EBAY_US"
    site_id = 0
    connected_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def token(self, create, extracted, **kwargs):  # type: ignore[no-untyped-def]
        if create and extracted is not False:
            give_token(self, **kwargs)


def give_token(account: EbayAccount, *, access: str = ACCESS_TOKEN, refresh: str = REFRESH_TOKEN, **values):  # type: ignore[no-untyped-def]
    """Sealed tokens for an account: alive for two hours unless `values` say otherwise."""
    ring, now = sealing.key_ring(), timezone.now()

    def seal(field: str, value: str) -> str:
        return ring.seal(value, sealing.Binding(field, account.environment, account.ebay_user_id, account.pk))

    defaults = {
        "access_token_sealed": seal("access_token", access),
        "refresh_token_sealed": seal("refresh_token", refresh),
        "granted_scopes": scopes_for(account.purpose),
        "consented_at": now,
        "expires_at": now + timedelta(hours=2),
        "refresh_token_expires_at": now + timedelta(days=540),
        "last_refreshed_at": now,
        "last_refreshed_by": "connect",
    }
    return EbayToken.objects.update_or_create(account=account, defaults=defaults | values)[0]


class SyncStateFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SyncState

    account = factory.SubFactory(AccountFactory)
    api_family = "orders"
    cursor_type = "lastModifiedDate"
    next_run_at = factory.LazyFunction(timezone.now)


class RunFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = WorkerRun

    account = factory.SubFactory(AccountFactory)
    api_family = "orders"
    api = "fulfillment"
    lane = Lane.MANUAL
    trigger = "manual"
    queued_at = factory.LazyFunction(timezone.now)
    not_before = factory.LazyFunction(timezone.now)


class OrderFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = Order

    account = factory.SubFactory(AccountFactory)
    house_name = factory.LazyAttribute(lambda order: order.account.house_name)
    order_id = factory.Sequence(lambda n: f"12-{n:05d}-00001")
    payload = factory.LazyAttribute(lambda order: {"orderId": order.order_id})
    content_hash = b"0" * 16
    ebay_modified_at = factory.LazyFunction(timezone.now)
    created_at_ebay = factory.LazyFunction(timezone.now)
    fulfillment_status = "NOT_STARTED"
    payment_status = "PAID"
    buyer_username = "buyer_1"
    total = "22.00"
    currency = "USD"


class OrderLineItemFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = OrderLineItem

    order = factory.SubFactory(OrderFactory)
    account = factory.LazyAttribute(lambda line: line.order.account)
    line_item_id = factory.Sequence(lambda n: f"1000{n}")
    position = 0
    sku = "ABC-1"
    title = "A thing"
    quantity = 1
