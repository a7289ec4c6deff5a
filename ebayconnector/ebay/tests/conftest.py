from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.clock import ClockOffset
from ebayconnector.ebay.environments import Application, environment_named
from ebayconnector.ebay.transport import Call, Caller, Exchange, Transport

from .loopback import Behaviour, LoopbackServer

ACCESS_TOKEN = "v^1.1#i^1#canary-access-token#t^H4sIAAAA/+w=="


class Watcher:
    """An observer that remembers."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.exchanges: list[Exchange] = []

    def before_call(self, call: Call) -> None:
        self.calls.append(call)

    def after_exchange(self, exchange: Exchange) -> None:
        self.exchanges.append(exchange)


class Tokens:
    """A token source: `first`, then `renewed-1`, `renewed-2`, …"""

    def __init__(self, first: str = ACCESS_TOKEN) -> None:
        self.current = first
        self.rejected: list[str] = []

    def get(self) -> str:
        return self.current

    def renew(self, rejected: str, *, api: str) -> str:
        self.rejected.append(rejected)
        self.current = f"renewed-{len(self.rejected)}"
        return self.current


class Connected:
    """A client, all that it stands on, and the waits it asked for."""

    def __init__(self, server: LoopbackServer, attempts: int = 3) -> None:
        self.server = server
        self.waits: list[float] = []
        self.watcher = Watcher()
        self.tokens = Tokens()
        self.clock = ClockOffset()
        self.transport = Transport([self.watcher])
        self.client = EbayClient(
            environment_named("simulator", simulator_url=server.url),
            self.transport,
            self.tokens,
            marketplace_id="EBAY_DE",
            caller=Caller(account_id=7, source="test"),
            wait=self.waits.append,
            attempts=attempts,
            clock=self.clock,
        )


@pytest.fixture
def serve() -> Iterator[Callable[..., LoopbackServer]]:
    servers: list[LoopbackServer] = []

    def start(*script: Behaviour, **options: object) -> LoopbackServer:
        servers.append(LoopbackServer(*script, **options))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


@pytest.fixture
def connect(serve: Callable[..., LoopbackServer]) -> Iterator[Callable[..., Connected]]:
    made: list[Connected] = []

    def start(*script: Behaviour, attempts: int = 3) -> Connected:
        made.append(Connected(serve(*script), attempts))
        return made[-1]

    yield start
    for connected in made:
        connected.transport.close()


@pytest.fixture
def application(serve: Callable[..., LoopbackServer]) -> Callable[[LoopbackServer], Application]:
    def of(server: LoopbackServer) -> Application:
        environment = environment_named("simulator", simulator_url=server.url)
        return Application(environment, "client-1", "canary-client-secret", "My-RuName")

    return of
