"""Where the time of a first load goes: timers around the steps, each second counted once.

There is one writer here. The seconds are those of the thread that works; what other threads fetch meanwhile
costs it nothing.
Statements are told apart by their text, so that the figures follow the tables and not our functions. The
time of a statement holds psycopg's adaptation of its parameters.
"""

from __future__ import annotations

import dataclasses
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.db import connection

from ebayconnector.ebay import answers
from ebayconnector.ebay.transport import Pending, Transport
from syncworkers.models import Order, OrderLineItem
from syncworkers.registry import WORKERS
from syncworkers.registry.declarations import FromBytes
from syncworkers.services import payloads
from syncworkers.services.writers import SecondWriter

from . import loading
from .exchanges import counted_exchanges

FETCH, TRANSFER, PARSE = "waiting for eBay's first byte", "waiting for the rest of a page", "JSON parse"
CLEAN, MAP = "clean and hash", "keys, and mapping to columns"
KNOWN, UPSERT = "SQL: stored hashes", "SQL: orders, upsert"
CHILDREN, BOOKS, COMMIT = "SQL: line items", "SQL: fence, counters, log, coverage", "commit and savepoints"
OTHER = "the rest: engine, store, ORM"


class Clock:
    """Seconds by part; while an inner part runs, the outer one stands still."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = defaultdict(float)
        self._running: list[str] = []
        self._since = 0.0

    @contextmanager
    def part(self, name: str) -> Iterator[None]:
        self._book()
        self._running.append(name)
        try:
            yield
        finally:
            self._book()
            self._running.pop()

    def _book(self) -> None:
        now = time.perf_counter()
        if self._running:
            self.seconds[self._running[-1]] += now - self._since
        self._since = now

    def timed(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        def call(*args: Any, **kwargs: Any) -> Any:
            with self.part(name):
                return function(*args, **kwargs)

        return call


def measure(*, orders: int) -> dict[str, Any]:
    connected = loading.connect(orders)
    clock = Clock()
    with counted_exchanges() as exchanges, _timers(clock):
        started = time.perf_counter()
        with clock.part(OTHER):
            loading.load(connected.account)
        whole = time.perf_counter() - started
    loading.check_stored(connected.account, orders)
    clock.seconds[FETCH] = exchanges.first_byte_s
    clock.seconds[TRANSFER] -= exchanges.first_byte_s
    parts = sorted(clock.seconds.items(), key=lambda part: -part[1])
    return {"orders": orders, "seconds": whole, "parts": parts}


@contextmanager
def _timers(clock: Clock) -> Iterator[None]:
    table = loading.ORDERS.table
    assert table.from_bytes is not None, "orders come as bytes"
    reading = table.from_bytes
    timed_reading = FromBytes(clock.timed(MAP, reading.key), clock.timed(MAP, reading.row))
    timed_table = dataclasses.replace(table, from_bytes=timed_reading)
    timed_worker = dataclasses.replace(loading.ORDERS, table=timed_table)
    wrapped = [
        (Transport, "exchange", TRANSFER),
        (Pending, "__call__", TRANSFER),
        (answers, "parse_json_around", PARSE),
        (payloads, "document", CLEAN),
        (connection, "commit", COMMIT),
    ]
    patches: list[Any] = [
        patch.object(where, name, clock.timed(part, getattr(where, name))) for where, name, part in wrapped
    ]
    patches.append(patch.object(SecondWriter, "takes", lambda writer, store, *, waiting=0: False))
    patches.append(patch("syncworkers.services.execution.WORKERS", new={**WORKERS, "orders": timed_worker}))
    for one in patches:
        one.start()
    try:
        with connection.execute_wrapper(_statement_timer(clock)):
            yield
    finally:
        for one in reversed(patches):
            one.stop()


def _statement_timer(clock: Clock) -> Callable[..., Any]:
    def timed(execute: Callable[..., Any], sql: str, params: Any, many: bool, context: Any) -> Any:
        with clock.part(_part_of(sql)):
            return execute(sql, params, many, context)

    return timed


def _part_of(statement: str) -> str:
    text = statement.lstrip()
    if "SAVEPOINT" in text[:20]:
        return COMMIT
    if OrderLineItem._meta.db_table in text:
        return CHILDREN
    if Order._meta.db_table in text:
        return KNOWN if text.startswith("SELECT") else UPSERT
    return BOOKS
