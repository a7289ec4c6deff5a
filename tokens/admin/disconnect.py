"""Disconnecting from the console, and watching how far the deletion is."""

from __future__ import annotations

from django.contrib import admin, messages
from django.contrib.admin import display
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.safestring import SafeString
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods

from accounts.access import Principal
from accounts.display import badge, when
from accounts.models import EbayAccount, Role
from accounts.scoped_admin import ScopedAdmin, console_page, visible_or_404
from tokens.models import AccountDeletion, DeletionStatus
from tokens.services.disconnect import disconnect

TONES = {
    DeletionStatus.QUEUED: "blue", DeletionStatus.RUNNING: "blue", DeletionStatus.DONE: "green",
    DeletionStatus.STOPPED: "amber",
}  # fmt: skip


@never_cache
@require_http_methods(["GET", "POST"])
@console_page
def disconnect_account(request: HttpRequest, principal: Principal, account_id: int) -> HttpResponse:
    """`data` is `keep` or `delete`; for the latter `confirm` repeats the house name."""
    account = visible_or_404(EbayAccount, principal, account_id, related=("organization",))
    principal.require(Role.ADMIN, account.organization_id)
    what, typed = request.POST.get("data"), request.POST.get("confirm", "")
    problem = _problem(account, what, typed) if request.method == "POST" else ""
    if request.method == "POST" and not problem:
        return _disconnected(request, account, delete_data=what == "delete", by=principal)
    context = {
        **admin.site.each_context(request),
        "title": f"Disconnect {account.house_name}",
        "account": account,
        "problem": problem,
    }
    return render(request, "tokens/disconnect.html", context, status=400 if problem else 200)


def _problem(account: EbayAccount, what: str | None, typed: str) -> str:
    """Why nothing is done; '' when all is said."""
    if what not in ("keep", "delete"):
        return "Say whether the data stays or goes."
    if what == "delete" and typed.strip() != account.house_name.strip():
        return f"To delete the data, type the house name: {account.house_name}"
    return ""


def _disconnected(
    request: HttpRequest, account: EbayAccount, *, delete_data: bool, by: Principal
) -> HttpResponse:
    disconnect(account, delete_data=delete_data, by=by)
    if delete_data:
        return redirect(reverse("admin:deletion", args=[account.pk]))
    messages.success(request, f"{account.house_name} is disconnected. Its data is kept.")
    return redirect(reverse("admin:accounts_ebayaccount_changelist"))


@never_cache
@require_GET
@console_page
def deletion(request: HttpRequest, principal: Principal, account_id: int) -> HttpResponse:
    found = _deletion_or_404(principal, account_id)
    context = {
        **admin.site.each_context(request),
        "title": f"Deleting {found.house_name}",
        "deletion": found,
        "tone": TONES[DeletionStatus(found.status)],
    }
    return render(request, "tokens/deletion.html", context)


@never_cache
@require_GET
@console_page
def deletion_rows(request: HttpRequest, principal: Principal, account_id: int) -> HttpResponse:
    """The part of the page that is polled."""
    found = _deletion_or_404(principal, account_id)
    context = {"deletion": found, "tone": TONES[DeletionStatus(found.status)]}
    return render(request, "tokens/_deletion.html", context)


def _deletion_or_404(principal: Principal, account_id: int) -> AccountDeletion:
    """The latest one of the account, which may be gone."""
    found = AccountDeletion.objects.visible_to(principal).filter(account_id=account_id).first()
    if found is None:
        raise Http404
    return found


@admin.register(AccountDeletion)
class AccountDeletionAdmin(ScopedAdmin):
    """Which accounts were deleted with all their data, when, and on whose word."""

    list_display = ("house_name", "state", "percent", "rows_deleted", "requested_by", "requested", "finished")
    list_filter = ("status",)
    search_fields = ("house_name", "requested_by")
    fields = (
        "house_name", "organization", "state", "percent", "rows_deleted", "deleted", "remaining",
        "requested_by", "requested_at", "started_at", "finished_at",
    )  # fmt: skip
    readonly_fields = ("state", "percent", "rows_deleted")

    @display(description="state", ordering="status")
    def state(self, row: AccountDeletion) -> SafeString:
        status = DeletionStatus(row.status)
        return badge(status.value, TONES[status], title=str(status.label))

    @display(description="done %")
    def percent(self, row: AccountDeletion) -> int:
        return row.percent

    @display(description="rows deleted")
    def rows_deleted(self, row: AccountDeletion) -> str:
        return f"{row.rows_deleted:,}"

    @display(description="asked", ordering="requested_at")
    def requested(self, row: AccountDeletion) -> SafeString:
        return when(row.requested_at)

    @display(description="ended", ordering="finished_at")
    def finished(self, row: AccountDeletion) -> SafeString | str:
        return when(row.finished_at) if row.finished_at else ""
