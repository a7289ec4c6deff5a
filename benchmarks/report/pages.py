"""Single pages of other APIs: parsed and stored."""

from __future__ import annotations

from collections.abc import Mapping

from .figures import Figures
from .table import table

_TITLES = {"trading": "Trading, listings (XML)", "post_order": "Post-Order, returns (JSON)"}
_HEAD = ("page", "rows", "KB", "parse, ms", "store, ms", "rows/s", "store unchanged, ms", "rows/s unchanged")


def words(found: Mapping[str, Figures]) -> str:
    lines = [_line(title, found[name]) for name, title in _TITLES.items()]
    return f"### A page of other APIs, parsed and stored\n\n{table(_HEAD, lines)}"


def _line(title: str, page: Figures) -> list[str]:
    rows, parse_s = page["rows"], page["parse_s"]
    return [
        title,
        str(rows),
        f"{page['bytes'] / 1024:,.0f}",
        f"{parse_s * 1000:.1f}",
        f"{page['store_s'] * 1000:.1f}",
        f"{rows / (parse_s + page['store_s']):,.0f}",
        f"{page['unchanged_s'] * 1000:.1f}",
        f"{rows / (parse_s + page['unchanged_s']):,.0f}",
    ]
