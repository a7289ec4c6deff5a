from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.scoped_admin import AccountFilter
from syncworkers.models import Case, CaseDetail, Inquiry, InquiryDetail, Return

from .codes import coded
from .data_rows import ClosedFilter, id_of, page_of, row_link
from .detail_rows import DetailAdmin, detail_section
from .statuses import trouble_badge
from .trouble_rows import TroubleAdmin


@admin.register(Case)
class CaseAdmin(TroubleAdmin):
    amount_field = "claim_amount"
    list_display = (
        "case_id", "house_name", "opened", "status", "type_words", "claim", "order", "item_id", "buyer",
        "respond_by", "changed",
    )  # fmt: skip
    list_filter = (
        AccountFilter, ClosedFilter, "maturity", "case_status", "case_type", "initiator", "currency",
        "occurred_at", "respond_by_at",
    )  # fmt: skip
    search_fields = ("case_id", "order_id", "item_id", "transaction_id", "return_id", "buyer")
    search_help_text = "Case, order, item, transaction, return or buyer"
    fieldsets = page_of(
        ("case_id", "status"),
        ("account", "house_name"),
        ("type_words", "initiator_words"),
        ("claim", "respond_by_at"),
        ("order", "came_from"),
        ("item_id", "transaction_id"),
        ("buyer", "seller"),
        ("escalate_words", "escalated_at"),
        ("refund_due_at", "occurred_at"),
        ("stage", "check_at"),
        ("detail_at", "ebay_modified_at"),
        ("first_seen_at", "changed_at"),
        ("closed_at",),
        Details="details",
    )
    csv_columns = (
        "case_id", "house_name", "occurred_at", "case_status", "case_type", "initiator", "claim_amount",
        "currency", "order_id", "return_id", "item_id", "transaction_id", "buyer", "respond_by_at",
        "escalate_reason", "escalated_at", "refund_due_at", "closed_at", "changed_at",
    )  # fmt: skip

    type_words = coded("case_type", "type")
    initiator_words = coded("initiator", "opened by")
    escalate_words = coded("escalate_reason", "why it was escalated")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(return_pk=id_of(Return, return_id="return_id"))

    @display(description="status", ordering="case_status")
    def status(self, case: Case) -> SafeString:
        return trouble_badge(case.case_status, is_gone=case.closed_at is not None)

    @display(description="return that it came from")
    def came_from(self, case: Any) -> SafeString | str:
        return row_link(Return, case.return_pk, case.return_id)

    @display(description="what eBay says by its id")
    def details(self, case: Case) -> SafeString | str:
        return detail_section(case, CaseDetail, "case_id")


@admin.register(CaseDetail)
class CaseDetailAdmin(DetailAdmin):
    parent, key = Case, "case_id"
    list_display = (
        "case_id", "house_name", "status", "type_words", "initiator_words", "escalated_at", "changed",
    )  # fmt: skip
    list_filter = (AccountFilter, "case_status", "case_type", "initiator")
    search_fields = ("case_id", "return_id")
    search_help_text = "Case or return"
    fieldsets = page_of(
        ("case_id", "record"),
        ("account", "house_name"),
        ("status", "type_words"),
        ("initiator_words", "escalate_words"),
        ("return_id", "escalated_at"),
        ("refund_due_at", "changed_at"),
    )
    csv_columns = (
        "case_id", "house_name", "case_status", "case_type", "initiator", "escalate_reason", "return_id",
        "escalated_at", "refund_due_at", "changed_at",
    )  # fmt: skip

    type_words = coded("case_type", "type")
    initiator_words = coded("initiator", "opened by")
    escalate_words = coded("escalate_reason", "why it was escalated")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(parent_pk=id_of(Case, case_id="case_id"))

    @display(description="status", ordering="case_status")
    def status(self, row: CaseDetail) -> SafeString:
        return trouble_badge(row.case_status)


@admin.register(Inquiry)
class InquiryAdmin(TroubleAdmin):
    amount_field = "claim_amount"
    list_display = (
        "inquiry_id", "house_name", "opened", "status", "state_words", "claim", "order", "item_id", "buyer",
        "respond_by", "escalated_at", "changed",
    )  # fmt: skip
    list_filter = (
        AccountFilter, ClosedFilter, "maturity", "inquiry_status", "state", "currency", "occurred_at",
        "respond_by_at", "escalated_at",
    )  # fmt: skip
    search_fields = ("inquiry_id", "order_id", "case_id", "item_id", "transaction_id", "buyer")
    search_help_text = "Inquiry, order, case, item, transaction or buyer"
    fieldsets = page_of(
        ("inquiry_id", "status"),
        ("account", "house_name"),
        ("state_words", "its_case"),
        ("claim", "respond_by_at"),
        ("order", "buyer"),
        ("item_id", "transaction_id"),
        ("escalated_at", "refund_due_at"),
        ("occurred_at", "seller"),
        ("stage", "check_at"),
        ("detail_at", "ebay_modified_at"),
        ("first_seen_at", "changed_at"),
        ("closed_at",),
        Details="details",
    )
    csv_columns = (
        "inquiry_id", "house_name", "occurred_at", "inquiry_status", "state", "claim_amount", "currency",
        "order_id", "case_id", "item_id", "transaction_id", "buyer", "respond_by_at", "escalated_at",
        "refund_due_at", "closed_at", "changed_at",
    )  # fmt: skip

    state_words = coded("state")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(case_pk=id_of(Case, case_id="case_id"))

    @display(description="status", ordering="inquiry_status")
    def status(self, inquiry: Inquiry) -> SafeString:
        return trouble_badge(inquiry.inquiry_status, is_gone=inquiry.closed_at is not None)

    @display(description="case that it became")
    def its_case(self, inquiry: Any) -> SafeString | str:
        """An escalated inquiry names no case: `services.links` finds it."""
        if inquiry.escalated_at is None:
            return ""
        return row_link(Case, inquiry.case_pk, inquiry.case_id) if inquiry.case_id else "not stored yet"

    @display(description="what eBay says by its id")
    def details(self, inquiry: Inquiry) -> SafeString | str:
        return detail_section(inquiry, InquiryDetail, "inquiry_id")


@admin.register(InquiryDetail)
class InquiryDetailAdmin(DetailAdmin):
    parent, key = Inquiry, "inquiry_id"
    list_display = (
        "inquiry_id", "house_name", "status", "state_words", "escalated_at", "refund_due_at", "changed",
    )  # fmt: skip
    list_filter = (AccountFilter, "inquiry_status", "state")
    search_fields = ("inquiry_id",)
    search_help_text = "Inquiry"
    fieldsets = page_of(
        ("inquiry_id", "record"),
        ("account", "house_name"),
        ("status", "state_words"),
        ("escalated_at", "refund_due_at"),
        ("first_seen_at", "changed_at"),
    )
    csv_columns = (
        "inquiry_id", "house_name", "inquiry_status", "state", "escalated_at", "refund_due_at", "changed_at",
    )  # fmt: skip

    state_words = coded("state")

    def get_queryset(self, request: HttpRequest) -> Any:
        return super().get_queryset(request).annotate(parent_pk=id_of(Inquiry, inquiry_id="inquiry_id"))

    @display(description="status", ordering="inquiry_status")
    def status(self, row: InquiryDetail) -> SafeString:
        return trouble_badge(row.inquiry_status)
