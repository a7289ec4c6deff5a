"""Connections that keep a total deadline.

`requests` bounds the wait for each piece of data; a server that sends a byte now and then is never late.
Here every piece waits at most for what is left of the whole call's time, from the look-up of the name to
the last byte.
"""

from __future__ import annotations

import queue
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import ConnectTimeoutError, NameResolutionError, NewConnectionError
from urllib3.util.ssl_ import create_urllib3_context


class _Budget(threading.local):
    """The time of the call that this thread is making, on the monotonic clock."""

    ends_at: float = float("inf")
    connect_s: float = float("inf")


_budget = _Budget()


@contextmanager
def time_budget(*, deadline_s: float, connect_s: float) -> Iterator[None]:
    """What this thread does on our sockets inside the block ends after `deadline_s` with a TimeoutError."""
    _budget.ends_at = time.monotonic() + deadline_s
    _budget.connect_s = connect_s
    try:
        yield
    finally:
        _budget.ends_at = _budget.connect_s = float("inf")


def budget_is_over() -> bool:
    return time.monotonic() >= _budget.ends_at


def _remaining() -> float | None:
    if _budget.ends_at == float("inf"):
        return None
    left = _budget.ends_at - time.monotonic()
    if left <= 0:
        raise TimeoutError("the time for the call is over")
    return left


class _DeadlineSocket(socket.socket):
    """Reads and writes that wait no longer than the budget."""

    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining())
        return super().recv_into(*args, **kwargs)

    def sendall(self, *args: Any, **kwargs: Any) -> None:
        self.settimeout(_remaining())
        super().sendall(*args, **kwargs)


class _DeadlineTlsSocket(ssl.SSLSocket):
    def recv_into(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining())
        return super().recv_into(*args, **kwargs)

    # SSLSocket.sendall loops over send.
    def send(self, *args: Any, **kwargs: Any) -> int:
        self.settimeout(_remaining())
        return super().send(*args, **kwargs)


class _DeadlineConnection(HTTPConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _DeadlineTlsConnection(HTTPSConnection):
    def _new_conn(self) -> socket.socket:
        return _connect(self)


class _DeadlinePool(HTTPConnectionPool):
    ConnectionCls = _DeadlineConnection


class _DeadlineTlsPool(HTTPSConnectionPool):
    ConnectionCls = _DeadlineTlsConnection


class DeadlineAdapter(HTTPAdapter):
    """The `requests` adapter over these connections, without retries. Safe to share between threads."""

    def __init__(self, *, pool_size: int) -> None:
        super().__init__(pool_connections=pool_size, pool_maxsize=pool_size, max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        context = create_urllib3_context()
        context.sslsocket_class = _DeadlineTlsSocket
        super().init_poolmanager(*args, **kwargs, ssl_context=context)
        self.poolmanager.pool_classes_by_scheme = {"http": _DeadlinePool, "https": _DeadlineTlsPool}


def _connect(connection: HTTPConnection) -> socket.socket:
    """A connected socket; urllib3's own exceptions, because urllib3 calls this."""
    connect_by = time.monotonic() + min(_budget.connect_s, _remaining() or float("inf"))
    try:
        return _first_connected(connection, connect_by)
    except socket.gaierror as error:
        raise NameResolutionError(connection.host, connection, error) from error
    except TimeoutError as error:
        raise ConnectTimeoutError(connection, f"no connection to {connection.host} in time") from error
    except OSError as error:
        raise NewConnectionError(connection, f"no connection to {connection.host}: {error}") from error


def _first_connected(connection: HTTPConnection, connect_by: float) -> socket.socket:
    """Tries the host's addresses in turn, each with its share of the time that is left."""
    addresses = _resolve(connection.host.strip("[]"), connection.port, connect_by)
    last: OSError = OSError("the name has no address")
    for index, (family, kind, protocol, _name, address) in enumerate(addresses):
        share = (connect_by - time.monotonic()) / (len(addresses) - index)
        if share <= 0:
            raise TimeoutError("no connection in time")
        candidate = _DeadlineSocket(family, kind, protocol)
        try:
            candidate.settimeout(None if share == float("inf") else share)
            candidate.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            candidate.connect(address)
            # The TLS handshake comes next, within what is left of the time to connect.
            left = connect_by - time.monotonic()
            candidate.settimeout(None if left == float("inf") else max(left, 0.001))
            return candidate
        except OSError as error:
            candidate.close()
            last = error
    raise last


def _resolve(host: str, port: int, resolve_by: float) -> list[Any]:
    """`getaddrinfo`, which has no timeout of its own and so runs in a thread that may be left behind."""
    answers: queue.Queue[list[Any] | OSError] = queue.Queue(1)

    def look_up() -> None:
        try:
            answers.put(list(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)))
        except OSError as error:
            answers.put(error)
        except UnicodeError:
            answers.put(OSError("not a host name"))

    threading.Thread(target=look_up, name="ebay-name-lookup", daemon=True).start()
    left = resolve_by - time.monotonic()
    try:
        answer = answers.get(timeout=None if left == float("inf") else max(left, 0.0))
    except queue.Empty:
        raise TimeoutError("the name was not resolved in time") from None
    if isinstance(answer, OSError):
        raise answer
    return answer
