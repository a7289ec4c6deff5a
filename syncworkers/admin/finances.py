from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.display import when
from accounts.scoped_admin import AccountFilter, ScopedInline
from syncworkers.models import FinancesFee, Order, Payout, SellerFunds, Transaction, Transfer

from .data_rows import SyncedRowAdmin, amount_cell, id_of, page_of, row_link, status_badge
from .money_section import payout_section
from .statuses import PAYOUT_TONES, transaction_badge


class Fees(ScopedInline):
    model = FinancesFee
    verbose_name_plural = "Fees"
    fields = (
        "fee_type",
        "amount",
        "signed_amount",
        "currency",
        "kind",
        "line_item_id",
        "memo",
        "jurisdiction",
    )
    readonly_fields = fields


@admin.register(Transaction)
class TransactionAdmin(SyncedRowAdmin):
    list_display = (
        "transaction_id", "type_words", "house_name", "occurred", "status", "gross_amount", "fees_amount",
        "net_amount", "order", "payout",
    )  # fmt: skip
    list_filter = (
        AccountFilter, "transaction_type", "transaction_status", "booking_entry", "currency", "fee_type",
        "occurred_at",
    )  # fmt: skip
    search_fields = ("transaction_id", "order_id", "payout_id", "buyer_username", "memo")
    search_help_text = "Transaction, order, payout, buyer or memo"
    inlines = (Fees,)
    readonly_fields = (
        "payload_text", "order", "payout", "gross_amount", "net_amount", "fees_amount", "tax_amount",
    )  # fmt: skip
    fieldsets = page_of(
        ("transaction_id", "transaction_type"),
        ("account", "house_name"),
        ("transaction_status", "booking_entry"),
        ("gross_amount", "fees_amount"),
        ("net_amount", "tax_amount"),
        ("order", "payout"),
        ("fee_type", "fee_basis"),
        ("buyer_username", "payout_reference"),
        ("memo", "sales_record_reference"),
        ("occurred_at", "changed_at"),
        ("maturity", "check_at"),
    )
    csv_columns = (
        "transaction_id", "transaction_type", "house_name", "occurred_at", "transaction_status",
        "booking_entry", "amount", "gross", "fee_total", "net", "tax", "currency", "order_id", "payout_id",
        "payout_reference", "buyer_username", "fee_type", "memo", "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.annotate(
            order_pk=id_of(Order, order_id="order_id"), payout_pk=id_of(Payout, payout_id="payout_id")
        )

    @display(description="type", ordering="transaction_type")
    def type_words(self, row: Transaction) -> str:
        return row.transaction_type.replace("_", " ").capitalize()

    @display(description="status", ordering="transaction_status")
    def status(self, row: Transaction) -> SafeString:
        return transaction_badge(row.transaction_status)

    @display(description="gross", ordering="gross")
    def gross_amount(self, row: Transaction) -> str:
        return amount_cell(row.gross, row.currency)

    @display(description="fees", ordering="fee_total")
    def fees_amount(self, row: Transaction) -> str:
        """What they do to the seller's money, as gross and net beside them."""
        if row.net is None or row.gross is None or row.net == row.gross:
            return ""
        return amount_cell(row.net - row.gross, row.currency)

    @display(description="net", ordering="net")
    def net_amount(self, row: Transaction) -> str:
        return amount_cell(row.net, row.currency)

    @display(description="tax collected by eBay", ordering="tax")
    def tax_amount(self, row: Transaction) -> str:
        return amount_cell(row.tax, row.currency)

    @display(description="order", ordering="order_id")
    def order(self, row: Any) -> SafeString | str:
        return row_link(Order, row.order_pk, row.order_id)

    @display(description="payout", ordering="payout_id")
    def payout(self, row: Any) -> SafeString | str:
        return row_link(Payout, row.payout_pk, row.payout_id)

    @display(description="when", ordering="occurred_at")
    def occurred(self, row: Transaction) -> SafeString:
        return when(row.occurred_at)


