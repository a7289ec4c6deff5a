"""Notifications from eBay as they came in, and the buttons that make eBay send them; superusers only."""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.contrib import admin, messages
from django.contrib.admin import display
from django.core.exceptions import PermissionDenied
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect
from django.template.defaultfilters import pluralize
from django.utils.safestring import SafeString
from django.views.decorators.http import require_POST
from django_q.tasks import async_task

from accounts.access import Principal, principal_of_request
from accounts.audit import record_act
from accounts.display import badge, pretty_json, when
from accounts.scoped_admin import SuperuserAdmin, console_page
from tokens.models import InboundNotification, InboxStatus, NotificationSetup
from tokens.services.inbox_work import work_again
from tokens.services.notification_setup import problem_with_settings

_TONES = {
    InboxStatus.RECEIVED: "blue", InboxStatus.DONE: "green", InboxStatus.IGNORED: "grey",
    InboxStatus.FAILED: "red",
}  # fmt: skip
_JOBS = {
    "set_up": ("ebayconnector.topics.set_up_notifications", "eBay is being told where to send"),
    "test": ("ebayconnector.topics.ask_for_test", "eBay is being asked for a test of each topic"),
}


@admin.register(InboundNotification)
class InboundNotificationAdmin(SuperuserAdmin):
    """Read-only. Whom a notification names is not kept: only hashes are."""

    list_display = ("received", "topic", "environment", "state", "outcome", "deliveries")
    list_filter = ("status", "topic", "environment")
    search_fields = ("notification_id",)
    list_before_template = "tokens/_inbox_intro.html"
    actions = ("again",)
    fields = (
        "notification_id", "environment", "topic", "reason", "event_at", "received_at", "deliveries", "state",
        "attempts", "next_attempt_at", "processed_at", "hashes", "rows", "error",
    )  # fmt: skip
    readonly_fields = ("state", "hashes", "rows")

    @admin.action(description="Work on the failed ones again")
    def again(self, request: HttpRequest, rows: QuerySet[InboundNotification]) -> None:
        count = work_again(list(rows.values_list("pk", flat=True)))
        record_act(
            principal_of_request(request), "notifications_again", organization_id=None, notifications=count
        )
        messages.info(request, f"{count} are worked on again.")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        intro = _intro() if principal_of_request(request).everywhere else {}
        response: HttpResponse = super().changelist_view(request, intro | (extra_context or {}))
        return response

    @display(description="received", ordering="received_at")
    def received(self, row: InboundNotification) -> SafeString:
        return when(row.received_at)

    @display(description="state", ordering="status")
    def state(self, row: InboundNotification) -> SafeString:
        return badge(row.status, _TONES[InboxStatus(row.status)], title=row.error)

    @display(description="what was done")
    def outcome(self, row: InboundNotification) -> str:
        if row.status == InboxStatus.DONE and not row.result:
            return "concerns nobody here"
        rows, tables = sum(row.result.values()), len(row.result)
        return f"{rows} row{pluralize(rows)} in {tables} table{pluralize(tables)}" if tables else row.error

    @display(description="user, as hashes")
    def hashes(self, row: InboundNotification) -> str:
        return " ".join(person.hex() for person in row.persons)

    @display(description="rows by table")
    def rows(self, row: InboundNotification) -> SafeString:
        return pretty_json(row.result)


def _intro() -> dict[str, Any]:
    configured = [name for name, keys in settings.EBAY_APPLICATIONS.items() if keys["client_id"]]
    known = {row.environment: row for row in NotificationSetup.objects.all()}
    return {
        "endpoint": settings.EBAY_NOTIFICATION_ENDPOINT,
        "problem": problem_with_settings(),
        "setups": [(name, known.get(name)) for name in configured],
    }


@require_POST
@console_page
def notification_job(request: HttpRequest, principal: Principal) -> HttpResponse:
    """Queue the set-up or the test of one environment: a job calls eBay, which calls us meanwhile."""
    if not principal.everywhere:
        raise PermissionDenied("notifications belong to the whole installation")
    act, environment = request.POST.get("act", ""), request.POST.get("environment", "")
    if act in _JOBS and environment in settings.EBAY_ENVIRONMENTS:
        task, told = _JOBS[act]
        async_task(task, environment, cluster="tokens", task_name=f"notifications_{act}")
        record_act(principal, f"notifications_{act}", organization_id=None, environment=environment)
        messages.info(request, f"{environment}: {told}. Reload this page in a few seconds.")
    return redirect("admin:tokens_inboundnotification_changelist")
