"""How fast a first load is when the tables are large already."""

from __future__ import annotations

import time
from typing import Any

from syncworkers.models import Order
from tokens.models import PersonIndex

from . import engine_load, fill, high_water, loading

_SAMPLE = 1000


def fill_table(*, already: int) -> dict[str, Any]:
    """So many orders of other accounts, each with its entry in the index of people."""
    sample = loading.connect(min(_SAMPLE, already))
    loading.load(sample.account)
    started = time.perf_counter()
    fill.fill_orders(sample.account, already)
    fill_s = time.perf_counter() - started
    found = Order.objects.count(), PersonIndex.objects.count()
    if found != (already, already):
        raise RuntimeError(f"{found[0]} orders with {found[1]} entries are there instead of {already}")
    return {"already": already, "fill_s": fill_s}


def measure(*, orders: int) -> dict[str, Any]:
    """A first load of `orders` orders of a new account."""
    before_mb = high_water.resident()
    return engine_load.timed_load(loading.connect(orders), orders, before_mb=before_mb)
