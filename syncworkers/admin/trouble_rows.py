"""What the pages of cases, inquiries, returns and payment disputes have in common."""

from __future__ import annotations

from typing import Any

from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.display import when
from syncworkers.models import Order

from .data_rows import SyncedRowAdmin, amount_cell, id_of, row_link


class TroubleAdmin(SyncedRowAdmin):
    """Each with an amount, a time to respond by and, where eBay gives a way, its order."""

    amount_field: str
    opened_field = "occurred_at"

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(order_pk=id_of(Order, order_id="order_id"))

    @display(description="amount")
    def claim(self, row: Any) -> str:
        return amount_cell(getattr(row, self.amount_field), row.currency)

    @display(description="order", ordering="order_id")
    def order(self, row: Any) -> SafeString | str:
        return row_link(Order, row.order_pk, row.order_id)

    @display(description="opened")
    def opened(self, row: Any) -> SafeString:
        return when(getattr(row, self.opened_field))

    @display(description="respond by", ordering="respond_by_at")
    def respond_by(self, row: Any) -> SafeString | str:
        return when(row.respond_by_at) if row.respond_by_at else ""
