from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.admin import display
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.utils.safestring import SafeString

from accounts.display import badge, when
from accounts.scoped_admin import AccountFilter, ScopedAdmin
from syncworkers.models import WorkerLog, WorkerRun

from .by_family import FamilyColumn, FamilyFilter
from .words import span_length


@admin.register(WorkerRun)
class WorkerRunAdmin(FamilyColumn, ScopedAdmin):
    """All runs; a click leads to the live page of the run."""

    list_display = (
        "id", "account", "worker", "state", "why", "started_by", "queued", "took", "rows_fetched",
        "rows_stored", "rows_unchanged", "rows_quarantined",
    )  # fmt: skip
    list_display_links = ("id", "worker")
    list_filter = (AccountFilter, FamilyFilter, "status", "reason", "trigger")
    list_select_related = ("account",)
    search_fields = ("=id", "account__house_name", "requested_by", "error")
    search_help_text = "Run number, house name, who asked, or error text"

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        run = self.get_object(request, object_id)
        if run is None:
            return self._get_obj_does_not_exist_redirect(request, self.opts, object_id)
        return redirect("admin:run", run_id=run.pk)

    @display(description="status", ordering="status")
    def state(self, run: WorkerRun) -> SafeString:
        return badge(run.status)

    @display(description="reason", ordering="reason")
    def why(self, run: WorkerRun) -> str:
        return run.get_reason_display() if run.reason else ""

    @display(description="trigger", ordering="trigger")
    def started_by(self, run: WorkerRun) -> str:
        return f"{run.get_trigger_display()} {run.requested_by}".strip()

    @display(description="queued", ordering="queued_at")
    def queued(self, run: WorkerRun) -> SafeString:
        return when(run.queued_at)

    @display(description="took")
    def took(self, run: WorkerRun) -> str:
        return span_length(run)


@admin.register(WorkerLog)
class WorkerLogAdmin(ScopedAdmin):
    """The lines of all runs, to search for an event over many of them."""

    list_display = ("created", "run", "level_word", "event", "message")
    list_filter = ("level", "event")
    list_select_related = ("run",)
    search_fields = ("=run__id", "message")
    ordering = ("-id",)

    @display(description="when", ordering="created_at")
    def created(self, line: WorkerLog) -> SafeString:
        return when(line.created_at)

    @display(description="level", ordering="level")
    def level_word(self, line: WorkerLog) -> SafeString:
        return badge(line.level, {"error": "red", "warning": "amber"}.get(line.level, "grey"))
