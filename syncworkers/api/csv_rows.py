"""Rows as CSV, streamed, safe to open in a spreadsheet."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any

from django.db.models import QuerySet

_CHUNK = 1000
# A spreadsheet takes a cell that begins like this for a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


class _Line:
    """What csv.writer writes to; each write is one line, handed on at once."""

    def write(self, line: str) -> str:
        return line


def csv_lines(columns: Sequence[str], rows: QuerySet[Any]) -> Iterator[str]:
    """The header and a line per row; rows are read in chunks."""
    writer = csv.writer(_Line())
    yield writer.writerow(columns)
    values: Iterable[tuple[Any, ...]] = rows.values_list(*columns).iterator(chunk_size=_CHUNK)
    for row in values:
        yield writer.writerow([cell(value) for value in row])


def cell(value: Any) -> Any:
    """Text that could be a formula gets an apostrophe; numbers stay numbers, times are ISO."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, str) and value.startswith(_FORMULA_STARTS):
        return f"'{value}"
    return value
