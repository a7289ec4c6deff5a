from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.display import when
from accounts.scoped_admin import AccountFilter
from syncworkers.models import MoneyRow, Order, Payout, Transaction

from .data_rows import CsvAdmin, amount_cell, id_of, page_of, row_link, status_badge
from .statuses import PAYOUT_TONES, transaction_badge


@admin.register(MoneyRow)
class MoneyRowAdmin(CsvAdmin):
    """Each transaction with its fees, its payout and its order."""

    list_display = (
        "transaction_id", "type_words", "house_name", "occurred", "status", "gross_amount", "fee_amount",
        "net_amount", "order", "total", "payout", "paid",
    )  # fmt: skip
    list_filter = (
        AccountFilter, "transaction_type", "transaction_status", "currency", "payout_status", "occurred_at",
    )  # fmt: skip
    search_fields = ("transaction_id", "order_id", "payout_id", "buyer_username", "memo")
    search_help_text = "Transaction, order, payout, buyer or memo"
    readonly_fields = (
        "transaction", "order", "payout", "gross_amount", "fee_amount", "net_amount", "total", "of_payout",
    )  # fmt: skip
    fieldsets = page_of(
        ("transaction", "transaction_type"),
        ("account", "house_name"),
        ("transaction_status", "occurred_at"),
        ("gross_amount", "fee_amount"),
        ("net_amount", "tax"),
        ("order", "order_payment_status"),
        ("total", "fee_type"),
        ("payout", "payout_status"),
        ("of_payout", "paid_out_at"),
        ("buyer_username", "currency"),
        ("memo", "changed_at"),
        payload=False,
    )
    csv_columns = (
        "transaction_id", "transaction_type", "house_name", "occurred_at", "transaction_status", "gross",
        "fees", "net", "tax", "currency", "order_id", "order_total", "order_currency",
        "order_payment_status", "payout_id", "payout_status", "payout_amount", "payout_currency",
        "paid_out_at", "buyer_username", "fee_type", "memo", "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        rows = super().get_queryset(request)
        return rows.annotate(
            order_pk=id_of(Order, order_id="order_id"), payout_pk=id_of(Payout, payout_id="payout_id")
        )

    @display(description="type", ordering="transaction_type")
    def type_words(self, row: MoneyRow) -> str:
        return row.transaction_type.replace("_", " ").capitalize()

    @display(description="when", ordering="occurred_at")
    def occurred(self, row: MoneyRow) -> SafeString:
        return when(row.occurred_at)

    @display(description="status", ordering="transaction_status")
    def status(self, row: MoneyRow) -> SafeString:
        return transaction_badge(row.transaction_status)

    @display(description="gross", ordering="gross")
    def gross_amount(self, row: MoneyRow) -> str:
        return amount_cell(row.gross, row.currency)

    @display(description="fees", ordering="fees")
    def fee_amount(self, row: MoneyRow) -> str:
        return amount_cell(row.fees, row.currency) if row.fees else ""

    @display(description="net", ordering="net")
    def net_amount(self, row: MoneyRow) -> str:
        return amount_cell(row.net, row.currency)

    @display(description="order", ordering="order_id")
    def order(self, row: Any) -> SafeString | str:
        return row_link(Order, row.order_pk, row.order_id)

    @display(description="order total", ordering="order_total")
    def total(self, row: MoneyRow) -> str:
        return amount_cell(row.order_total, row.order_currency)

    @display(description="payout", ordering="payout_id")
    def payout(self, row: Any) -> SafeString | str:
        return row_link(Payout, row.payout_pk, row.payout_id)

    @display(description="payout status", ordering="payout_status")
    def paid(self, row: MoneyRow) -> SafeString | str:
        return status_badge(row.payout_status, PAYOUT_TONES) if row.payout_status else ""

    @display(description="amount of the payout")
    def of_payout(self, row: MoneyRow) -> str:
        return amount_cell(row.payout_amount, row.payout_currency)

    @display(description="transaction")
    def transaction(self, row: MoneyRow) -> SafeString | str:
        return row_link(Transaction, row.pk, row.transaction_id)
