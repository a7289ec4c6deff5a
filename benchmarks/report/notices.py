"""Deletion notices that match nobody, in words."""

from __future__ import annotations

from typing import Any

from .table import table


def words(found: dict[str, Any]) -> str:
    rows = [
        ["checked, stored, acknowledged", f"{found['door_ms']:.2f}"],
        ["worked on, in batches", f"{found['work_ms']:.2f}"],
        ["the same, each by itself", f"{found['one_by_one_ms']:.2f}"],
    ]
    return (
        f"### {found['notices']:,} deletion notices that match nobody\n\n{table(('', 'ms each'), rows)}\n\n"
        f"Beside {found['indexed']:,} indexed entries; {found['queries']} statements to work on all of them."
    )
