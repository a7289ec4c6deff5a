"""The buttons of the sniper's pages."""

from __future__ import annotations

from django.http import HttpRequest
from django.urls import reverse

from accounts.access import Principal
from accounts.console_acts import Said, acting
from accounts.models import Organization
from accounts.scoped_admin import visible_or_404
from sniper.models import Snipe
from sniper.services.change import cancel_snipe
from sniper.services.switches import set_sniper_enabled

act = acting(lambda request: reverse("admin:snipes"))


@act
def cancel(request: HttpRequest, principal: Principal, snipe_id: int) -> Said:
    snipe = visible_or_404(Snipe, principal, snipe_id, related=("account",))
    if cancel_snipe(snipe, by=principal):
        return Said("Cancelled: nothing will be bid.")
    return Said(f"Too late: it is {snipe.get_status_display().lower()} already.", "warning")


@act
def switch(request: HttpRequest, principal: Principal, organization_id: int) -> Said:
    return _switched(request, principal, visible_or_404(Organization, principal, organization_id))


@act
def installation_switch(request: HttpRequest, principal: Principal) -> Said:
    return _switched(request, principal, None)


def _switched(request: HttpRequest, principal: Principal, organization: Organization | None) -> Said:
    on, reason = request.POST.get("enabled") == "1", request.POST.get("reason", "").strip()
    if not on and not reason:
        return Said("Nothing was switched off: give a reason, so that others know why.", "error", 400)
    set_sniper_enabled(organization, enabled=on, reason=reason, by=principal)
    of = organization.name if organization else "the whole installation"
    if on:
        return Said(f"The sniper of {of} is on.")
    return Said(f"The sniper of {of} is off: what comes due is skipped.", "warning")
