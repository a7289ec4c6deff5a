"""The sender over TLS, as it speaks to eBay: one warm session, replaced when eBay closes it, and no bid to
a stranger. The certificate is of an authority that the test has made."""

from __future__ import annotations

import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from sniper.sender.handle import Sender
from sniper.sender.messages import Answered, Lost, NotSent, Open, Opened, Sent, Unanswered

from .test_sender import ANSWER, REQUEST, Server, of, reports, shoot

pytestmark = pytest.mark.slow
NAME = "localhost"
DAY = timedelta(days=1)


def signed(name: str, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, by, *, is_ca: bool):
    now = datetime.now(UTC)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    names = [x509.DNSName(NAME), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - DAY)
        .not_valid_after(now + DAY)
        .add_extension(x509.BasicConstraints(ca=is_ca, path_length=None), critical=True)
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .sign(by, hashes.SHA256())
    )


def pem(certificate: x509.Certificate, key: ec.EllipticCurvePrivateKey | None = None) -> bytes:
    text = certificate.public_bytes(serialization.Encoding.PEM)
    if key is None:
        return text
    kind = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, kind, serialization.NoEncryption()) + text


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """(the authority's file, the server's own with its key)."""
    folder = tmp_path_factory.mktemp("tls")
    authority_key, key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "authority")])
    authority = signed("authority", name, authority_key, authority_key, is_ca=True)
    (folder / "authority.pem").write_bytes(pem(authority))
    (folder / "server.pem").write_bytes(pem(signed(NAME, name, key, authority_key, is_ca=False), key))
    return str(folder / "authority.pem"), str(folder / "server.pem")


class TlsServer(Server):
    """`handshakes` counts those that came about; `closing` ends the idle connections."""

    def __init__(self, certificate: str, script: Callable[[int, socket.socket], None]) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate)
        self.handshakes = 0
        super().__init__(script)

    def _serve(self, number: int, connection: socket.socket) -> None:
        try:
            with self._context.wrap_socket(connection, server_side=True) as encrypted:
                self.handshakes += 1
                self._script(number, encrypted)
        except OSError:
            return


@pytest.fixture
def sender(files) -> Iterator[Sender]:
    made = Sender(ca_bundle=files[0])
    yield made
    made.stop(within_s=2.0)


def open_tls(sender: Sender, server: Server, name: str = NAME) -> None:
    sender.tell(Open(7, server.address, name))


def test_a_bid_goes_over_the_session_that_was_opened_before(sender, files):
    server = TlsServer(files[1], lambda number, connection: server.answer_all(connection))
    open_tls(sender, server)
    opened = of(Opened, reports(sender, Opened))
    at_s = shoot(sender, in_s=0.4)
    found = reports(sender, Answered)
    assert opened.at_s < at_s <= of(Sent, found).at_s < at_s + 0.2
    assert (of(Answered, found).status, server.received) == (200, [REQUEST])
    shoot(sender)
    assert of(Answered, reports(sender, Answered)).body == b"ok"
    # The connection and the spare one, and none for the bids.
    assert server.handshakes == 2


def test_a_session_that_ebay_closed_while_idle_is_replaced_before_the_moment(sender, files):
    server = TlsServer(
        files[1], lambda number, connection: None if number == 0 else server.answer_all(connection)
    )
    open_tls(sender, server)
    reports(sender, Opened, Lost)
    shoot(sender, in_s=0.6)
    assert of(Answered, reports(sender, Answered)).status == 200
    assert server.received == [REQUEST]


def test_an_answer_in_many_records_is_read_whole_and_a_cut_one_is_unclear(sender, files):
    def script(number: int, connection: socket.socket) -> None:
        while piece := connection.recv(65536):
            server.received.append(piece)
            if len(server.received) > 1:
                connection.sendall(ANSWER[:-1])
                return
            for at in range(len(ANSWER)):
                connection.sendall(ANSWER[at : at + 1])

    server = TlsServer(files[1], script)
    open_tls(sender, server)
    reports(sender, Opened)
    shoot(sender)
    assert of(Answered, reports(sender, Answered)).body == b"ok"
    shoot(sender)
    assert not [event for event in reports(sender, Unanswered) if isinstance(event, Answered)]
    assert server.received == [REQUEST, REQUEST]


@pytest.mark.parametrize("fault", ["unknown authority", "another name"])
def test_a_certificate_that_is_not_ebays_gets_no_bid_and_the_reason_says_so(files, fault):
    server = TlsServer(files[1], lambda number, connection: server.answer_all(connection))
    sender = Sender(ca_bundle="" if fault == "unknown authority" else files[0])
    try:
        open_tls(sender, server, NAME if fault == "unknown authority" else "api.ebay.com")
        assert "its certificate is not trusted" in of(Lost, reports(sender, Lost)).why
        shoot(sender, until_s=0.5)
        why = of(NotSent, reports(sender, NotSent)).why
        assert why.startswith("no connection in time: its certificate is not trusted")
    finally:
        sender.stop(within_s=2.0)
    assert (server.received, server.handshakes) == ([], 0)


def test_a_server_that_never_shakes_hands_is_given_up(sender):
    """It accepts and says nothing: the bid is not sent, and is told of in time."""
    server = Server(lambda number, connection: threading.Event().wait(5))
    open_tls(sender, server)
    at_s = shoot(sender, until_s=0.5)
    assert of(NotSent, reports(sender, NotSent)).at_s >= at_s + 0.5
    assert time.monotonic() < at_s + 3.0
