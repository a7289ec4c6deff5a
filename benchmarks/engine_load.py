"""Three loads through the engine, all bookkeeping on."""

from __future__ import annotations

import time
from typing import Any

from . import high_water, loading, simulated
from .exchanges import counted_exchanges


def measure(*, orders: int, page_s: float = 0.0) -> dict[str, Any]:
    """First, unchanged and with a tenth changed; a page takes the server `page_s`, or what it needs.

    Raises RuntimeError when a load does not store exactly what it should.
    """
    before_mb = high_water.resident()
    connected = loading.connect(orders)
    with loading.slow_pages(connected, page_s):
        loads = loading.three_loads(connected, lambda: timed_load(connected, orders, before_mb=before_mb))
    expected = (orders, 0, loads["third"]["changed"])
    stored = tuple(loads[name]["stored"] for name in ("first", "second", "third"))
    if stored != expected:
        raise RuntimeError(f"the loads stored {stored} orders instead of {expected}")
    return loads


def timed_load(connected: loading.Connected, orders: int, *, before_mb: float) -> dict[str, Any]:
    """Everything is read (again). `before_mb`: what the process held at its start."""
    account = connected.account
    loading.forget_coverage(account)
    last_request, before = simulated.last_request(), loading.written()
    high_water.reset()
    with counted_exchanges() as exchanges:
        started, cpu = time.perf_counter(), time.process_time()
        run = loading.load(account)
        seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    peak_mb = high_water.peak()
    loading.check_stored(account, orders)
    return {
        "seconds": seconds,
        "cpu_s": cpu_s,
        "fetch_s": exchanges.seconds,
        "requests": exchanges.count,
        "orders": orders,
        "rows": loading.rows_stored(account),
        "stored": run.rows_stored,
        "unchanged": run.rows_unchanged,
        "before_mb": before_mb,
        "peak_mb": peak_mb,
        "server": simulated.seen_since(last_request, connected.seller),
        **loading.written().since(before),
    }
