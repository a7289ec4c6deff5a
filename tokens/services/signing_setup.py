"""Creating, renewing and checking the key that signs our messages to eBay (03 §12.1).

A process that dies between eBay's answer and our save loses that key, because eBay tells its private half
once. It does no harm: the next attempt makes another, and eBay keeps any number of them.
"""

from __future__ import annotations

import logging
import time
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from django.conf import settings
from django.db import transaction
from django_q.tasks import async_task

from accounts.models import EbayAccount
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.endpoints import GET_SELLER_FUNDS_SUMMARY, SCOPE_FINANCES
from ebayconnector.ebay.errors import EbayError, NotFound, TokenRejected
from ebayconnector.ebay.key_management import IssuedKey, create_signing_key, get_signing_key
from ebayconnector.ebay.signatures import seller_must_sign
from tokens import locks, sealing, wire
from tokens.models import SigningKey
from tokens.scopes import covers

from .application_tokens import get_application_token
from .clients import application_client_for, client_for
from .refresh import TokenUnavailable
from .signing import current_key, key_binding, why_unusable

logger = logging.getLogger(__name__)

RENEW_BEFORE = timedelta(days=30)
DEFAULT_CIPHER = "ED25519"
_POLL_S = 0.2
_SOURCE = "signing key"


class SigningKeyFailed(Exception):
    """The key was not set up; the text says why and what to do."""


class CreationUnderWay(SigningKeyFailed):
    """Another process is creating a key, and did not finish within our wait."""


@dataclass(frozen=True)
class KeySetUp:
    """What setting up came to. `reason`: why a key was created, '' when none was."""

    done: Literal["created", "kept", "made elsewhere"]
    key: SigningKey
    reason: str = ""


def set_up_signing_key(
    environment: str, *, cipher: str | None = None, force: bool = False, wait_s: float = 60.0
) -> KeySetUp:
    """Make sure that the environment has a key: create one when there is none, when it ends within 30 days,
    is of another cipher than asked for, cannot be opened for good, is unknown to eBay, or with `force`.

    Several processes at once create one key; the others wait up to `wait_s` for it. The old key stays valid
    until it expires. Raises SigningKeyFailed, ApplicationNotConfigured, TokenUnavailable or an EbayError.
    """
    application = wire.application(environment)
    before = current_key(environment)
    reason = "asked for by force" if force else _why_another(environment, before, cipher)
    if before is not None and not reason:
        return KeySetUp("kept", before)
    lease_id = _claim(environment, application.client_id, before, wait_s)
    try:
        current = current_key(environment)
        if current is not None and current != before:
            return KeySetUp("made elsewhere", current)
        issued = _create(environment, cipher or (before.cipher if before else DEFAULT_CIPHER))
        return KeySetUp(
            "created", _save(lease_id, environment, application.client_id, issued, reason), reason
        )
    finally:
        locks.free_key_lease(lease_id)


def _why_another(environment: str, row: SigningKey | None, cipher: str | None) -> str:
    """Why a new key is needed; '' when the one we have will do. Asks eBay last, and only about a good one."""
    if row is None:
        return "there was none"
    if row.expires_at <= wire.clock(environment).now() + RENEW_BEFORE:
        return f"{row.signing_key_id} ends on {row.expires_at:%Y-%m-%d}"
    if cipher is not None and cipher != row.cipher:
        return f"{row.signing_key_id} is {row.cipher}"
    if problem := _lost(row):
        return f"{row.signing_key_id}: {problem}"
    return "" if _ebay_knows(environment, row) else f"eBay does not know {row.signing_key_id}"


def _lost(row: SigningKey) -> str:
    """Why the stored key can never sign again. A key ring that lacks a key is a fault of this process."""
    try:
        sealing.key_ring().open(row.private_key_sealed, key_binding(row, "private_key"))
    except (sealing.UnknownKey, sealing.KeyRingError) as failure:
        raise SigningKeyFailed(
            f"the signing key of {row.environment} cannot be opened ({failure}): put the key back into "
            "TOKEN_ENCRYPTION_KEYS, or create another signing key with --force"
        ) from failure
    except sealing.CannotOpen as failure:
        return failure.reason
    return why_unusable(row)


def _ebay_knows(environment: str, row: SigningKey) -> bool:
    try:
        get_signing_key(_key_client(environment), row.signing_key_id)
    except NotFound:
        return False
    return True


def _key_client(environment: str) -> EbayClient:
    return application_client_for(environment, source=_SOURCE)


def _claim(environment: str, client_id: str, before: SigningKey | None, wait_s: float) -> uuid.UUID:
    """The lease, at the latest when whoever holds it is done."""
    deadline = time.monotonic() + wait_s
    while (lease_id := locks.claim_key_creation(environment, client_id)) is None:
        if time.monotonic() >= deadline:
            raise CreationUnderWay(
                f"another process is creating a signing key for {environment}; try again in two minutes"
            )
        time.sleep(_POLL_S)
    return lease_id


def _create(environment: str, cipher: str) -> IssuedKey:
    """The creation itself is never repeated, but a refused token means that nothing was created."""
    client, token = _key_client(environment), get_application_token(environment)
    try:
        return create_signing_key(client, cipher=cipher)
    except TokenRejected:
        get_application_token(environment, rejected=token)
        return create_signing_key(client, cipher=cipher)


