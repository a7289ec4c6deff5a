"""A TCP proxy before the database that can be away: frozen, cut, or losing its answers."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from enum import Enum


class Mode(Enum):
    """PASS everything; FREEZE both ways; LOSE_ANSWERS: the server gets all, the client nothing more."""

    PASS = "pass"
    FREEZE = "freeze"
    LOSE_ANSWERS = "lose_answers"


class DatabaseProxy:
    """Forwards to `host`:`port` from a port of its own; used as a context."""

    def __init__(self, host: str, port: int) -> None:
        self._target = (host, port)
        self._mode = Mode.PASS
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._clients: set[socket.socket] = set()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._wake, self._waker = socket.socketpair()
        self._lock = threading.Lock()
        self._stopped = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.port = self._listener.getsockname()[1]

    def __enter__(self) -> DatabaseProxy:
        self._thread.start()
        return self

    def __exit__(self, *unused: object) -> None:
        self._stopped = True
        self._waker.send(b".")
        self._thread.join()
        self.cut()
        for one in (self._listener, self._wake, self._waker):
            one.close()

    def set(self, mode: Mode) -> None:
        with self._lock:
            self._mode = mode
        self._waker.send(b".")

    def cut(self) -> None:
        """Close every connection."""
        with self._lock:
            for one in list(self._pairs):
                one.close()
            self._pairs.clear()
            self._clients.clear()
        if not self._stopped:
            self._waker.send(b".")

    def _run(self) -> None:
        while not self._stopped:
            with self._lock:
                frozen = self._mode == Mode.FREEZE
                watched = [self._wake] if frozen else [self._wake, self._listener, *self._pairs]
            ready, _, _ = select.select(watched, [], [], 1.0)
            for one in ready:
                if one is self._wake:
                    one.recv(4096)
                elif one is self._listener:
                    self._accept()
                else:
                    self._forward(one)

    def _accept(self) -> None:
        client, _ = self._listener.accept()
        server = socket.create_connection(self._target)
        with self._lock:
            self._pairs[client], self._pairs[server] = server, client
            self._clients.add(client)

    def _forward(self, source: socket.socket) -> None:
        with self._lock:
            target = self._pairs.get(source)
            lost = self._mode == Mode.LOSE_ANSWERS and source not in self._clients
            if target is None:
                return
            piece = b""
            with contextlib.suppress(OSError):
                piece = source.recv(65536)
            try:
                if piece and not lost:
                    target.sendall(piece)
            except OSError:
                piece = b""
            if not piece:
                for one in (source, target):
                    self._pairs.pop(one, None)
                    self._clients.discard(one)
                    one.close()
