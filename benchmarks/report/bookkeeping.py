"""What the product costs beside loading: memory, the tick, counting calls."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import Figures, growth_mb
from .table import table

TICK_GOAL_S = 0.3
RESERVATION_GOAL_MS = 1


def memory_words(found: Sequence[Figures]) -> str:
    lines = [
        [
            "on" if one["debug"] else "off",
            f"{one['before_mb']:.0f}",
            f"{one['peak_mb']:.0f}",
            f"{growth_mb(one):.1f}",
        ]
        for one in found
    ]
    head = ("DEBUG", "at start, MB", "peak, MB", "growth, MB")
    return f"### Memory of a first load of {found[0]['orders']:,} orders\n\n{table(head, lines)}"


def tick_words(tick: Figures) -> str:
    lines = [
        ["tick", f"{tick['seconds']:.3f}", "1.0"],
        [
            f"row by row through the ORM ({tick['by_row_measured']:,} measured, scaled)",
            f"{tick['by_row_s']:.2f}",
            f"{tick['by_row_s'] / tick['seconds']:.1f}",
        ],
    ]
    head = ("", f"s (goal {TICK_GOAL_S})", "ratio")
    return (
        f"### The tick with {tick['workers']:,} workers due\n\n{table(head, lines)}\n\n"
        f"Median of five; the slowest took {tick['slowest_s']:.3f} s."
    )


def accounting_words(found: Figures) -> str:
    ways = (
        (f"a call, counted in memory (one in {found['block']} asks)", "call", "calls_per_s"),
        ("a reservation (these ask)", "reservation", ""),
        ("an UPDATE and a commit for each call", "update", "updates_per_s"),
    )
    lines = [[name, *_spread(found, way), _rate(found, rate)] for name, way, rate in ways]
    together = found["together"]["processes"]
    head = (
        "one row",
        "alone: p50, ms",
        "p99, ms",
        f"{together} processes: p50, ms",
        "p99, ms",
        "calls/s together",
    )
    return (
        f"### Counting a call against its quota (goal: a reservation in {RESERVATION_GOAL_MS} ms)\n\n"
        f"{table(head, lines)}\n\n{found['together']['calls']:,} calls by each process."
    )


def _spread(found: Figures, way: str) -> list[str]:
    return [f"{found[load][way][cut]:.3f}" for load in ("alone", "together") for cut in ("p50_ms", "p99_ms")]


def _rate(found: Figures, rate: str) -> str:
    return f"{found['together'][rate]:,.0f}" if rate else ""
