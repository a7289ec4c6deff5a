"""Signing keys and the JWE that stands for their public half (03 §12.1).

As at eBay the JWE (A256GCMKW, A256GCM, deflated) holds the public key itself, encrypted under a master key,
so that a key still verifies after the simulator was reset or started anew.
"""

import base64
import json
import os
import uuid
import zlib
from base64 import b64encode, urlsafe_b64decode, urlsafe_b64encode
from dataclasses import dataclass, field, replace
from typing import Literal, get_args

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ebayconnector.simulator.json_types import JsonObject

Cipher = Literal["ED25519", "RSA"]
CIPHERS: tuple[str, ...] = get_args(Cipher)
LIFE_S = 3 * 365 * 86_400

_MASTER_KEY = b"the simulator's own master key.."  # 32 bytes; guards nothing
_RSA_BITS = 2048
_TAG_BYTES, _IV_BYTES, _KEY_BYTES = 16, 12, 32
_JWE_PARTS = 5


class BadJwe(Exception):
    """A `x-ebay-signature-key` that is no JWE (215116), or none of this simulator's (215115)."""

    def __init__(self, error_id: int) -> None:
        super().__init__(error_id)
        self.error_id = error_id


@dataclass(frozen=True, slots=True)
class SigningKey:
    """`public_key` is base64 of SPKI. The private key is nowhere: eBay shows it once."""

    id: str
    client_id: str
    cipher: Cipher
    public_key: str
    jwe: str
    created_s: int
    expires_s: int
    revoked: bool = False

    def as_json(self) -> JsonObject:
        return {
            "signingKeyId": self.id,
            "signingKeyCipher": self.cipher,
            "publicKey": self.public_key,
            "jwe": self.jwe,
            "creationTime": self.created_s,
            "expirationTime": self.expires_s,
        }


@dataclass(slots=True)
class SigningKeys:
    """All keys of this world, by id."""

    by_id: dict[str, SigningKey] = field(default_factory=dict)

    def create(self, client_id: str, cipher: Cipher, now_s: int) -> tuple[SigningKey, str]:
        """A new key and, this once, its private half: base64 of PKCS#8."""
        private = _generate(cipher)
        key_id = str(uuid.uuid4())
        public_key = _text(private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))
        expires_s = now_s + LIFE_S
        claims = {"appid": client_id, "pkey": public_key, "cipher": cipher, "iat": now_s, "exp": expires_s}
        key = SigningKey(key_id, client_id, cipher, public_key, seal(key_id, claims), now_s, expires_s)
        self.by_id[key_id] = key
        return key, _text(private.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption()))

    def of(self, client_id: str) -> list[SigningKey]:
        return [key for key in self.by_id.values() if key.client_id == client_id]

    def change(self, key_id: str, *, expires_s: int | None = None, revoked: bool | None = None) -> SigningKey:
        key = self.by_id[key_id]
        key = replace(
            key,
            expires_s=key.expires_s if expires_s is None else expires_s,
            revoked=key.revoked if revoked is None else revoked,
        )
        self.by_id[key_id] = key
        return key

    def behind(self, jwe: str) -> SigningKey | None:
        """The key that a JWE stands for, as it is now; None when it names no public key.

        Raises BadJwe. A key that this world has not seen is taken as its JWE tells.
        """
        key_id, claims = open_jwe(jwe)
        known = self.by_id.get(key_id)
        if known is not None or "pkey" not in claims:
            return known
        return SigningKey(
            id=key_id,
            client_id=str(claims.get("appid")),
            cipher=claims["cipher"],
            public_key=claims["pkey"],
            jwe=jwe,
            created_s=claims["iat"],
            expires_s=claims["exp"],
        )


def _generate(cipher: Cipher) -> Ed25519PrivateKey | RSAPrivateKey:
    if cipher == "ED25519":
        return Ed25519PrivateKey.generate()
    return generate_private_key(public_exponent=65_537, key_size=_RSA_BITS)


def _text(data: bytes) -> str:
    return b64encode(data).decode()


def _b64url(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def _unb64url(text: str) -> bytes:
    return urlsafe_b64decode(text + "=" * (-len(text) % 4))


def seal(key_id: str, claims: JsonObject) -> str:
    """A compact JWE of the claims."""
    content_key, wrap_iv, iv = os.urandom(_KEY_BYTES), os.urandom(_IV_BYTES), os.urandom(_IV_BYTES)
    wrapped = AESGCM(_MASTER_KEY).encrypt(wrap_iv, content_key, None)
    header = {
        "zip": "DEF",
        "kid": key_id,
        "enc": "A256GCM",
        "tag": _b64url(wrapped[-_TAG_BYTES:]),
        "alg": "A256GCMKW",
        "iv": _b64url(wrap_iv),
    }
    head = _b64url(json.dumps(header, separators=(",", ":")).encode())
    deflate = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = deflate.compress(json.dumps(claims).encode()) + deflate.flush()
    sealed = AESGCM(content_key).encrypt(iv, packed, head.encode())
    parts = wrapped[:-_TAG_BYTES], iv, sealed[:-_TAG_BYTES], sealed[-_TAG_BYTES:]
    return ".".join([head, *map(_b64url, parts)])


def open_jwe(jwe: str) -> tuple[str, JsonObject]:
    """Key id and claims. Raises BadJwe."""
    parts = jwe.split(".")
    if len(parts) != _JWE_PARTS:
        raise BadJwe(215116)
    try:
        header = json.loads(_unb64url(parts[0]))
        wrapped, iv, sealed, tag = (_unb64url(part) for part in parts[1:])
        wrap_iv, wrap_tag = _unb64url(header["iv"]), _unb64url(header["tag"])
        key_id = str(header.get("kid", ""))
    except (ValueError, KeyError, TypeError, AttributeError):
        raise BadJwe(215116) from None
    try:
        content_key = AESGCM(_MASTER_KEY).decrypt(wrap_iv, wrapped + wrap_tag, None)
        packed = AESGCM(content_key).decrypt(iv, sealed + tag, parts[0].encode())
    except (InvalidTag, ValueError):  # ValueError: an initialisation vector of the wrong length
        raise BadJwe(215115) from None
    claims: JsonObject = json.loads(zlib.decompress(packed, wbits=-zlib.MAX_WBITS))
    return key_id, claims


def decode_public_key(key: SigningKey) -> bytes:
    """DER of the public key. Raises ValueError."""
    return base64.b64decode(key.public_key, validate=True)
