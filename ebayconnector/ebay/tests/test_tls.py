"""The same promises over TLS, where reads take another way."""

from __future__ import annotations

import ipaddress
import ssl
import time
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from ebayconnector.ebay.errors import DeadlineExceeded, Unavailable
from ebayconnector.ebay.transport import Transport

from .loopback import answer, drip, raw, silent
from .test_transport import call_to


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A file with the key and certificate of 127.0.0.1."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "loopback")])
    address = x509.IPAddress(ipaddress.ip_address("127.0.0.1"))
    now = datetime.now(UTC)
    signed = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "loopback.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.write_bytes(private + signed.public_bytes(serialization.Encoding.PEM))
    return str(path)


@pytest.fixture
def tls(certificate):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate)
    return context


def test_a_trusted_server_answers(serve, tls, certificate):
    server = serve(answer(200, b'{"a": 1}'), tls=tls)
    assert Transport(ca_bundle=certificate).send(call_to(server.url), deadline_s=5).body == b'{"a": 1}'


def test_an_unknown_certificate_is_refused_before_anything_is_sent(serve, tls):
    server = serve(answer(), tls=tls)
    with pytest.raises(Unavailable, match="certificate verify failed|CERTIFICATE_VERIFY_FAILED"):
        Transport().send(call_to(server.url), deadline_s=5)
    assert server.requests == []


@pytest.mark.parametrize(
    "behaviour", [silent, drip(raw(200, b" " * 5000, None, {}, 5000))], ids=["silent", "dripped"]
)
def test_the_deadline_holds(serve, tls, certificate, behaviour):
    server = serve(behaviour, tls=tls)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        Transport(ca_bundle=certificate).send(call_to(server.url), deadline_s=0.5)
    assert 0.45 < time.monotonic() - started < 4


def test_a_handshake_that_hangs_ends_with_the_time_to_connect(serve, certificate):
    # This server waits for a request in plain text and never shakes hands.
    server = serve(silent)
    started = time.monotonic()
    with pytest.raises(Unavailable):
        url = server.url.replace("http:", "https:")
        Transport(ca_bundle=certificate).send(call_to(url), deadline_s=20, connect_s=0.3)
    assert time.monotonic() - started < 4
