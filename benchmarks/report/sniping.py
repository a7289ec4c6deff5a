"""How late bids are, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .table import table


def words(found: Sequence[dict[str, Any]]) -> str:
    lines = []
    for one in found:
        name = (
            f"{one['count']:,} at one moment"
            if not one["spread_s"]
            else (f"{one['count']:,} over {one['spread_s']:g} s")
        )
        old = one["predecessor"]
        lines.append([
            name, f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.2f}",
            f"{one['longest_ms']:.2f}", f"{one['early']} / {one['twice']} / {one['lost']}",
            f"{old['p50_ms']:,.0f}", f"{old['p99_ms']:,.0f}", str(old["refused"]),
        ])  # fmt: skip
    head = ("snipes", "p50, ms", "p99, ms", "longest", "early / twice / lost",
            "predecessor: p50, ms", "p99, ms", "refused")  # fmt: skip
    beside = "; ".join(f"{one['web_requests']} pages and {one['loads']} loads" for one in found)
    return (
        "### Lateness of bids, with web and a sync beside (nice 10)\n\n"
        f"{table(head, lines)}\n\n"
        "From the planned moment to the return of the last send call. *Predecessor*: a loop that polls "
        "once a second and looks the item up at fire time; refused are those that came after the end. Beside "
        f"them, in turn: {beside}."
    )
