"""What the figures were measured on."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def machine(*, postgres: str, commit_ms: float) -> dict[str, Any]:
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "postgres": postgres,
        "commit_ms": commit_ms,
    }


def machine_words(results: Mapping[str, Any]) -> str:
    at = results["machine"]
    return (
        f"Measured {results['date']}: {at['cpu']}, {at['cores']} cores, {at['memory_gb']} GB, "
        f"Python {at['python']}, PostgreSQL {at['postgres']}, fsync on "
        f"(a commit of one row: {at['commit_ms']:.2f} ms)."
    )


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()
