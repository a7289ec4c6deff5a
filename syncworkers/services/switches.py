"""Switches: a worker, an account, and the BIG RED BUTTON. Off stops at the next call and loses nothing."""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db import transaction
from django.utils import timezone

from accounts.access import NotAllowed, Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Organization, Role
from accounts.querysets import ScopedQuerySet
from accounts.services import change_account
from ebayconnector.database import execute
from syncworkers.models import Reason, RunStatus, SyncState, SyncSwitch, WorkerRun
from syncworkers.registry import Worker

from .runs import ensure_state

# After the button is released, or an account is switched on, due workers start spread over this time.
SPREAD = timedelta(minutes=2)


def set_worker_enabled(account: EbayAccount, worker: Worker, enabled: bool, *, by: Principal) -> SyncState:
    """Switch one worker; off ends its queued run now and its running one at the next call."""
    by.require(Role.OPERATOR, account.organization_id)
    with transaction.atomic():
        state = ensure_state(account, worker)
        state.enabled = enabled
        state.next_run_at = timezone.now() if enabled else state.next_run_at
        state.save(update_fields=["enabled", "next_run_at"])
        if not enabled:
            _cancel_queued(WorkerRun.objects.filter(account=account, api_family=worker.key), Reason.DISABLED)
        record_act(
            by, "worker_on" if enabled else "worker_off", organization_id=account.organization_id,
            target=account, family=worker.key,
        )  # fmt: skip
    return state


def set_account_workers(account: EbayAccount, enabled: bool, *, by: Principal) -> None:
    """Switch all workers of an account; on again, those that are due start one after the other."""
    by.require(Role.OPERATOR, account.organization_id)
    with transaction.atomic():
        change_account(account, by=by, workers_enabled=enabled)
        if enabled:
            _spread(timezone.now(), account=account)
        else:
            _cancel_queued(WorkerRun.objects.filter(account=account), Reason.DISABLED)


def press_red_button(
    organization: Organization | None, *, enabled: bool, reason: str, by: Principal
) -> SyncSwitch:
    """Stop (or release) everything of an organisation, or of the installation when it is None (superusers).

    Queued runs are cancelled in this transaction; running ones see it at their next call; coverage stays.
    Raises NotAllowed.
    """
    if organization is None and not by.everywhere:
        raise NotAllowed(Role.ADMIN)
    if organization is not None:
        by.require(Role.OPERATOR, organization.pk)
    now = timezone.now()
    with transaction.atomic():
        switch, _ = SyncSwitch.objects.update_or_create(
            organization=organization,
            defaults={
                "enabled": enabled,
                "reason": reason[:300],
                "changed_by": by.user,
                "changed_by_label": by.label,
                "changed_at": now,
            },
        )
        if enabled:
            _spread(now, organization=organization)
        else:
            _cancel_queued(_runs_of(organization), Reason.WORKERS_DISABLED)
        record_act(
            by, "red_button_released" if enabled else "red_button_pressed",
            organization_id=organization.pk if organization else None, target=switch, reason=reason,
        )  # fmt: skip
    return switch


def _runs_of(organization: Organization | None) -> ScopedQuerySet[WorkerRun]:
    runs = WorkerRun.objects.all()
    return runs if organization is None else runs.filter(account__organization=organization)


def _cancel_queued(runs: ScopedQuerySet[WorkerRun], reason: Reason) -> int:
    return runs.filter(status=RunStatus.QUEUED).update(
        status=RunStatus.CANCELLED, reason=reason, finished_at=timezone.now()
    )


def _spread(
    now: datetime, *, organization: Organization | None = None, account: EbayAccount | None = None
) -> None:
    """Workers that became due while everything stood still start one after the other; None is everybody's."""
    execute(
        "UPDATE ebay_sync_state s SET next_run_at = %(now)s + random() * %(spread)s FROM ebay_accounts a "
        "WHERE a.id = s.account_id AND s.next_run_at <= %(now)s "
        "AND (%(organization)s::bigint IS NULL OR a.organization_id = %(organization)s) "
        "AND (%(account)s::bigint IS NULL OR a.id = %(account)s)",
        {
            "now": now,
            "spread": SPREAD,
            "organization": organization.pk if organization else None,
            "account": account.pk if account else None,
        },
    )
