"""Claims on token rows: conditional updates, on the database's clock."""

from __future__ import annotations

import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from ebayconnector.database import execute, fetch_one

LEASE = timedelta(seconds=30)


@dataclass(frozen=True)
class TokenState:
    """One account's token row as read in a single statement; `now` is the database's clock."""

    account_id: int
    organization_id: int
    environment: str
    ebay_user_id: str
    house_name: str
    is_active: bool
    access_token_sealed: str
    refresh_token_sealed: str
    expires_at: datetime | None
    refresh_token_expires_at: datetime | None
    refresh_error: str
    next_attempt_at: datetime | None
    version: int
    consent_version: int
    now: datetime


_READ = """
SELECT a.id, a.organization_id, a.environment, a.ebay_user_id, a.house_name, a.is_active,
       t.access_token_sealed, t.refresh_token_sealed, t.expires_at, t.refresh_token_expires_at,
       t.refresh_error, t.next_attempt_at, t.version, t.consent_version, clock_timestamp()
FROM ebay_accounts a JOIN ebay_tokens t ON t.account_id = a.id
WHERE a.id = %s
"""


def read_token(account_id: int) -> TokenState | None:
    """The token row of an account; None when the account or its token does not exist."""
    row = fetch_one(_READ, [account_id])
    return TokenState(*row) if row else None


def claim_refresh(state: TokenState) -> uuid.UUID | None:
    """Take the lease to refresh, unless somebody holds it or an attempt finished since `state` was read."""
    lease_id = uuid.uuid4()
    claimed = execute(
        "UPDATE ebay_tokens SET lease_id = %s, lease_until = clock_timestamp() + %s "
        "WHERE account_id = %s AND version = %s AND consent_version = %s "
        "AND (lease_until IS NULL OR lease_until <= clock_timestamp())",
        [lease_id, LEASE, state.account_id, state.version, state.consent_version],
    )
    return lease_id if claimed == 1 else None


def save_refreshed(
    state: TokenState,
    lease_id: uuid.UUID,
    *,
    access_token_sealed: str,
    refresh_token_sealed: str | None,
    valid_for: timedelta,
    refresh_valid_for: timedelta | None,
    by: str,
) -> datetime | None:
    """Store a new access token; returns its expiry, or None when the lease or the consent is gone."""
    row = fetch_one(
        "UPDATE ebay_tokens SET access_token_sealed = %(access)s, "
        "refresh_token_sealed = COALESCE(%(refresh)s, refresh_token_sealed), "
        "expires_at = clock_timestamp() + %(valid_for)s, "
        "refresh_token_expires_at = "
        "COALESCE(clock_timestamp() + %(refresh_valid_for)s, refresh_token_expires_at), "
        "last_refreshed_at = clock_timestamp(), last_refreshed_by = %(by)s, refresh_error = '', "
        "next_attempt_at = NULL, lease_id = NULL, lease_until = NULL, version = version + 1 "
        "WHERE account_id = %(account)s AND lease_id = %(lease)s AND consent_version = %(consent)s "
        "RETURNING expires_at",
        {
            "access": access_token_sealed,
            "refresh": refresh_token_sealed,
            "valid_for": valid_for,
            "refresh_valid_for": refresh_valid_for,
            "by": by,
            "account": state.account_id,
            "lease": lease_id,
            "consent": state.consent_version,
        },
    )
    return row[0] if row else None


def save_failed(
    state: TokenState, lease_id: uuid.UUID, *, refresh_error: str | None, pause: timedelta | None
) -> bool:
    """Store a failed attempt and free the lease; False when the lease or the consent is gone.

    `refresh_error` None leaves the stored one (a fault of this process is not the account's).
    """
    return (
        execute(
            "UPDATE ebay_tokens SET refresh_error = COALESCE(%s, refresh_error), "
            "next_attempt_at = clock_timestamp() + %s, lease_id = NULL, lease_until = NULL, "
            "version = version + 1 WHERE account_id = %s AND lease_id = %s AND consent_version = %s",
            [refresh_error, pause, state.account_id, lease_id, state.consent_version],
        )
        == 1
    )
