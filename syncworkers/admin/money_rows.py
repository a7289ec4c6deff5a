from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.display import when
from accounts.scoped_admin import AccountFilter
from syncworkers.models import MoneyRow, Order, Payout, Transaction

from .codes import code_words, coded
from .data_rows import CsvAdmin, amount_cell, id_of, money_of, page_of, row_link, status_badge
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
    fieldsets = page_of(
        ("transaction", "type_words"),
        ("account", "house_name"),
        ("status", "occurred_at"),
        ("gross_amount", "fee_amount"),
        ("net_amount", "tax_amount"),
        ("order", "paid_by_buyer"),
        ("total", "fee_words"),
        ("payout", "paid"),
        ("of_payout", "paid_out_at"),
        ("buyer_username", "memo"),
        ("changed_at",),
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
        return code_words(row.transaction_type)

    fee_words = coded("fee_type", "kind of fee")
    paid_by_buyer = coded("order_payment_status", "payment of the order")
    gross_amount = money_of("gross")
    net_amount = money_of("net")
    tax_amount = money_of("tax", "tax collected by eBay")
    total = money_of("order_total", currency="order_currency")
    of_payout = money_of("payout_amount", "amount of the payout", currency="payout_currency")

    @display(description="when", ordering="occurred_at")
    def occurred(self, row: MoneyRow) -> SafeString:
        return when(row.occurred_at)

    @display(description="status", ordering="transaction_status")
    def status(self, row: MoneyRow) -> SafeString:
        return transaction_badge(row.transaction_status)

    @display(description="fees", ordering="fees")
    def fee_amount(self, row: MoneyRow) -> str:
        return amount_cell(row.fees, row.currency) if row.fees else ""

    @display(description="order", ordering="order_id")
    def order(self, row: Any) -> SafeString | str:
        return row_link(Order, row.order_pk, row.order_id)

    @display(description="payout", ordering="payout_id")
    def payout(self, row: Any) -> SafeString | str:
        return row_link(Payout, row.payout_pk, row.payout_id)

    @display(description="payout status", ordering="payout_status")
    def paid(self, row: MoneyRow) -> SafeString | str:
        return status_badge(row.payout_status, PAYOUT_TONES) if row.payout_status else ""

    @display(description="transaction")
    def transaction(self, row: MoneyRow) -> SafeString | str:
        return row_link(Transaction, row.pk, row.transaction_id)
