"""Orders and their line items (Fulfillment getOrders, 03 §4.1)."""

from __future__ import annotations

from django.db import models

from accounts.models import EbayAccount
from accounts.querysets import ScopedQuerySet

from .rows import SyncedRow


class Order(SyncedRow):
    """Natural key: (account, order_id). Amounts are in `currency`."""

    # Others of its indexes begin with the account.
    account = models.ForeignKey(EbayAccount, on_delete=models.CASCADE, related_name="+", db_index=False)
    order_id = models.CharField(max_length=100)
    created_at_ebay = models.DateTimeField("created on eBay", null=True)
    fulfillment_status = models.CharField("fulfilment", max_length=40, blank=True)
    payment_status = models.CharField("payment", max_length=40, blank=True)
    cancel_state = models.CharField("cancellation", max_length=40, blank=True)
    buyer_username = models.CharField("buyer", max_length=200, blank=True)
    ship_to_name = models.CharField("sent to", max_length=300, blank=True)
    ship_to_country = models.CharField("country", max_length=10, blank=True)
    total = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    line_item_count = models.PositiveIntegerField("lines", default=0)
    sales_record_reference = models.CharField(max_length=100, blank=True)

    class Meta:
        db_table = "ebay_orders"
        ordering = ["-ebay_modified_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["order_id", "account"], name="one_row_per_order"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="orders_by_change"),
            # The list of one account, newest first.
            models.Index(fields=["account", "-ebay_modified_at"], name="orders_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-ebay_modified_at", "-id"], name="orders_by_modification"),
            # "Open orders of this account": fulfilment and payment filters.
            models.Index(
                fields=["account", "fulfillment_status", "-created_at_ebay"], name="orders_by_fulfillment"
            ),
            # Search by order number and buyer.
            models.Index(fields=["account", "buyer_username"], name="orders_by_buyer"),
        ]

    def __str__(self) -> str:
        return self.order_id


class OrderLineItem(models.Model):
    """Natural key: (order, line_item_id). Several lines of an order may share a SKU."""

    ORGANIZATION_LOOKUP = "account__organization_id"

    # The order's, which the database checks: a check of each line's as well costs a tenth of a first load.
    account = models.ForeignKey(
        EbayAccount, on_delete=models.CASCADE, related_name="+", db_index=False, db_constraint=False
    )
    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="line_items", db_index=False)
    line_item_id = models.CharField(max_length=100)
    position = models.PositiveIntegerField()
    legacy_item_id = models.CharField("item id", max_length=100, blank=True)
    sku = models.CharField("SKU", max_length=200, blank=True)
    title = models.TextField(blank=True)
    quantity = models.IntegerField(null=True)
    cost = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    total = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    fulfillment_status = models.CharField("fulfilment", max_length=40, blank=True)

    objects = ScopedQuerySet.as_manager()

    class Meta:
        db_table = "ebay_order_line_items"
        ordering = ["order", "position"]
        constraints = [
            models.UniqueConstraint(fields=["order", "line_item_id"], name="one_row_per_line_item"),
        ]
        indexes = [
            # "Which orders hold this SKU / this item?", and deleting an account's rows.
            models.Index(fields=["account", "sku"], name="line_items_by_sku"),
            models.Index(fields=["account", "legacy_item_id"], name="line_items_by_item"),
        ]

    def __str__(self) -> str:
        return self.line_item_id
