"""Claims on token rows: conditional updates, on the database's clock."""

from __future__ import annotations

import json
import uuid
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ebayconnector.database import execute, fetch_one
from ebayconnector.prepared import Prepared

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


_LIVING = Prepared(
    """
SELECT a.environment, a.ebay_user_id, t.access_token_sealed
FROM ebay_tokens t JOIN ebay_accounts a ON a.id = t.account_id
WHERE t.account_id = %(account)s AND a.is_active AND t.access_token_sealed <> ''
  AND t.expires_at > clock_timestamp() + %(min_ttl)s
  AND split_part(t.refresh_error, ':', 1) <> ALL(%(refused)s)
""",
    {"account": "int8", "min_ttl": "interval", "refused": "text[]"},
)


def read_living_token(
    account_id: int, *, min_ttl: timedelta, refused: Collection[str]
) -> tuple[str, str, str] | None:
    """(environment, eBay user, sealed access token) when the token lives longer than `min_ttl`.

    None when it does not, the account is deactivated, or the last refresh failed for good (codes `refused`).
    """
    # Written as PostgreSQL reads them: psycopg takes 25 µs for a timedelta and a list.
    asked = {
        "account": account_id,
        "min_ttl": f"{min_ttl.total_seconds()} s",
        "refused": f"{{{','.join(refused)}}}",
    }
    row = _LIVING.fetch_one(asked)
    return (row[0], row[1], row[2]) if row else None


@dataclass(frozen=True)
class Attempt:
    """The right to refresh a token: the lease, and the row of TokenRefreshLog that tells of it."""

    lease_id: uuid.UUID
    log_id: int


def claim_refresh(state: TokenState, *, by: str) -> Attempt | None:
    """Take the lease to refresh and log the attempt, `by` whom.

    None when somebody holds it, or an attempt finished since `state` was read.
    """
    lease_id = uuid.uuid4()
    row = fetch_one(
        "WITH claimed AS ("
        "UPDATE ebay_tokens SET lease_id = %s, lease_until = clock_timestamp() + %s "
        "WHERE account_id = %s AND version = %s AND consent_version = %s "
        "AND (lease_until IS NULL OR lease_until <= clock_timestamp()) "
        "RETURNING account_id, expires_at) "
        "INSERT INTO ebay_token_refresh_log "
        "(account_id, triggered_by, error_code, error_message, started_at, old_expires_at) "
        "SELECT account_id, %s, '', '', clock_timestamp(), expires_at FROM claimed RETURNING id",
        [lease_id, LEASE, state.account_id, state.version, state.consent_version, by],
    )
    return Attempt(lease_id, row[0]) if row else None


def save_refreshed(
    state: TokenState,
    attempt: Attempt,
    *,
    access_token_sealed: str,
    refresh_token_sealed: str | None,
    valid_for: timedelta,
    refresh_valid_for: timedelta | None,
    by: str,
) -> datetime | None:
    """Store a new access token; returns its expiry, or None when the lease or the consent is gone.

    The attempt's row is written with it, also when the token is for nobody any more.
    """
    row = fetch_one(
        "WITH saved AS ("
        "UPDATE ebay_tokens SET access_token_sealed = %(access)s, "
        "refresh_token_sealed = COALESCE(%(refresh)s, refresh_token_sealed), "
        "expires_at = clock_timestamp() + %(valid_for)s, "
        "refresh_token_expires_at = "
        "COALESCE(clock_timestamp() + %(refresh_valid_for)s, refresh_token_expires_at), "
        "last_refreshed_at = clock_timestamp(), last_refreshed_by = %(by)s, refresh_error = '', "
        "next_attempt_at = NULL, lease_id = NULL, lease_until = NULL, version = version + 1 "
        "WHERE account_id = %(account)s AND lease_id = %(lease)s AND consent_version = %(consent)s "
        "RETURNING expires_at), "
        "logged AS ("
        "UPDATE ebay_token_refresh_log SET success = true, finished_at = clock_timestamp(), "
        "new_expires_at = (SELECT expires_at FROM saved), "
        "error_message = CASE WHEN EXISTS (SELECT FROM saved) THEN '' "
        "ELSE 'not stored: the lease or the consent was gone' END WHERE id = %(log)s) "
        "SELECT expires_at FROM saved",
        {
            "access": access_token_sealed,
            "refresh": refresh_token_sealed,
            "valid_for": valid_for,
            "refresh_valid_for": refresh_valid_for,
            "by": by,
            "account": state.account_id,
            "lease": attempt.lease_id,
            "consent": state.consent_version,
            "log": attempt.log_id,
        },
    )
    return row[0] if row else None


def save_failed(
    state: TokenState,
    attempt: Attempt,
    *,
    code: str,
    text: str,
    refresh_error: str | None,
    pause: timedelta | None,
) -> bool:
    """Store a failed attempt and free the lease; False when the lease or the consent is gone.

    The attempt's row keeps code and text in any case. `refresh_error` None leaves the stored one (a fault of
    this process is not the account's).
    """
    row = fetch_one(
        "WITH saved AS ("
        "UPDATE ebay_tokens SET refresh_error = COALESCE(%(error)s, refresh_error), "
        "next_attempt_at = clock_timestamp() + %(pause)s, lease_id = NULL, lease_until = NULL, "
        "version = version + 1 "
        "WHERE account_id = %(account)s AND lease_id = %(lease)s AND consent_version = %(consent)s "
        "RETURNING 1), "
        "logged AS ("
        "UPDATE ebay_token_refresh_log SET success = false, finished_at = clock_timestamp(), "
        "error_code = %(code)s, error_message = %(text)s WHERE id = %(log)s) "
        "SELECT 1 FROM saved",
        {
            "error": refresh_error,
            "pause": pause,
            "account": state.account_id,
            "lease": attempt.lease_id,
            "consent": state.consent_version,
            "code": code,
            "text": text,
            "log": attempt.log_id,
        },
    )
    return row is not None


