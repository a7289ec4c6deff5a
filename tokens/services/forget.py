"""Taking a person out of what this app keeps: the HTTP log, and the accounts that are his."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Collection
from datetime import timedelta

from django.db import transaction

from accounts.access import SYSTEM
from accounts.models import EbayAccount
from ebayconnector.database import fetch_all
from tokens import people, wire
from tokens.models import ConnectLog, InboundNotification
from tokens.named_exchanges import KIND

from . import notices
from .disconnect import disconnect
from .inbox_work import Done, accounts_named
from .unname import unname

logger = logging.getLogger(__name__)

_BATCH = 500
_ERASED_BODY = "erased: eBay asked to forget a person whom this exchange names"
# eBay's clock and ours may differ by so much.
_CLOCKS_DIFFER = timedelta(seconds=5)


# -- The HTTP log ----------------------------------------------------------------------------------------


def erase_exchanges(environment: str, persons: Collection[bytes]) -> Done:
    """Blank the bodies of exchanges that name one of them; how many, by organisation and table.

    A person's hash holds the environment already.
    """
    done: Done = Counter()
    while row_ids := people.rows_of(persons, kind=KIND, most=_BATCH):
        with transaction.atomic():
            for row in ConnectLog.objects.filter(pk__in=row_ids):
                bodies = {"request": row.request, "response": row.response}
                blanked = {name: {**value, "body": _ERASED_BODY} for name, value in bodies.items()}
                ConnectLog.objects.filter(pk=row.pk).update(**blanked, error="")
                done[row.organization_id, ConnectLog._meta.db_table] += 1
            people.forget_entries(persons, kind=KIND, row_ids=row_ids)
    return done


# -- Accounts --------------------------------------------------------------------------------------------


def erase_accounts(environment: str, persons: Collection[bytes]) -> Done:
    """Disconnect the accounts of these users and delete all their data, in every organisation.

    What names the user goes at once; the rows go by the job that deletes them for people too.
    """
    done: Done = Counter()
    for account in accounts_named(environment, persons):
        with transaction.atomic():
            disconnect(account, delete_data=True, by=SYSTEM)
            unname(account)
        done[account.organization_id, EbayAccount._meta.db_table] += 1
        logger.warning("account %s: its eBay user is gone, its data is being deleted", account.pk)
    return done


# -- A consent that was revoked ----------------------------------------------------------------------------

_REVOKE = """
UPDATE ebay_tokens SET refresh_error = %s, access_token_sealed = '', expires_at = NULL,
    next_attempt_at = NULL, lease_id = NULL, lease_until = NULL, version = version + 1
WHERE account_id = ANY(%s) AND consented_at < coalesce(%s, clock_timestamp()) + %s
RETURNING account_id
"""


def revoke_consents(notification: InboundNotification) -> Done:
    """AUTHORIZATION_REVOCATION: the accounts need their owner, in every organisation that holds the user.

    A consent that is newer than the revocation is another one and stays.
    """
    done: Done = Counter()
    accounts = accounts_named(notification.environment, notification.persons)
    reason = f"eBay says that it was revoked ({notification.reason or 'no reason given'})"
    revoked = {
        account_id
        for (account_id,) in fetch_all(
            _REVOKE,
            [
                f"invalid_grant: {reason}",
                [account.pk for account in accounts],
                notification.event_at,
                _CLOCKS_DIFFER,
            ],
        )
    }
    for account in accounts:
        if account.pk in revoked:
            _tell(account, reason)
            done[account.organization_id, "ebay_tokens"] += 1
    return done


def _tell(account: EbayAccount, reason: str) -> None:
    wire.failure_row(account=account, action="consent_revoked", source="ebay", error=reason)
    notices.look_at_account(account.pk)
    logger.critical(
        "account %s house_name=%s must be reconnected: %s", account.pk, account.house_name, reason
    )
