"""The money view: each transaction with its fees, its payout and its order in one row (03 §5)."""

from __future__ import annotations

from django.db import models

from accounts.models import EbayAccount
from accounts.querysets import ScopedQuerySet


class MoneyRow(models.Model):
    """A row of the SQL view `ebay_finances_transactions`; the id is the transaction's.

    `gross`, `fees` and `net` are signed, as seen from the seller's money: gross + fees = net as far as eBay's
    fees add up. `fees` sums the fee rows in `currency`; `tax`, collected by eBay, passes by the seller and is
    unsigned. `changed_at` is the latest of transaction, payout and order. Payout and order are empty while
    they are not stored.
    """

    ORGANIZATION_LOOKUP = "account__organization_id"

    account = models.ForeignKey(EbayAccount, on_delete=models.DO_NOTHING, related_name="+")
    house_name = models.CharField(max_length=100)
    transaction_id = models.CharField(max_length=100)
    transaction_type = models.CharField("type", max_length=40)
    transaction_status = models.CharField("status", max_length=40)
    occurred_at = models.DateTimeField("created on eBay", null=True)
    gross = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    fees = models.DecimalField(max_digits=20, decimal_places=4)
    net = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    tax = models.DecimalField("tax collected by eBay", max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10)
    fee_type = models.CharField("kind of fee", max_length=100)
    memo = models.TextField()
    buyer_username = models.CharField("buyer", max_length=200)
    order_id = models.CharField(max_length=100)
    order_total = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    order_currency = models.CharField(max_length=10)
    order_payment_status = models.CharField("payment of the order", max_length=40)
    payout_id = models.CharField(max_length=100)
    payout_status = models.CharField(max_length=40)
    payout_amount = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    payout_currency = models.CharField(max_length=10)
    paid_out_at = models.DateTimeField("paid out", null=True)
    changed_at = models.DateTimeField("changed here")

    objects = ScopedQuerySet.as_manager()

    class Meta:
        managed = False
        db_table = "ebay_finances_transactions"
        verbose_name = "money row"
        ordering = ["-occurred_at", "-id"]

    def __str__(self) -> str:
        return f"{self.transaction_type.replace('_', ' ').capitalize()} {self.transaction_id}"
