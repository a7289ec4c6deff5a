from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.utils.safestring import SafeString

from accounts.display import when
from accounts.scoped_admin import AccountFilter
from syncworkers.models import Order

from .codes import coded
from .data_rows import SyncedRowAdmin, amount_cell, status_badge
from .money_section import order_section
from .order_section import lines_section, messages_section, trouble_section

_TONES = {"PAID": "green", "FULFILLED": "green", "FAILED": "red", "PENDING": "amber", "IN_PROGRESS": "amber"}


@admin.register(Order)
class OrderAdmin(SyncedRowAdmin):
    list_display = (
        "order_id", "house_name", "created", "buyer_username", "amount", "payment", "fulfillment", "lines",
        "cancel_words", "modified",
    )  # fmt: skip
    list_filter = (
        AccountFilter, "payment_status", "fulfillment_status", "cancel_state", "created_at_ebay",
        "ebay_modified_at",
    )  # fmt: skip
    search_fields = ("order_id", "buyer_username", "ship_to_name", "line_items__sku", "line_items__title")
    search_help_text = "Order number, buyer, recipient, SKU or title"
    fieldsets = (
        (
            None,
            {
                "fields": (
                    ("order_id", "sales_record_reference"),
                    ("account", "house_name"),
                    ("payment", "fulfillment"),
                    ("amount", "cancel_words"),
                    ("buyer_username", "ship_to_name"),
                    ("ship_to_country", "created"),
                    ("modified", "changed_at"),
                )
            },
        ),
        ("Lines", {"fields": ("line_items",)}),
        ("Money", {"fields": ("money",)}),
        ("Trouble", {"fields": ("trouble",)}),
        ("Messages", {"fields": ("messages",)}),
        ("Payload", {"fields": ("payload_text",), "classes": ("collapse",)}),
    )
    csv_columns = (
        "order_id", "house_name", "created_at_ebay", "ebay_modified_at", "payment_status",
        "fulfillment_status", "cancel_state", "buyer_username", "ship_to_name", "ship_to_country", "total",
        "currency", "line_item_count", "sales_record_reference", "changed_at",
    )  # fmt: skip

    @display(description="total", ordering="total")
    def amount(self, order: Order) -> str:
        return amount_cell(order.total, order.currency)

    cancel_words = coded("cancel_state", "cancellation")

    @display(description="what was sold")
    def line_items(self, order: Order) -> SafeString:
        return lines_section(order)

    @display(description="does it add up?")
    def money(self, order: Order) -> SafeString:
        return order_section(order)

    @display(description="returns, inquiries, cases, payment disputes")
    def trouble(self, order: Order) -> SafeString:
        return trouble_section(order)

    @display(description="with the buyer about these items")
    def messages(self, order: Order) -> SafeString:
        return messages_section(order)

    @display(description="payment", ordering="payment_status")
    def payment(self, order: Order) -> SafeString:
        return status_badge(order.payment_status, _TONES)

    @display(description="fulfilment", ordering="fulfillment_status")
    def fulfillment(self, order: Order) -> SafeString:
        return status_badge(order.fulfillment_status, _TONES)

    @display(description="lines", ordering="line_item_count")
    def lines(self, order: Order) -> int:
        return order.line_item_count

    @display(description="created", ordering="created_at_ebay")
    def created(self, order: Order) -> SafeString:
        return when(order.created_at_ebay)
