"""Rows for tests: `AccountFactory()` is a connected seller of the simulator environment."""

from __future__ import annotations

import functools
from datetime import timedelta
from decimal import Decimal

import factory
from django.contrib.auth.hashers import make_password
from django.utils import timezone

from accounts.models import EbayAccount, Membership, Notice, Organization, Role, User
from syncworkers.models import (
    ActiveListing,
    Case,
    CaseDetail,
    FinancesFee,
    Inquiry,
    InquiryDetail,
    InventoryItem,
    Message,
    MessageBody,
    Offer,
    Order,
    OrderLineItem,
    PaymentDispute,
    PaymentDisputeDetail,
    Payout,
    Purchase,
    Return,
    ReturnDetail,
    SellerFunds,
    SnapshotPass,
    SyncState,
    Transaction,
    Transfer,
    WorkerRun,
)
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


class NoticeFactory(factory.django.DjangoModelFactory):
    """Open; it is about an account of its own."""

    class Meta:
        model = Notice

    account = factory.SubFactory(AccountFactory)
    organization = factory.LazyAttribute(lambda notice: notice.account.organization)
    kind = "needs_reconnect"
    subject_key = factory.Sequence(lambda n: f"account:{n}")
    title = factory.LazyAttribute(lambda notice: f"{notice.account} must be reconnected")
    text = "Press Reconnect."
    path = "/admin/"
    opened_at = factory.LazyFunction(timezone.now)
    changed_at = factory.LazyFunction(timezone.now)


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


class SyncedRowFactory(factory.django.DjangoModelFactory):
    """What each row of eBay data needs besides its own columns."""

    class Meta:
        abstract = True

    account = factory.SubFactory(AccountFactory)
    house_name = factory.LazyAttribute(lambda row: row.account.house_name)
    payload = factory.LazyFunction(dict)
    content_hash = b"0" * 16


class TransactionFactory(SyncedRowFactory):
    """A sale of 20.00 with fees of 2.00; `fees=False` leaves the one fee row out."""

    class Meta:
        model = Transaction
        skip_postgeneration_save = True

    transaction_id = factory.Sequence(lambda n: f"05-{n:05d}-00001")
    transaction_type = "SALE"
    transaction_status = "FUNDS_PROCESSING"
    booking_entry = "CREDIT"
    amount = "18.00"
    net = "18.00"
    gross = "20.00"
    fee_total = "2.00"
    currency = "USD"
    maturity = "open"
    occurred_at = factory.LazyFunction(timezone.now)

    @factory.post_generation
    def fees(self, create, extracted, **kwargs):  # type: ignore[no-untyped-def]
        if create and extracted is not False and self.fee_total:
            sign = 1 if self.booking_entry == "DEBIT" else -1
            FinancesFeeFactory(
                transaction=self, amount=self.fee_total, signed_amount=sign * Decimal(self.fee_total),
                currency=self.currency,
            )  # fmt: skip


class FinancesFeeFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = FinancesFee

    transaction = factory.SubFactory(TransactionFactory, fees=False)
    account = factory.LazyAttribute(lambda fee: fee.transaction.account)
    position = factory.Sequence(lambda n: n)
    kind = "marketplace_fee"
    fee_type = "FINAL_VALUE_FEE"
    amount = "2.00"
    signed_amount = "-2.00"
    currency = "USD"


class PayoutFactory(SyncedRowFactory):
    class Meta:
        model = Payout

    payout_id = factory.Sequence(lambda n: f"5{n:09d}")
    payout_status = "SUCCEEDED"
    amount = "18.00"
    currency = "USD"
    transaction_count = 1
    maturity = "settling"
    occurred_at = factory.LazyFunction(timezone.now)
    detail_at = factory.LazyFunction(timezone.now)


class TransferFactory(SyncedRowFactory):
    class Meta:
        model = Transfer

    transfer_id = factory.Sequence(lambda n: f"9{n:012d}")
    amount = "5.00"
    charge_total = "5.00"
    currency = "USD"
    funding_type = "BANK"


class SellerFundsFactory(SyncedRowFactory):
    class Meta:
        model = SellerFunds

    currency = "USD"
    total = "100.00"
    available = "60.00"
    on_hold = "10.00"
    processing = "30.00"


class InventoryItemFactory(SyncedRowFactory):
    class Meta:
        model = InventoryItem

    sku = factory.Sequence(lambda n: f"SKU-{n}")
    title = "A thing"
    condition = "USED_EXCELLENT"
    quantity = 5


class OfferFactory(SyncedRowFactory):
    class Meta:
        model = Offer

    offer_id = factory.Sequence(lambda n: f"36{n:09d}")
    sku = factory.Sequence(lambda n: f"SKU-{n}")
    marketplace_id = "EBAY_US"
    format = "FIXED_PRICE"
    offer_status = "PUBLISHED"
    listing_id = factory.Sequence(lambda n: f"11{n:010d}")
    listing_status = "ACTIVE"
    available_quantity = 5
    price = "20.00"
    currency = "USD"


class MessageFactory(SyncedRowFactory):
    class Meta:
        model = Message

    message_id = factory.Sequence(lambda n: f"17{n:08d}")
    folder_id = "0"
    sender = "buyer_1"
    recipient = "seller_1"
    subject = "Does it fit?"
    item_id = factory.Sequence(lambda n: f"11{n:010d}")
    maturity = "settling"
    occurred_at = factory.LazyFunction(timezone.now)


