"""The keys that notices are signed with, and the signature header (03 §10.2)."""

import base64
import json
import uuid
from dataclasses import dataclass, field

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ebayconnector.simulator.json_types import JsonObject


@dataclass(frozen=True, slots=True)
class NoticeKey:
    kid: str
    private: ec.EllipticCurvePrivateKey = field(repr=False)

    def as_json(self) -> JsonObject:
        """As getPublicKey tells it: PEM without line breaks."""
        der = self.private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        text = f"-----BEGIN PUBLIC KEY-----{base64.b64encode(der).decode()}-----END PUBLIC KEY-----"
        return {"key": text, "algorithm": "ECDSA", "digest": "SHA1"}

    def sign(self, body: bytes) -> bytes:
        return self.private.sign(body, ec.ECDSA(hashes.SHA1()))


def new_key() -> NoticeKey:
    return NoticeKey(str(uuid.uuid4()), ec.generate_private_key(ec.SECP256R1()))


@dataclass(slots=True)
class NoticeKeys:
    """The newest signs; those before still verify, until they are forgotten."""

    keys: list[NoticeKey] = field(default_factory=lambda: [new_key()])

    @property
    def newest(self) -> NoticeKey:
        return self.keys[-1]

    def rotate(self, *, forget: bool) -> NoticeKey:
        self.keys = [*([] if forget else self.keys), new_key()]
        return self.newest

    def named(self, kid: str) -> NoticeKey | None:
        return next((key for key in self.keys if key.kid == kid), None)


def signature_header(key: NoticeKey, body: bytes, **changes: str) -> str:
    """`X-EBAY-SIGNATURE`; `changes` put other values where the right ones would stand."""
    signature = base64.b64encode(key.sign(body)).decode()
    parts = {"alg": "ecdsa", "kid": key.kid, "signature": signature, "digest": "SHA1"} | changes
    return base64.b64encode(json.dumps(parts, separators=(",", ":")).encode()).decode()