def _save(
    lease_id: uuid.UUID, environment: str, client_id: str, issued: IssuedKey, reason: str
) -> SigningKey:
    """Seal and store the new key, and retire the one before. Raises when the lease is lost."""
    row = SigningKey(
        environment=environment,
        client_id=client_id,
        signing_key_id=issued.signing_key_id,
        cipher=issued.cipher,
        public_key=issued.public_key,
        created_at=issued.created_at,
        expires_at=issued.expires_at,
    )
    ring = sealing.key_ring()
    row.jwe_sealed = ring.seal(issued.jwe, key_binding(row, "jwe"))
    row.private_key_sealed = ring.seal(issued.private_key, key_binding(row, "private_key"))
    with transaction.atomic():
        if not locks.hold_key_lease(lease_id):
            raise SigningKeyFailed(
                f"eBay took too long: another process took over, key {issued.signing_key_id} is not used"
            )
        old = SigningKey.objects.filter(environment=environment, client_id=client_id, retired_at=None)
        old.update(retired_at=wire.clock(environment).now(), retired_because=reason[:300])
        row.save()
    logger.info("signing key %s created: %s", row, reason)
    return row


# -- Renewal ---------------------------------------------------------------------------------------------


def queue_renewal() -> None:
    """Leave the daily renewal to the `tokens` cluster: it calls eBay."""
    async_task("tokens.tasks.renew_signing_keys", cluster="tokens", task_name="renew_signing_keys")


def renew_signing_keys() -> dict[str, str]:
    """Replace the keys in use that end within 30 days; returns what was done by environment.

    Environments without a key are left alone: whether one is needed is for a person to say. Raises
    SigningKeyFailed after all were tried, when one could not be renewed.
    """
    done: dict[str, str] = {}
    failed = []
    for environment in settings.EBAY_ENVIRONMENTS:
        row = current_key(environment)
        if row is None or row.expires_at > wire.clock(environment).now() + RENEW_BEFORE:
            continue
        try:
            done[environment] = set_up_signing_key(environment, cipher=row.cipher, wait_s=0).done
        except CreationUnderWay:
            done[environment] = "under way elsewhere"
        except (EbayError, TokenUnavailable, SigningKeyFailed, wire.ApplicationNotConfigured) as failure:
            failed.append(f"{environment}: {failure}")
    if failed:
        raise SigningKeyFailed(f"signing keys that were not renewed: {'; '.join(failed)}")
    return done


# -- Self-test -------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class KeyCheck:
    """One step of the self-test; `ok` is None when it could not be made."""

    what: str
    ok: bool | None
    detail: str


def check_signing_key(environment: str) -> Iterator[KeyCheck]:
    """Does the key open, does eBay know it, and does a signed call pass? Ends at the first thing that fails.

    Raises TokenUnavailable, ApplicationNotConfigured or an EbayError when eBay cannot be asked about the key.
    """
    row = current_key(environment)
    if row is None:
        yield KeyCheck("key", False, "there is none: run manage.py setup_signing_key")
        return
    yield (stored := _check_stored(environment, row))
    if not stored.ok:
        return
    yield (known := _check_at_ebay(environment, row))
    if known.ok:
        yield _check_call(environment)


def _check_stored(environment: str, row: SigningKey) -> KeyCheck:
    detail = f"{row.cipher} {row.signing_key_id}, ends on {row.expires_at:%Y-%m-%d}"
    if row.expires_at <= wire.clock(environment).now():
        return KeyCheck("key", False, f"{detail}: it has ended, run manage.py setup_signing_key")
    problem = why_unusable(row)
    return KeyCheck("key", not problem, f"{detail}: {problem or 'it opens and fits its public half'}")


def _check_at_ebay(environment: str, row: SigningKey) -> KeyCheck:
    try:
        known = get_signing_key(_key_client(environment), row.signing_key_id)
    except NotFound:
        return KeyCheck("eBay's copy", False, "eBay does not know the key: run manage.py setup_signing_key")
    # Not the JWE: it is encrypted, and may look different each time it is told.
    if known.public_key != row.public_key:
        return KeyCheck("eBay's copy", False, "it is another key: run manage.py setup_signing_key --force")
    return KeyCheck("eBay's copy", True, f"eBay knows it until {known.expires_at:%Y-%m-%d}")


def _check_call(environment: str) -> KeyCheck:
    """A signed Finances call; eBay is asked to verify it wherever the seller lives (03 §12.2)."""
    account = _account_for_check(environment)
    if account is None:
        return KeyCheck("signed call", None, "not made: no connected account granted sell.finances")
    client = client_for(account, source=_SOURCE)
    try:
        client.call(GET_SELLER_FUNDS_SUMMARY, headers={"x-ebay-enforce-signature": "true"})
    except (EbayError, TokenUnavailable) as failure:
        return KeyCheck("signed call", False, f"{account.house_name}: {failure}")
    return KeyCheck("signed call", True, f"eBay took the signature ({account.house_name})")


def _account_for_check(environment: str) -> EbayAccount | None:
    """One whose seller has to sign, if there is such a one."""
    accounts = EbayAccount.objects.filter(environment=environment, is_active=True).exclude(token=None)
    able = [
        account
        for account in accounts.select_related("token").order_by("id")
        if covers(account.token.granted_scopes, (SCOPE_FINANCES,))
    ]
    return max(able, key=lambda account: seller_must_sign(account.marketplace_id), default=None)
