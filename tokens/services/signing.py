"""The key that signs our messages to eBay: which one is in use, opened for the client."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass

from django.conf import settings

from ebayconnector.ebay.signatures import MessageKey, UnusableKey, message_key
from tokens import sealing, wire
from tokens.models import SigningKey

logger = logging.getLogger(__name__)

# No longer than this does a private key stay open in memory without its row being opened again.
_OPEN_FOR_S = 60.0
_opened: dict[tuple[int, str], tuple[MessageKey | None, float]] = {}
_lock = threading.Lock()


@dataclass(frozen=True)
class EnvironmentSigner:
    """What the client signs with in one environment."""

    environment: str

    def key(self) -> MessageKey | None:
        return key_in_use(self.environment)


def key_in_use(environment: str) -> MessageKey | None:
    """The environment's key, opened; None when there is none, or none that can sign: then we send unsigned.

    One query per call, so that a new key is used at once everywhere; the opened key is kept for a minute.
    """
    row = current_key(environment)
    if row is None or row.expires_at <= wire.clock(environment).now():
        return None
    return _opened_for_a_while(row)


def current_key(environment: str) -> SigningKey | None:
    """The row of the key in use by the environment's application, whether or not it can sign."""
    client_id = settings.EBAY_APPLICATIONS[environment]["client_id"]
    rows = SigningKey.objects.filter(environment=environment, client_id=client_id, retired_at=None)
    return rows.first()


def open_key(row: SigningKey) -> MessageKey:
    """The key itself. Raises CannotOpen, KeyRingError (the key ring) or UnusableKey (its content)."""
    ring = sealing.key_ring()
    return message_key(
        jwe=ring.open(row.jwe_sealed, key_binding(row, "jwe")),
        private_key=ring.open(row.private_key_sealed, key_binding(row, "private_key")),
        public_key=row.public_key,
    )


def why_unusable(row: SigningKey) -> str:
    """Why the key of this row cannot sign in this process; '' when it can (were it not expired)."""
    try:
        open_key(row)
    except (sealing.CannotOpen, sealing.KeyRingError, UnusableKey) as failure:
        return str(failure)
    return ""


def key_binding(row: SigningKey, field: str) -> sealing.Binding:
    """Also bound to the key's id: halves of two keys cannot be mixed."""
    return sealing.Binding.of_application(
        f"signing key {row.signing_key_id} {field}", row.environment, row.client_id
    )


def _opened_for_a_while(row: SigningKey) -> MessageKey | None:
    name, now = (row.pk, row.private_key_sealed), time.monotonic()
    with _lock:
        known = _opened.get(name)
    if known is not None and now < known[1]:
        return known[0]
    key = _opened_or_none(row)
    with _lock:
        for other in [other for other, (_, until) in _opened.items() if until <= now]:
            del _opened[other]
        _opened[name] = (key, now + _OPEN_FOR_S)
    return key


def _opened_or_none(row: SigningKey) -> MessageKey | None:
    try:
        return open_key(row)
    except (sealing.CannotOpen, sealing.KeyRingError, UnusableKey) as failure:
        logger.error("signing key %s cannot sign, calls go out unsigned: %s", row, failure)
        return None
