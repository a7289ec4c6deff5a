"""Stored secrets: whether they open, under which keys, and the keys that sign for us."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from accounts.display import from_now
from accounts.models import EbayAccount
from ebayconnector.ebay.signatures import seller_must_sign
from tokens import sealing
from tokens.key_use import key_uses
from tokens.models import SigningKey
from tokens.selectors import stored_secrets
from tokens.services.signing import current_key, why_unusable
from tokens.services.signing_setup import RENEW_BEFORE

from .findings import Finding, Level, environments_in_use, name_of


def tokens() -> Iterator[Finding]:
    """Whether every stored token opens, also those of deactivated accounts: they may come back."""
    opened = closed = 0
    for account in EbayAccount.objects.exclude(token=None).select_related("token").order_by("id"):
        stored = [secret for secret in stored_secrets(account) if secret.stored]
        problems = [f"{secret.field}: {secret.problem}" for secret in stored if secret.problem]
        opened += len(stored) - len(problems)
        closed += len(problems)
        if problems:
            yield Finding(
                Level.PROBLEM, "tokens", f"{name_of(account)}: {'; '.join(problems)}",
                "put the key back into TOKEN_ENCRYPTION_KEYS and restart, or reconnect the account",
            )  # fmt: skip
    level = Level.PROBLEM if closed else Level.OK
    yield Finding(level, "tokens", f"{opened} of {opened + closed} stored tokens open{_newest_key()}")


def _newest_key() -> str:
    try:
        return f"; new ones are sealed under key {sealing.key_ring().newest_id}"
    except sealing.KeyRingError:
        return ""


def keys() -> Iterator[Finding]:
    """How much each key seals; whether single tokens open is another check's business."""
    try:
        uses = key_uses()
    except sealing.KeyRingError as failure:
        advice = "docs/operations.md, Keys, says how to make one"
        yield Finding(Level.PROBLEM, "keys", f"TOKEN_ENCRYPTION_KEYS: {failure}", advice)
        return
    for use in uses:
        detail = f"{use.key_id or 'no key'} ({use.standing}): {use.values} sealed values"
        if use.standing == "newest":
            yield Finding(Level.OK, "keys", detail)
        elif use.standing == "older" and use.values:
            yield Finding(Level.WARNING, "keys", detail, "manage.py rotate_token_keys")
        elif use.standing == "older":
            yield Finding(Level.OK, "keys", f"{detail}: take it out of TOKEN_ENCRYPTION_KEYS")
        else:
            places = ", ".join(sorted(use.places))
            advice = "put the key back, or reconnect the accounts and renew the signing key"
            yield Finding(Level.WARNING, "keys", f"{detail} in {places}", advice)


def signing_keys() -> Iterator[Finding]:
    for name in environments_in_use():
        key = current_key(name)
        yield _missing_key(name) if key is None else _key_state(name, key)


def _missing_key(environment: str) -> Finding:
    accounts = EbayAccount.objects.filter(environment=environment, is_active=True).order_by("id")
    names = [name_of(account) for account in accounts if seller_must_sign(account.marketplace_id)]
    if not names:
        return Finding(Level.OK, "signing key", f"{environment}: there is none, and no account needs one")
    return Finding(
        Level.WARNING, "signing key",
        f"{environment}: there is none; sellers of the EU and UK get no Finances: {', '.join(names)}",
        f"manage.py setup_signing_key --environment {environment}",
    )  # fmt: skip


def _key_state(environment: str, key: SigningKey) -> Finding:
    if problem := why_unusable(key):
        advice = "put the key back into TOKEN_ENCRYPTION_KEYS and restart, or setup_signing_key --force"
        return Finding(Level.PROBLEM, "signing key", f"{environment}: {problem}", advice)
    remaining = key.expires_at - timezone.now()
    detail = f"{environment}: {key.cipher}, ends {from_now(key.expires_at)}"
    if remaining > RENEW_BEFORE:
        return Finding(Level.OK, "signing key", detail)
    level = Level.WARNING if remaining > timedelta(0) else Level.PROBLEM
    return Finding(
        level, "signing key", detail, "the daily job failed to renew it: manage.py setup_signing_key"
    )
