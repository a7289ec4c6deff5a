from __future__ import annotations

from django.contrib import admin
from django.contrib.admin import display
from django.utils.safestring import SafeString

from accounts.display import pretty_json, when
from accounts.models import AuditEvent
from accounts.scoped_admin import ScopedAdmin


@admin.register(AuditEvent)
class AuditEventAdmin(ScopedAdmin):
    list_display = ("created", "actor_label", "action", "target_type", "target_label", "result", "ip_address")
    list_filter = ("action", "target_type", "created_at")
    search_fields = ("actor_label", "target_label", "target_id", "result")
    fields = (
        "created_at", "organization", "actor_label", "action", "target_type", "target_id", "target_label",
        "details", "result", "ip_address",
    )  # fmt: skip
    readonly_fields = ("details",)

    @display(description="when", ordering="created_at")
    def created(self, event: AuditEvent) -> SafeString:
        return when(event.created_at)

    @display(description="detail")
    def details(self, event: AuditEvent) -> SafeString:
        return pretty_json(event.detail)
