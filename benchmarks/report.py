"""Figures to words: tables for the terminal and the README, and the file for machines."""

from __future__ import annotations

import json
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).resolve().parent
RESULTS = FOLDER / "results" / "last.json"
README = FOLDER / "README.md"
BEGIN, END = "<!-- figures: begin -->", "<!-- figures: end -->"
MEMORY_GOAL_MB = 60
TICK_GOAL_S = 0.3
RESERVATION_GOAL_MS = 1
TOKEN_GOAL_MS = 0.2

Rows = Sequence[Sequence[str]]


def machine(*, postgres: str, commit_ms: float) -> dict[str, Any]:
    """What the figures were measured on."""
    return {
        "cpu": _cpu_model(),
        "cores": os.cpu_count(),
        "memory_gb": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30),
        "python": platform.python_version(),
        "postgres": postgres,
        "commit_ms": commit_ms,
    }


def _cpu_model() -> str:
    found = re.search(r"^model name\s*:\s*(.+)$", Path("/proc/cpuinfo").read_text(), re.MULTILINE)
    return found[1].strip() if found else platform.processor() or platform.machine()


def text_of(results: dict[str, Any]) -> str:
    """The whole report in Markdown; parts that were not measured are left out."""
    parts = [_machine_words(results)]
    if "loads" in results:
        parts.append(_loads(results["loads"]))
    if "memory" in results:
        parts.append(_memory(results["memory"]))
    if "tick" in results:
        parts.append(_tick(results["tick"]))
    if "accounting" in results:
        parts.append(_accounting(results["accounting"]))
    if "tokens" in results:
        parts.append(_tokens(results["tokens"]))
    if "notices" in results:
        parts.append(_notices(results["notices"]))
    if "breakdown" in results:
        parts.append(_breakdown(results["breakdown"]))
    if "sniping" in results:
        parts.append(_sniping(results["sniping"]))
    return "\n\n".join(parts)


def write(results: dict[str, Any], text: str) -> None:
    """`results/last.json`, and the block between the markers in the README."""
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(results, indent=1) + "\n")
    readme = README.read_text()
    before, _, rest = readme.partition(BEGIN)
    _, found, after = rest.partition(END)
    if not found:
        raise ValueError(f"{README.name} has lost its markers {BEGIN} and {END}")
    README.write_text(f"{before}{BEGIN}\n{text}\n{END}{after}")


def _machine_words(results: dict[str, Any]) -> str:
    at = results["machine"]
    return (
        f"Measured {results['date']}: {at['cpu']}, {at['cores']} cores, {at['memory_gb']} GB, "
        f"Python {at['python']}, PostgreSQL {at['postgres']}, fsync on "
        f"(a commit of one row: {at['commit_ms']:.2f} ms)."
    )


def _loads(loads: dict[str, Any]) -> str:
    """`loads`: for each way a list of rounds `{first, second}`."""
    lines, medians = [], {}
    for load in ("first", "second"):
        for way in ("engine", "limit", "per_row"):
            medians[way, load] = _median(loads[way], load)
    for (way, load), figures in medians.items():
        factor = medians["engine", load]["orders"] / figures["orders"]
        limit = medians["limit", load]
        lines.append(_load_line(way, load, figures, factor, limit))
    first, second = medians["engine", "first"], medians["engine", "second"]
    head = ("way", "load", "s", "of it waiting for eBay", "our CPU, s", "orders/s", "rows/s",
            "time against limit", "the same without eBay")  # fmt: skip
    return "\n".join([
        f"### {first['orders']:,} orders ({first['rows']:,} rows with line items); "
        f"rounds: {len(loads['engine'])}, the median counts", "",
        _table(head, lines), "",
        f"*per row* was measured on {medians['per_row', 'first']['orders']:,} orders and scaled.",
        f"The engine made {first['requests']} requests "
        "(overlaps, and probes of slices that are too long, included), "
        f"the limit {medians['limit', 'first']['requests']}.",
        "The engine is "
        + " and ".join(
            f"{_speedup(medians, load):.1f} times as fast as *per row* in the {load} load"
            for load in ("first", "second")
        ) + ".", "",
        f"The first load wrote {first['rows_written']:,} rows and {_mb(first['wal_bytes'])} of WAL; "
        "the second, unchanged, "
        f"{second['rows_written']:,} rows and {_mb(second['wal_bytes'])} of WAL "
        f"({second['wal_bytes'] / first['wal_bytes']:.2%}).",
    ])  # fmt: skip


