"""The audit trail: every act of a person leaves a row."""

from __future__ import annotations

from typing import Any

from django.db import models

from .access import Principal
from .models import AuditEvent


def record_act(
    principal: Principal,
    action: str,
    *,
    organization_id: int | None,
    target: models.Model | None = None,
    result: str = "ok",
    **detail: Any,
) -> AuditEvent:
    """Write who did what to what, from where, with which result; `detail` is JSON without secrets."""
    return AuditEvent.objects.create(
        organization_id=organization_id,
        actor=principal.user,
        actor_label=principal.label[:200],
        action=action,
        target_type=target._meta.model_name or "" if target is not None else "",
        target_id=str(target.pk) if target is not None else "",
        target_label=str(target)[:200] if target is not None else "",
        detail=detail,
        result=result[:200],
        ip_address=principal.ip_address,
    )
