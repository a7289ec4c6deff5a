"""First load and unchanged second load through the engine, all bookkeeping on."""

from __future__ import annotations

import time
from typing import Any

from . import loading


def measure(*, orders: int) -> dict[str, Any]:
    connected = loading.connect(orders)
    first = _timed_load(connected, orders)
    loading.forget_coverage(connected.account)
    second = _timed_load(connected, orders)
    return {"first": first, "second": second}


def _timed_load(connected: loading.Connected, orders: int) -> dict[str, Any]:
    before = loading.written()
    with loading.counted_exchanges() as exchanges:
        started, cpu = time.perf_counter(), time.process_time()
        run = loading.load_all(connected, orders)
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    return {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "fetch_s": exchanges.seconds,
        "requests": exchanges.count,
        "orders": orders,
        "rows": loading.rows_stored(),
        "stored": run.rows_stored,
        "unchanged": run.rows_unchanged,
        **loading.written().since(before),
    }
