"""All snipes and all lines of their logs, to search and filter."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from accounts.display import when
from accounts.scoped_admin import AccountFilter, ScopedAdmin
from sniper.models import LIVE, Snipe, SnipeEvent

from .words import counting, status_badge


@admin.register(Snipe)
class SnipeAdmin(ScopedAdmin):
    """A click leads to the live page of the snipe."""

    list_display = (
        "id", "account", "title", "state", "maximum", "bid_in", "ends", "reason_words", "result", "group",
        "created_by_label",
    )  # fmt: skip
    list_display_links = ("id", "title")
    list_filter = (AccountFilter, "status", "reason", "currency", "paper")
    list_select_related = ("account", "group")
    search_fields = ("=id", "=item_id", "title", "seller", "comment", "account__house_name")
    search_help_text = "Snipe or item number, title, seller, comment or house name"
    ordering = ("-id",)

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        snipe = self.get_object(request, object_id)
        if snipe is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return redirect("admin:snipe", snipe_id=snipe.pk)

    @display(description="status", ordering="status")
    def state(self, snipe: Snipe) -> SafeString:
        return status_badge(snipe)

    @display(description="maximum", ordering="max_bid_amount")
    def maximum(self, snipe: Snipe) -> str:
        return f"{snipe.max_bid_amount} {snipe.currency}"

    @display(description="bid in", ordering="fire_at")
    def bid_in(self, snipe: Snipe) -> SafeString | str:
        return counting(snipe.fire_at) if snipe.status in LIVE else ""

    @display(description="ends", ordering="end_time")
    def ends(self, snipe: Snipe) -> SafeString:
        return when(snipe.end_time)

    @display(description="reason", ordering="reason")
    def reason_words(self, snipe: Snipe) -> str:
        return snipe.get_reason_display() if snipe.reason else ""

    @display(description="price", ordering="result_price")
    def result(self, snipe: Snipe) -> str:
        return f"{snipe.result_price} {snipe.currency}" if snipe.result_price is not None else ""


@admin.register(SnipeEvent)
class SnipeEventAdmin(ScopedAdmin):
    """The lines of all logs, to search for an event over many of them."""

    list_display = (
        "created", "snipe", "event_type", "status", "message", "http_status", "endpoint", "token_kind"
    )  # fmt: skip
    list_filter = ("event_type", "status", "token_kind")
    list_select_related = ("snipe",)
    search_fields = ("=snipe__id", "=snipe__item_id", "message", "correlation_id")
    ordering = ("-id",)

    @display(description="when", ordering="created_at")
    def created(self, event: SnipeEvent) -> SafeString:
        return when(event.created_at)
