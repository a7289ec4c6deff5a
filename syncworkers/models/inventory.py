"""Stock and offers (Inventory, 03 §6). An offer belongs to the item of its account and SKU."""

from __future__ import annotations

from django.db import models

from .rows import SyncedRow


class InventoryItem(SyncedRow):
    """Natural key: (account, sku). `quantity` is what can be shipped, over all offers of the SKU."""

    sku = models.CharField("SKU", max_length=200)
    title = models.TextField(blank=True)
    condition = models.CharField(max_length=60, blank=True)
    quantity = models.IntegerField(null=True)
    brand = models.CharField(max_length=200, blank=True)
    mpn = models.CharField("part number (MPN)", max_length=200, blank=True)
    epid = models.CharField("eBay product (ePID)", max_length=100, blank=True)
    locale = models.CharField("language", max_length=20, blank=True)
    group_ids = models.TextField(
        "groups of variations", blank=True, help_text="Groups of variations that it is in, with commas"
    )

    class Meta:
        db_table = "ebay_inventory_items"
        ordering = ["-changed_at", "-id"]
        constraints = [
            # Also the list of one account by SKU, and the item of an offer or an order's line.
            models.UniqueConstraint(fields=["sku", "account"], name="one_row_per_sku"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="inventory_items_by_change"),
        ]

    def __str__(self) -> str:
        return self.sku


class Offer(SyncedRow):
    """Natural key: (account, offer_id). At most one per SKU, marketplace and format.

    `price` is an auction's start price where it has no other; `listing_id` is empty until it is published.
    """

    offer_id = models.CharField(max_length=100)
    sku = models.CharField("SKU", max_length=200, blank=True)
    marketplace_id = models.CharField("marketplace", max_length=40, blank=True)
    format = models.CharField(max_length=40, blank=True)
    offer_status = models.CharField("status", max_length=40, blank=True)
    listing_id = models.CharField(max_length=100, blank=True)
    listing_status = models.CharField(max_length=40, blank=True)
    listing_duration = models.CharField("duration", max_length=40, blank=True)
    available_quantity = models.IntegerField("available", null=True)
    sold_quantity = models.IntegerField("sold", null=True)
    price = models.DecimalField(max_digits=20, decimal_places=4, null=True)
    currency = models.CharField(max_length=10, blank=True)
    category_id = models.CharField(max_length=40, blank=True)
    merchant_location_key = models.CharField("location", max_length=100, blank=True)

    class Meta:
        db_table = "ebay_inventory_offers"
        ordering = ["-changed_at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["offer_id", "account"], name="one_row_per_offer"),
        ]
        indexes = [
            # API and CSV: updated_since, in the order of (changed_at, id); backwards, the admin's list.
            models.Index(fields=["changed_at", "id"], name="offers_by_change"),
            # The offers of an item, and which of them a pass has not seen.
            models.Index(fields=["account", "sku"], name="offers_by_sku"),
            # The offer behind a listing: joins with line items and active listings.
            models.Index(fields=["account", "listing_id"], name="offers_by_listing"),
        ]

    def __str__(self) -> str:
        return self.offer_id