# -- Application tokens ----------------------------------------------------------------------------------


@dataclass(frozen=True)
class ApplicationTokenState:
    """One application token's row as read in a single statement; `now` is the database's clock."""

    id: int
    environment: str
    client_id: str
    scopes_key: str
    token_sealed: str
    renew_at: datetime | None
    expires_at: datetime | None
    last_error: str
    refusals: dict[str, Any]
    version: int
    now: datetime


_READ_APPLICATION_TOKEN = """
SELECT id, environment, client_id, scopes_key, token_sealed, renew_at, expires_at, last_error, refusals,
       version, clock_timestamp()
FROM tokens_applicationtoken WHERE environment = %s AND client_id = %s AND scopes_key = %s
"""
_REFUSALS = 8


def read_application_token(environment: str, client_id: str, scopes_key: str) -> ApplicationTokenState:
    """The row of this application and these scopes; made, without a token, when it is not there yet."""
    key = [environment, client_id, scopes_key]
    row = fetch_one(_READ_APPLICATION_TOKEN, key)
    if row is None:
        execute(
            "INSERT INTO tokens_applicationtoken "
            "(environment, client_id, scopes_key, token_sealed, last_error, refusals, version) "
            "VALUES (%s, %s, %s, '', '', '{}', 1) ON CONFLICT DO NOTHING",
            key,
        )
        row = fetch_one(_READ_APPLICATION_TOKEN, key)
    assert row is not None, "rows of application tokens are never deleted"
    values = list(row)
    values[_REFUSALS] = json.loads(values[_REFUSALS])
    return ApplicationTokenState(*values)


def claim_mint(
    state: ApplicationTokenState, *, drop: bool, refusal: dict[str, Any] | None = None
) -> uuid.UUID | None:
    """Take the lease to mint, unless somebody holds it or an attempt finished since `state` was read.

    `drop` takes the stored token out of use at once: eBay refused it; `refusal` is then remembered by API.
    """
    lease_id = uuid.uuid4()
    claimed = execute(
        "UPDATE tokens_applicationtoken SET lease_id = %s, lease_until = clock_timestamp() + %s, "
        "token_sealed = CASE WHEN %s THEN '' ELSE token_sealed END, refusals = refusals || %s::jsonb "
        "WHERE id = %s AND version = %s AND (lease_until IS NULL OR lease_until <= clock_timestamp())",
        [lease_id, LEASE, drop, json.dumps(refusal or {}), state.id, state.version],
    )
    return lease_id if claimed == 1 else None


def save_minted(
    state: ApplicationTokenState,
    lease_id: uuid.UUID,
    *,
    token_sealed: str,
    valid_for: timedelta,
    renew_after: timedelta,
) -> bool:
    """Store a new token and free the lease; False when the lease is gone."""
    return (
        execute(
            "UPDATE tokens_applicationtoken SET token_sealed = %s, minted_at = statement_timestamp(), "
            "renew_at = statement_timestamp() + %s, expires_at = statement_timestamp() + %s, "
            "last_error = '', lease_id = NULL, lease_until = NULL, version = version + 1 "
            "WHERE id = %s AND lease_id = %s",
            [token_sealed, renew_after, valid_for, state.id, lease_id],
        )
        == 1
    )


def save_mint_failed(state: ApplicationTokenState, lease_id: uuid.UUID, *, error: str) -> bool:
    """Tell those who wait for this attempt why it failed, and free the lease; False when it is gone."""
    return (
        execute(
            "UPDATE tokens_applicationtoken SET last_error = %s, lease_id = NULL, lease_until = NULL, "
            "version = version + 1 WHERE id = %s AND lease_id = %s",
            [error, state.id, lease_id],
        )
        == 1
    )


# -- Signing keys ----------------------------------------------------------------------------------------

# The creation has 30 s, and may have to wait for an application token first.
KEY_LEASE = timedelta(minutes=2)


def claim_key_creation(environment: str, client_id: str) -> uuid.UUID | None:
    """Take the lease to create a signing key for the application; None while somebody else holds it."""
    lease_id = uuid.uuid4()
    claimed = execute(
        "INSERT INTO tokens_signingkeylease AS held (environment, client_id, lease_id, lease_until) "
        "VALUES (%s, %s, %s, clock_timestamp() + %s) ON CONFLICT (environment, client_id) "
        "DO UPDATE SET lease_id = EXCLUDED.lease_id, lease_until = EXCLUDED.lease_until "
        "WHERE held.lease_until <= clock_timestamp()",
        [environment, client_id, lease_id, KEY_LEASE],
    )
    return lease_id if claimed == 1 else None


def hold_key_lease(lease_id: uuid.UUID) -> bool:
    """In a transaction: whether the lease is still ours, and it stays ours until the commit."""
    sql = "SELECT 1 FROM tokens_signingkeylease WHERE lease_id = %s FOR UPDATE"
    return fetch_one(sql, [lease_id]) is not None


def free_key_lease(lease_id: uuid.UUID) -> None:
    """Let the next one create; nothing happens when the lease is somebody else's by now."""
    execute("DELETE FROM tokens_signingkeylease WHERE lease_id = %s", [lease_id])
