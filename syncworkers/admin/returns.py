from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.scoped_admin import AccountFilter
from syncworkers.models import Case, Return, ReturnDetail

from .codes import coded
from .data_rows import ClosedFilter, id_of, money_of, page_of, row_link
from .detail_rows import DetailAdmin, detail_section
from .statuses import trouble_badge
from .trouble_rows import TroubleAdmin


@admin.register(Return)
class ReturnAdmin(TroubleAdmin):
    amount_field = "refund_estimated"
    list_display = (
        "return_id", "house_name", "opened", "shown_state", "reason_words", "claim", "refunded", "order",
        "buyer", "due_words", "respond_by", "changed",
    )  # fmt: skip
    list_filter = (
        AccountFilter, ClosedFilter, "maturity", "state", "return_type", "reason", "activity_due", "currency",
        "occurred_at", "respond_by_at",
    )  # fmt: skip
    search_fields = ("return_id", "order_id", "item_id", "transaction_id", "case_id", "buyer")
    search_help_text = "Return, order, item, transaction, case or buyer"
    fieldsets = page_of(
        ("shown_state", "status_words"),
        ("return_id", "type_words"),
        ("account", "house_name"),
        ("quantity", "reason_words"),
        ("reason_type_words", "close_words"),
        ("claim", "refunded"),
        ("order", "its_case"),
        ("item_id", "transaction_id"),
        ("buyer", "seller"),
        ("due_words", "respond_by_at"),
        ("occurred_at", "last_activity_at"),
        ("detail_at", "closed_at"),
        ("stage", "check_at"),
        ("first_seen_at", "changed_at"),
        Details="details",
    )
    csv_columns = (
        "return_id", "house_name", "occurred_at", "state", "status", "return_type", "reason", "reason_type",
        "quantity", "refund_estimated", "refund_actual", "currency", "order_id", "item_id", "transaction_id",
        "case_id", "buyer", "activity_due", "respond_by_at", "last_activity_at", "close_reason", "closed_at",
        "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(case_pk=id_of(Case, case_id="case_id"))

    @display(description="state", ordering="state")
    def shown_state(self, row: Return) -> SafeString:
        return trouble_badge(row.state, is_gone=row.closed_at is not None)

    status_words = coded("status")
    type_words = coded("return_type", "type")
    reason_words = coded("reason")
    reason_type_words = coded("reason_type", "kind of reason")
    close_words = coded("close_reason", "why it was closed")
    due_words = coded("activity_due", "what the seller is to do")

    refunded = money_of("refund_actual", "refunded")

    @display(description="case that it became")
    def its_case(self, row: Any) -> SafeString | str:
        return row_link(Case, row.case_pk, row.case_id)

    @display(description="what eBay says by its id")
    def details(self, row: Return) -> SafeString | str:
        return detail_section(row, ReturnDetail, "return_id")


@admin.register(ReturnDetail)
class ReturnDetailAdmin(DetailAdmin):
    parent, key = Return, "return_id"
    list_display = ("return_id", "house_name", "shown_state", "last_activity_at", "close_words", "changed")
    list_filter = (AccountFilter, "state", "close_reason")
    search_fields = ("return_id",)
    search_help_text = "Return"
    fieldsets = page_of(
        ("return_id", "record"),
        ("account", "house_name"),
        ("shown_state", "status_words"),
        ("last_activity_at", "close_words"),
        ("first_seen_at", "changed_at"),
    )
    csv_columns = (
        "return_id", "house_name", "state", "status", "last_activity_at", "close_reason", "changed_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(parent_pk=id_of(Return, return_id="return_id"))

    status_words = coded("status")
    close_words = coded("close_reason", "why it was closed")

    @display(description="state", ordering="state")
    def shown_state(self, row: ReturnDetail) -> SafeString:
        return trouble_badge(row.state)
