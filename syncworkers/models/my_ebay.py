"""What a user has on sale, and what he bought (Trading's lists of My eBay, 03 §3.6, 3.7)."""

from __future__ import annotations

from django.db import models

from .rows import SyncedRow


class ActiveListing(SyncedRow):
    """A listing, or one variation of it. Natural key: (account, item_id, variation_key).

    `variation_key`: the variation's SKU, else a hash of its specifics, '' for a listing without variations.
    Amounts and numbers are the variation's where there is one. `ends_at` is to the second or two: eBay says
    how much time is left. A row is closed when its listing has ended.
    """

    item_id = models.CharField(max_length=100)
    variation_key = models.CharField("key of the variation", max_length=200, blank=True)
    sku = models.CharField("SKU", max_length=200, blank=True)
    variation = models.TextField(blank=True, help_text="Such as Size: M, Color: Red")
    title = models.TextField(blank=True)
    listing_type = models.CharField("kind of listing", max_length=40, blank=True)
    price = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    quantity = models.IntegerField(null=True, help_text="Offered in all: available and sold")
    available = models.IntegerField(null=True)
    sold = models.IntegerField(null=True)
    bid_count = models.IntegerField("bids", null=True)
    started_at = models.DateTimeField("on sale since", null=True)
    ends_at = models.DateTimeField("ends", null=True)
    view_url = models.TextField("page on eBay", blank=True)
    picture_url = models.TextField("picture", blank=True)

    class Meta:
        db_table = "ebay_active_inventory"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(
                fields=["item_id", "variation_key", "account"], name="one_row_per_listed_variation"
            ),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="active_inventory_by_change"),
            # Where is this SKU on sale: joins with offers, items and line items.
            models.Index(fields=["account", "sku"], name="active_inventory_by_sku"),
            # What ends next.
            models.Index(
                fields=["account", "ends_at"],
                condition=models.Q(closed_at=None),
                name="active_inventory_by_end",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.item_id} {self.variation_key}".strip()


class Purchase(SyncedRow):
    """One thing bought, fixed price or won. Natural key: (account, order_line_item_id).

    That is eBay's OrderLineItemID or what it consists of, `item_id-transaction_id`; transaction 0 is that of
    an auction. `total` is with postage. Purchases leave eBay's list after 60 days and stay here as they were.
    """

    order_line_item_id = models.CharField("purchase id", max_length=100)
    item_id = models.CharField(max_length=100, blank=True)
    transaction_id = models.CharField(max_length=100, blank=True)
    order_id = models.CharField(max_length=100, blank=True, help_text="Of things that were bought together")
    title = models.TextField(blank=True)
    seller = models.CharField(max_length=200, blank=True)
    listing_type = models.CharField("kind of listing", max_length=40, blank=True)
    quantity = models.IntegerField(null=True)
    price = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    total = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    paid_status = models.CharField("payment", max_length=60, blank=True)
    bought_at = models.DateTimeField("bought", null=True)
    paid_at = models.DateTimeField("paid", null=True)
    shipped_at = models.DateTimeField("shipped", null=True)

    class Meta:
        db_table = "ebay_buyer"
        ordering = ["-bought_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["order_line_item_id", "account"], name="one_row_per_purchase"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id).
            models.Index(fields=["changed_at", "id"], name="buyer_by_change"),
            # The list of one account, newest first.
            models.Index(fields=["account", "-bought_at"], name="buyer_of_account"),
            # The admin's list over all accounts.
            models.Index(fields=["-bought_at", "-id"], name="buyer_by_time"),
            # Did we buy this: the sniper's confirmation.
            models.Index(fields=["account", "item_id"], name="buyer_by_item"),
        ]

    def __str__(self) -> str:
        return self.order_line_item_id
