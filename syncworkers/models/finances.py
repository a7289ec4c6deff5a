"""Money: transactions with their fees, payouts, transfers, funds (Finances, 03 §5).

Rows of different tables arrive in any order, so that nothing here points at another table: joins go by
account and the id columns.
"""

from __future__ import annotations

from django.db import models

from accounts.models import EbayAccount
from accounts.querysets import ScopedQuerySet

from .rows import DetailedRow, MaturingRow, SyncedRow

_NOT_FINAL = models.Q(check_at__isnull=False)
_TRANSFER_NOT_READ = models.Q(transaction_type="TRANSFER", detail_at=None)


class Transaction(MaturingRow, DetailedRow):
    """Natural key: (account, transaction_id, transaction_type); a sale and its refund may share the id.

    `occurred_at` is the transactionDate; the detail of a TRANSFER is its `Transfer`.

    `amount`, `fee_total`, `fee_basis` and `tax` (collected by eBay) are unsigned, as eBay gives them. `net`
    and `gross` are what the transaction does to the seller's money, after and before its fees: a debit is
    below zero. gross plus the fees' `signed_amount` is net, for one transaction as for the sums of any, as
    far as eBay's fees add up. All are in `currency`; what eBay gives in another one is empty here (the
    payload has it).
    """

    transaction_id = models.CharField(max_length=100)
    transaction_type = models.CharField("type", max_length=40)
    transaction_status = models.CharField("status", max_length=40, blank=True)
    booking_entry = models.CharField("credit or debit", max_length=20, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    net = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    gross = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    fee_total = models.DecimalField("fees", max_digits=20, decimal_places=4, null=True)
    fee_basis = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    tax = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    order_id = models.CharField(max_length=100, blank=True)
    payout_id = models.CharField(max_length=100, blank=True)
    payout_reference = models.CharField(max_length=100, blank=True)
    buyer_username = models.CharField("buyer", max_length=200, blank=True)
    fee_type = models.CharField("kind of fee", max_length=100, blank=True)
    memo = models.TextField(blank=True)
    sales_record_reference = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "ebay_transactions"
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["transaction_id", "transaction_type", "account"], name="one_row_per_transaction"
            ),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="transactions_by_change"),
            # The list of one account, newest first; a period's sums.
            models.Index(fields=["account", "-occurred_at"], name="transactions_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-occurred_at", "-id"], name="transactions_by_time"),
            # What is not final and due to be read again.
            models.Index(fields=["account", "check_at"], condition=_NOT_FINAL, name="transactions_to_check"),
            # The transfers that are still to be read.
            models.Index(
                fields=["account", "-id"], condition=_TRANSFER_NOT_READ, name="transactions_to_detail"
            ),
            # All money of an order.
            models.Index(fields=["account", "order_id"], name="transactions_by_order"),
            # What a payout is made of.
            models.Index(fields=["account", "payout_id"], name="transactions_by_payout"),
        ]

    def __str__(self) -> str:
        return f"{self.transaction_type.replace('_', ' ').capitalize()} {self.transaction_id}"


