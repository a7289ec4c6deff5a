"""Disconnecting an account: its token goes, its data stays or goes as the person says."""

from __future__ import annotations

from django.db import transaction
from django_q.tasks import async_task

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from accounts.services import change_account
from tokens.models import EbayToken


def disconnect(account: EbayAccount, *, delete_data: bool, by: Principal) -> None:
    """Delete the token and deactivate the account; role admin. May be asked again at any time.

    Queued runs are refused from now on, a running one stops at its next page. With `delete_data` a job
    deletes all rows of the account and then the account; it is queued in the same transaction. eBay
    itself is not told: the owner revokes the consent there. Raises NotAllowed.
    """
    by.require(Role.ADMIN, account.organization_id)
    with transaction.atomic():
        EbayToken.objects.filter(account=account).delete()
        change_account(account, by=by, is_active=False)
        record_act(
            by, "disconnected", organization_id=account.organization_id, target=account,
            data="delete" if delete_data else "keep",
        )  # fmt: skip
        if delete_data:
            async_task(
                "syncworkers.tasks.delete_account_data",
                account.pk,
                cluster="core",
                task_name="delete_account_data",
            )