def _median(rounds: Sequence[dict[str, Any]], load: str) -> dict[str, Any]:
    """The round whose whole time is the median."""
    figures = sorted((one[load] for one in rounds), key=lambda one: one["seconds"])
    return figures[(len(figures) - 1) // 2]  # type: ignore[no-any-return]


def _speedup(medians: dict[tuple[str, str], dict[str, Any]], load: str) -> float:
    engine, by_row = medians["engine", load], medians["per_row", load]
    return float(by_row["seconds"] / by_row["orders"] / (engine["seconds"] / engine["orders"]))


def _load_line(
    way: str, load: str, figures: dict[str, Any], factor: float, limit: dict[str, Any]
) -> list[str]:
    seconds, fetch = figures["seconds"], figures["fetch_s"]
    own, own_of_limit = (seconds - fetch) * factor, limit["seconds"] - limit["fetch_s"]
    return [
        way.replace("_", " ") + (" (scaled)" if factor != 1 else ""),
        load,
        f"{seconds * factor:.2f}",
        f"{fetch * factor:.2f}",
        f"{figures['cpu_s'] * factor:.2f}",
        f"{figures['orders'] / seconds:,.0f}",
        f"{figures['rows'] / seconds:,.0f}",
        f"{seconds * factor / limit['seconds']:.2f}",
        f"{own / own_of_limit:.2f}",
    ]


def _memory(found: Sequence[dict[str, Any]]) -> str:
    lines = [
        [
            "on" if one["debug"] else "off",
            f"{one['before_mb']:.0f}",
            f"{one['peak_mb']:.0f}",
            f"{one['growth_mb']:.1f}",
        ]
        for one in found
    ]
    head = ("DEBUG", "before, MB", "peak, MB", f"growth, MB (goal {MEMORY_GOAL_MB})")
    return f"### Memory of a first load of {found[0]['orders']:,} orders\n\n{_table(head, lines)}"


def _tick(tick: dict[str, Any]) -> str:
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
        f"### The tick with {tick['workers']:,} workers due\n\n{_table(head, lines)}\n\n"
        f"Median of five; the slowest took {tick['slowest_s']:.3f} s."
    )


def _accounting(found: dict[str, Any]) -> str:
    ways = (
        (f"a call, counted in memory (one in {found['block']} asks)", "call", "calls_per_s"),
        ("a reservation (these ask)", "reservation", ""),
        ("an UPDATE and a commit for each call", "update", "updates_per_s"),
    )
    lines = [
        [
            name,
            *(
                f"{found[load][way][cut]:.3f}"
                for load in ("alone", "together")
                for cut in ("p50_ms", "p99_ms")
            ),
            f"{found['together'][rate]:,.0f}" if rate else "",
        ]
        for name, way, rate in ways
    ]
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
        f"{_table(head, lines)}\n\n{found['together']['calls']:,} calls by each process."
    )


def _tokens(found: dict[str, Any]) -> str:
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
        f"{_table(head, lines)}\n\n{found['calls']:,} calls each, one process.\n\n"
        f"{_table((f'{accounts:,} tokens that expire together', 's', 'ratio'), cycle)}"
    )


def _breakdown(found: dict[str, Any]) -> str:
    whole = found["seconds"]
    lines = [[part, f"{seconds:.2f}", f"{seconds / whole:.0%}"] for part, seconds in found["parts"]]
    lines.append(["whole", f"{whole:.2f}", "100%"])
    return (
        f"### Where the time of a first load of {found['orders']:,} orders goes\n\n"
        f"{_table(('part', 's', 'share'), lines)}"
    )


_SNIPING_GOALS = {0.0: "15 / 50", 1.0: "2 / 15", 60.0: "2 / 15"}


def _sniping(found: Sequence[dict[str, Any]]) -> str:
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
        f"{_table(head, lines)}\n\n"
        "From the planned moment to the return of the last send call. *Predecessor*: a loop that polls "
        "once a second and looks the item up at fire time; refused are those that came after the end."
    )


def _table(head: Sequence[str], lines: Rows) -> str:
    widths = [max(len(row[n]) for row in (head, *lines)) for n in range(len(head))]
    left = [True, *(not lines or not lines[0][n][:1].isdigit() for n in range(1, len(head)))]

    def line(cells: Sequence[str]) -> str:
        pairs = zip(cells, widths, left, strict=True)
        return "| " + " | ".join(c.ljust(w) if at_left else c.rjust(w) for c, w, at_left in pairs) + " |"

    rule = "|" + "|".join("-" * (w + 2) if at_left else "-" * (w + 1) + ":" for w, at_left in
                          zip(widths, left, strict=True)) + "|"  # fmt: skip
    return "\n".join([line(head), rule, *map(line, lines)])


def _mb(size: int) -> str:
    return f"{size / 2**20:,.2f} MB"


def _notices(found: dict[str, Any]) -> str:
    rows = [
        ["checked, stored, acknowledged", f"{found['door_ms']:.2f}"],
        ["worked on, in batches", f"{found['work_ms']:.2f}"],
        ["the same, each by itself", f"{found['one_by_one_ms']:.2f}"],
    ]
    return (
        f"### {found['notices']:,} deletion notices that match nobody\n\n{_table(('', 'ms each'), rows)}\n\n"
        f"Beside {found['indexed']:,} indexed entries; {found['queries']} statements to work on all of them."
    )
