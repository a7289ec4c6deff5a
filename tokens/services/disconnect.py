"""Disconnecting an account: its token goes, its data stays or goes as the person says."""

from __future__ import annotations

from django.db import transaction
from django.utils import timezone
from django_q.tasks import async_task

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from accounts.services import change_account
from tokens.models import AccountDeletion, EbayToken

from . import notices


def disconnect(account: EbayAccount, *, delete_data: bool, by: Principal) -> AccountDeletion | None:
    """Delete the token and deactivate the account; role admin. May be asked again at any time.

    Queued runs are refused from now on, a running one stops at its next page. With `delete_data` a job
    deletes all rows of the account and then the account; it is queued in the same transaction, and the
    returned row tells how far it is (None when the data is kept). eBay itself is not told: the owner revokes
    the consent there. Raises NotAllowed.
    """
    by.require(Role.ADMIN, account.organization_id)
    with transaction.atomic():
        EbayToken.objects.filter(account=account).delete()
        change_account(account, by=by, is_active=False)
        record_act(
            by, "disconnected", organization_id=account.organization_id, target=account,
            data="delete" if delete_data else "keep",
        )  # fmt: skip
        deletion = plan_deletion(account, requested_by=by.label) if delete_data else None
        if deletion:
            queue_deletion(account.pk)
    notices.look_at_account(account.pk)
    return deletion


def plan_deletion(account: EbayAccount, *, requested_by: str) -> AccountDeletion:
    """The account's open deletion; a new one when there is none."""
    deletion, _ = AccountDeletion.objects.get_or_create(
        account_id=account.pk,
        finished_at=None,
        defaults={
            "organization_id": account.organization_id,
            "house_name": account.house_name,
            "requested_by": requested_by[:200],
            "requested_at": timezone.now(),
        },
    )
    return deletion


def queue_deletion(account_id: int) -> None:
    """By name: what hangs on an account is known above this app."""
    async_task(
        "syncworkers.tasks.delete_account_data", account_id,
        cluster="core", task_name="delete_account_data",
    )  # fmt: skip
