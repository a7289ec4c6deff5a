"""Verification of message signatures, as eBay demands them for sellers of the EU and the UK (03 §12).

The ids and texts of the refusals are those of eBay's guide "Digital Signatures for APIs", the status 403 is
what live calls got. Which id stands for an expired or revoked key (here 215121) and which for a wrong list of
components (here 215122) is unverified: eBay's text is the same for 215120, 215121 and 215122. The
`parameters`, which say what differs, are the simulator's own.
"""

import hashlib
import re
from base64 import b64decode, b64encode
from binascii import Error as Base64Error
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ebayconnector.simulator.ebay_errors import EbayError, rest_body
from ebayconnector.simulator.signing_keys import BadJwe, SigningKey, SigningKeys, decode_public_key

KEY_HEADER, DIGEST_HEADER = "x-ebay-signature-key", "content-digest"
ENFORCE_HEADER = "x-ebay-enforce-signature"

_FAILED = "Signature validation failed"
_TEXTS = {
    215000: "Missing content-digest header",
    215001: "Missing x-ebay-signature-key header",
    215102: "Missing payload",
    215103: "Parsing value of sha failed",
    215104: "Base64 decoding sha failed",
    215105: "Incorrect content digest of sha-256",
    215111: "Missing signature header",
    215112: "Missing signature-input header",
    215113: "Invalid timestamp in signature parameters",
    215114: "The create time of signature parameters is not in right range",
    215115: "Decrypting JWE failed",
    215116: "Incorrect JWE format",
    215117: "The appid in signature doesn't match app in token",
    215118: "Missing pkey in JWE",
    215119: "Decoding public key failed",
    215120: _FAILED,
    215121: _FAILED,
    215122: _FAILED,
}
_INPUT = re.compile(r"([a-z*][a-z0-9_.*-]*)=(\(([^()]*)\)(.*))")
_CREATED = re.compile(r';created=("?)(-?[0-9]+)\1(?:;|$)')
_DIGEST = re.compile(r"(?:^|,)\s*sha-256=:([^:]*):")
_DERIVED = ("@method", "@path", "@authority")
_SHORT = 60  # characters of a value shown in a refusal


@dataclass(frozen=True, slots=True)
class Message:
    """A request as it came over the wire: header names in lower case, `path` still percent-encoded."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes

    def component(self, name: str) -> str | None:
        """The value of a component; None where the message has none."""
        derived = {"@method": self.method, "@path": self.path, "@authority": self.authority}
        return derived[name] if name in derived else self.headers.get(name)

    @property
    def authority(self) -> str:
        return self.headers.get("host", "").lower()

    @property
    def required(self) -> tuple[str, ...]:
        """What a signature must cover."""
        return (*((DIGEST_HEADER,) if self.body else ()), KEY_HEADER, *_DERIVED)


def refusal(error_id: int, parameters: dict[str, str] | None = None) -> EbayError:
    """403 with eBay's text; `parameters` name the header or component that is wrong."""
    text = _TEXTS[error_id]
    long_message = f"{text} to fulfill the request."
    body = rest_body(error_id, text, long_message=long_message, parameters=parameters)
    return EbayError(403, body)


def verify(
    message: Message, keys: SigningKeys, *, client_id: str, now_s: int, tolerance_s: int
) -> SigningKey:
    """The key that signed this message. Raises EbayError 403 with one of eBay's ids 215xxx.

    `tolerance_s`: how far `created` may be from `now_s`, either way.
    """
    jwe = _present(message, KEY_HEADER, 215001)
    signature_header = _present(message, "signature", 215111)
    input_header = _present(message, "signature-input", 215112)
    _check_digest(message)
    label, params, covered, created_s = _read_input(input_header)
    if abs(now_s - created_s) > tolerance_s:
        raise refusal(215114, {"created": f"{created_s}, the time is {now_s}"})
    key = _key(keys, jwe, client_id, now_s)
    signature = _read_signature(signature_header, label)
    _check_cover(message, covered)
    _check_signature(message, key, params, covered, signature)
    return key


def _present(message: Message, name: str, error_id: int) -> str:
    value = message.headers.get(name)
    if not value:
        raise refusal(error_id, {"header": name})
    return value


def _check_digest(message: Message) -> None:
    given = message.headers.get(DIGEST_HEADER)
    if given is None:
        if message.body:
            raise refusal(215000, {"header": DIGEST_HEADER})
        return
    if not message.body:
        raise refusal(215102, {"header": DIGEST_HEADER})
    match = _DIGEST.search(given)
    if match is None:
        raise refusal(215103, {DIGEST_HEADER: given[:_SHORT]})
    try:
        digest = b64decode(match.group(1), validate=True)
    except Base64Error:
        raise refusal(215104, {DIGEST_HEADER: given[:_SHORT]}) from None
    wanted = hashlib.sha256(message.body).digest()
    if digest != wanted:
        raise refusal(215105, {DIGEST_HEADER: f"the payload gives sha-256=:{b64encode(wanted).decode()}:"})


