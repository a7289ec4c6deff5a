"""Signatures of notices, with keys and bodies made here (03 §10.1, 10.2)."""

from __future__ import annotations

import base64
import json

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from ebayconnector.ebay.notice_signatures import (
    BadSignatureHeader,
    NoticeSignature,
    UnusableNoticeKey,
    challenge_response,
    is_signed_by,
    notice_key,
    read_signature,
)

KID = "9936261a-7d7b-4621-a0f1-964d4a3ac1ab"
PRIVATE = ec.generate_private_key(ec.SECP256R1())
BODY = '{"metadata":{"topic":"T"},"x":"ä"}'.encode()


def pem(private, *, breaks: bool = False) -> str:
    der = private.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    text, line = base64.b64encode(der).decode(), "\n" if breaks else ""
    return f"-----BEGIN PUBLIC KEY-----{line}{text}{line}-----END PUBLIC KEY-----"


def key(private=PRIVATE, **changes):
    return notice_key(pem(private), **({"algorithm": "ECDSA", "digest": "SHA1"} | changes))


def signature_of(body: bytes, private=PRIVATE) -> NoticeSignature:
    return NoticeSignature(KID, private.sign(body, ec.ECDSA(hashes.SHA1())))


def header(**changes) -> str:
    parts = {"alg": "ecdsa", "kid": KID, "signature": "AAAA", "digest": "SHA1"} | changes
    return base64.b64encode(json.dumps(parts).encode()).decode()


def test_the_worked_challenge():
    code = "71745723-d031-455c-bfa5-f90d11b4f20a"
    answer = challenge_response(code, verification_token=code, endpoint="http://www.testendpoint.com/webhook")
    assert answer == "048de9ffd0e35021fefc0388d5c52e0f475324f582f3778ca81a53354ccbbc97"


def test_raw_bytes_and_their_compact_form_are_recognised_and_nothing_else():
    signature = signature_of(BODY)
    assert is_signed_by(key(), signature, BODY)
    assert is_signed_by(key(), signature, json.dumps(json.loads(BODY), indent=2).encode())
    assert not is_signed_by(key(), signature, BODY.replace(b"T", b"U"))
    assert not is_signed_by(key(), signature, b"not json")
    assert not is_signed_by(key(), signature, b'{"x":"\\ud800"}')
    assert not is_signed_by(key(ec.generate_private_key(ec.SECP256R1())), signature, BODY)
    assert not is_signed_by(key(), NoticeSignature(KID, b"no DER"), BODY)


def test_a_key_comes_with_or_without_line_breaks():
    assert notice_key(pem(PRIVATE, breaks=True), algorithm="ecdsa", digest="SHA-1") == key()


@pytest.mark.parametrize(
    "make",
    [
        lambda: key(digest="SHA256"),
        lambda: key(algorithm="HMAC"),
        lambda: key(ec.generate_private_key(ec.SECP384R1())),
        lambda: key(ed25519.Ed25519PrivateKey.generate()),
        lambda: notice_key("AAAA", algorithm="ECDSA", digest="SHA1"),
        lambda: notice_key("&&", algorithm="ECDSA", digest="SHA1"),
    ],
)
def test_another_kind_of_key_is_unusable(make):
    with pytest.raises(UnusableNoticeKey):
        make()


def test_the_header_is_read_in_any_case():
    assert read_signature(header(alg="ECDSA", digest="sha1", kid=KID.upper())) == NoticeSignature(
        KID, b"\0\0\0"
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "x" * 3_000,
        "no base64!",
        base64.b64encode(b"no json").decode(),
        base64.b64encode(b"[1]").decode(),
        base64.b64encode(b"[" * 1_500).decode(),
        header(alg="none"),
        header(digest="MD5"),
        header(kid="../../order"),
        header(kid=f"{KID}\n"),
        header(kid=None),
        header(signature=None),
        header(signature="&"),
    ],
)
def test_a_header_of_another_kind_is_refused_without_repeating_it(text):
    with pytest.raises(BadSignatureHeader) as refused:
        read_signature(text)
    assert not text or text not in str(refused.value)
