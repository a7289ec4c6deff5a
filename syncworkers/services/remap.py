"""Reading stored payloads again: what a release makes of them otherwise must also reach rows that eBay sends
as they were, or does not send again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from django.db import OperationalError, transaction
from django.db.models.functions import Now

from syncworkers.mappers.reading import MappedRow, Unmappable
from syncworkers.registry import TABLES, WORKERS, Details, Table

from . import people
from .details import is_unlisted
from .records import document_of
from .store import distinct

_BATCH = 200
# A batch and a page that is stored meanwhile may wait for each other's rows: one of them is begun anew.
_ATTEMPTS = 5
_HALF_A_PLACE = Decimal("0.00005")


@dataclass
class Remapped:
    """How many rows were looked at, were changed, and have a payload that this release cannot map."""

    seen: int = 0
    changed: int = 0
    unmappable: int = 0


def remap(
    table: Table, *, batch: int = _BATCH, on_batch: Callable[[Remapped], None] = lambda found: None
) -> Remapped:
    """Columns and children of all rows of a table as its mapper makes them of the payloads.

    A batch is a transaction, so that this may be repeated at any time, also beside the clusters. `changed_at`
    moves where anything changes. Payload, hash and planned looks stay, and so does what links found out.
    """
    found, last = Remapped(), 0
    while rows := _remap_batch(table, last, batch, found):
        last = rows[-1].pk
        on_batch(found)
    return found


def _remap_batch(table: Table, last: int, batch: int, found: Remapped) -> list[Any]:
    """The rows after the one with the id `last`."""
    for attempt in range(1, _ATTEMPTS + 1):
        of_batch = Remapped()
        try:
            with transaction.atomic():
                rows = _locked(table, last, batch)
                changed = [row for row in rows if _remap_row(table, row, of_batch)]
                _remember_people(table, changed)
        except OperationalError:
            if attempt == _ATTEMPTS:
                raise
        else:
            found.seen += len(rows)
            found.changed += of_batch.changed
            found.unmappable += of_batch.unmappable
            return rows
    raise AssertionError("unreachable")


def _locked(table: Table, last: int, batch: int) -> list[Any]:
    rows = table.model._default_manager.filter(pk__gt=last).select_related("account").order_by("pk")
    return list(rows.prefetch_related(*table.children).select_for_update(of=("self",))[:batch])


def _remap_row(table: Table, row: Any, found: Remapped) -> bool:
    try:
        mapped = table.mapper(row.payload)
        columns = _columns(table, row, mapped)
    except Unmappable:
        found.unmappable += 1
        return False
    values = {name: value for name, value in columns.items() if not _same(getattr(row, name), value)}
    children = [relation for relation in table.children if _differ(table, relation, row, mapped)]
    if not values and not children:
        return False
    table.model._default_manager.filter(pk=row.pk).update(**values, changed_at=Now())
    for relation in children:
        _replace(table, relation, row, mapped)
    found.changed += 1
    return True


def _columns(table: Table, row: Any, mapped: MappedRow) -> dict[str, Any]:
    """Those of the payload, and what the stored details tell; not what only one of several sources knows."""
    columns = {name: value for name, value in mapped.columns.items() if name not in table.natural_key}
    for link in (link for worker in WORKERS.values() for link in worker.links if link.table is table):
        if not columns.get(link.column):
            columns.pop(link.column, None)
    for step in (step for worker in WORKERS.values() for step in worker.steps):
        if not isinstance(step, Details) or step.of is not table or step.learn is None:
            continue
        natural_key = {name: getattr(row, name) for name in table.natural_key}
        detail = step.into.model._default_manager.filter(account_id=row.account_id, **natural_key).first()
        if detail is not None:
            # How it ended is told by its list or by its details, whichever came last.
            listed = not is_unlisted(row)
            told = set(columns) & set(step.into.mapper(detail.payload).columns)
            columns = {name: value for name, value in columns.items() if name not in told}
            learned = step.learn([detail.payload], listed=listed)
            columns |= {name: value for name, value in learned.items() if name != "maturity"}
    return columns


def _differ(table: Table, relation: str, row: Any, mapped: MappedRow) -> bool:
    key = table.children[relation].key
    wanted, stored = distinct(mapped.children[relation], key), getattr(row, relation).all()
    by_key = {tuple(getattr(each, name) for name in key): each for each in stored}
    if by_key.keys() != {tuple(each[name] for name in key) for each in wanted}:
        return True
    pairs = ((each, by_key[tuple(each[name] for name in key)]) for each in wanted)
    return any(not _same(getattr(have, name), value) for each, have in pairs for name, value in each.items())


def _replace(table: Table, relation: str, row: Any, mapped: MappedRow) -> None:
    child = table.children[relation]
    getattr(row, relation).all().delete()
    child.model._default_manager.bulk_create(
        child.model(account_id=row.account_id, **{child.parent: row}, **each)
        for each in distinct(mapped.children[relation], child.key)
    )


def _same(stored: Any, value: Any) -> bool:
    """As far as the column holds it: amounts have four places."""
    if isinstance(stored, Decimal) and isinstance(value, Decimal):
        return abs(stored - value) <= _HALF_A_PLACE
    return bool(stored == value)


def _remember_people(table: Table, rows: list[Any]) -> None:
    """A column that is new may name somebody."""
    for row in rows:
        key = tuple(getattr(row, name) for name in table.natural_key)
        record = (table.mapper(row.payload), document_of(table, row.payload))
        named = people.mentioned(table, row.account, {key: record})
        if row.erased_at is None:
            people.remember_rows(table, row.account, named, {key: row.pk})


def tables_named(names: list[str]) -> list[Table]:
    """All of them without names. KeyError for one that is not there."""
    return [TABLES[name] for name in names or TABLES]
