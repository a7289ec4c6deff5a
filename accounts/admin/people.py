from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin as DjangoUserAdmin
from django.contrib.auth.models import Group
from django.http import HttpRequest
from unfold.forms import AdminPasswordChangeForm, UserChangeForm, UserCreationForm

from accounts.access import principal_of_request
from accounts.forms import MembershipForm, organization_field
from accounts.models import Membership, Organization, Role, User
from accounts.scoped_admin import ScopedAdmin, SuperuserAdmin
from accounts.services import add_member, remove_member

admin.site.unregister(Group)


@admin.register(Organization)
class OrganizationAdmin(ScopedAdmin):
    """Everybody sees their own; superusers add and rename."""

    list_display = ("name", "created_at")
    search_fields = ("name",)
    fields = ("name", "created_at")
    readonly_fields = ("created_at",)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return principal_of_request(request).everywhere

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return principal_of_request(request).everywhere


@admin.register(Membership)
class MembershipAdmin(ScopedAdmin):
    add_role = change_role = delete_role = Role.ADMIN
    list_display = ("user", "organization", "role", "created_at")
    list_filter = ("role",)
    search_fields = ("user__username", "user__email")
    list_select_related = ("user", "organization")
    fields = ("user", "organization", "role")
    add_fieldsets = ((None, {"fields": ("organization", "username", "role")}),)

    def get_form(self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any) -> Any:
        if change:
            return super().get_form(request, obj, change, **kwargs)
        form = super().get_form(request, obj, change, form=MembershipForm, **kwargs)
        form.base_fields["organization"] = organization_field(principal_of_request(request), Role.ADMIN)
        return form

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> tuple[str, ...]:
        return ("user", "organization") if obj else ()

    def save_model(self, request: HttpRequest, obj: Membership, form: Any, change: bool) -> None:
        saved = add_member(
            organization=obj.organization,
            user=obj.user,
            role=Role(obj.role),
            by=principal_of_request(request),
        )
        obj.pk = saved.pk

    def delete_model(self, request: HttpRequest, obj: Membership) -> None:
        remove_member(obj, by=principal_of_request(request))


class _UserCreationForm(UserCreationForm):  # type: ignore[misc]  # Unfold has no types
    class Meta:
        model = User
        fields = ("username", "email")


class _UserChangeForm(UserChangeForm):  # type: ignore[misc]  # Unfold has no types
    class Meta:
        model = User
        fields = "__all__"


@admin.register(User)
class UserAdmin(SuperuserAdmin, DjangoUserAdmin):  # type: ignore[type-arg]  # not subscriptable
    """Logins. What a login may do comes from its memberships; `is_staff` lets it into the console."""

    form = _UserChangeForm
    add_form = _UserCreationForm
    change_password_form = AdminPasswordChangeForm
    list_display = ("username", "email", "is_active", "is_staff", "is_superuser", "last_login")
    list_filter = ("is_active", "is_staff", "is_superuser")
    filter_horizontal = ()
    fieldsets = (
        (None, {"fields": ("username", "password", "first_name", "last_name", "email")}),
        ("Access", {"fields": ("is_active", "is_staff", "is_superuser")}),
        ("Dates", {"fields": ("last_login", "date_joined")}),
    )
    add_fieldsets = (
        (None, {"fields": ("username", "email", "usable_password", "password1", "password2", "is_staff")}),
    )
    readonly_fields = ("last_login", "date_joined")

    def has_add_permission(self, request: HttpRequest) -> bool:
        return principal_of_request(request).everywhere

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return principal_of_request(request).everywhere
