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
    final: frozenset[str],
    deadlines: Collection[str] = (),
    listed: bool = False,
) -> dict[str, Any]:
    """The columns that the details of one record tell about the record itself, all but its `key`: what they
    say no longer is no longer so.

    `statuses` are columns that the search tells as well. Of a record that is `listed` there, the search tells
    them; of another one the details do, and with a `final` one it has ended, and none of the search's
    `deadlines` holds. Details that make no sense, and are set aside for it, tell nothing.
    """
    try:
        told = detail_row(records[0]).columns if records else {}
    except Unmappable:
        return {}
    own = {name: value for name, value in told.items() if name != key and name not in statuses}
    now = {name: told[name] for name in statuses if told.get(name)}
    if listed or not now:
        return own
    if final.isdisjoint(now.values()):
        return {**own, **now, "maturity": Maturity.OPEN.value}
    return {**own, **now, **dict.fromkeys(deadlines), "maturity": Maturity.FINAL.value}


def as_listed(
    row: Callable[[JsonObject], MappedRow], record: JsonObject, *, key: str, deadlines: Collection[str]
) -> dict[str, Any]:
    """The columns of a record whose details hold all that its list does. What is empty there is left alone,
    but for `deadlines`, which end. Raises Unmappable where the list's mapper would."""
    told = row(record).columns
    full = {name: value for name, value in told.items() if name != key and value not in ("", None)}
    return {**{name: told[name] for name in deadlines}, **full}


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    return max((each for each in moments if each is not None), default=None)
