"""This process's memory by the kernel's own figures (Linux only)."""

from __future__ import annotations

import gc
import re
from pathlib import Path


def resident() -> float:
    """What the process holds now, in MB."""
    gc.collect()
    return _resident_mb("VmRSS")


def reset() -> None:
    """Forget the high-water mark."""
    gc.collect()
    Path("/proc/self/clear_refs").write_text("5")


def peak() -> float:
    """The most that the process has held since `reset`, in MB."""
    return _resident_mb("VmHWM")


def _resident_mb(name: str) -> float:
    found = re.search(rf"^{name}:\s+(\d+) kB", Path("/proc/self/status").read_text(), re.MULTILINE)
    if not found:
        raise RuntimeError(f"the kernel does not say {name}")
    return int(found[1]) / 1024
