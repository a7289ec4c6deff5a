from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.utils import timezone
from django.utils.safestring import SafeString

from accounts.access import principal_of_request
from accounts.display import badge, when
from accounts.models import EbayAccount, Role
from accounts.notices import open_notices
from accounts.scoped_admin import ScopedAdmin
from accounts.services import HouseNameTaken, change_account
from tokens.forms import AccountForm
from tokens.models import ConnectLog, TokenRefreshLog
from tokens.scopes import scope_lines
from tokens.status import account_status, token_of

from .exchanges import shown
from .health import health_section
from .panel import token_panel

_SHOWN = 10


@admin.register(EbayAccount)
class EbayAccountAdmin(ScopedAdmin):
    """Accounts arrive by the connect page and leave by deactivation: nothing is added or deleted here."""

    change_role = Role.ADMIN
    form = AccountForm
    list_display = (
        "house_name", "username", "environment", "marketplace_id", "status", "expires", "workers",
        "is_active",
    )  # fmt: skip
    list_filter = ("environment", "marketplace_id", "purpose", "is_active", "workers_enabled")
    search_fields = ("house_name", "username", "ebay_user_id")
    list_before_template = "tokens/_accounts_intro.html"
    change_form_outer_before_template = "tokens/_account_before.html"
    change_form_outer_after_template = "tokens/_account_after.html"
    fieldsets = (
        (None, {"fields": ("house_name", "purpose", "is_active")}),
        (
            "As eBay says it",
            {
                "fields": (
                    "organization",
                    "environment",
                    "username",
                    "ebay_user_id",
                    "marketplace_id",
                    "site_id",
                )
            },
        ),
        ("Dates", {"fields": ("created_at", "connected_at", "deactivated_at")}),
    )
    readonly_fields = (
        "organization", "environment", "username", "ebay_user_id", "marketplace_id", "site_id", "created_at",
        "connected_at", "deactivated_at",
    )  # fmt: skip

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).select_related("token", "organization")

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        may_connect = self._may(request, Role.ADMIN, None)
        response: HttpResponse = super().changelist_view(
            request, {"may_connect": may_connect} | (extra_context or {})
        )
        return response

    def change_view(
        self,
        request: HttpRequest,
        object_id: str,
        form_url: str = "",
        extra_context: dict[str, Any] | None = None,
    ) -> HttpResponse:
        account = self.get_object(request, object_id)
        own = self._about(request, account) if account else {}
        response: HttpResponse = super().change_view(
            request, object_id, form_url, own | (extra_context or {})
        )
        return response

    def _about(self, request: HttpRequest, account: EbayAccount) -> dict[str, Any]:
        principal, token = principal_of_request(request), token_of(account)
        attempts = TokenRefreshLog.objects.filter(account=account)[:_SHOWN]
        exchanges = (
            ConnectLog.objects.visible_to(principal, role=Role.ADMIN)
            .filter(account=account)
            .select_related("account")[:_SHOWN]
        )
        return {
            "panel": token_panel(account, principal, now=timezone.now()),
            "notices": open_notices(principal).filter(account=account),
            "health": health_section(account, now=timezone.now()),
            "attempts": attempts,
            "exchanges": shown(exchanges),
            "scopes": scope_lines(account.purpose, token.granted_scopes) if token else [],
        }

    def save_model(self, request: HttpRequest, obj: EbayAccount, form: Any, change: bool) -> None:
        stored = EbayAccount.objects.get(pk=obj.pk)
        try:
            change_account(
                stored,
                by=principal_of_request(request),
                house_name=obj.house_name,
                purpose=obj.purpose,
                is_active=obj.is_active,
            )
        except HouseNameTaken as taken:
            # Somebody took the name between the form's check and this moment.
            messages.error(request, f"Nothing was changed: {taken}.")

    @display(description="status")
    def status(self, account: EbayAccount) -> SafeString:
        status = account_status(account, now=timezone.now())
        return badge(status.code, title=status.reason)

    @display(description="token expires")
    def expires(self, account: EbayAccount) -> SafeString | str:
        token = token_of(account)
        return when(token.expires_at) if token and token.expires_at else ""

    @display(description="workers", ordering="workers_enabled")
    def workers(self, account: EbayAccount) -> SafeString:
        return badge("on", "green") if account.workers_enabled else badge("off", "grey")
