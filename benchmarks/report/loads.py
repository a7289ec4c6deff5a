"""First, unchanged and changed loads, four ways."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from .figures import LOADS, Figures, growth_mb, median, per_order_s, rounds_words, times_as_fast
from .table import megabytes, table

WAYS = {"engine": "engine", "limit": "limit", "bulk_create": "bulk_create", "per_row": "per row"}
_HEAD = ("way", "load", "s", "of it waiting for eBay", "our CPU, s", "orders/s", "rows/s",
         "time against limit", "the same without eBay")  # fmt: skip

Medians = Mapping[tuple[str, str], Figures]


def words(loads: Mapping[str, Sequence[Mapping[str, Any]]]) -> str:
    """`loads`: for each way a list of rounds `{first, second, third}`."""
    medians = {(way, load): median(loads[way], load) for load in LOADS for way in WAYS}
    first = medians["engine", "first"]
    lines = [_line(medians, way, load) for way, load in medians]
    parts = [
        f"### {first['orders']:,} orders ({first['rows']:,} rows with line items); "
        f"{rounds_words({name: len(loads[way]) for way, name in WAYS.items()})}",
        table(_HEAD, lines),
        "\n".join([_scaled(medians), _requests(medians), *_speeds(medians)]).strip(),
        "\n".join(_written(medians)),
        _memory(first),
    ]
    return "\n\n".join(parts)


def _line(medians: Medians, way: str, load: str) -> list[str]:
    """Seconds are scaled to the engine's orders where a way was measured on fewer."""
    figures, limit = medians[way, load], medians["limit", load]
    factor = medians["engine", load]["orders"] / figures["orders"]
    seconds, fetch = figures["seconds"], figures["fetch_s"]
    return [
        WAYS[way] + (" (scaled)" if factor != 1 else ""),
        LOADS[load],
        f"{seconds * factor:.2f}",
        f"{fetch * factor:.2f}",
        f"{figures['cpu_s'] * factor:.2f}",
        f"{figures['orders'] / seconds:,.0f}",
        f"{figures['rows'] / seconds:,.0f}",
        f"{per_order_s(figures) / per_order_s(limit):.2f}",
        f"{(seconds - fetch) * factor / (limit['seconds'] - limit['fetch_s']):.2f}",
    ]


def _scaled(medians: Medians) -> str:
    orders = medians["engine", "first"]["orders"]
    return " ".join(
        f"*{name}* was measured on {medians[way, 'first']['orders']:,} orders and scaled."
        for way, name in WAYS.items()
        if medians[way, "first"]["orders"] != orders
    )


def _requests(medians: Medians) -> str:
    ours, limits = (medians[way, "first"]["requests"] for way in ("engine", "limit"))
    return (
        f"The engine made {ours:,} requests (overlaps, and probes of slices that are too long, included), "
        f"the limit {limits:,}."
    )


def _speeds(medians: Medians) -> list[str]:
    def against(way: str, load: str) -> str:
        return f"{times_as_fast(medians['engine', load], medians[way, load]):.1f}"

    return [
        f"Load “{title}”: the engine is {against('per_row', load)} times as fast as *per row*, "
        f"{against('bulk_create', load)} times as fast as *bulk_create*."
        for load, title in LOADS.items()
    ]


def _written(medians: Medians) -> list[str]:
    whole = medians["engine", "first"]["wal_bytes"]
    return [
        f"Load “{title}”: the engine wrote {one['rows_written']:,} rows of orders, line items and the person "
        f"index and "
        f"{megabytes(one['wal_bytes'])} of WAL ({one['wal_bytes'] / whole:.2%} of the first load's)."
        for load, title in LOADS.items()
        for one in [medians["engine", load]]
    ]


def _memory(first: Figures) -> str:
    return (
        f"The engine's process held {first['before_mb']:.0f} MB at its start and at most "
        f"{first['peak_mb']:.0f} MB in the first load: {growth_mb(first):.1f} MB more."
    )
