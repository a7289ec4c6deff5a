"""Tables and lines for terminals."""

from __future__ import annotations

from collections.abc import Sequence

from .ebay.masking import mask_tokens

_GAP = "  "


def plain(text: str) -> str:
    """One line without control characters: what eBay or a person wrote must not steer the terminal.

    Texts are masked where they arise; should one hold a token all the same, it is masked here.
    """
    return "".join(char if char.isprintable() else " " for char in mask_tokens(text))


def text_table(head: Sequence[str], rows: Sequence[Sequence[str]], *, width: int | None = None) -> str:
    """Columns as wide as their longest cell, side by side; lines longer than `width` characters are cut."""
    cells = [[plain(cell) for cell in row] for row in [head, *rows]]
    widths = [max(len(cell) for cell in column) for column in zip(*cells, strict=True)]
    return "\n".join(_line(row, widths, width) for row in cells)


def _line(row: Sequence[str], widths: Sequence[int], width: int | None) -> str:
    line = _GAP.join(cell.ljust(length) for cell, length in zip(row, widths, strict=True)).rstrip()
    return line if width is None or len(line) <= width else f"{line[: width - 1]}…"
