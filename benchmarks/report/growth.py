"""First loads beside more and more orders of others."""

from __future__ import annotations

from collections.abc import Sequence

from .figures import Figures, median, times_as_fast
from .table import table

_HEAD = (
    "orders in the table",
    "s",
    "of it waiting for eBay",
    "orders/s",
    "rows/s",
    "speed against the first",
)


def words(found: Sequence[Figures]) -> str:
    first = median(found[0]["loads"], "first")
    rounds = len(found[0]["loads"])
    lines = [_line(one, first) for one in found]
    return (
        f"### A first load of {first['orders']:,} orders into a table that has some already; "
        f"rounds: {rounds}, the median counts\n\n{table(_HEAD, lines)}"
    )


def _line(one: Figures, first: Figures) -> list[str]:
    load = median(one["loads"], "first")
    return [
        f"{one['already']:,}",
        f"{load['seconds']:.2f}",
        f"{load['fetch_s']:.2f}",
        f"{load['orders'] / load['seconds']:,.0f}",
        f"{load['rows'] / load['seconds']:,.0f}",
        f"{times_as_fast(load, first):.2f}",
    ]