def _read_input(header: str) -> tuple[str, str, list[str], int]:
    """Label, signature parameters as they were written, covered components, `created` in unix seconds."""
    match = _INPUT.fullmatch(header.strip())
    if match is None:
        raise refusal(215122, {"signature-input": header[:_SHORT]})
    label, params, listed, attributes = match.groups()
    created = _CREATED.search(attributes)
    if created is None or created.group(1):
        raise refusal(215113, {"signature-input": attributes[:_SHORT] or "no created"})
    items = listed.split(" ") if listed else []
    if not all(len(item) > 2 and item[0] == item[-1] == '"' for item in items):
        raise refusal(215122, {"signature-input": f"({listed})"[:_SHORT]})
    return label, params, [item[1:-1] for item in items], int(created.group(2))


def _key(keys: SigningKeys, jwe: str, client_id: str, now_s: int) -> SigningKey:
    try:
        key = keys.behind(jwe)
    except BadJwe as problem:
        raise refusal(problem.error_id, {"header": KEY_HEADER}) from None
    if key is None:
        raise refusal(215118, {"header": KEY_HEADER})
    if key.client_id != client_id:
        raise refusal(215117, {"header": KEY_HEADER})
    if key.revoked:
        raise refusal(215121, {KEY_HEADER: f"the signing key {key.id} was revoked"})
    if key.expires_s <= now_s:
        raise refusal(215121, {KEY_HEADER: f"the signing key {key.id} expired at {key.expires_s}"})
    return key


def _read_signature(header: str, label: str) -> bytes:
    match = re.fullmatch(rf"{re.escape(label)}=:([^:]*):", header.strip())
    if match is None:
        raise refusal(215122, {"signature": f"no {label}=:…:"})
    try:
        return b64decode(match.group(1), validate=True)
    except Base64Error:
        raise refusal(215122, {"signature": "the value is not base64"}) from None


def _check_cover(message: Message, covered: list[str]) -> None:
    missing = [name for name in message.required if name not in covered]
    if missing:
        raise refusal(215122, {"signature-input": f"does not cover {', '.join(missing)}"})
    absent = [name for name in covered if message.component(name) is None]
    if absent or len(set(covered)) < len(covered):
        said = f"covers {', '.join(absent)}, which is not there" if absent else "names a component twice"
        raise refusal(215122, {"signature-input": said})


def signature_base(message: Message, params: str, covered: list[str]) -> bytes:
    """What is signed: one line per component in the order of the list, no line feed at the end."""
    lines = [f'"{name}": {message.component(name)}' for name in covered]
    return "\n".join([*lines, f'"@signature-params": {params}']).encode("utf-8", "surrogateescape")


def _check_signature(
    message: Message, key: SigningKey, params: str, covered: list[str], signature: bytes
) -> None:
    try:
        public = load_der_public_key(decode_public_key(key))
    except (ValueError, UnsupportedAlgorithm):
        raise refusal(215119, {"header": KEY_HEADER}) from None
    if holds(public, signature_base(message, params, covered), signature):
        return
    differs = next(_likely_mistakes(message, public, params, covered, signature), None)
    raise refusal(215120, {"signature": differs or "another key, or another signature base"})


def holds(public: object, base: bytes, signature: bytes) -> bool:
    """Ed25519 over the base itself, RSA with PKCS#1 v1.5 and SHA-256."""
    try:
        if isinstance(public, Ed25519PublicKey):
            public.verify(signature, base)
        elif isinstance(public, RSAPublicKey):
            public.verify(signature, base, PKCS1v15(), SHA256())
        else:
            return False
    except InvalidSignature:
        return False
    return True


def _likely_mistakes(
    message: Message, public: object, params: str, covered: list[str], signature: bytes
) -> Iterator[str]:
    """In words, the slips with which the signature would hold."""
    host = message.authority.partition(":")[0]
    slips = {
        "@path was signed with the query": replace(message, path=f"{message.path}?{message.query}"),
        "@path was signed with a slash at the end": replace(message, path=f"{message.path}/"),
        "@authority was signed without the port": _sent_to(message, host),
        "@authority was signed as apiz.ebay.com": _sent_to(message, "apiz.ebay.com"),
        "@authority was signed as api.ebay.com": _sent_to(message, "api.ebay.com"),
        "@method was signed in lower case": replace(message, method=message.method.lower()),
    }
    slips |= {f"@method was signed as {verb}": replace(message, method=verb) for verb in ("GET", "POST")}
    for words, signed in slips.items():
        if holds(public, signature_base(signed, params, covered), signature):
            yield words
    if holds(public, signature_base(message, params, covered) + b"\n", signature):
        yield "the signature base was signed with a line feed at its end"


def _sent_to(message: Message, host: str) -> Message:
    return replace(message, headers={**message.headers, "host": host})
