from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.utils.safestring import SafeString

from accounts.display import badge, length, when
from accounts.scoped_admin import AccountFilter, ScopedAdmin
from syncworkers.models import SnapshotPass

from .by_family import FamilyColumn, FamilyFilter


@admin.register(SnapshotPass)
class SnapshotPassAdmin(FamilyColumn, ScopedAdmin):
    """Passes over what eBay gives only whole: how far each came."""

    list_display = (
        "id",
        "account",
        "worker",
        "state",
        "started",
        "total",
        "listed",
        "asked",
        "took",
        "finished",
    )
    list_filter = (AccountFilter, FamilyFilter, "started_at")
    list_select_related = ("account",)
    search_fields = ("account__house_name", "api_family")
    ordering = ("-id",)
    fields = (
        "account", "worker", "state", "started_at", "total", "listed", "listed_at", "cut_words", "asked",
        "finished_at", "took",
    )  # fmt: skip
    readonly_fields = ("worker", "state", "took", "cut_words")

    @display(description="state", ordering="finished_at")
    def state(self, pass_: SnapshotPass) -> SafeString:
        if pass_.finished_at:
            return badge("complete", "green")
        return badge("asking one by one", "amber") if pass_.listed_at else badge("listing", "amber")

    @display(description="began", ordering="started_at")
    def started(self, pass_: SnapshotPass) -> SafeString:
        return when(pass_.started_at)

    @display(description="ended", ordering="finished_at")
    def finished(self, pass_: SnapshotPass) -> SafeString | str:
        return when(pass_.finished_at) if pass_.finished_at else ""

    @display(description="cut off by eBay")
    def cut_words(self, pass_: SnapshotPass) -> str:
        return "Yes: nobody knows what lies behind the end of its list" if pass_.cut else "No"

    @display(description="took")
    def took(self, pass_: SnapshotPass) -> str:
        return length(pass_.finished_at - pass_.started_at) if pass_.finished_at else ""