class FinancesFee(models.Model):
    """One fee of a transaction, replaced as a set with it. Natural key: (transaction, position).

    `kind` is `marketplace_fee` or `donation` (both of a line item), or `non_sale_charge`: there the
    transaction itself is the fee, and has this one row, so that all fees can be summed in one table.
    `amount` is unsigned as eBay gives it; `signed_amount` is what the fee does to the seller's money: below
    zero when it costs, above when it is given back, as the fees of a refund are.
    """

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    transaction = models.ForeignKey(
        Transaction, on_delete=models.CASCADE, related_name="fees", db_index=False
    )
    position = models.PositiveIntegerField()
    kind = models.CharField(max_length=20)
    line_item_id = models.CharField("order line", max_length=100, blank=True)
    fee_type = models.CharField("kind of fee", max_length=100, blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    signed_amount = models.DecimalField("effect on the money", max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    memo = models.TextField(blank=True)
    jurisdiction = models.CharField(max_length=200, blank=True, help_text="Who mandates it: STATE CA")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_finances_fees"
        ordering = ["transaction", "position"]
        constraints = [
            models.UniqueConstraint(fields=["transaction", "position"], name="one_row_per_fee"),
        ]
        indexes = [
            # "How much of this fee?", and deleting an account's rows.
            models.Index(fields=["account", "fee_type"], name="fees_by_type"),
            # The fees of an order's line.
            models.Index(fields=["account", "line_item_id"], name="fees_by_line_item"),
        ]

    def __str__(self) -> str:
        return f"{self.fee_type} {self.amount} {self.currency}"


class Payout(MaturingRow, DetailedRow):
    """Natural key: (account, payout_id). `occurred_at` is the payoutDate; its detail are its transactions.

    Amounts are in `currency`; what eBay gives in another one is empty here (the payload has it).
    """

    payout_id = models.CharField(max_length=100)
    payout_status = models.CharField("status", max_length=40, blank=True)
    status_description = models.TextField(blank=True)
    amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    total_amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    total_fee = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    last_attempted_at = models.DateTimeField("last tried", null=True)
    transaction_count = models.PositiveIntegerField("transactions", null=True)
    instrument_type = models.CharField(max_length=100, blank=True)
    instrument_nickname = models.CharField(max_length=200, blank=True)
    instrument_last_four = models.CharField(max_length=20, blank=True)
    memo = models.TextField(blank=True)
    bank_reference = models.CharField(max_length=200, blank=True)
    detail_at = models.DateTimeField("transactions read", null=True, help_text="Empty: still to be asked for")

    class Meta:
        db_table = "ebay_payouts"
        ordering = ["-occurred_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["payout_id", "account"], name="one_row_per_payout"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="payouts_by_change"),
            # The list of one account, newest first.
            models.Index(fields=["account", "-occurred_at"], name="payouts_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-occurred_at", "-id"], name="payouts_by_time"),
            # What is not final and due to be read again.
            models.Index(fields=["account", "check_at"], condition=_NOT_FINAL, name="payouts_to_check"),
        ]

    def __str__(self) -> str:
        return self.payout_id


class Transfer(SyncedRow):
    """Money that the seller owed eBay. Natural key: (account, transfer_id), a TRANSFER transaction's id.

    `amount` was taken from the funding source, `balance_used` from the seller's funds, for `charge_total`.
    """

    transfer_id = models.CharField(max_length=100)
    transferred_at = models.DateTimeField("when", null=True)
    amount = models.DecimalField("taken", max_digits=20, decimal_places=4, null=True)
    charge_total = models.DecimalField("for charges of", max_digits=20, decimal_places=4, null=True)
    balance_used = models.DecimalField("paid from the funds", max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    funding_type = models.CharField("paid from", max_length=40, blank=True)
    funding_brand = models.CharField("bank or card", max_length=200, blank=True)
    charge_count = models.PositiveIntegerField("charges", default=0)
    order_ids = models.TextField(
        "orders", blank=True, help_text="Orders that the charges are for, with commas"
    )

    class Meta:
        db_table = "ebay_transfers"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["transfer_id", "account"], name="one_row_per_transfer"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="transfers_by_change"),
        ]

    def __str__(self) -> str:
        return self.transfer_id


class SellerFunds(SyncedRow):
    """What eBay owes the seller now. Natural key: (account, currency). A part that eBay leaves out is 0."""

    currency = models.CharField(max_length=10)
    total = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    available = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    on_hold = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    processing = models.DecimalField(max_digits=20, decimal_places=4, null=True)

    class Meta:
        db_table = "ebay_seller_funds"
        verbose_name_plural = "seller funds"
        ordering = ["account", "currency"]
        constraints = [
            models.UniqueConstraint(fields=["currency", "account"], name="one_row_per_currency_of_funds"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="seller_funds_by_change"),
        ]

    def __str__(self) -> str:
        return f"{self.total} {self.currency}"
