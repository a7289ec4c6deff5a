"""Message signatures, which eBay demands for sellers in the EU and UK (03 §12). Pure: no network, no clock.

The form is that of RFC 9421 with a digest of RFC 9530; which parts are signed, and in which order, is eBay's.
"""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from urllib.parse import SplitResult, urlsplit

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_private_key, load_der_public_key

CIPHERS = ("ED25519", "RSA")

# Sites of the EU and the UK. A seller's domicile is what counts to eBay; the site is what we know.
_SIGNING_MARKETPLACES = frozenset(
    f"EBAY_{country}" for country in ("AT", "BE", "DE", "ES", "FR", "GB", "IE", "IT", "NL", "PL")
)
_DEFAULT_PORTS = {"http": 80, "https": 443}
_ARMOUR = re.compile(r"-----[^-]*-----|\s")


class UnusableKey(ValueError):
    """A key that cannot sign. The text says why and holds nothing of the key."""


@dataclass(frozen=True, slots=True)
class MessageKey:
    """A private key, ready to sign, and the `jwe` by which eBay finds its public half."""

    jwe: str = field(repr=False)
    private_key: Ed25519PrivateKey | RSAPrivateKey = field(repr=False)


def message_key(*, jwe: str, private_key: str, public_key: str = "") -> MessageKey:
    """The key from what eBay issued: base64 of PKCS#8 (and SPKI), with or without PEM's armour.

    Raises UnusableKey, also when `public_key` is given and is not the other half.
    """
    if not jwe:
        raise UnusableKey("there is no jwe")
    try:
        loaded = load_der_private_key(_der(private_key), password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        # The library's own text may quote what it was given.
        raise UnusableKey("the private key cannot be read") from None
    if not isinstance(loaded, Ed25519PrivateKey | RSAPrivateKey):
        raise UnusableKey("the private key is neither Ed25519 nor RSA")
    if public_key and not _fits(loaded, public_key):
        raise UnusableKey("the private key does not belong to the public key")
    return MessageKey(jwe, loaded)


def signature_headers(
    key: MessageKey, *, method: str, url: str, body: bytes | None, created: int
) -> dict[str, str]:
    """The headers to send with exactly this method, address and body. `created`: unix seconds.

    `url` as it is sent: its path is signed in its percent-encoding, its query is not signed.
    """
    headers = {"Content-Digest": content_digest(body)} if body else {}
    headers["x-ebay-signature-key"] = key.jwe
    parts = urlsplit(url)
    derived = {"@method": method, "@path": parts.path or "/", "@authority": _authority(parts)}
    signed = {name.lower(): value for name, value in headers.items()} | derived
    params = f"({' '.join(_quoted(name) for name in signed)});created={created}"
    base = "\n".join(
        f"{_quoted(name)}: {value}" for name, value in (signed | {"@signature-params": params}).items()
    )
    return headers | {
        "Signature-Input": f"sig1={params}",
        "Signature": f"sig1=:{_base64(_sign(key, base.encode('ascii')))}:",
    }


def content_digest(body: bytes) -> str:
    return f"sha-256=:{_base64(hashlib.sha256(body).digest())}:"


def seller_must_sign(marketplace_id: str) -> bool:
    """Whether eBay demands signatures of a seller whose home is this marketplace, such as `EBAY_DE`."""
    return marketplace_id in _SIGNING_MARKETPLACES


def _sign(key: MessageKey, message: bytes) -> bytes:
    if isinstance(key.private_key, RSAPrivateKey):
        return key.private_key.sign(message, PKCS1v15(), SHA256())
    return key.private_key.sign(message)


def _authority(parts: SplitResult) -> str:
    """As in the Host header: lower case, the port only when it is not the scheme's own."""
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    default = parts.port is None or parts.port == _DEFAULT_PORTS.get(parts.scheme)
    return host if default else f"{host}:{parts.port}"


def _fits(private_key: Ed25519PrivateKey | RSAPrivateKey, public_key: str) -> bool:
    try:
        wanted = load_der_public_key(_der(public_key))
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("the public key cannot be read") from None
    return private_key.public_key() == wanted


def _der(text: str) -> bytes:
    return b64decode(_ARMOUR.sub("", text), validate=True)


def _quoted(name: str) -> str:
    return f'"{name}"'


def _base64(value: bytes) -> str:
    return b64encode(value).decode("ascii")
