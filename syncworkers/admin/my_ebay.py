from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.display import badge, when
from accounts.scoped_admin import AccountFilter
from syncworkers.models import ActiveListing, InventoryItem, Purchase

from .codes import coded
from .data_rows import ClosedFilter, SyncedRowAdmin, id_of, money_of, page_link, page_of, row_link


@admin.register(ActiveListing)
class ActiveListingAdmin(SyncedRowAdmin):
    list_display = (
        "item_id", "title", "variation", "item", "house_name", "price_words", "left", "sold", "bid_count",
        "ends", "there", "changed",
    )  # fmt: skip
    list_filter = (AccountFilter, ClosedFilter, "listing_type", "currency", "ends_at")
    search_fields = ("item_id", "sku", "title", "variation")
    search_help_text = "Item, SKU, title or variation"
    fieldsets = page_of(
        ("item_id", "variation_key"),
        ("account", "house_name"),
        ("title", "variation"),
        ("item", "kind_words"),
        ("price_words", "bid_count"),
        ("quantity", "available"),
        ("sold", "there"),
        ("started_at", "ends_at"),
        ("its_page", "its_picture"),
        ("closed_at", "first_seen_at"),
        ("changed_at",),
    )
    csv_columns = (
        "item_id", "variation_key", "sku", "house_name", "title", "variation", "listing_type", "price",
        "currency", "quantity", "available", "sold", "bid_count", "started_at", "ends_at", "view_url",
        "closed_at", "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(item_pk=id_of(InventoryItem, sku="sku"))

    @display(description="SKU", ordering="sku")
    def item(self, row: Any) -> SafeString | str:
        return row_link(InventoryItem, row.item_pk, row.sku)

    kind_words = coded("listing_type", "kind of listing")
    price_words = money_of("price")
    its_page = page_link("view_url", "page on eBay")
    its_picture = page_link("picture_url", "picture")

    @display(description="left", ordering="available")
    def left(self, listing: ActiveListing) -> int | None:
        return listing.available

    @display(description="ends", ordering="ends_at")
    def ends(self, listing: ActiveListing) -> SafeString | str:
        return when(listing.ends_at) if listing.ends_at else ""

    @display(description="on eBay", ordering="closed_at")
    def there(self, listing: ActiveListing) -> SafeString:
        return badge("ended", "grey") if listing.closed_at else badge("there", "green")


@admin.register(Purchase)
class PurchaseAdmin(SyncedRowAdmin):
    list_display = (
        "order_line_item_id", "title", "house_name", "bought", "seller", "quantity", "total_words", "paid",
        "shipped", "changed",
    )  # fmt: skip
    list_filter = (AccountFilter, "paid_status", "listing_type", "currency", "bought_at")
    search_fields = ("order_line_item_id", "item_id", "order_id", "title", "seller")
    search_help_text = "Line, item, order, title or seller"
    fieldsets = page_of(
        ("order_line_item_id", "order_id"),
        ("account", "house_name"),
        ("item_id", "transaction_id"),
        ("title", "seller"),
        ("kind_words", "quantity"),
        ("price_words", "total_words"),
        ("paid_words", "bought_at"),
        ("paid_at", "shipped_at"),
        ("first_seen_at", "changed_at"),
    )
    csv_columns = (
        "order_line_item_id", "order_id", "house_name", "item_id", "transaction_id", "title", "seller",
        "listing_type", "quantity", "price", "total", "currency", "paid_status", "bought_at", "paid_at",
        "shipped_at", "changed_at",
    )  # fmt: skip

    @display(description="bought", ordering="bought_at")
    def bought(self, purchase: Purchase) -> SafeString:
        return when(purchase.bought_at)

    kind_words = coded("listing_type", "kind of listing")
    paid_words = coded("paid_status", "payment")
    price_words = money_of("price")
    total_words = money_of("total")

    @display(description="paid", ordering="paid_at")
    def paid(self, purchase: Purchase) -> SafeString | str:
        return when(purchase.paid_at) if purchase.paid_at else ""

    @display(description="shipped", ordering="shipped_at")
    def shipped(self, purchase: Purchase) -> SafeString | str:
        return when(purchase.shipped_at) if purchase.shipped_at else ""
