"""Sealing secrets at rest: AES-256-GCM under a key ring, bound to what they belong to.

A sealed value reads `enc:v1:<key id>:<base64 of nonce + ciphertext>`. The binding (field, environment,
eBay user, account) is authenticated with it: a value copied to another row or column does not open.
Everything fails closed: no ciphertext is ever handed on as a token, no plain text is ever accepted.
"""

from __future__ import annotations

import base64
import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from django.conf import settings

_PREFIX = "enc:v1:"
_NONCE_BYTES = 12
_KEY_BYTES = 32
_KEY_ID = re.compile(r"[0-9a-f]{8}")
_SEALED_UNDER = re.compile(rf"{_PREFIX}({_KEY_ID.pattern}):")


class KeyRingError(Exception):
    """TOKEN_ENCRYPTION_KEYS cannot be used; the text says why, never with a key."""


class CannotOpen(Exception):
    """A sealed value does not open. `reason` is a short word for logs and screens."""

    def __init__(self, reason: str) -> None:
        super().__init__(f"the stored secret cannot be opened: {reason}")
        self.reason = reason


class UnknownKey(CannotOpen):
    """Sealed under a key that this process does not have: a fault of this process, not of the value."""

    def __init__(self, key_id: str) -> None:
        super().__init__(f"key {key_id} is not in TOKEN_ENCRYPTION_KEYS of this process")
        self.key_id = key_id


@dataclass(frozen=True)
class Binding:
    """What a sealed value belongs to."""

    field: str
    environment: str
    ebay_user_id: str
    account_id: int

    @classmethod
    def of_application(cls, field: str, environment: str, client_id: str) -> Binding:
        """For what belongs to our keyset in an environment and to no account."""
        return cls(field, environment, f"application {client_id}", 0)

    def encoded(self) -> bytes:
        return "\x1f".join([self.field, self.environment, self.ebay_user_id, str(self.account_id)]).encode()


class KeyRing:
    """Keys by id, newest first; the newest seals, all of them open."""

    def __init__(self, keys: Sequence[bytes]) -> None:
        if not keys:
            raise KeyRingError("no key is set")
        self._keys = {key_id(key): AESGCM(key) for key in keys}
        self.newest_id = key_id(keys[0])

    @classmethod
    def from_settings(cls, encoded: Sequence[str]) -> KeyRing:
        return cls([_decoded_key(position, word) for position, word in enumerate(encoded, 1)])

    @property
    def ids(self) -> tuple[str, ...]:
        """The ids of all keys, newest first."""
        return tuple(self._keys)

    @property
    def fingerprint(self) -> str:
        """Tells two key rings apart without telling the keys."""
        return hashlib.sha256(",".join(self._keys).encode()).hexdigest()[:12]

    def seal(self, value: str, binding: Binding) -> str:
        """The sealed form of `value`, under the newest key. ValueError for what is no text."""
        nonce = os.urandom(_NONCE_BYTES)
        sealed = self._keys[self.newest_id].encrypt(nonce, _utf8(value), binding.encoded())
        return f"{_PREFIX}{self.newest_id}:{base64.b64encode(nonce + sealed).decode()}"

    def open(self, sealed: str, binding: Binding) -> str:
        """The value. Raises UnknownKey or CannotOpen; never returns what it was given."""
        if not sealed:
            raise CannotOpen("nothing is stored")
        if not sealed.startswith(_PREFIX):
            raise CannotOpen("it is not sealed in this product's form")
        name, separator, encoded = sealed.removeprefix(_PREFIX).partition(":")
        # What stands where a key id should be may be a token: it is not quoted.
        if not separator or not _KEY_ID.fullmatch(name):
            raise CannotOpen("it is damaged")
        if name not in self._keys:
            raise UnknownKey(name)
        try:
            raw = base64.b64decode(encoded, validate=True)
            return (
                self._keys[name].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], binding.encoded()).decode()
            )
        except (InvalidTag, ValueError):
            raise CannotOpen("it was changed, or belongs to another account or field") from None


def _utf8(value: str) -> bytes:
    try:
        return value.encode()
    except UnicodeEncodeError:
        # The library's own exception carries the value.
        raise ValueError("the secret is not text that can be stored") from None


def key_id(key: bytes) -> str:
    """Eight characters that name a key and tell nothing of it."""
    return hashlib.sha256(b"ebayconnector key id" + key).hexdigest()[:8]


def sealing_key(sealed: str) -> str:
    """The id of the key that a sealed value names; '' for what is not in this product's form."""
    found = _SEALED_UNDER.match(sealed)
    return found[1] if found else ""


def _decoded_key(position: int, word: str) -> bytes:
    try:
        key = base64.b64decode(word.replace("-", "+").replace("_", "/"), validate=True)
    except ValueError:
        raise KeyRingError(f"key {position} is not base64") from None
    if len(key) != _KEY_BYTES:
        raise KeyRingError(f"key {position} has {len(key)} bytes instead of {_KEY_BYTES}")
    if len(set(key)) < 8:
        raise KeyRingError(f"key {position} is weak: use random bytes")
    return key


@lru_cache(maxsize=4)
def _ring_of(encoded: tuple[str, ...]) -> KeyRing:
    return KeyRing.from_settings(encoded)


def key_ring() -> KeyRing:
    """The key ring of this process. Raises KeyRingError when the setting cannot be used."""
    return _ring_of(tuple(settings.TOKEN_ENCRYPTION_KEYS))
