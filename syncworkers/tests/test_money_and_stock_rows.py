"""That the records of Finances and Inventory, as mapped, fit their tables."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.db.models import Sum

from syncworkers.models import FinancesFee, InventoryItem, Offer, Payout, SellerFunds, Transaction, Transfer
from syncworkers.registry import TABLES
from syncworkers.services.store import upsert_page
from tests.factories import AccountFactory

from .test_finance_mappers import CHARGE, FUNDS, PAYOUT, SALE, TRANSFER, changed
from .test_inventory_mappers import ITEM, OFFER

pytestmark = pytest.mark.django_db

REFUND = SALE | {"transactionType": "REFUND", "bookingEntry": "DEBIT"}


@pytest.fixture
def account():
    return AccountFactory(token=False)


def store(account, table: str, *records):
    result = upsert_page(TABLES[table], account, list(records))
    assert result.bad == []
    return result


@pytest.mark.parametrize(
    ("table", "record", "model"),
    [
        ("transactions", SALE, Transaction),
        ("finances", PAYOUT, Payout),
        ("transfers", TRANSFER, Transfer),
        ("seller_funds", FUNDS, SellerFunds),
        ("inventory_items", ITEM, InventoryItem),
        ("offers", OFFER, Offer),
    ],
)
def test_a_record_is_stored_as_it_was_mapped(account, table, record, model):
    assert store(account, table, record).stored == 1
    row = model.objects.get()
    assert row.payload == record
    for name, value in TABLES[table].mapper(record).columns.items():
        assert getattr(row, name) == value, name
    assert str(row)
    assert store(account, table, record).unchanged == 1


def test_a_sale_and_its_refund_are_two_rows_with_fees_of_their_own(account):
    store(account, "transactions", SALE, REFUND, CHARGE)
    fees = FinancesFee.objects.values_list("transaction__transaction_type").annotate(Sum("signed_amount"))
    assert dict(fees) == {"SALE": Decimal("-2"), "REFUND": Decimal("2"), "NON_SALE_CHARGE": Decimal("-4.95")}


def test_over_all_transactions_gross_and_fees_are_net(account):
    store(account, "transactions", SALE, REFUND | {"amount": {"value": "9", "currency": "USD"}}, CHARGE)
    sums = Transaction.objects.aggregate(Sum("gross"), Sum("net"))
    fees = FinancesFee.objects.aggregate(Sum("signed_amount"))
    assert sums["gross__sum"] + fees["signed_amount__sum"] == sums["net__sum"] == Decimal("4.05")


def test_fees_are_replaced_as_a_set(account):
    store(account, "transactions", SALE)
    store(account, "transactions", changed(SALE, "orderLineItems", 0, "marketplaceFees", to=[]))
    (fee,) = FinancesFee.objects.all()
    assert (fee.position, fee.kind, fee.fee_type) == (0, "donation", "CHARITY_DONATION")


def test_a_changed_payout_is_to_be_detailed_again(account):
    store(account, "finances", PAYOUT)
    Payout.objects.update(detail_at="2026-10-06T00:00:00Z")
    store(account, "finances", PAYOUT)
    assert Payout.objects.get().detail_at is not None
    store(account, "finances", PAYOUT | {"payoutStatus": "REVERSED"})
    assert Payout.objects.get().detail_at is None


def test_only_what_is_not_final_is_looked_at_again(account):
    store(account, "transactions", SALE, CHARGE | {"payoutId": "5"})
    waiting = dict(Transaction.objects.values_list("transaction_type", "check_at"))
    assert waiting["NON_SALE_CHARGE"] is None
    assert waiting["SALE"] is not None