class MessageBodyFactory(SyncedRowFactory):
    """With `html` the letter is what eBay sends as Text."""

    class Meta:
        model = MessageBody

    class Params:
        html = ""

    message_id = factory.Sequence(lambda n: f"17{n:08d}")
    content = "Does it fit?"
    payload = factory.LazyAttribute(lambda body: {"Text": body.html} if body.html else {})


class ActiveListingFactory(SyncedRowFactory):
    class Meta:
        model = ActiveListing

    item_id = factory.Sequence(lambda n: f"11{n:010d}")
    sku = factory.Sequence(lambda n: f"SKU-{n}")
    title = "A thing"
    listing_type = "FixedPriceItem"
    price = "20.00"
    currency = "USD"
    quantity = 5
    available = 3
    sold = 2


class PurchaseFactory(SyncedRowFactory):
    class Meta:
        model = Purchase

    order_line_item_id = factory.Sequence(lambda n: f"11{n:010d}-900{n}")
    item_id = factory.LazyAttribute(lambda one: one.order_line_item_id.partition("-")[0])
    title = "A thing"
    seller = "seller_2"
    quantity = 1
    price = "20.00"
    total = "22.00"
    currency = "USD"
    bought_at = factory.LazyFunction(timezone.now)


class CaseFactory(SyncedRowFactory):
    class Meta:
        model = Case

    case_id = factory.Sequence(lambda n: f"5{n:09d}")
    item_id = factory.Sequence(lambda n: f"11{n:010d}")
    transaction_id = factory.Sequence(lambda n: f"900{n}")
    buyer = "buyer_1"
    case_status = "OPEN"
    claim_amount = "22.00"
    currency = "USD"
    maturity = "open"
    occurred_at = factory.LazyFunction(timezone.now)


class CaseDetailFactory(SyncedRowFactory):
    class Meta:
        model = CaseDetail

    case_id = factory.Sequence(lambda n: f"5{n:09d}")
    case_status = "OPEN"
    case_type = "ITEM_NOT_RECEIVED"


class InquiryFactory(SyncedRowFactory):
    class Meta:
        model = Inquiry

    inquiry_id = factory.Sequence(lambda n: f"6{n:09d}")
    item_id = factory.Sequence(lambda n: f"11{n:010d}")
    transaction_id = factory.Sequence(lambda n: f"900{n}")
    buyer = "buyer_1"
    inquiry_status = "WAITING_SELLER_RESPONSE"
    claim_amount = "22.00"
    currency = "USD"
    maturity = "open"
    occurred_at = factory.LazyFunction(timezone.now)


class InquiryDetailFactory(SyncedRowFactory):
    class Meta:
        model = InquiryDetail

    inquiry_id = factory.Sequence(lambda n: f"6{n:09d}")
    inquiry_status = "WAITING_SELLER_RESPONSE"


class ReturnFactory(SyncedRowFactory):
    class Meta:
        model = Return

    return_id = factory.Sequence(lambda n: f"7{n:09d}")
    order_id = factory.Sequence(lambda n: f"12-{n:05d}-00001")
    item_id = factory.Sequence(lambda n: f"11{n:010d}")
    transaction_id = factory.Sequence(lambda n: f"900{n}")
    buyer = "buyer_1"
    state = "RETURN_REQUESTED"
    status = "RETURN_REQUESTED"
    reason = "DEFECTIVE_ITEM"
    refund_estimated = "22.00"
    currency = "USD"
    maturity = "open"
    occurred_at = factory.LazyFunction(timezone.now)


class ReturnDetailFactory(SyncedRowFactory):
    class Meta:
        model = ReturnDetail

    return_id = factory.Sequence(lambda n: f"7{n:09d}")
    state = "RETURN_REQUESTED"


class PaymentDisputeFactory(SyncedRowFactory):
    class Meta:
        model = PaymentDispute

    payment_dispute_id = factory.Sequence(lambda n: f"8{n:09d}")
    order_id = factory.Sequence(lambda n: f"12-{n:05d}-00001")
    buyer = "buyer_1"
    dispute_status = "ACTION_NEEDED"
    reason = "FRAUD"
    amount = "22.00"
    currency = "USD"
    opened_at = factory.LazyFunction(timezone.now)


class PaymentDisputeDetailFactory(SyncedRowFactory):
    class Meta:
        model = PaymentDisputeDetail

    payment_dispute_id = factory.Sequence(lambda n: f"8{n:09d}")
    revision = 1


class SnapshotPassFactory(factory.django.DjangoModelFactory):
    class Meta:
        model = SnapshotPass

    account = factory.SubFactory(AccountFactory)
    api_family = "offers"


# A factory for the rows of each table under `/api/data/`, for tests that walk them all.
ROW_FACTORIES = {
    "orders": OrderFactory,
    "transactions": TransactionFactory,
    "transfers": TransferFactory,
    "finances": PayoutFactory,
    "seller_funds": SellerFundsFactory,
    "inventory_items": InventoryItemFactory,
    "offers": OfferFactory,
    "messages": MessageFactory,
    "message_bodies": MessageBodyFactory,
    "active_inventory": ActiveListingFactory,
    "buyer": PurchaseFactory,
    "cases": CaseFactory,
    "case_details": CaseDetailFactory,
    "payment_disputes": PaymentDisputeFactory,
    "payment_dispute_details": PaymentDisputeDetailFactory,
    "inquiries": InquiryFactory,
    "inquiry_details": InquiryDetailFactory,
    "returns": ReturnFactory,
    "return_details": ReturnDetailFactory,
}
