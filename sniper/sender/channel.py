"""The sender's end of the socket to its executor; never waits."""

from __future__ import annotations

import contextlib
import select
import socket
from collections.abc import Iterator

from .messages import Command, Event, Frames, frame

_PIECE = 256 * 1024


class Channel:
    """`is_over`: the executor is gone."""

    def __init__(self, ours: socket.socket, epoll: select.epoll) -> None:
        ours.setblocking(False)
        self._socket = ours
        self._epoll = epoll
        self._commands = Frames(Command)
        self._out = bytearray()
        self._writes = False
        self.is_over = False
        epoll.register(ours.fileno(), select.EPOLLIN)

    def fileno(self) -> int:
        return self._socket.fileno()

    def say(self, event: Event) -> None:
        """Goes out with the next `flush`."""
        self._out += frame(event)

    def flush(self) -> None:
        if not self._out or self.is_over:
            self._out.clear()
            return
        try:
            count = self._socket.send(self._out)
        except BlockingIOError:
            count = 0
        except OSError:
            self._end()
            return
        del self._out[:count]
        if bool(self._out) != self._writes:
            self._writes = bool(self._out)
            self._epoll.modify(self.fileno(), select.EPOLLIN | (select.EPOLLOUT if self._writes else 0))

    def hear(self, events: int) -> Iterator[object]:
        """The commands that have arrived, after what epoll said."""
        if events & select.EPOLLOUT:
            self.flush()
        if not events & ~select.EPOLLOUT:
            return
        try:
            piece = self._socket.recv(_PIECE)
        except BlockingIOError:
            return
        except OSError:
            piece = b""
        if not piece:
            self._end()
            return
        self._commands.feed(piece)
        yield from self._commands.messages()

    def _end(self) -> None:
        self.is_over = True
        with contextlib.suppress(OSError, ValueError):
            self._epoll.unregister(self.fileno())
