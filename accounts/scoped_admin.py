"""The one place that decides what a person sees and may do in the console.

Access comes from Membership, never from Django's permissions. A row of another organisation does not
exist: every page answers 404 for it, exactly as for an id that was never given out.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import update_wrapper
from typing import TYPE_CHECKING, Any, Concatenate, ParamSpec, TypeVar

from django.contrib.admin import SimpleListFilter
from django.core.exceptions import PermissionDenied
from django.db import models
from django.http import Http404, HttpRequest, HttpResponse

from .access import NotAllowed, Principal, principal_of_request
from .models import EbayAccount, Role

if TYPE_CHECKING:
    # Unfold has no types; its classes extend Django's.
    from django.contrib.admin import ModelAdmin as _ModelAdmin
    from django.contrib.admin import TabularInline as _TabularInline

    ModelAdmin = _ModelAdmin[Any]
    TabularInline = _TabularInline[Any, Any]
else:
    from unfold.admin import ModelAdmin, TabularInline

_Row = TypeVar("_Row", bound=models.Model)
_P = ParamSpec("_P")


def may_somewhere(principal: Principal, role: str) -> bool:
    """Whether the principal has `role` in any organisation."""
    organizations = principal.organization_ids(role)
    return organizations is None or bool(organizations)


def organization_id_of(row: models.Model) -> int | None:
    """The id of the organisation that owns the row; None when the row belongs to none."""
    value: Any = row
    for name in row.ORGANIZATION_LOOKUP.split("__"):  # type: ignore[attr-defined]
        value = getattr(value, name)
    return value if isinstance(value, int) else None


def visible_or_404(
    model: type[_Row],
    principal: Principal,
    pk: object,
    *,
    role: str = Role.VIEWER,
    related: tuple[str, ...] = (),
) -> _Row:
    """The row when the principal sees it. Raises Http404 for a foreign id as for a missing one."""
    rows = model.objects.visible_to(principal, role=role).select_related(*related)  # type: ignore[attr-defined]
    try:
        row: _Row = rows.get(pk=pk)
    except (model.DoesNotExist, ValueError):  # type: ignore[attr-defined]
        raise Http404 from None
    return row


def console_page(
    view: Callable[Concatenate[HttpRequest, Principal, _P], HttpResponse],
) -> Callable[Concatenate[HttpRequest, _P], HttpResponse]:
    """For pages outside a ModelAdmin: hands the principal in, turns NotAllowed into 403."""

    def page(request: HttpRequest, /, *args: _P.args, **kwargs: _P.kwargs) -> HttpResponse:
        try:
            return view(request, principal_of_request(request), *args, **kwargs)
        except NotAllowed as refused:
            raise PermissionDenied(str(refused)) from refused

    update_wrapper(page, view)
    return page


class ScopedAdminMixin:
    """Rows by organisation, acts by role; None means that nobody may do it here."""

    view_role: str = Role.VIEWER
    add_role: str | None = None
    change_role: str | None = None
    delete_role: str | None = None

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: Any = super().get_queryset(request)  # type: ignore[misc]
        scoped: models.QuerySet[Any] = rows.visible_to(principal_of_request(request), role=self.view_role)
        return scoped

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.view_role, obj)

    def has_add_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.add_role, obj)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.change_role, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self._may(request, self.delete_role, obj)

    def _may(self, request: HttpRequest, role: str | None, obj: Any) -> bool:
        if role is None:
            return False
        principal = principal_of_request(request)
        if obj is None:
            return may_somewhere(principal, role)
        organization_id = organization_id_of(obj)
        return principal.everywhere or (organization_id is not None and principal.may(role, organization_id))


class ScopedAdmin(ScopedAdminMixin, ModelAdmin):
    """Base of every ModelAdmin for rows that an organisation owns; read-only unless roles are given."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def get_actions(self, request: HttpRequest) -> dict[str, Any]:
        actions: dict[str, Any] = super().get_actions(request)
        # Deleting in bulk goes past the services and their audit rows.
        actions.pop("delete_selected", None)
        return actions

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        # Django redirects to the index with a message that repeats the id; a 404 tells nothing.
        raise Http404


class ScopedInline(ScopedAdminMixin, TabularInline):
    """Rows of a parent that the person sees; the role is judged by the parent."""

    extra = 0
    can_delete = False


class SuperuserAdmin(ModelAdmin):
    """Read-only, superusers only: what belongs to the installation and to no organisation."""

    list_per_page = 50
    show_full_result_count = False
    list_fullwidth = True

    def get_queryset(self, request: HttpRequest) -> models.QuerySet[Any]:
        rows: models.QuerySet[Any] = super().get_queryset(request)
        # Django's history page looks for the row before it asks who may see it.
        return rows if self.has_view_permission(request) else rows.none()

    def has_module_permission(self, request: HttpRequest) -> bool:
        return self.has_view_permission(request)

    def has_view_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return principal_of_request(request).everywhere

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return False

    def _get_obj_does_not_exist_redirect(
        self, request: HttpRequest, opts: Any, object_id: str
    ) -> HttpResponse:
        raise Http404


class AccountFilter(SimpleListFilter):
    """The accounts that the person sees (Django's own filter would list everybody's)."""

    title = "account"
    parameter_name = "account"

    def lookups(self, request: HttpRequest, model_admin: Any) -> list[tuple[str, str]]:
        accounts = EbayAccount.objects.visible_to(principal_of_request(request))
        return [(str(pk), name) for pk, name in accounts.values_list("pk", "house_name")]

    def queryset(self, request: HttpRequest, queryset: models.QuerySet[Any]) -> models.QuerySet[Any]:
        value = self.value()
        if not value:
            return queryset
        return queryset.filter(account_id=int(value)) if value.isdecimal() else queryset.none()
