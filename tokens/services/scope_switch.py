"""Whether a scope is asked for at consents: one that eBay does not allow us breaks the whole consent."""

from __future__ import annotations

from accounts.access import NotAllowed, Principal
from accounts.audit import record_act
from accounts.models import Role
from tokens.models import ScopeDefinition


def switch_scope(scope: str, *, active: bool, by: Principal) -> None:
    """For the whole installation: superusers only (NotAllowed). Raises ScopeDefinition.DoesNotExist."""
    if not by.everywhere:
        raise NotAllowed(Role.ADMIN)
    known = ScopeDefinition.objects.get(scope=scope)
    known.is_active = active
    known.save(update_fields=["is_active"])
    record_act(by, "scope_switched", organization_id=None, target=known, active=active)
