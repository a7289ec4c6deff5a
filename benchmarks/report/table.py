"""A table in Markdown, aligned for the terminal too."""

from __future__ import annotations

from collections.abc import Sequence

Rows = Sequence[Sequence[str]]


def table(head: Sequence[str], lines: Rows) -> str:
    """Columns after the first are aligned to the right where the first line has a number."""
    widths = [max(len(row[n]) for row in (head, *lines)) for n in range(len(head))]
    left = [True, *(not lines or not lines[0][n][:1].isdigit() for n in range(1, len(head)))]

    def line(cells: Sequence[str]) -> str:
        pairs = zip(cells, widths, left, strict=True)
        return "| " + " | ".join(c.ljust(w) if at_left else c.rjust(w) for c, w, at_left in pairs) + " |"

    rule = "|" + "|".join("-" * (w + 2) if at_left else "-" * (w + 1) + ":" for w, at_left in
                          zip(widths, left, strict=True)) + "|"  # fmt: skip
    return "\n".join([line(head), rule, *map(line, lines)])


def megabytes(size: int) -> str:
    return f"{size / 2**20:,.2f} MB"
