"""Key Management: the keys for message signatures (03 §12.1). The client must speak as the application."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from .answers import Answer
from .client import EbayClient, unclear_if_lost
from .endpoints import CREATE_SIGNING_KEY, GET_SIGNING_KEY
from .errors import BadAnswer
from .signatures import CIPHERS, UnusableKey, message_key

# Documented as seconds; 13 digits have been seen, which only milliseconds have in our time.
_FIRST_IN_MS = 10**11


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """A signing key as eBay describes it. Keys are base64 without PEM's armour; times are aware UTC.

    `private_key` is told once, by `create_signing_key`; otherwise it is empty.
    """

    signing_key_id: str
    cipher: str
    public_key: str
    jwe: str = field(repr=False)
    private_key: str = field(repr=False)
    created_at: datetime
    expires_at: datetime


def create_signing_key(client: EbayClient, *, cipher: str) -> IssuedKey:
    """A new key, with its private half; those before stay valid. Sent once, whatever happens.

    `cipher` is one of `CIPHERS`, else ValueError. `BadAnswer` when what came cannot sign: that key is lost.
    """
    if cipher not in CIPHERS:
        raise ValueError(f"the cipher is one of {', '.join(CIPHERS)}, not {cipher!r}")
    answer = client.call(CREATE_SIGNING_KEY, json={"signingKeyCipher": cipher})
    try:
        return _usable(answer)
    except BadAnswer as failure:
        raise unclear_if_lost(failure) from None


def get_signing_key(client: EbayClient, signing_key_id: str) -> IssuedKey:
    """What eBay knows of a key, without its private half. `NotFound` when it does not know it."""
    return _issued(client.call(GET_SIGNING_KEY, path={"signing_key_id": signing_key_id}))


def _usable(answer: Answer) -> IssuedKey:
    issued = _issued(answer)
    try:
        message_key(jwe=issued.jwe, private_key=issued.private_key, public_key=issued.public_key)
    except UnusableKey as failure:
        raise answer.bad(f"a signing key that cannot be used: {failure}") from None
    return issued


def _issued(answer: Answer) -> IssuedKey:
    document = answer.json()
    return IssuedKey(
        signing_key_id=_required(answer, document, "signingKeyId"),
        cipher=_text(document, "signingKeyCipher"),
        public_key=_text(document, "publicKey"),
        jwe=_required(answer, document, "jwe"),
        private_key=_text(document, "privateKey"),
        created_at=_moment(answer, document, "creationTime"),
        expires_at=_moment(answer, document, "expirationTime"),
    )


def _required(answer: Answer, document: dict[str, Any], name: str) -> str:
    value = _text(document, name)
    if not value:
        raise answer.bad(f"a signing key without {name}")
    return value


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return value.strip() if isinstance(value, str) else ""


def _moment(answer: Answer, document: dict[str, Any], name: str) -> datetime:
    value = document.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 0 < value < _FIRST_IN_MS * 100:
        raise answer.bad(f"a signing key without a readable {name}")
    seconds = value / 1000 if value >= _FIRST_IN_MS else value
    return datetime.fromtimestamp(seconds, UTC)
