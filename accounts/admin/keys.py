from __future__ import annotations

from typing import Any

from django.contrib import admin, messages
from django.contrib.admin import display
from django.db.models import QuerySet
from django.http import HttpRequest
from django.utils import timezone
from django.utils.html import format_html
from django.utils.safestring import SafeString

from accounts.access import principal_of_request
from accounts.display import badge, when
from accounts.forms import ApiKeyForm, organization_field
from accounts.models import ApiKey, Role
from accounts.scoped_admin import ScopedAdmin
from accounts.services import create_api_key, revoke_api_key


@admin.register(ApiKey)
class ApiKeyAdmin(ScopedAdmin):
    """Made here, shown once, revoked here; never edited."""

    view_role = add_role = Role.ADMIN
    form = ApiKeyForm
    list_display = ("name", "prefix", "organization", "role", "state", "expires", "last_used")
    list_filter = ("role",)
    search_fields = ("name", "prefix")
    actions = ("revoke",)
    fields = (
        "organization", "name", "role", "prefix", "created_by", "created_at", "expires_at", "revoked_at",
        "last_used_at",
    )  # fmt: skip
    add_fieldsets = ((None, {"fields": ("organization", "name", "role", "days")}),)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        if not change:
            form.base_fields["organization"] = organization_field(principal_of_request(request), Role.ADMIN)
        return form

    def save_model(self, request: HttpRequest, obj: ApiKey, form: ApiKeyForm, change: bool) -> None:
        key, secret = create_api_key(
            organization=obj.organization,
            name=obj.name,
            role=Role(obj.role),
            by=principal_of_request(request),
            expires_at=form.expires_at(),
        )
        obj.pk = key.pk
        messages.warning(
            request,
            format_html(
                'Copy the key now, it is not shown again: <code class="ec-secret" data-copy-text>{}</code>',
                secret,
            ),
        )

    def log_addition(self, request: HttpRequest, obj: ApiKey, message: Any) -> Any:
        obj.refresh_from_db()
        return super().log_addition(request, obj, message)

    @admin.action(description="Revoke the selected keys")
    def revoke(self, request: HttpRequest, keys: QuerySet[ApiKey]) -> None:
        for key in keys:
            revoke_api_key(key, by=principal_of_request(request))
        messages.success(request, f"{len(keys)} revoked. They stop working at once.")

    @display(description="state")
    def state(self, key: ApiKey) -> SafeString:
        if key.revoked_at:
            return badge("revoked", "grey")
        return badge("expired", "amber") if key.expires_at <= timezone.now() else badge("valid", "green")

    @display(description="expires", ordering="expires_at")
    def expires(self, key: ApiKey) -> SafeString:
        return when(key.expires_at)

    @display(description="last used", ordering="last_used_at")
    def last_used(self, key: ApiKey) -> SafeString:
        return when(key.last_used_at)
