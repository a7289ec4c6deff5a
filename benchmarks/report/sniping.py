"""How late bids are, in words."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from .table import table

_SNIPING_GOALS = {0.0: "15 / 50", 1.0: "2 / 15", 60.0: "2 / 15"}


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
            name, _SNIPING_GOALS.get(one["spread_s"], ""), f"{one['p50_ms']:.2f}", f"{one['p99_ms']:.2f}",
            f"{one['longest_ms']:.2f}", f"{one['early']} / {one['twice']} / {one['lost']}",
            f"{old['p50_ms']:,.0f}", f"{old['p99_ms']:,.0f}", str(old["refused"]),
        ])  # fmt: skip
    head = ("snipes", "goal: p50 / p99, ms", "p50, ms", "p99, ms", "longest", "early / twice / lost",
            "predecessor: p50, ms", "p99, ms", "refused")  # fmt: skip
    return (
        "### Lateness of bids, with web and a sync beside (nice 10)\n\n"
        f"{table(head, lines)}\n\n"
        "From the planned moment to the return of the last send call. *Predecessor*: a loop that polls "
        "once a second and looks the item up at fire time; refused are those that came after the end."
    )
