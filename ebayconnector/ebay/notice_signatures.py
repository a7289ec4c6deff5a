"""The signature of a notice from eBay, and the answer to its challenge: pure functions (03 §10.1, 10.2)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

_LONGEST_HEADER = 2_000
# eBay names its keys so; anything else would lead our call to another address.
_KEY_ID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}", re.ASCII)
_ARMOUR = re.compile(r"-----(?:BEGIN|END) PUBLIC KEY-----")


class BadSignatureHeader(ValueError):
    """`X-EBAY-SIGNATURE` is not what eBay sends; the text says which part, never its value."""


class UnusableNoticeKey(ValueError):
    """What should be a public key of eBay's cannot verify: the text says why."""


@dataclass(frozen=True, slots=True)
class NoticeSignature:
    """`kid` names the key; `signature` is DER."""

    kid: str
    signature: bytes


@dataclass(frozen=True, slots=True)
class NoticeKey:
    """A P-256 key that verifies notices; `der` is its SubjectPublicKeyInfo."""

    der: bytes


def challenge_response(challenge_code: str, *, verification_token: str, endpoint: str) -> str:
    """Lower-case hex of SHA-256 over code, token and endpoint, in this order (03 §10.1)."""
    return hashlib.sha256(f"{challenge_code}{verification_token}{endpoint}".encode()).hexdigest()


def read_signature(header: str) -> NoticeSignature:
    """The parts of an `X-EBAY-SIGNATURE`: base64 of `{"alg","kid","signature","digest"}`.

    Raises BadSignatureHeader unless it is ecdsa with SHA1 and its `kid` a UUID.
    """
    parts = _decoded(header)
    if str(parts.get("alg")).lower() != "ecdsa":
        raise BadSignatureHeader("alg is not ecdsa")
    if str(parts.get("digest")).upper().replace("-", "") != "SHA1":
        raise BadSignatureHeader("digest is not SHA1")
    kid, signature = str(parts.get("kid")).lower(), parts.get("signature")
    if not _KEY_ID.fullmatch(kid):
        raise BadSignatureHeader("kid is not a UUID")
    if not isinstance(signature, str):
        raise BadSignatureHeader("signature is missing")
    try:
        return NoticeSignature(kid, base64.b64decode(signature, validate=True))
    except ValueError:
        raise BadSignatureHeader("signature is not base64") from None


def _decoded(header: str) -> dict[str, object]:
    if not header or len(header) > _LONGEST_HEADER:
        raise BadSignatureHeader("it is missing or too long")
    try:
        parts = json.loads(base64.b64decode(header, validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise BadSignatureHeader("it is not base64 of JSON") from None
    if not isinstance(parts, dict):
        raise BadSignatureHeader("it is not base64 of a JSON object")
    return parts


def notice_key(text: str, *, algorithm: str, digest: str) -> NoticeKey:
    """The key as getPublicKey tells it: PEM, usually without line breaks. Raises UnusableNoticeKey."""
    if (algorithm.upper(), digest.upper().replace("-", "")) != ("ECDSA", "SHA1"):
        raise UnusableNoticeKey("it is not for ECDSA with SHA1")
    try:
        der = base64.b64decode("".join(_ARMOUR.sub("", text).split()), validate=True)
    except ValueError:
        raise UnusableNoticeKey("it is not base64") from None
    key = NoticeKey(der)
    _loaded(key)
    return key


def _loaded(key: NoticeKey) -> ec.EllipticCurvePublicKey:
    try:
        loaded = serialization.load_der_public_key(key.der)
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableNoticeKey("it is no public key") from None
    if not isinstance(loaded, ec.EllipticCurvePublicKey) or loaded.curve.name != "secp256r1":
        raise UnusableNoticeKey("it is not on the curve P-256")
    return loaded


def is_signed_by(key: NoticeKey, signature: NoticeSignature, body: bytes) -> bool:
    """Whether the signature holds over the raw bytes, or over the body as compact JSON.

    eBay's own SDK verifies over `JSON.stringify` of the parsed body; a body that something on the way wrote
    anew is known by that. Raises UnusableNoticeKey.
    """
    loaded = _loaded(key)
    return _holds(loaded, signature, body) or any(
        _holds(loaded, signature, form) for form in _compact(body) if form != body
    )


def _holds(key: ec.EllipticCurvePublicKey, signature: NoticeSignature, body: bytes) -> bool:
    try:
        # SHA-1 is eBay's choice (03 §10.2): there is no other.
        key.verify(signature.signature, body, ec.ECDSA(hashes.SHA1()))
    except InvalidSignature:
        return False
    return True


def _compact(body: bytes) -> list[bytes]:
    """The body as JSON without spaces; none when it is no JSON."""
    try:
        document = json.loads(body)
        return [json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()]
    except (ValueError, RecursionError):
        return []
