"""Peak memory of a first load: the process's high-water mark less what it held just before the run.

Linux only: the kernel's own figures, the mark reset before the run.
"""

from __future__ import annotations

import gc
import re
from pathlib import Path
from typing import Any

from django.conf import settings

from . import loading


def measure(*, orders: int) -> dict[str, Any]:
    connected = loading.connect(orders)
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")
    before = _resident_mb("VmRSS")
    run = loading.load_all(connected, orders)
    peak = _resident_mb("VmHWM")
    return {
        "debug": settings.DEBUG,
        "orders": orders,
        "pages": run.pages,
        "before_mb": before,
        "peak_mb": peak,
        "growth_mb": peak - before,
    }


def _resident_mb(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"the kernel does not say {name}")
    return int(found[1]) / 1024
