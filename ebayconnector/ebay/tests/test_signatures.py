"""Message signatures: eBay's worked vector, and what is signed is what is sent."""

from __future__ import annotations

import json
import re
from base64 import b64decode, b64encode
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from ebayconnector.ebay import errors
from ebayconnector.ebay.clock import ClockOffset
from ebayconnector.ebay.endpoints import GET_ORDERS, GET_TRANSACTIONS, GET_TRANSFER, Endpoint
from ebayconnector.ebay.marketplaces import SITES
from ebayconnector.ebay.signatures import (
    MessageKey,
    UnusableKey,
    content_digest,
    message_key,
    seller_must_sign,
    signature_headers,
)

from .loopback import answer, json_answer, rest_error

# 03 §12.3, eBay's public test key.
PRIVATE = "MC4CAQAwBQYDK2VwBCIEIJ+DYvh6SEqVTm50DFtMDoQikTmiCqirVv9mWG9qfSnF"
PUBLIC = "MCowBQYDK2VwAyEAJrQLj5P/89iXES9+vFgrIy29clF9CC/oPPsw3c5D0bs="
JWE = (
    "eyJhbGciOiJBMjU2R0NNS1ciLCJlbmMiOiJBMjU2R0NNIiwiemlwIjoiREVGIiwiaXYiOiJvSzFwdXJNVHQtci14VUwzIiwidGFn"
    "IjoiTjB4WjI4ZklZckFmYkd5UWFrTnpjZyJ9.AYdKU7ObIc7Z764OrlKpwUViK8Rphxl0xMP9v2_o9mI.1DbZiSQNRK6pLeIw.Yzp3"
    "IDV8RM_h_lMAnwGpMA4DXbaDdmqAh-65kO9xyDgzHD6s0kY3p-yO6oPR9kEcAbjGXIULeQKWVYzbfHKwXTY09Npj_mNuO5yxgZtWnL"
    "55uIgP2HL1So2dKkZRK0eyPa6DEXJT71lPtwZtpIGyq9R5h6s3kGMbqA.m4t_MX4VnlXJGx1X_zZ-KQ"
)
KEY = message_key(jwe=JWE, private_key=PRIVATE, public_key=PUBLIC)
CREATED = 1663459378


def pkcs8(key) -> str:
    return b64encode(key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())).decode()


def spki(key) -> str:
    return b64encode(key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).decode()


def signature_base(method: str, path: str, authority: str, headers: dict[str, str], jwe: str = JWE) -> bytes:
    """What eBay rebuilds from a request (03 §12.3), written down independently of our builder."""
    lines = [f'"content-digest": {headers["Content-Digest"]}'] if "Content-Digest" in headers else []
    lines += [f'"x-ebay-signature-key": {jwe}', f'"@method": {method}', f'"@path": {path}']
    lines += [f'"@authority": {authority}']
    lines += [f'"@signature-params": {headers["Signature-Input"].removeprefix("sig1=")}']
    return "\n".join(lines).encode()


def signature_of(headers: dict[str, str]) -> bytes:
    return b64decode(headers["Signature"].removeprefix("sig1=:").removesuffix(":"), validate=True)


def test_ebays_worked_vector():
    headers = signature_headers(
        KEY, method="POST", url="http://localhost:8080/test", body=b'{"hello": "world"}', created=CREATED
    )
    assert headers == {
        "Content-Digest": "sha-256=:X48E9qOokqqrvdts8nOJRJN3OWDUoyWxBf7kbu9DBPE=:",
        "x-ebay-signature-key": JWE,
        "Signature-Input": (
            'sig1=("content-digest" "x-ebay-signature-key" "@method" "@path" "@authority");created=1663459378'
        ),
        "Signature": (
            "sig1=:gkk7dqudw21DFHDVBoRUWe/F6/2hTEmWRFDBxiN6COD4PjozXziiDFML1nFHu+0UcMXC/niltxzABjnugu4DCA==:"
        ),
    }


