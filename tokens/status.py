"""The status of an account, computed in this one place; the first match wins."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.models import EbayAccount
from ebayconnector.ebay import oauth

from . import sealing
from .models import EbayToken

EXPIRING_SOON = timedelta(minutes=15)
# Failures that only a new consent heals; everything else is retried.
PERMANENT_CODES = frozenset({"invalid_grant", "invalid_scope"})
SEALED_CODES = frozenset({"decrypt_failed", "no_refresh_token"})
NOT_A_TOKEN = "what is stored is not an eBay token"


@dataclass(frozen=True)
class AccountStatus:
    """`code` is the word for machines, `reason` the sentence for people ('' when all is well)."""

    code: str
    reason: str = ""

    @property
    def needs_person(self) -> bool:
        return self.code in ("needs_reconnect", "not_connected")


def account_status(account: EbayAccount, *, now: datetime) -> AccountStatus:
    """The first that fits: not_connected needs_reconnect error unknown expired expiring_soon healthy."""
    token = token_of(account)
    if token is None or not (token.refresh_token_sealed or token.access_token_sealed):
        return AccountStatus("not_connected", "No token is stored: connect the account.")
    return _from_refresh_token(account, token, now) or _from_error(token) or _from_expiry(token, now)


def token_of(account: EbayAccount) -> EbayToken | None:
    """The account's token row; None when it was never connected or is disconnected."""
    try:
        return account.token
    except EbayToken.DoesNotExist:
        return None


def binding(account: EbayAccount, field: str) -> sealing.Binding:
    return sealing.Binding(field, account.environment, account.ebay_user_id, account.pk)


def _from_refresh_token(account: EbayAccount, token: EbayToken, now: datetime) -> AccountStatus | None:
    code, _, text = token.refresh_error.partition(": ")
    if code in PERMANENT_CODES:
        return AccountStatus("needs_reconnect", f"eBay no longer accepts the consent ({text or code}).")
    if token.refresh_token_expires_at and token.refresh_token_expires_at <= now:
        return AccountStatus("needs_reconnect", "The consent has expired.")
    sealed_reason = why_sealed(account, token)
    return AccountStatus("needs_reconnect", sealed_reason) if sealed_reason else None


def why_sealed(account: EbayAccount, token: EbayToken) -> str:
    """Why the refresh token cannot be used, computed from what the key ring opens now; '' when it can.

    Nothing is remembered: when a lost key is back, the account is healthy again.
    """
    try:
        opened = sealing.key_ring().open(token.refresh_token_sealed, binding(account, "refresh_token"))
    except sealing.CannotOpen as failure:
        return f"{sealed_code(token.refresh_token_sealed)}: {failure.reason}."
    except sealing.KeyRingError as failure:
        return f"decrypt_failed: TOKEN_ENCRYPTION_KEYS of this process cannot be used ({failure})."
    return "" if oauth.looks_like_token(opened) else f"decrypt_failed: {NOT_A_TOKEN}."


def sealed_code(sealed: str) -> str:
    """The word for a refresh token that does not open."""
    return "decrypt_failed" if sealed else "no_refresh_token"


def _from_error(token: EbayToken) -> AccountStatus | None:
    code = token.refresh_error.partition(": ")[0]
    if not code or code in SEALED_CODES:
        return None
    return AccountStatus("error", f"The last refresh failed ({token.refresh_error}); it is tried again.")


def _from_expiry(token: EbayToken, now: datetime) -> AccountStatus:
    if token.expires_at is None:
        return AccountStatus("unknown", "eBay did not say when the token expires.")
    if token.expires_at <= now:
        return AccountStatus("expired", "The access token has expired; it is refreshed at the next use.")
    if token.expires_at - now <= EXPIRING_SOON:
        return AccountStatus("expiring_soon", "The access token expires within 15 minutes.")
    return AccountStatus("healthy")
