"""The sender as a process against a scripted server: never early, never twice, and every call reported on."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from sniper.sender.handle import Sender, SenderGone
from sniper.sender.messages import Answered, Close, Lost, NotSent, Open, Opened, Sent, Shoot, Unanswered

pytestmark = pytest.mark.slow
REQUEST = b"POST /bid HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\n\r\n{}"
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


class Server:
    """Accepts connections; `script` gets each with its number and does with it what it likes."""

    def __init__(self, script: Callable[[int, socket.socket], None]) -> None:
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.received: list[bytes] = []
        self._script = script
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def address(self) -> tuple[tuple[int, str, int], ...]:
        return ((int(socket.AF_INET), "127.0.0.1", self.listener.getsockname()[1]),)

    def _accept(self) -> None:
        for number in range(100):
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(number, connection), daemon=True).start()

    def _serve(self, number: int, connection: socket.socket) -> None:
        # A sender that ends has not read all answers.
        with connection, contextlib.suppress(ConnectionResetError):
            self._script(number, connection)

    def answer_all(self, connection: socket.socket, answer: bytes = ANSWER) -> None:
        while piece := connection.recv(65536):
            self.received.append(piece)
            connection.sendall(answer)


@pytest.fixture
def sender() -> Iterator[Sender]:
    made = Sender()
    yield made
    made.stop(within_s=2.0)


def reports(sender: Sender, *wanted: type, within_s: float = 10.0) -> list:
    """What is reported until one of each wanted kind was."""
    found: list = []
    deadline = time.monotonic() + within_s
    while not all(any(isinstance(event, kind) for event in found) for kind in wanted):
        assert time.monotonic() < deadline, found
        sender.flush()
        select.select([sender], [], [], 0.1)
        found += sender.events()
    return found


def of(kind: type, events: list):
    return next(event for event in events if isinstance(event, kind))


def shoot(
    sender: Sender, *, in_s: float = 0.0, until_s: float = 5.0, within_s: float = 1.0, key: int = 7
) -> float:
    now = time.monotonic()
    sender.tell(Shoot(1, key, REQUEST, now + in_s, now + until_s, within_s))
    return now + in_s


def open_line(sender: Sender, server: Server) -> None:
    sender.tell(Open(7, server.address))
    reports(sender, Opened)


def test_it_sends_at_the_moment_and_not_before(sender):
    arrived: list[float] = []

    def script(number: int, connection: socket.socket) -> None:
        if connection.recv(65536):
            arrived.append(time.monotonic())
            connection.sendall(ANSWER)
            connection.recv(1)

    open_line(sender, Server(script))
    at_s = shoot(sender, in_s=0.3)
    found = reports(sender, Sent, Answered)
    assert at_s <= of(Sent, found).at_s < at_s + 0.2
    assert at_s <= arrived[0]
    answer = of(Answered, found)
    assert (answer.status, answer.body) == (200, b"ok")


def test_of_many_none_is_early(sender):
    """One alone may be late by chance, on a busy machine, and hide that it would have been early."""
    server = Server(lambda number, connection: server.answer_all(connection))
    open_line(sender, server)
    now = time.monotonic()
    at_s = {call_id: now + 0.2 + call_id * 0.02 for call_id in range(30)}
    for call_id, moment in at_s.items():
        sender.tell(Shoot(call_id, 7, REQUEST, moment, moment + 5, 1.0))
    found: list = []
    while len(found) < len(at_s):
        found += [event for event in reports(sender, Sent) if isinstance(event, Sent)]
    assert min(event.at_s - at_s[event.call_id] for event in found) >= 0


def test_a_connection_that_ebay_closed_is_replaced_before_the_moment(sender):
    server = Server(lambda number, connection: None if number == 0 else server.answer_all(connection))
    open_line(sender, server)
    shoot(sender, in_s=0.5)
    assert of(Answered, reports(sender, Answered)).status == 200
    assert server.received == [REQUEST]


def test_a_spare_serves_when_the_own_connection_is_gone_at_the_moment(sender):
    """The first one is reset just when it is needed; nothing had been written to it."""
    release = threading.Event()

    def script(number: int, connection: socket.socket) -> None:
        if number == 0:
            release.wait(10)
        else:
            server.answer_all(connection)

    server = Server(script)
    open_line(sender, server)
    reset = shoot(sender, in_s=0.4)
    release.set()
    assert of(Answered, reports(sender, Answered)).at_s >= reset
    assert server.received == [REQUEST]


@pytest.mark.parametrize(
    "answer", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{", b"nonsense\r\n\r\n"]
)
def test_what_is_no_whole_answer_is_unclear_and_not_sent_again(sender, answer):
    def script(number: int, connection: socket.socket) -> None:
        piece = connection.recv(65536)
        if piece:
            server.received.append(piece)
            connection.sendall(answer)

    server = Server(script)
    open_line(sender, server)
    shoot(sender)
    found = reports(sender, Unanswered)
    assert not [event for event in found if isinstance(event, Answered)]
    assert server.received == [REQUEST]


def test_silence_is_unclear_after_its_time(sender):
    server = Server(lambda number, connection: threading.Event().wait(3))
    open_line(sender, server)
    at_s = shoot(sender, within_s=0.3)
    assert of(Unanswered, reports(sender, Unanswered)).at_s >= at_s + 0.3


def test_too_late_is_not_sent_at_all(sender):
    server = Server(lambda number, connection: server.answer_all(connection))
    open_line(sender, server)
    shoot(sender, in_s=-1.0, until_s=-0.5)
    assert of(NotSent, reports(sender, NotSent)).why == "too late"
    assert server.received == []


def test_without_a_connection_it_waits_for_one_and_then_gives_up(sender):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        address = ((int(socket.AF_INET), "127.0.0.1", closed.getsockname()[1]),)
    sender.tell(Open(7, address))
    reports(sender, Lost)
    shoot(sender, until_s=0.4)
    assert "no connection" in of(NotSent, reports(sender, NotSent)).why


def test_closing_a_line_ends_what_waits_on_it(sender):
    server = Server(lambda number, connection: threading.Event().wait(3))
    open_line(sender, server)
    shoot(sender)
    reports(sender, Sent)
    sender.tell(Close(7))
    assert of(Unanswered, reports(sender, Unanswered)).call_id == 1


def test_it_still_sends_what_was_recorded_when_the_executor_is_gone(sender):
    server = Server(lambda number, connection: server.answer_all(connection))
    open_line(sender, server)
    shoot(sender, in_s=0.5)
    sender.flush()
    sender.stop(within_s=5.0)
    assert sender.process.returncode == 0
    assert server.received == [REQUEST]


def test_its_end_is_noticed(sender):
    sender.process.kill()
    sender.process.wait()
    with pytest.raises(SenderGone):
        reports(sender, Opened)


def test_a_request_is_in_no_repr():
    assert "secret" not in repr(Shoot(1, 2, b"secret", 0.0, 1.0))
