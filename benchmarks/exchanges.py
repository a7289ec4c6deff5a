"""How many calls went out, and how long the thread that works with the answers waited for them."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

from ebayconnector.ebay.transport import Pending, Response, Transport


@dataclass
class Exchanges:
    """`seconds`: waited until answers were in, decompressed; `first_byte_s`: of it until they began to come.

    What passed while a call that was begun ahead was on its way, and somebody worked meanwhile, is no wait.
    """

    count: int = 0
    seconds: float = 0.0
    first_byte_s: float = 0.0

    def timed(self, answered: Callable[[], Response]) -> Response:
        started = time.perf_counter()
        response = answered()
        waited = time.perf_counter() - started
        transfer_s = response.duration_s - response.first_byte_s
        self.seconds += waited
        # An answer's transfer comes last: of a wait that was cut short at its beginning it is still there.
        self.first_byte_s += max(0.0, waited - transfer_s)
        return response


@contextmanager
def counted_exchanges() -> Iterator[Exchanges]:
    """Counts the calls of this process, those begun ahead too."""
    exchanges = Exchanges()
    exchange, begin, wait = Transport.exchange, Transport.begin, Pending.__call__

    def counted(self: Transport, *args: Any, **kwargs: Any) -> Response:
        exchanges.count += 1
        return exchanges.timed(lambda: exchange(self, *args, **kwargs))

    def begun(self: Transport, *args: Any, **kwargs: Any) -> Pending:
        exchanges.count += 1
        return begin(self, *args, **kwargs)

    def waited(self: Pending) -> Response:
        return exchanges.timed(lambda: wait(self))

    with (
        patch.object(Transport, "exchange", counted),
        patch.object(Transport, "begin", begun),
        patch.object(Pending, "__call__", waited),
    ):
        yield exchanges