@admin.register(Payout)
class PayoutAdmin(SyncedRowAdmin):
    list_display = (
        "payout_id", "house_name", "paid", "status", "sum", "transaction_count", "instrument",
        "bank_reference", "changed",
    )  # fmt: skip
    list_filter = (AccountFilter, "payout_status", "currency", "occurred_at")
    search_fields = ("payout_id", "bank_reference", "memo", "instrument_last_four")
    search_help_text = "Payout, bank reference, memo or the account's last digits"
    readonly_fields = ("payload_text", "money", "instrument", "sum", "status", "fee")
    fieldsets = page_of(
        ("payout_id", "status"),
        ("account", "house_name"),
        ("sum", "fee"),
        ("occurred_at", "last_attempted_at"),
        ("instrument", "bank_reference"),
        ("status_description", "memo"),
        ("transaction_count", "detail_at"),
        ("first_seen_at", "changed_at"),
        Money="money",
    )
    csv_columns = (
        "payout_id", "house_name", "occurred_at", "payout_status", "amount", "total_amount", "total_fee",
        "currency", "transaction_count", "bank_reference", "instrument_type", "instrument_last_four", "memo",
        "last_attempted_at", "changed_at",
    )  # fmt: skip

    @display(description="paid", ordering="occurred_at")
    def paid(self, payout: Payout) -> SafeString:
        return when(payout.occurred_at)

    @display(description="status", ordering="payout_status")
    def status(self, payout: Payout) -> SafeString:
        return status_badge(payout.payout_status, PAYOUT_TONES)

    @display(description="amount", ordering="amount")
    def sum(self, payout: Payout) -> str:
        return amount_cell(payout.amount, payout.currency)

    @display(description="fee for sending it", ordering="total_fee")
    def fee(self, payout: Payout) -> str:
        return amount_cell(payout.total_fee, payout.currency)

    @display(description="to")
    def instrument(self, payout: Payout) -> str:
        digits = f"…{payout.instrument_last_four}" if payout.instrument_last_four else ""
        return f"{payout.instrument_nickname or payout.instrument_type} {digits}".strip()

    @display(description="do its transactions add up?")
    def money(self, payout: Payout) -> SafeString:
        return payout_section(payout)


@admin.register(Transfer)
class TransferAdmin(SyncedRowAdmin):
    """Money that the seller owed eBay."""

    list_display = (
        "transfer_id", "house_name", "transferred", "taken", "charged", "funding", "order_ids", "changed"
    )  # fmt: skip
    list_filter = (AccountFilter, "funding_type", "currency", "transferred_at")
    search_fields = ("transfer_id", "order_ids", "funding_brand")
    search_help_text = "Transfer, order or funding source"
    fieldsets = page_of(
        ("transfer_id", "transferred_at"),
        ("account", "house_name"),
        ("amount", "currency"),
        ("charge_total", "balance_used"),
        ("funding_type", "funding_brand"),
        ("charge_count", "order_ids"),
        ("first_seen_at", "changed_at"),
    )
    csv_columns = (
        "transfer_id", "house_name", "transferred_at", "amount", "charge_total", "balance_used", "currency",
        "funding_type", "funding_brand", "charge_count", "order_ids", "changed_at",
    )  # fmt: skip

    @display(description="when", ordering="transferred_at")
    def transferred(self, transfer: Transfer) -> SafeString:
        return when(transfer.transferred_at)

    @display(description="taken", ordering="amount")
    def taken(self, transfer: Transfer) -> str:
        return amount_cell(transfer.amount, transfer.currency)

    @display(description="for charges of", ordering="charge_total")
    def charged(self, transfer: Transfer) -> str:
        return amount_cell(transfer.charge_total, transfer.currency)

    @display(description="from", ordering="funding_type")
    def funding(self, transfer: Transfer) -> str:
        return f"{transfer.funding_type.replace('_', ' ').capitalize()} {transfer.funding_brand}".strip()


@admin.register(SellerFunds)
class SellerFundsAdmin(SyncedRowAdmin):
    """What eBay owes the seller now; closed: eBay no longer tells of it."""

    list_display = ("house_name", "currency", "total", "available", "processing", "on_hold", "changed")
    list_display_links = ("house_name", "currency")
    list_filter = (AccountFilter, "currency")
    search_fields = ("house_name", "currency")
    fieldsets = page_of(
        ("account", "house_name"),
        ("total", "currency"),
        ("available", "processing"),
        ("on_hold", "closed_at"),
        ("first_seen_at", "changed_at"),
    )
    csv_columns = (
        "house_name", "currency", "total", "available", "processing", "on_hold", "closed_at", "changed_at",
    )  # fmt: skip
