from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.display import when
from accounts.scoped_admin import AccountFilter, ScopedInline
from syncworkers.models import FinancesFee, Order, Payout, SellerFunds, Transaction, Transfer

from .codes import code_words, coded
from .data_rows import SyncedRowAdmin, amount_cell, id_of, money_of, page_of, row_link, status_badge
from .money_section import payout_section
from .statuses import PAYOUT_TONES, transaction_badge


class Fees(ScopedInline):
    model = FinancesFee
    verbose_name_plural = "Fees"
    hide_title = True
    fields = ("type_words", "unsigned", "signed", "kind_words", "line_item_id", "memo", "jurisdiction")
    readonly_fields = fields

    type_words = coded("fee_type", "kind of fee")
    kind_words = coded("kind", "of")
    unsigned = money_of("amount")
    signed = money_of("signed_amount", "effect on the money")


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
    fieldsets = page_of(
        ("transaction_id", "type_words"),
        ("account", "house_name"),
        ("status", "booking_words"),
        ("gross_amount", "fees_amount"),
        ("net_amount", "tax_amount"),
        ("order", "payout"),
        ("fee_words", "fee_basis_amount"),
        ("buyer_username", "payout_reference"),
        ("memo", "sales_record_reference"),
        ("occurred_at", "changed_at"),
        ("stage", "check_at"),
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
        return code_words(row.transaction_type)

    booking_words = coded("booking_entry", "credit or debit")
    fee_words = coded("fee_type", "kind of fee")
    fee_basis_amount = money_of("fee_basis")
    gross_amount = money_of("gross")
    net_amount = money_of("net")
    tax_amount = money_of("tax", "tax collected by eBay")

    @display(description="status", ordering="transaction_status")
    def status(self, row: Transaction) -> SafeString:
        return transaction_badge(row.transaction_status)

    @display(description="fees", ordering="fee_total")
    def fees_amount(self, row: Transaction) -> str:
        """What they do to the seller's money, as gross and net beside them."""
        if row.net is None or row.gross is None or row.net == row.gross:
            return ""
        return amount_cell(row.net - row.gross, row.currency)

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

    sum = money_of("amount")
    fee = money_of("total_fee", "fee for sending it")

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
        ("taken", "charged"),
        ("balance", "funding"),
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

    taken = money_of("amount", "taken")
    charged = money_of("charge_total", "for charges of")
    balance = money_of("balance_used", "paid from the funds")

    @display(description="from", ordering="funding_type")
    def funding(self, transfer: Transfer) -> str:
        return f"{code_words(transfer.funding_type)} {transfer.funding_brand}".strip()


@admin.register(SellerFunds)
class SellerFundsAdmin(SyncedRowAdmin):
    """What eBay owes the seller now; closed: eBay no longer tells of it."""

    list_display = (
        "house_name", "currency", "total_sum", "available_sum", "processing_sum", "held_sum", "changed",
    )  # fmt: skip
    list_display_links = ("house_name", "currency")
    list_filter = (AccountFilter, "currency")
    search_fields = ("house_name", "currency")
    fieldsets = page_of(
        ("account", "house_name"),
        ("total_sum", "available_sum"),
        ("processing_sum", "held_sum"),
        ("closed_at", "first_seen_at"),
        ("changed_at",),
    )
    csv_columns = (
        "house_name", "currency", "total", "available", "processing", "on_hold", "closed_at", "changed_at",
    )  # fmt: skip

    total_sum = money_of("total")
    available_sum = money_of("available")
    processing_sum = money_of("processing")
    held_sum = money_of("on_hold")
