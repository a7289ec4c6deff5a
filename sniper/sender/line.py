"""One connection to eBay: opened without waiting, kept open, one call at a time."""

from __future__ import annotations

import errno
import select
import socket
import ssl
from enum import Enum

from ebayconnector.ebay.errors import BadAnswer
from ebayconnector.ebay.raw_answers import AnswerReader, RawAnswer

from .messages import Shoot

_PIECE = 64 * 1024
_READ = select.EPOLLIN | select.EPOLLRDHUP
_WRITE = select.EPOLLOUT


class State(Enum):
    CONNECTING = "connecting"
    SHAKING = "shaking"
    IDLE = "idle"
    SENDING = "sending"
    WAITING = "waiting"
    CLOSED = "closed"


class LineBroken(Exception):
    """The connection is of no use any more; the text says why, in the system's words."""


class Line:
    """Raises LineBroken out of every step; whoever holds it closes it then."""

    def __init__(self, address: tuple[int, str, int], tls: tuple[ssl.SSLContext, str] | None) -> None:
        family, host, port = address
        self.state = State.CONNECTING
        self.shot: Shoot | None = None
        self.wrote = False
        self._tls = tls
        self._rest = memoryview(b"")
        self._reader = AnswerReader()
        self.socket: socket.socket = socket.socket(family, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        problem = self.socket.connect_ex((host, port))
        if problem not in (0, errno.EINPROGRESS):
            self.close()
            raise LineBroken(errno.errorcode.get(problem, str(problem)))

    @property
    def wants(self) -> int:
        """The epoll events to wait for."""
        if self.state in (State.CONNECTING, State.SENDING):
            return _READ | _WRITE
        return _READ

    @property
    def is_open(self) -> bool:
        return self.state not in (State.CONNECTING, State.SHAKING, State.CLOSED)

    def close(self) -> None:
        self.state = State.CLOSED
        self.socket.close()

    def connected(self) -> None:
        """The kernel says that the connection attempt is over."""
        problem = self.socket.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR)
        if problem:
            raise LineBroken(errno.errorcode.get(problem, str(problem)))
        if self._tls is None:
            self.state = State.IDLE
            return
        context, name = self._tls
        self.socket = context.wrap_socket(self.socket, server_hostname=name, do_handshake_on_connect=False)
        self.state = State.SHAKING
        self.shake()

    def shake(self) -> None:
        """One step of the TLS handshake."""
        if not isinstance(self.socket, ssl.SSLSocket):
            raise LineBroken("no TLS")
        try:
            self.socket.do_handshake()
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return
        except ssl.SSLCertVerificationError as failure:
            raise LineBroken(f"its certificate is not trusted: {failure.verify_message}") from None
        except OSError as failure:
            raise LineBroken(f"TLS: {failure.strerror or type(failure).__name__}") from None
        self.state = State.IDLE

    def send(self, shot: Shoot) -> bool:
        """Begin the call; True when all of it went out at once."""
        self.shot, self.wrote = shot, False
        self._reader = AnswerReader(has_body=shot.has_body)
        self._rest = memoryview(shot.request)
        self.state = State.SENDING
        return self.send_rest()

    def send_rest(self) -> bool:
        """True when the last byte has been handed to the kernel."""
        while self._rest:
            try:
                count = self.socket.send(self._rest)
            except (BlockingIOError, ssl.SSLWantWriteError, ssl.SSLWantReadError):
                return False
            except OSError as failure:
                raise LineBroken(failure.strerror or type(failure).__name__) from None
            self.wrote = True
            self._rest = self._rest[count:]
        self.state = State.WAITING
        return True

    def receive(self) -> RawAnswer | None:
        """What has arrived of the answer; None when it is not complete. Nothing may come uncalled for."""
        try:
            piece = self.socket.recv(_PIECE)
        except (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return None
        except OSError as failure:
            raise LineBroken(failure.strerror or type(failure).__name__) from None
        if self.shot is None:
            raise LineBroken("closed by eBay" if not piece else "data that nobody asked for")
        try:
            answer = self._reader.feed(piece)
        except BadAnswer as failure:
            raise LineBroken(failure.summary) from None
        return answer

    def free(self) -> None:
        """The call is over; another may follow."""
        self.shot = None
        self.state = State.IDLE