def test_without_a_body_there_is_no_digest():
    headers = signature_headers(KEY, method="GET", url="https://apiz.ebay.com/a", body=None, created=CREATED)
    assert "Content-Digest" not in headers
    assert headers["Signature-Input"] == (
        'sig1=("x-ebay-signature-key" "@method" "@path" "@authority");created=1663459378'
    )
    base = signature_base("GET", "/a", "apiz.ebay.com", headers)
    KEY.private_key.public_key().verify(signature_of(headers), base)


def test_an_rsa_key_signs_with_pkcs1_and_sha256():
    private = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    key = message_key(jwe="the-jwe", private_key=pkcs8(private), public_key=spki(private))
    headers = signature_headers(key, method="GET", url="https://h/p", body=None, created=CREATED)
    base = signature_base("GET", "/p", "h", headers, jwe="the-jwe")
    private.public_key().verify(signature_of(headers), base, PKCS1v15(), SHA256())


@pytest.mark.parametrize(
    ("url", "path", "authority"),
    [
        ("https://apiz.ebay.com/sell/x?filter=a%3Ab&limit=1", "/sell/x", "apiz.ebay.com"),
        ("https://APIZ.eBay.com:443/sell/x", "/sell/x", "apiz.ebay.com"),
        ("http://localhost:80/x", "/x", "localhost"),
        ("http://localhost:443/x", "/x", "localhost:443"),
        ("https://h/a%2Fb%20c%C3%BC/", "/a%2Fb%20c%C3%BC/", "h"),
        ("http://[::1]:8900/x", "/x", "[::1]:8900"),
        ("https://h", "/", "h"),
    ],
)
def test_path_and_authority_are_signed_as_they_are_sent(url, path, authority):
    headers = signature_headers(KEY, method="GET", url=url, body=None, created=CREATED)
    base = signature_base("GET", path, authority, headers)
    KEY.private_key.public_key().verify(signature_of(headers), base)


def test_pem_armour_is_taken_off():
    armoured = f"-----BEGIN PRIVATE KEY-----\n{PRIVATE[:30]}\n{PRIVATE[30:]}\n-----END PRIVATE KEY-----\n"
    assert pkcs8(message_key(jwe=JWE, private_key=armoured).private_key) == PRIVATE


@pytest.mark.parametrize(
    ("parts", "words"),
    [
        ({"private_key": "not base64!"}, "cannot be read"),
        ({"private_key": PUBLIC}, "cannot be read"),
        ({"private_key": pkcs8(ec.generate_private_key(ec.SECP256R1()))}, "neither Ed25519 nor RSA"),
        (
            {"private_key": PRIVATE, "public_key": spki(ed25519.Ed25519PrivateKey.generate())},
            "does not belong",
        ),
        ({"private_key": PRIVATE, "public_key": "AAAA"}, "public key cannot be read"),
        ({"private_key": PRIVATE, "jwe": ""}, "no jwe"),
    ],
)
def test_a_key_that_cannot_sign_is_refused_without_being_quoted(parts, words):
    with pytest.raises(UnusableKey, match=words) as refused:
        message_key(**{"jwe": JWE, **parts})
    assert parts["private_key"] not in f"{refused.value!r} {refused.value.__cause__!r}"
    assert refused.value.__suppress_context__ or refused.value.__context__ is None


def test_neither_key_nor_jwe_is_in_the_repr():
    assert JWE[:20] not in repr(KEY)
    assert "PrivateKey" not in repr(KEY)


def test_sites_of_the_eu_and_the_uk_must_sign():
    must = {site.marketplace_id for site in SITES if seller_must_sign(site.marketplace_id)}
    countries = "AT BE DE ES FR GB IE IT NL PL"
    assert must == {f"EBAY_{country}" for country in countries.split()}


# -- The client ------------------------------------------------------------------------------------------


class Key:
    """A signer; `asked` counts."""

    def __init__(self, key: MessageKey | None = KEY) -> None:
        self.asked = 0
        self._key = key

    def key(self) -> MessageKey | None:
        self.asked += 1
        return self._key


def signing(connected, signer: Key | None = None):
    connected.client._signer = signer or Key()
    return connected


