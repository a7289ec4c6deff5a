"""A server of raw sockets that answers by script, faults included. One request per connection unless told."""

from __future__ import annotations

import json
import socket
import ssl
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlsplit


@dataclass(frozen=True)
class Received:
    method: str
    target: str
    headers: dict[str, str]
    body: bytes

    @property
    def path(self) -> str:
        return urlsplit(self.target).path

    @property
    def params(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.target).query))

    @property
    def form(self) -> dict[str, str]:
        return dict(parse_qsl(self.body.decode()))


Behaviour = Callable[[socket.socket, threading.Event], None]


class LoopbackServer:
    """Answers the n-th request with the n-th behaviour; one too many gets a 500 that says so."""

    def __init__(self, *script: Behaviour, tls: ssl.SSLContext | None = None) -> None:
        self._tls = tls
        self.script = list(script)
        self.requests: list[Received] = []
        self.connections = 0
        self.peer_closed = threading.Event()
        self._stop = threading.Event()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"{'https' if tls else 'http'}://127.0.0.1:{self._listener.getsockname()[1]}"
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    def _start(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections += 1
            self._start(self._serve, connection)

    def _serve(self, connection: socket.socket) -> None:
        try:
            secured = self._tls.wrap_socket(connection, server_side=True) if self._tls else connection
        except OSError:
            return
        with secured as connection:
            while (received := _read(connection)) is not None:
                self.requests.append(received)
                behave = (
                    self.script.pop(0) if self.script else answer(500, b"script is at its end", "text/plain")
                )
                try:
                    behave(connection, self._stop)
                except OSError:
                    self.peer_closed.set()
                if getattr(behave, "closes", True):
                    return

    def close(self) -> None:
        self._stop.set()
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for thread in self._threads:
            thread.join(5)


def _read(connection: socket.socket) -> Received | None:
    data = b""
    try:
        while b"\r\n\r\n" not in data:
            chunk = connection.recv(65536)
            if not chunk:
                return None
            data += chunk
        head, _, body = data.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {
            name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])
        }
        while len(body) < int(headers.get("content-length", 0)):
            body += connection.recv(65536)
    except OSError:
        return None
    method, target, _ = lines[0].split(" ")
    return Received(method, target, headers, body)


def raw(status: int, body: bytes, content_type: str | None, headers: dict[str, str], length: int) -> bytes:
    lines = {"Content-Length": str(length), **headers}
    if content_type:
        lines["Content-Type"] = content_type
    head = f"HTTP/1.1 {status} Whatever\r\n" + "".join(f"{n}: {v}\r\n" for n, v in lines.items())
    return head.encode("latin-1") + b"\r\n" + body


def answer(
    status: int = 200, body: bytes = b"{}", content_type: str | None = "application/json", **headers: str
) -> Behaviour:
    sent = raw(status, body, content_type, _spelled(headers) | {"Connection": "close"}, len(body))
    return lambda connection, stop: connection.sendall(sent)


def kept_alive(body: bytes = b"{}") -> Behaviour:
    def behave(connection: socket.socket, stop: threading.Event) -> None:
        connection.sendall(raw(200, body, "application/json", {}, len(body)))

    behave.closes = False
    return behave


def json_answer(document: object, status: int = 200, **headers: str) -> Behaviour:
    return answer(status, json.dumps(document).encode(), **headers)


def rest_error(
    status: int, error_id: int, message: str = "No", domain: str = "D", **headers: str
) -> Behaviour:
    error = {"errorId": error_id, "domain": domain, "category": "REQUEST", "message": message}
    return json_answer({"errors": [error]}, status, **headers)


def cut(body: bytes = b'{"orders": [', announced: int = 5000) -> Behaviour:
    sent = raw(200, body, "application/json", {}, announced)
    return lambda connection, stop: connection.sendall(sent)


def reset(connection: socket.socket, stop: threading.Event) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


def silent(connection: socket.socket, stop: threading.Event) -> None:
    stop.wait(30)


def silent_in_the_middle(connection: socket.socket, stop: threading.Event) -> None:
    connection.sendall(raw(200, b'{"a"', "application/json", {}, 5000))
    stop.wait(30)


def drip(data: bytes, every_s: float = 0.02) -> Behaviour:
    def behave(connection: socket.socket, stop: threading.Event) -> None:
        for index in range(len(data)):
            connection.sendall(data[index : index + 1])
            if stop.wait(every_s):
                return

    return behave


def _spelled(headers: dict[str, str]) -> dict[str, str]:
    return {name.replace("_", "-"): value for name, value in headers.items()}
