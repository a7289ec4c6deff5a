from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils.safestring import SafeString

from accounts.scoped_admin import AccountFilter
from syncworkers.models import PaymentDispute, PaymentDisputeDetail

from .codes import coded
from .data_rows import ClosedFilter, id_of, page_of
from .detail_rows import DetailAdmin, detail_section
from .statuses import trouble_badge
from .trouble_rows import TroubleAdmin


@admin.register(PaymentDispute)
class PaymentDisputeAdmin(TroubleAdmin):
    amount_field = "amount"
    opened_field = "opened_at"
    list_display = (
        "payment_dispute_id", "house_name", "opened", "status", "reason_words", "claim", "order", "buyer",
        "respond_by", "outcome_words", "changed",
    )  # fmt: skip
    list_filter = (
        AccountFilter, ClosedFilter, "dispute_status", "reason", "outcome", "protection_status", "currency",
        "opened_at", "respond_by_at",
    )  # fmt: skip
    search_fields = ("payment_dispute_id", "order_id", "buyer")
    search_help_text = "Payment dispute, order or buyer"
    fieldsets = page_of(
        ("payment_dispute_id", "status"),
        ("account", "house_name"),
        ("reason_words", "claim"),
        ("order", "buyer"),
        ("opened_at", "respond_by_at"),
        ("ended_at", "revision"),
        ("response_words", "outcome_words"),
        ("protection_words", "detail_at"),
        ("first_seen_at", "changed_at"),
        ("closed_at",),
        Details="details",
    )
    csv_columns = (
        "payment_dispute_id", "house_name", "opened_at", "dispute_status", "reason", "amount", "currency",
        "order_id", "buyer", "respond_by_at", "ended_at", "revision", "seller_response", "outcome",
        "protection_status", "closed_at", "changed_at",
    )  # fmt: skip

    reason_words = coded("reason")
    response_words = coded("seller_response", "what the seller answered")
    outcome_words = coded("outcome")
    protection_words = coded("protection_status", "seller protection")

    @display(description="status", ordering="dispute_status")
    def status(self, dispute: PaymentDispute) -> SafeString:
        return trouble_badge(dispute.dispute_status, is_gone=dispute.closed_at is not None)

    @display(description="what eBay says by its id")
    def details(self, dispute: PaymentDispute) -> SafeString | str:
        return detail_section(dispute, PaymentDisputeDetail, "payment_dispute_id")


@admin.register(PaymentDisputeDetail)
class PaymentDisputeDetailAdmin(DetailAdmin):
    parent, key = PaymentDispute, "payment_dispute_id"
    list_display = (
        "payment_dispute_id", "house_name", "revision", "response_words", "outcome_words", "protection_words",
        "changed",
    )  # fmt: skip
    list_filter = (AccountFilter, "seller_response", "outcome", "protection_status")
    search_fields = ("payment_dispute_id",)
    search_help_text = "Payment dispute"
    fieldsets = page_of(
        ("payment_dispute_id", "record"),
        ("account", "house_name"),
        ("revision", "response_words"),
        ("outcome_words", "protection_words"),
        ("first_seen_at", "changed_at"),
    )
    csv_columns = (
        "payment_dispute_id", "house_name", "revision", "seller_response", "outcome", "protection_status",
        "changed_at",
    )  # fmt: skip

    response_words = coded("seller_response", "what the seller answered")
    outcome_words = coded("outcome")
    protection_words = coded("protection_status", "seller protection")

    def get_queryset(self, request: HttpRequest) -> Any:
        parent = id_of(PaymentDispute, payment_dispute_id="payment_dispute_id")
        return super().get_queryset(request).annotate(parent_pk=parent)
