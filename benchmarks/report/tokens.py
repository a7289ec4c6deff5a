"""Access tokens when nothing is due, and many refreshed at once, in words."""

from __future__ import annotations

from typing import Any

from .table import table

TOKEN_GOAL_MS = 0.2


def words(found: dict[str, Any]) -> str:
    ways = (("get_access_token", "road"), ("the same row and checks through the ORM", "orm"))
    lines = [
        [name, *(f"{found[way][cut]:.3f}" for cut in ("mean_ms", "p50_ms", "p99_ms"))] for name, way in ways
    ]
    head = ("nothing is due", f"mean, ms (goal {TOKEN_GOAL_MS})", "p50, ms", "p99, ms")
    cycle = [
        ["a scheduled cycle, two processes", f"{found['cycle_s']:.2f}", "1.0"],
        [
            f"one after the other, nothing kept ({found['one_by_one_measured']:,} measured, scaled)",
            f"{found['one_by_one_s']:.2f}",
            f"{found['one_by_one_s'] / found['cycle_s']:.1f}",
        ],
    ]
    accounts = found["accounts"]
    return (
        f"### An access token when nothing is due, and {accounts:,} accounts refreshed\n\n"
        f"{table(head, lines)}\n\n{found['calls']:,} calls each, one process.\n\n"
        f"{table((f'{accounts:,} tokens that expire together', 's', 'ratio'), cycle)}"
    )
