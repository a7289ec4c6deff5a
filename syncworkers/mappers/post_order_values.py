"""Reading values out of Post-Order's answers: dates are objects (03 §7)."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from . import reading as r
from .reading import JsonObject, MappedRow, Maturity, Unmappable


def moment(record: JsonObject, *path: str) -> datetime | None:
    """The time at `path`: `{"value", "formattedValue"}`, or the text by itself; None when missing."""
    is_object = isinstance(r.at(record, *path), Mapping)
    return r.time(record, *path, "value") if is_object else r.time(record, *path)


def learned(
    detail_row: Callable[[JsonObject], MappedRow],
    records: Sequence[JsonObject],
    *,
    key: str,
    statuses: Collection[str],
    final: Collection[str],
    listed: bool = False,
) -> dict[str, Any]:
    """The columns that the details of one record tell about the record itself, all but its `key`: what they
    say no longer is no longer so.

    Of `statuses`, the columns that the search tells as well, only those with a `final` value are told: then
    nothing happens any more, and the record is not looked at again. That is how those end that left the
    search. Of one that is still `listed` there, the search itself tells how it ended, with all its columns.
    Details that make no sense, and are set aside for it, tell nothing.
    """
    try:
        told = detail_row(records[0]).columns if records else {}
    except Unmappable:
        return {}
    ended = {name: told[name] for name in statuses if told.get(name) in final and not listed}
    own = {name: value for name, value in told.items() if name != key and name not in statuses}
    return {**own, **ended, **({"maturity": Maturity.FINAL.value, "check_at": None} if ended else {})}


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((each for each in moments if each is not None), default=None)