def verify(request, server) -> int:
    """The request's signature holds over what was received; returns its `created`."""
    sent = {name.title(): value for name, value in request.headers.items()}
    assert sent["X-Ebay-Signature-Key"] == JWE
    if request.body:
        assert sent["Content-Digest"] == content_digest(request.body)
    base = signature_base(request.method, request.path, request.headers["host"], sent)
    KEY.private_key.public_key().verify(signature_of(sent), base)
    assert request.headers["host"] == server.url.removeprefix("http://")
    return int(re.search(r"created=(\d+)$", sent["Signature-Input"])[1])


def test_a_signed_endpoint_is_signed(connect):
    connected = signing(connect(json_answer({"a": 1})))
    before = int(datetime.now(UTC).timestamp())
    connected.client.call(GET_TRANSACTIONS, params=[("filter", "x:{a|b}"), ("filter", "y:[1..]")])
    (request,) = connected.server.requests
    assert before <= verify(request, connected.server) <= datetime.now(UTC).timestamp()


def test_the_signed_path_is_the_encoded_one(connect):
    connected = signing(connect(json_answer({})))
    connected.client.call(GET_TRANSFER, path={"transfer_id": "a/b ü~(1)"})
    (request,) = connected.server.requests
    assert request.path.endswith("/a%2Fb%20%C3%BC~%281%29")
    verify(request, connected.server)


def test_the_bytes_that_are_signed_are_the_bytes_that_are_sent(connect):
    connected = signing(connect(json_answer({})))
    post = Endpoint("issueRefund", "fulfillment", "api", "POST", "/refund", "bearer", False, signed=True)
    connected.client.call(post, json={"reason": "ü", "n": 1.50})
    (request,) = connected.server.requests
    assert json.loads(request.body) == {"reason": "ü", "n": 1.5}
    verify(request, connected.server)


def test_other_endpoints_are_not_signed_and_no_key_is_asked_for(connect):
    signer = Key()
    connected = signing(connect(json_answer({"orders": []})), signer)
    connected.client.call(GET_ORDERS)
    assert not {"signature", "signature-input", "x-ebay-signature-key"} & set(
        connected.server.requests[0].headers
    )
    assert signer.asked == 0


def test_without_a_key_the_call_goes_out_unsigned(connect):
    connected = signing(connect(json_answer({})), Key(None))
    assert connected.client.call(GET_TRANSACTIONS).status == 200
    assert "signature" not in connected.server.requests[0].headers


def test_each_attempt_is_signed_anew(connect):
    signer = Key()
    connected = signing(connect(rest_error(500, 1), rest_error(401, 1001), json_answer({})), signer)
    connected.client.call(GET_TRANSACTIONS)
    assert signer.asked == 3
    for request in connected.server.requests:
        verify(request, connected.server)


def test_the_time_is_ebays_and_never_in_its_future(connect):
    """This machine is ten minutes ahead of eBay."""
    ebay_now = datetime.now(UTC) - timedelta(minutes=10)
    headers = {"Date": format_datetime(ebay_now, usegmt=True)}
    connected = signing(connect(json_answer({}, **headers), json_answer({}, **headers)))
    connected.client.call(GET_TRANSACTIONS)
    connected.client.call(GET_TRANSACTIONS)
    unmeasured, measured = [verify(request, connected.server) for request in connected.server.requests]
    assert unmeasured > ebay_now.timestamp() + 500
    assert ebay_now.timestamp() - 5 < measured <= ebay_now.timestamp() + 1


CREATED_WRONG = {
    "errors": [
        {
            "errorId": 215114, "domain": "ACCESS", "category": "REQUEST",
            "message": "The create time of signature parameters is not in right range",
        }
    ]
}  # fmt: skip


def test_a_signature_refused_for_an_unmeasured_clock_is_made_anew_once(connect):
    ebay_now = datetime.now(UTC) - timedelta(minutes=10)
    date = {"Date": format_datetime(ebay_now, usegmt=True)}
    connected = signing(connect(json_answer(CREATED_WRONG, 403, **date), json_answer({}, **date)))
    result = connected.client.call(GET_TRANSACTIONS)
    assert (result.attempts, connected.waits) == (2, [])
    first, second = [verify(request, connected.server) for request in connected.server.requests]
    assert 595 <= first - second <= 605


