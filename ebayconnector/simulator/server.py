"""Serving the simulator: one event loop, one port, in a thread of a test or as a process of its own."""

import asyncio
import signal
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from types import TracebackType
from typing import Any, Self, cast

import uvicorn
from starlette.applications import Starlette
from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

from ebayconnector.simulator.api_offer import RECEIVED_KEY
from ebayconnector.simulator.app import create_app
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.exchange import TRANSPORT_KEY

_KEEP_ALIVE_S = 60
_START_WITHIN_S = 20.0
_STOP_WITHIN_S = 15.0


class _JoiningTransport:
    """Sends the head of an answer together with its body: one call of the system instead of two."""

    def __init__(self, transport: asyncio.Transport, loop: asyncio.AbstractEventLoop) -> None:
        self._transport = transport
        self._loop = loop
        self._head = b""

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)

    def write(self, data: bytes) -> None:
        if not self._head and data.startswith(b"HTTP/1.1 "):
            self._head = data
            self._loop.call_soon(self._flush)  # an answer without a body
            return
        head, self._head = self._head, b""
        self._transport.write(head + data)

    def _flush(self) -> None:
        if self._head:
            self.write(b"")

    def close(self) -> None:
        self._flush()
        self._transport.close()


class _Protocol(HttpToolsProtocol):
    """Tells the application when a request came, and hands it the transport, which it closes in the faults
    `cut` and `reset`.
    """

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(cast(asyncio.Transport, _JoiningTransport(transport, self.loop)))

    def on_message_begin(self) -> None:
        super().on_message_begin()
        scope = cast(dict[str, object], self.scope)
        scope[TRANSPORT_KEY] = self.transport
        scope[RECEIVED_KEY] = time.time_ns()


class _Server(uvicorn.Server):
    """Uvicorn without its signal handlers and its clock; `ready` is set when it listens.

    Uvicorn looks ten times a second whether it should end. A process whose tests move the monotonic clock
    puts that look off by hours, so this one is told.
    """

    def __init__(self, config: uvicorn.Config) -> None:
        super().__init__(config)
        self.ready = threading.Event()
        self._end = asyncio.Event()

    def end(self) -> None:
        """Stop serving; called in the loop."""
        self.should_exit = True
        self._end.set()

    async def main_loop(self) -> None:
        await self.on_tick(0)
        await self._end.wait()

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self.ready.set()


def listen(host: str, port: int) -> socket.socket:
    """A bound socket; port 0 picks a free one. Raises OSError when the port is taken."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Only with the protocol named does asyncio turn Nagle's algorithm off, which costs 40 ms an answer.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listener.bind((host, port))
    listener.listen(512)
    return listener


def url_of(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _server(app: Starlette) -> _Server:
    config = uvicorn.Config(
        app,
        loop="asyncio",
        http=_Protocol,
        ws="none",
        lifespan="off",
        log_config=None,
        access_log=False,
        date_header=False,
        server_header=False,
        proxy_headers=False,
        timeout_keep_alive=_KEEP_ALIVE_S,
        timeout_graceful_shutdown=1,
    )
    return _Server(config)


def serve(app: Starlette, listener: socket.socket) -> None:
    """Serve until SIGTERM or SIGINT; prints one line when the port is open."""
    server = _server(app)

    async def run() -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.end)
        print(f"simulator listening on {url_of(listener)}", flush=True)
        await server.serve(sockets=[listener])

    asyncio.run(run())


class SimulatorServer:
    """A simulator in a thread of this process: `with SimulatorServer() as simulator: simulator.url`."""

    def __init__(
        self, config: SimulatorConfig | None = None, *, host: str = "127.0.0.1", port: int = 0
    ) -> None:
        self.app = create_app(config)
        self._listener = listen(host, port)
        self.url = url_of(self._listener)
        self._server = _server(self.app)
        self._thread = threading.Thread(target=self._run, name="ebay-simulator", daemon=True)

    def _run(self) -> None:
        asyncio.run(self._serve())

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        await self._server.serve(sockets=[self._listener])

    def start(self) -> Self:
        """Answers when requests are served. Raises RuntimeError when the server does not start."""
        self._thread.start()
        if not self._server.ready.wait(_START_WITHIN_S):
            raise RuntimeError("the simulator did not start")
        return self

    def stop(self) -> None:
        """Answers when nothing is served any more. Raises RuntimeError when it goes on against all odds."""
        with suppress(RuntimeError):  # its loop has ended by itself
            self._loop.call_soon_threadsafe(self._server.end)
        self._thread.join(_STOP_WITHIN_S)
        if self._thread.is_alive():
            stacks = [str(task.get_stack()) for task in asyncio.all_tasks(self._loop)]
            raise RuntimeError(f"the simulator did not stop: {stacks}")

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
