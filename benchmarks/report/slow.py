"""Loads from a server that takes its time for each page."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from .figures import LOADS, Figures, bound_s, data_pages, median, write_s
from .loads import WAYS
from .table import table

_HEAD = ("way", "load", "s", "of it waiting for eBay", "pages asked for", "data pages", "pages at once",
         "server's time a page, ms", "own work undelayed, s", "bound by, s", "time against it",
         "the same by the server's time", "against data pages alone")  # fmt: skip


def words(found: Mapping[str, Any]) -> str:
    page_s = found["page_s"]
    engine, limit = found["engine"], found["limit"]
    orders = engine[0]["first"]["orders"]
    lines = [
        _engine_line(median(engine, load), median(found["undelayed"], load), title, page_s)
        for load, title in LOADS.items()
    ]
    lines += [_limit_line(median(limit, load), title) for load, title in LOADS.items()]
    return "\n\n".join([
        f"### {orders:,} orders, a page takes eBay {page_s * 1000:.0f} ms; rounds: {len(engine)}, the median "
        "counts",
        table(_HEAD, lines),
        "Pages at once as the server saw them, for this account: most of the time, and in brackets when the "
        "last bytes of one met the next call. The bound is the larger of the pages that were asked for × "
        f"{page_s * 1000:.0f} ms ÷ pages at once, and of own work: the time in which the engine did not wait "
        "in the same load without the delay; beside it the same with the time that the server took for a "
        "page, its work included. The last column counts data pages, the fewest that hold the orders, in "
        "place of all that were asked for (overlaps, looks at slices that turn out too long or empty). The "
        "way *limit* asks for a page when the one before is stored.",
    ])  # fmt: skip


def _engine_line(figures: Figures, undelayed: Figures, title: str, page_s: float) -> list[str]:
    server, work_s = figures["server"], write_s(undelayed)
    asked, data = int(server["pages"]), data_pages(figures)
    bound = bound_s(figures, undelayed, asked, page_s)
    return [
        WAYS["engine"],
        title,
        f"{figures['seconds']:.2f}",
        f"{figures['fetch_s']:.2f}",
        f"{asked:,}",
        f"{data:,}",
        f"{server['at_once']} ({server['most_at_once']})",
        f"{server['page_s'] * 1000:.0f}",
        f"{work_s:.2f}",
        f"{bound:.2f} ({'own work' if bound == work_s else 'delay'})",
        f"{figures['seconds'] / bound:.2f}",
        f"{figures['seconds'] / bound_s(figures, undelayed, asked, server['page_s']):.2f}",
        f"{figures['seconds'] / bound_s(figures, undelayed, data, page_s):.2f}",
    ]


def _limit_line(figures: Figures, title: str) -> list[str]:
    told = [f"{figures['seconds']:.2f}", f"{figures['fetch_s']:.2f}", f"{figures['requests']:,}"]
    told.append(f"{data_pages(figures):,}")
    return [WAYS["limit"], title, *told, *[""] * (len(_HEAD) - 2 - len(told))]
