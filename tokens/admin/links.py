from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.access import principal_of_request
from accounts.display import badge, when
from accounts.models import Role
from accounts.scoped_admin import ScopedAdmin
from tokens.models import ConnectTicket
from tokens.services.revoke_link import revoke_link


@admin.register(ConnectTicket)
class ConnectTicketAdmin(ScopedAdmin):
    """Every link to connect or reconnect. The link itself was shown once and is not kept."""

    view_role = Role.ADMIN
    list_display = ("house_name", "kind", "state", "created", "created_by_label", "expires", "outcome")
    list_filter = ("for_owner", "environment", "purpose")
    list_select_related = ("account",)
    search_fields = ("house_name", "created_by_label", "outcome")
    ordering = ("-created_at",)
    actions = ("withdraw",)
    fields = (
        "house_name", "account", "organization", "environment", "purpose", "for_owner", "state", "outcome",
        "created_by_label", "created_at", "link_expires_at", "started_at", "returned_at", "finished_at",
        "revoked_at", "connected_account",
    )  # fmt: skip
    readonly_fields = ("state",)

    @admin.action(description="Withdraw the chosen links")
    def withdraw(self, request: HttpRequest, tickets: QuerySet[ConnectTicket]) -> None:
        by = principal_of_request(request)
        withdrawn = sum(revoke_link(ticket, by=by) for ticket in tickets)
        late = len(tickets) - withdrawn
        rest = f" {late} had been used or withdrawn already." if late else ""
        messages.info(request, f"{withdrawn} withdrawn.{rest}")

    @display(description="for")
    def kind(self, ticket: ConnectTicket) -> str:
        what = "reconnect" if ticket.account_id else "connect"
        return f"{what}, link for the owner" if ticket.for_owner else what

    @display(description="state")
    def state(self, ticket: ConnectTicket) -> SafeString:
        if ticket.connected_account_id:
            return badge("connected", "green")
        if ticket.revoked_at:
            return badge("withdrawn", "grey")
        if ticket.finished_at:
            return badge("not connected", "red", title=ticket.outcome)
        if ticket.started_at:
            return badge("opened", "blue")
        return badge("open", "amber") if ticket.link_expires_at > timezone.now() else badge("expired", "grey")

    @display(description="made", ordering="created_at")
    def created(self, ticket: ConnectTicket) -> SafeString:
        return when(ticket.created_at)

    @display(description="link ends", ordering="link_expires_at")
    def expires(self, ticket: ConnectTicket) -> SafeString:
        return when(ticket.link_expires_at)
