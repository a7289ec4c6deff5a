"""Key Management: keys as eBay issues them."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from ebayconnector.ebay import errors
from ebayconnector.ebay.key_management import create_signing_key, get_signing_key

from .loopback import answer, json_answer, reset, rest_error
from .test_signatures import JWE, PRIVATE, PUBLIC

ISSUED = {
    "signingKeyId": "key-1",
    "signingKeyCipher": "ED25519",
    "publicKey": PUBLIC,
    "privateKey": PRIVATE,
    "jwe": JWE,
    "creationTime": 1763668800,
    "expirationTime": 1858276800,
}
ENDS = datetime(2028, 11, 19, 20, tzinfo=UTC)


def create(connect, *script, cipher="ED25519"):
    connected = connect(*script)
    return connected, create_signing_key(connected.client, cipher=cipher)


def test_a_key_is_asked_for_and_read(connect):
    connected, key = create(connect, json_answer(ISSUED, 201))
    (request,) = connected.server.requests
    assert (request.method, request.path) == ("POST", "/developer/key_management/v1/signing_key")
    assert json.loads(request.body) == {"signingKeyCipher": "ED25519"}
    assert (key.signing_key_id, key.cipher, key.public_key) == ("key-1", "ED25519", PUBLIC)
    assert (key.private_key, key.jwe, key.created_at.year, key.expires_at) == (PRIVATE, JWE, 2025, ENDS)


def test_times_in_milliseconds_are_understood(connect):
    _, key = create(connect, json_answer(ISSUED | {"expirationTime": 1858276800000}))
    assert key.expires_at == ENDS


def test_neither_private_key_nor_jwe_is_in_the_repr_or_in_an_exchange(connect):
    connected, key = create(connect, json_answer(ISSUED))
    (exchange,) = connected.watcher.exchanges
    shown = f"{key!r} {exchange!r} {exchange.masked_response_body}"
    assert PRIVATE[10:40] not in shown
    assert JWE[10:40] not in shown


@pytest.mark.parametrize("fault", [reset, rest_error(500, 210000), rest_error(401, 1001), answer(200, b"{")])
def test_a_creation_is_sent_once_whatever_happens(connect, fault):
    connected = connect(fault, json_answer(ISSUED))
    with pytest.raises(errors.EbayError) as caught:
        create_signing_key(connected.client, cipher="ED25519")
    assert len(connected.server.requests) == 1
    assert not caught.value.retryable


@pytest.mark.parametrize(
    "change",
    [
        {"signingKeyId": None},
        {"jwe": ""},
        {"privateKey": None},
        {"privateKey": PUBLIC},
        {"publicKey": "AAAA"},
        {"expirationTime": "soon"},
        {"expirationTime": True},
        {"creationTime": None},
        {"expirationTime": 10**20},
    ],
    ids=str,
)
def test_an_answer_that_is_no_usable_key_is_a_bad_answer(connect, change):
    with pytest.raises(errors.BadAnswer) as caught:
        create(connect, json_answer(ISSUED | change))
    assert PRIVATE[10:40] not in str(caught.value)
    assert not caught.value.retryable


def test_an_unknown_cipher_is_never_sent(connect):
    connected = connect(json_answer(ISSUED))
    with pytest.raises(ValueError, match="ED25519, RSA"):
        create_signing_key(connected.client, cipher="DSA")
    assert connected.server.connections == 0


def test_a_known_key_comes_without_its_private_half(connect):
    known = {name: value for name, value in ISSUED.items() if name != "privateKey"}
    connected = connect(rest_error(500, 210000), json_answer(known))
    key = get_signing_key(connected.client, "key-1")
    assert connected.server.requests[0].path == "/developer/key_management/v1/signing_key/key-1"
    assert (key.private_key, key.expires_at) == ("", ENDS)


def test_an_unknown_key_is_not_found(connect):
    with pytest.raises(errors.NotFound):
        get_signing_key(connect(rest_error(404, 210002)).client, "key-1")
