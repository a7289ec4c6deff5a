from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.utils.safestring import SafeString

from accounts.display import badge, when
from accounts.scoped_admin import AccountFilter, ScopedInline
from syncworkers.models import Order, OrderLineItem

from .data_rows import SyncedRowAdmin

_TONES = {"PAID": "green", "FULFILLED": "green", "FAILED": "red", "PENDING": "amber", "IN_PROGRESS": "amber"}


class LineItems(ScopedInline):
    model = OrderLineItem
    verbose_name_plural = "Line items"
    fields = ("sku", "title", "quantity", "cost", "total", "currency", "fulfillment_status", "legacy_item_id")
    readonly_fields = fields


@admin.register(Order)
class OrderAdmin(SyncedRowAdmin):
    list_display = (
        "order_id", "house_name", "created", "buyer_username", "amount", "payment", "fulfillment", "lines",
        "cancel_state", "modified",
    )  # fmt: skip
    list_filter = (
        AccountFilter, "payment_status", "fulfillment_status", "cancel_state", "created_at_ebay",
        "ebay_modified_at",
    )  # fmt: skip
    search_fields = ("order_id", "buyer_username", "ship_to_name", "line_items__sku", "line_items__title")
    search_help_text = "Order number, buyer, recipient, SKU or title"
    inlines = (LineItems,)
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("order_id", "sales_record_reference"),
                    ("account", "house_name"),
                    ("payment_status", "fulfillment_status"),
                    ("cancel_state", "line_item_count"),
                    ("total", "currency"),
                    ("buyer_username", "ship_to_name"),
                    ("ship_to_country", "closed_at"),
                    ("created_at_ebay", "ebay_modified_at"),
                    ("first_seen_at", "changed_at"),
                )
            },
        ),
        ("Payload", {"fields": ("payload_text",), "classes": ("collapse",)}),
    )
    csv_columns = (
        "order_id", "house_name", "created_at_ebay", "ebay_modified_at", "payment_status",
        "fulfillment_status", "cancel_state", "buyer_username", "ship_to_name", "ship_to_country", "total",
        "currency", "line_item_count", "sales_record_reference", "changed_at",
    )  # fmt: skip

    @display(description="total", ordering="total")
    def amount(self, order: Order) -> str:
        return f"{order.total:,.2f} {order.currency}" if order.total is not None else ""

    @display(description="payment", ordering="payment_status")
    def payment(self, order: Order) -> SafeString:
        return _status(order.payment_status)

    @display(description="fulfilment", ordering="fulfillment_status")
    def fulfillment(self, order: Order) -> SafeString:
        return _status(order.fulfillment_status)

    @display(description="lines", ordering="line_item_count")
    def lines(self, order: Order) -> int:
        return order.line_item_count

    @display(description="created", ordering="created_at_ebay")
    def created(self, order: Order) -> SafeString:
        return when(order.created_at_ebay)


def _status(word: str) -> SafeString:
    return badge(word.lower() or "unknown", _TONES.get(word, "grey"))
