"""The sniper's own switch: of an organisation, and of the installation."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone

from accounts.access import NotAllowed, Principal
from accounts.audit import record_act
from accounts.models import Organization, Role
from sniper.events import tell_executors
from sniper.models import SniperSwitch


def set_sniper_enabled(
    organization: Organization | None, *, enabled: bool, reason: str, by: Principal
) -> SniperSwitch:
    """Switch the sniper of an organisation, or of the installation when it is None (superusers).

    Off: no bid is recorded from the commit on; bids recorded before it, up to a second ahead of their
    moment, are still sent. What comes due while it is off ends `skipped`. Role operator; raises NotAllowed.
    """
    if organization is None and not by.everywhere:
        raise NotAllowed(Role.ADMIN)
    if organization is not None:
        by.require(Role.OPERATOR, organization.pk)
    with transaction.atomic():
        switch, _ = SniperSwitch.objects.update_or_create(
            organization=organization,
            defaults={
                "enabled": enabled,
                "reason": reason[:300],
                "changed_by": by.user,
                "changed_by_label": by.label[:200],
                "changed_at": timezone.now(),
            },
        )
        record_act(
            by, "sniper_switched_on" if enabled else "sniper_switched_off",
            organization_id=organization.pk if organization else None, target=switch, reason=reason,
        )  # fmt: skip
        tell_executors()
    return switch


def why_off(organization_id: int) -> str:
    """Why the organisation's snipes are not fired; '' when the sniper is on."""
    for switch in SniperSwitch.objects.filter(enabled=False).order_by("-organization_id"):
        if switch.organization_id in (None, organization_id):
            whose = "the installation" if switch.organization_id is None else "the organisation"
            return f"switched off for {whose} by {switch.changed_by_label}: {switch.reason}".rstrip(": ")
    return ""
