from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import Count, IntegerField, OuterRef, Subquery
from django.http import HttpRequest
from django.template.loader import render_to_string
from django.utils.safestring import SafeString

from accounts.display import badge
from accounts.scoped_admin import AccountFilter
from syncworkers.models import InventoryItem, Offer

from .codes import coded
from .data_rows import (
    ClosedFilter,
    SyncedRowAdmin,
    amount_cell,
    id_of,
    money_of,
    page_of,
    row_link,
    status_badge,
)
from .statuses import OFFER_TONES


@admin.register(InventoryItem)
class InventoryItemAdmin(SyncedRowAdmin):
    list_display = (
        "sku", "title", "house_name", "quantity", "condition_words", "offer_count", "brand", "there",
        "changed",
    )  # fmt: skip
    list_filter = (AccountFilter, ClosedFilter, "condition")
    search_fields = ("sku", "title", "brand", "mpn", "epid")
    search_help_text = "SKU, title, brand, part number or eBay product"
    fieldsets = page_of(
        ("sku", "title"),
        ("account", "house_name"),
        ("quantity", "condition_words"),
        ("brand", "mpn"),
        ("epid", "locale"),
        ("group_ids", "closed_at"),
        ("first_seen_at", "changed_at"),
        Offers="offers",
    )
    csv_columns = (
        "sku", "title", "house_name", "quantity", "condition", "brand", "mpn", "epid", "locale", "group_ids",
        "closed_at", "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        offers = Offer.objects.filter(account_id=OuterRef("account_id"), sku=OuterRef("sku"), closed_at=None)
        count = offers.order_by().values("sku").annotate(count=Count("pk")).values("count")
        rows = super().get_queryset(request)
        return rows.annotate(offer_total=Subquery(count, IntegerField()))

    condition_words = coded("condition")

    @display(description="offers")
    def offer_count(self, item: Any) -> int:
        return item.offer_total or 0

    @display(description="on eBay", ordering="closed_at")
    def there(self, row: InventoryItem) -> SafeString:
        return badge("gone", "grey") if row.closed_at else badge("there", "green")

    @display(description="its offers")
    def offers(self, item: InventoryItem) -> SafeString:
        offers = Offer.objects.filter(account_id=item.account_id, sku=item.sku).order_by(
            "marketplace_id", "id"
        )
        return render_to_string(
            "syncworkers/_offers.html", {"offers": [_offer(offer) for offer in offers.defer("payload")]}
        )


def _offer(offer: Offer) -> dict[str, Any]:
    return {
        "offer": offer,
        "link": row_link(Offer, offer.pk, offer.offer_id),
        "status": badge("gone", "grey") if offer.closed_at else status_badge(offer.offer_status, OFFER_TONES),
        "price": amount_cell(offer.price, offer.currency),
    }


@admin.register(Offer)
class OfferAdmin(SyncedRowAdmin):
    list_display = (
        "offer_id", "item", "house_name", "marketplace_id", "format_words", "status", "price_words",
        "available", "sold", "listing_id", "listing", "there", "changed",
    )  # fmt: skip
    list_filter = (
        AccountFilter, ClosedFilter, "offer_status", "listing_status", "marketplace_id", "format", "currency",
    )  # fmt: skip
    search_fields = ("offer_id", "sku", "listing_id")
    search_help_text = "Offer, SKU or listing"
    fieldsets = page_of(
        ("offer_id", "item"),
        ("account", "house_name"),
        ("marketplace_id", "format_words"),
        ("status", "closed_at"),
        ("listing_id", "listing"),
        ("price_words", "listing_duration"),
        ("available_quantity", "sold_quantity"),
        ("category_id", "merchant_location_key"),
        ("first_seen_at", "changed_at"),
    )
    csv_columns = (
        "offer_id", "sku", "house_name", "marketplace_id", "format", "offer_status", "price", "currency",
        "available_quantity", "sold_quantity", "listing_id", "listing_status", "listing_duration",
        "category_id", "merchant_location_key", "closed_at", "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.annotate(item_pk=id_of(InventoryItem, sku="sku"))

    @display(description="SKU", ordering="sku")
    def item(self, row: Any) -> SafeString | str:
        return row_link(InventoryItem, row.item_pk, row.sku)

    format_words = coded("format")
    price_words = money_of("price")

    @display(description="status", ordering="offer_status")
    def status(self, offer: Offer) -> SafeString:
        return status_badge(offer.offer_status, OFFER_TONES)

    @display(description="left", ordering="available_quantity")
    def available(self, offer: Offer) -> int | None:
        return offer.available_quantity

    @display(description="sold", ordering="sold_quantity")
    def sold(self, offer: Offer) -> int | None:
        return offer.sold_quantity

    @display(description="listing status", ordering="listing_status")
    def listing(self, offer: Offer) -> SafeString | str:
        return status_badge(offer.listing_status, OFFER_TONES) if offer.listing_status else ""

    @display(description="on eBay", ordering="closed_at")
    def there(self, offer: Offer) -> SafeString:
        return badge("gone", "grey") if offer.closed_at else badge("there", "green")
