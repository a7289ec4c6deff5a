"""A TCP proxy before the database that can be away: frozen, cut, or losing its answers."""

from __future__ import annotations

import contextlib
import socket
import threading
from enum import Enum


class Mode(Enum):
    """PASS everything; FREEZE both ways; LOSE_ANSWERS: the server gets all, the client nothing more."""

    PASS = "pass"
    FREEZE = "freeze"
    LOSE_ANSWERS = "lose_answers"


class DatabaseProxy:
    """Forwards to `host`:`port` from a port of its own; used as a context.

    A thread for each direction of each connection: a peer that does not read holds up nobody else.
    """

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._mode = Mode.PASS
        self._passes = threading.Event()
        self._passes.set()
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=100)
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> DatabaseProxy:
        threading.Thread(target=self._accept, daemon=True).start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._listener.close()
        self.set(Mode.PASS)
        self.cut()

    def set(self, mode: Mode) -> None:
        self._mode = mode
        (self._passes.clear if mode == Mode.FREEZE else self._passes.set)()

    def cut(self) -> None:
        """End every connection."""
        with self._lock:
            ended, self._open = self._open, set()
        for one in ended:
            _end(one)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            self._passes.wait()
            server = socket.create_connection(self._target)
            with self._lock:
                self._open |= {client, server}
            for source, target in ((client, server), (server, client)):
                threading.Thread(target=self._pump, args=(source, target, server), daemon=True).start()

    def _pump(self, source: socket.socket, target: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while piece := source.recv(65536):
                self._passes.wait()
                if self._mode != Mode.LOSE_ANSWERS or source is not server:
                    target.sendall(piece)
        _end(source)
        _end(target)
        with self._lock:
            self._open.discard(source)
        source.close()


def _end(one: socket.socket) -> None:
    """Wakes whoever waits on it; the thread that reads from it closes it."""
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
