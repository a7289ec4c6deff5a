from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.display import badge, pretty_json, when
from accounts.scoped_admin import AccountFilter, ScopedAdmin
from syncworkers.models import FailedSlice, QuarantinedRecord, Reason
from syncworkers.registry import WORKERS

from .by_family import FamilyColumn, FamilyFilter
from .words import refusal_words


class HealedFilter(admin.SimpleListFilter):
    title = "state"
    parameter_name = "state"

    def lookups(self, request: HttpRequest, model_admin: object) -> list[tuple[str, str]]:
        return [("open", "In quarantine"), ("healed", "Healed")]

    def queryset(
        self, request: HttpRequest, queryset: QuerySet[QuarantinedRecord]
    ) -> QuerySet[QuarantinedRecord]:
        if self.value() == "open":
            return queryset.filter(healed_at=None)
        return queryset.exclude(healed_at=None) if self.value() == "healed" else queryset


@admin.register(QuarantinedRecord)
class QuarantinedRecordAdmin(FamilyColumn, ScopedAdmin):
    list_display = (
        "record_key",
        "account",
        "worker",
        "state",
        "error",
        "attempts",
        "first_seen",
        "last_seen",
    )
    list_filter = (AccountFilter, HealedFilter, FamilyFilter)
    list_select_related = ("account",)
    search_fields = ("record_key", "error")
    ordering = ("-last_seen_at", "-id")
    fields = (
        "account", "worker", "record_key", "error", "start_at", "end_at", "attempts", "first_seen_at",
        "last_seen_at", "healed_at", "record",
    )  # fmt: skip
    readonly_fields = ("record", "worker")

    @display(description="state")
    def state(self, record: QuarantinedRecord) -> SafeString:
        return badge("healed", "green") if record.healed_at else badge("in quarantine", "amber")

    @display(description="first seen", ordering="first_seen_at")
    def first_seen(self, record: QuarantinedRecord) -> SafeString:
        return when(record.first_seen_at)

    @display(description="last seen", ordering="last_seen_at")
    def last_seen(self, record: QuarantinedRecord) -> SafeString:
        return when(record.last_seen_at)

    @display(description="the record as eBay sent it")
    def record(self, record: QuarantinedRecord) -> SafeString:
        return pretty_json(record.evidence)


@admin.register(FailedSlice)
class FailedSliceAdmin(FamilyColumn, ScopedAdmin):
    """Spans of time that are a gap, with the reason and the next try."""

    list_display = ("account", "worker", "start_at", "end_at", "why", "attempts", "failed", "retry")
    list_filter = (AccountFilter, FamilyFilter, "reason")
    list_select_related = ("account",)
    ordering = ("-failed_at", "-id")
    fields = (
        "account", "worker", "start_at", "end_at", "why", "evidence", "attempts", "failed_at", "retry_at",
    )  # fmt: skip
    readonly_fields = ("worker", "why")

    @display(description="reason", ordering="reason")
    def why(self, slice_: FailedSlice) -> str:
        return refusal_words(Reason(slice_.reason)) if slice_.reason in Reason.values else slice_.reason

    @display(description="failed", ordering="failed_at")
    def failed(self, slice_: FailedSlice) -> SafeString:
        return when(slice_.failed_at)

    @display(description="next try", ordering="retry_at")
    def retry(self, slice_: FailedSlice) -> SafeString | str:
        worker = WORKERS.get(slice_.api_family)
        if worker is not None and slice_.end_at < timezone.now() - worker.longest_lookback:
            return "none: eBay no longer gives this time"
        return when(slice_.retry_at)
