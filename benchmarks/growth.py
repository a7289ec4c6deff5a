"""How fast a first load is when the tables are large already."""

from __future__ import annotations

import time
from typing import Any

from syncworkers.models import Order

from . import engine_load, fill, loading

_SAMPLE = 1000


def fill_table(*, already: int) -> dict[str, Any]:
    """So many orders of other accounts."""
    sample = loading.connect(min(_SAMPLE, already))
    loading.load(sample.account)
    started = time.perf_counter()
    fill.fill_orders(sample.account, already)
    fill_s = time.perf_counter() - started
    found = Order.objects.count()
    if found != already:
        raise RuntimeError(f"{found} orders are in the table instead of {already}")
    return {"already": already, "fill_s": fill_s}


def measure(*, orders: int) -> dict[str, Any]:
    """A first load of `orders` orders of a new account."""
    return engine_load.timed_load(loading.connect(orders), orders)