def test_refused_again_it_ends_whatever_the_clock_says(connect):
    dates = [datetime.now(UTC) - timedelta(minutes=behind) for behind in (10, 20, 30)]
    refusals = [json_answer(CREATED_WRONG, 403, Date=format_datetime(date, usegmt=True)) for date in dates]
    connected = signing(connect(*refusals))
    with pytest.raises(errors.SignatureRefused):
        connected.client.call(GET_TRANSACTIONS)
    assert len(connected.server.requests) == 2


def test_a_refusal_by_a_clock_that_agrees_is_final(connect):
    refusal = json_answer(CREATED_WRONG, 403, Date=format_datetime(datetime.now(UTC), usegmt=True))
    connected = signing(connect(refusal, json_answer({})))
    with pytest.raises(errors.SignatureRefused, match="set this machine's clock"):
        connected.client.call(GET_TRANSACTIONS)
    assert len(connected.server.requests) == 1


def test_no_key_and_no_jwe_in_what_an_observer_may_show(connect):
    connected = signing(connect(json_answer({})))
    connected.client.call(GET_TRANSACTIONS)
    (exchange,) = connected.watcher.exchanges
    shown = f"{exchange!r} {exchange.masked_request_headers}"
    assert JWE[10:40] not in shown
    assert exchange.masked_request_headers["x-ebay-signature-key"] == "***REDACTED***"


def test_the_earliest_now_is_never_in_ebays_future():
    now = datetime(2026, 11, 21, 12, tzinfo=UTC)
    clock = ClockOffset(lambda: now)
    assert clock.earliest_now() == now
    # eBay's second may have begun just now, or be almost over.
    clock.observe(now - timedelta(seconds=30), sent_at=now, received_at=now)
    assert clock.earliest_now() == now - timedelta(seconds=30)
    assert clock.now() > clock.earliest_now()


# -- Refusals --------------------------------------------------------------------------------------------


def refused(connect, behaviour, endpoint=GET_TRANSACTIONS) -> errors.EbayError:
    with pytest.raises(errors.EbayError) as caught:
        connect(behaviour, behaviour).client.call(endpoint)
    return caught.value


def test_a_missing_signature_says_what_ebay_said_and_what_to_do(connect):
    error = refused(connect, rest_error(403, 215001, "Missing x-ebay-signature-key header"))
    assert type(error) is errors.SignatureRefused
    assert not error.retryable
    assert str(error) == (
        "getTransactions: eBay answered HTTP 403: 215001 Missing x-ebay-signature-key header; "
        "what to do: no valid key of ours was in use: run manage.py setup_signing_key"
    )


@pytest.mark.parametrize(
    ("error_id", "message", "words"),
    [
        (215122, "Signature validation failed", "--check"),
        (215114, "The create time of signature parameters is not in right range", "clock"),
        (215199, "Something", "--check"),
        (215117, "The appid in signature doesn't match app in token", "--force"),
        (215112, "Missing signature-input header", "no valid key"),
        (4711, "The signing key has expired", "the signing key has ended"),
        (4711, "Content-Digest does not match", "--check"),
        (4711, "Missing Signature-Input header", "no valid key"),
    ],
)
@pytest.mark.parametrize("status", [400, 401, 403])
def test_ids_and_words_about_signatures_make_a_signature_refused(connect, status, error_id, message, words):
    error = refused(connect, rest_error(status, error_id, message))
    assert isinstance(error, errors.SignatureRefused)
    assert words in str(error)


@pytest.mark.parametrize(
    ("behaviour", "expected"),
    [
        (rest_error(400, 135008, "Invalid date range"), errors.Refused),
        (rest_error(429, 2001, "Too many signatures"), errors.RateLimited),
        (rest_error(403, 1100, "Insufficient permissions"), errors.ScopeMissing),
        (answer(500, b"signature service down", "text/plain"), errors.Unavailable),
    ],
)
def test_other_refusals_stay_what_they_are(connect, behaviour, expected):
    with pytest.raises(expected) as caught:
        connect(behaviour, behaviour, behaviour).client.call(GET_TRANSACTIONS)
    assert type(caught.value) is expected


def test_words_do_not_decide_where_nothing_is_signed(connect):
    assert type(refused(connect, rest_error(400, 1, "Signature of the note"), GET_ORDERS)) is errors.Refused
