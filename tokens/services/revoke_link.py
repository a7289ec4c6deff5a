"""Withdrawing a link that was sent to an owner."""

from __future__ import annotations

from django.utils import timezone

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import Role
from tokens.models import ConnectTicket


def revoke_link(ticket: ConnectTicket, *, by: Principal) -> bool:
    """Withdraw a link, also one whose owner is at eBay at this moment; role admin. Raises NotAllowed.

    False: its owner has come back already, or it was withdrawn before.
    """
    by.require(Role.ADMIN, ticket.organization_id)
    now = timezone.now()
    revoked = ConnectTicket.objects.filter(pk=ticket.pk, returned_at=None, revoked_at=None).update(
        revoked_at=now, finished_at=now, outcome=f"withdrawn by {by.label}"[:200]
    )
    if revoked:
        record_act(
            by, "connect_link_revoked", organization_id=ticket.organization_id,
            target=ticket.account or ticket, house_name=ticket.house_name,
        )  # fmt: skip
    return bool(revoked)
