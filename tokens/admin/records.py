from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.access import principal_of_request
from accounts.display import badge, length, pretty_json, when
from accounts.models import Role
from accounts.scoped_admin import AccountFilter, ScopedAdmin, SuperuserAdmin
from tokens.models import (
    BackgroundWorker,
    ConnectLog,
    ProcessHeartbeat,
    RefreshCycle,
    ScopeDefinition,
    SigningKey,
    TokenRefreshLog,
)
from tokens.services.scope_switch import switch_scope
from tokens.services.signing import why_unusable

from .keys import ring_badge


@admin.register(TokenRefreshLog)
class TokenRefreshLogAdmin(ScopedAdmin):
    list_display = ("started", "account", "triggered_by", "outcome", "error_code", "error_message", "took")
    list_filter = (AccountFilter, "success", "triggered_by", "error_code")
    list_select_related = ("account",)

    @display(description="when", ordering="started_at")
    def started(self, attempt: TokenRefreshLog) -> SafeString:
        return when(attempt.started_at)

    @display(description="outcome", ordering="success")
    def outcome(self, attempt: TokenRefreshLog) -> SafeString:
        if attempt.success is None:
            return badge("under way or died", "blue")
        return badge("refreshed", "green") if attempt.success else badge("failed", "red")

    @display(description="took")
    def took(self, attempt: TokenRefreshLog) -> str:
        return length(attempt.finished_at - attempt.started_at) if attempt.finished_at else ""


@admin.register(ConnectLog)
class ConnectLogAdmin(ScopedAdmin):
    """The same rows as the terminal, to filter and search; masked before they were stored."""

    view_role = Role.ADMIN
    list_display = ("created", "account", "environment", "action", "source", "status", "error")
    list_filter = (AccountFilter, "environment", "action", "source")
    list_select_related = ("account",)
    fields = ("created_at", "account", "environment", "action", "source", "sent", "answered", "error")
    readonly_fields = ("sent", "answered")

    @display(description="when", ordering="created_at")
    def created(self, row: ConnectLog) -> SafeString:
        return when(row.created_at)

    @display(description="HTTP status")
    def status(self, row: ConnectLog) -> str:
        return str(row.response.get("status") or "no answer")

    @display(description="request")
    def sent(self, row: ConnectLog) -> SafeString:
        return pretty_json(row.request)

    @display(description="response")
    def answered(self, row: ConnectLog) -> SafeString:
        return pretty_json(row.response)


@admin.register(RefreshCycle)
class RefreshCycleAdmin(SuperuserAdmin):
    list_display = ("started", "kind", "result", "accounts_checked", "accounts_refreshed", "failed", "took")
    list_filter = ("scheduled", "status")
    fields = (
        "scheduled",
        "status",
        "started_at",
        "finished_at",
        "accounts_checked",
        "accounts_refreshed",
        "all_errors",
    )
    readonly_fields = ("all_errors",)

    @display(description="started", ordering="started_at")
    def started(self, cycle: RefreshCycle) -> SafeString:
        return when(cycle.started_at)

    @display(description="kind", ordering="scheduled")
    def kind(self, cycle: RefreshCycle) -> str:
        return "schedule" if cycle.scheduled else "by hand"

    @display(description="status", ordering="status")
    def result(self, cycle: RefreshCycle) -> SafeString:
        return badge(cycle.status or "running")

    @display(description="errors")
    def failed(self, cycle: RefreshCycle) -> int:
        return len(cycle.errors)

    @display(description="took")
    def took(self, cycle: RefreshCycle) -> str:
        return length(cycle.finished_at - cycle.started_at) if cycle.finished_at else ""

    @display(description="errors")
    def all_errors(self, cycle: RefreshCycle) -> SafeString:
        return pretty_json(cycle.errors)


@admin.register(BackgroundWorker)
class BackgroundWorkerAdmin(SuperuserAdmin):
    list_display = (
        "worker_name", "result", "interval_seconds", "started", "finished", "runs_ok_in_row",
        "runs_error_in_row",
    )  # fmt: skip
    fields = (
        "worker_name", "interval_seconds", "last_started_at", "last_finished_at", "last_status",
        "last_error_message", "summary", "runs_ok_in_row", "runs_error_in_row",
    )  # fmt: skip
    readonly_fields = ("summary",)

    @display(description="last status", ordering="last_status")
    def result(self, worker: BackgroundWorker) -> SafeString:
        return badge(worker.last_status or "never ran")

    @display(description="last started", ordering="last_started_at")
    def started(self, worker: BackgroundWorker) -> SafeString:
        return when(worker.last_started_at)

    @display(description="last finished", ordering="last_finished_at")
    def finished(self, worker: BackgroundWorker) -> SafeString:
        return when(worker.last_finished_at)

    @display(description="last summary")
    def summary(self, worker: BackgroundWorker) -> SafeString:
        return pretty_json(worker.last_summary)


@admin.register(ProcessHeartbeat)
class ProcessHeartbeatAdmin(SuperuserAdmin):
    """Compared with the process that shows the page; Keys says more."""

    list_display = (
        "kind", "name", "host", "pid", "release", "ring", "started_at", "beat", "stopping_at",
    )  # fmt: skip
    list_filter = ("kind", "name")

    @display(description="key ring", ordering="key_ring")
    def ring(self, process: ProcessHeartbeat) -> SafeString:
        return ring_badge(process)

    @display(description="last beat", ordering="beat_at")
    def beat(self, process: ProcessHeartbeat) -> SafeString:
        return when(process.beat_at)


@admin.register(ScopeDefinition)
class ScopeDefinitionAdmin(SuperuserAdmin):
    """Whether a scope is asked for is the one thing to change here."""

    readonly_fields = ("scope", "grant_type", "needed_by")
    list_display = ("scope", "grant_type", "needed_by", "is_active")
    list_filter = ("grant_type", "is_active")
    search_fields = ("scope", "needed_by")

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_view_permission(request, obj)

    def save_model(self, request: HttpRequest, obj: ScopeDefinition, form: Any, change: bool) -> None:
        switch_scope(obj.scope, active=obj.is_active, by=principal_of_request(request))


@admin.register(SigningKey)
class SigningKeyAdmin(SuperuserAdmin):
    """Which keys sign our messages to eBay; `manage.py setup_signing_key` makes them."""

    list_display = ("signing_key_id", "environment", "cipher", "state", "created", "ends", "retired_because")
    list_filter = ("environment", "cipher")
    search_fields = ("signing_key_id", "client_id")
    fields = (
        "environment", "client_id", "signing_key_id", "cipher", "state", "public_key", "created_at",
        "expires_at", "retired_at", "retired_because",
    )  # fmt: skip
    readonly_fields = ("state",)

    @display(description="state")
    def state(self, key: SigningKey) -> SafeString:
        if key.expires_at <= timezone.now():
            return badge("ended", "red" if key.retired_at is None else "grey")
        if key.retired_at is not None:
            return badge("retired")
        problem = why_unusable(key)
        return badge("does not open", "red", title=problem) if problem else badge("in use", "green")

    @display(description="created", ordering="created_at")
    def created(self, key: SigningKey) -> SafeString:
        return when(key.created_at)

    @display(description="ends", ordering="expires_at")
    def ends(self, key: SigningKey) -> SafeString:
        return when(key.expires_at)
