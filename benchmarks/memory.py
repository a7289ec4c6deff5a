"""Peak memory of a first load: the process's high-water mark less what it held at its start.

At its start everything is imported, and nothing was done: no connection, no account, no page.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from . import high_water, loading


def measure(*, orders: int) -> dict[str, Any]:
    before = high_water.resident()
    connected = loading.connect(orders)
    high_water.reset()
    run = loading.load(connected.account)
    peak = high_water.peak()
    loading.check_stored(connected.account, orders)
    return {
        "debug": settings.DEBUG,
        "orders": orders,
        "pages": run.pages,
        "before_mb": before,
        "peak_mb": peak,
    }
