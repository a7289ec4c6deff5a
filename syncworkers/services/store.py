"""Writing a page of records: one statement a table, only what differs, an older version never wins.

Called inside the page's transaction, after the fence. The stored hashes are read first, so that a page
on which nothing changed writes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

from django.db import DataError, IntegrityError, connection, models, transaction

from accounts.models import EbayAccount
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.mappers.reading import MappedRow, Unmappable
from syncworkers.maturity import next_check
from syncworkers.models.rows import DetailedRow, MaturingRow
from syncworkers.registry import Child, Table

from . import payloads, people

# As long as QuarantinedRecord.record_key.
_KEY_LENGTH = 200
_ARRAY_TYPES = {
    "CharField": "text[]",
    "TextField": "text[]",
    "DateTimeField": "timestamptz[]",
    "DecimalField": "numeric[]",
    "IntegerField": "int8[]",
    "PositiveIntegerField": "int8[]",
    "BooleanField": "bool[]",
    "BinaryField": "bytea[]",
    "JSONField": "jsonb[]",
    "ForeignKey": "int8[]",
}


@dataclass(frozen=True)
class Record:
    """One record of a page, ready to be compared with what is stored. `erased`: without its people."""

    key: tuple[Any, ...]
    payload: dict[str, Any]
    digest: bytes
    row: MappedRow
    erased: bool = False


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be stored, with the reason in words; `modified_at` when it can be read."""

    key: str
    evidence: Any
    error: str
    modified_at: datetime | None


@dataclass(frozen=True)
class Asked:
    """When eBay was asked: by the database's clock (before the call), and by its own."""

    at: datetime | None = None
    ebay_now: datetime | None = None


@dataclass
class PageResult:
    stored: int = 0
    unchanged: int = 0
    bad: list[BadRecord] = field(default_factory=list)
    replaced_characters: int = 0
    healthy_keys: list[str] = field(default_factory=list)
    row_ids: list[int] = field(default_factory=list)


def upsert_page(
    table: Table, account: EbayAccount, items: Sequence[Any], *, asked: Asked = Asked()
) -> PageResult:
    """Store the records of one page. A bad record is set aside in the result, the others are stored.

    A record without a change time that somebody stored after eBay was asked is not overwritten but read
    again: nobody knows which of the two answers is the newer one.
    """
    result = PageResult()
    records = _prepared(table, items, result)
    known, erased = _stored_hashes(table, account, records)
    erased |= people.to_leave_out(table, account, {key: (r.row, r.payload) for key, r in records.items()})
    records |= {key: _without_people(table, account, records[key]) for key in erased}
    differing = [
        record
        for record in records.values()
        if record.key not in known or known[record.key][0] != record.digest
    ]
    differing = _with_withheld(table, differing, known)
    differing = [r for r in differing if r.key not in known or known[r.key][0] != r.digest]
    bad_before = len(result.bad)
    written = _write(table, account, differing, result, asked)
    _remember_people(table, account, differing, written)
    result.stored = len(written)
    result.unchanged = len(records) - result.stored - (len(result.bad) - bad_before)
    bad_keys = {bad.key for bad in result.bad}
    result.healthy_keys = [text for key in records if (text := _key_text(key)) not in bad_keys]
    ids = {key: row_id for key, (_, row_id) in known.items()} | written
    result.row_ids = [row_id for key, row_id in ids.items() if _key_text(key) not in bad_keys]
    return result


def _prepared(table: Table, items: Sequence[Any], result: PageResult) -> dict[tuple[Any, ...], Record]:
    """Records by natural key; of a key that comes twice on a page the newer version stays."""
    records: dict[tuple[Any, ...], Record] = {}
    for item in items:
        try:
            record, replaced = _record(table, item)
        except Unmappable as failure:
            result.bad.append(_bad(table, item, str(failure)))
            continue
        result.replaced_characters += replaced
        before = records.get(record.key)
        if before is None or _modified(before) <= _modified(record):
            records[record.key] = record
    return records


def _record(table: Table, item: Any) -> tuple[Record, int]:
    if not isinstance(item, dict):
        raise Unmappable("the record is not an object")
    payload, replaced = payloads.cleaned(item)
    row = table.mapper(payload)
    key = tuple(row.columns[name] for name in table.natural_key)
    return Record(key, payload, payloads.content_hash(payload, table.volatile_paths), row), replaced


def _without_people(table: Table, account: EbayAccount, record: Record) -> Record:
    payload = people.left_out(table, account, record.payload)
    return _remade(table, replace(record, erased=True), payload)


def _remade(table: Table, record: Record, payload: dict[str, Any]) -> Record:
    """The record with another payload."""
    digest = payloads.content_hash(payload, table.volatile_paths)
    return replace(record, payload=payload, digest=digest, row=table.mapper(payload))


def _remember_people(table: Table, account: EbayAccount, records: list[Record], ids: Ids) -> None:
    rows = [(ids[r.key], r.row, r.payload) for r in records if r.key in ids and not r.erased]
    people.remember_rows(table, account, rows)


def _modified(record: Record) -> float:
    return record.row.modified_at.timestamp() if record.row.modified_at else 0.0


def identity_of(table: Table, item: Any) -> str:
    """What tells records apart while pages are read: the key, or for one without a key all of it."""
    key = table.record_key(item) if isinstance(item, dict) else ""
    return key or f"without key {payloads.content_hash({'': payloads.storable_evidence(item)}, ()).hex()}"


def _bad(table: Table, item: Any, error: str) -> BadRecord:
    evidence = payloads.storable_evidence(item)
    return BadRecord(identity_of(table, evidence)[:_KEY_LENGTH], evidence, error, _change_time(table, item))


def _change_time(table: Table, item: Any) -> datetime | None:
    """The time that the record is read by. Post-Order's times are objects with a `value`."""
    value: Any = item
    try:
        for name in table.time_field.split("."):
            value = value[name]
        return parse_ebay_time(value["value"] if isinstance(value, dict) else value)
    except (KeyError, TypeError, ValueError):
        return None


def _key_text(key: tuple[Any, ...]) -> str:
    return "/".join(map(str, key))[:_KEY_LENGTH]


Known = dict[tuple[Any, ...], tuple[bytes, int]]


def _stored_hashes(
    table: Table, account: EbayAccount, records: dict[tuple[Any, ...], Record]
) -> tuple[Known, set[tuple[Any, ...]]]:
    """(content hash, id) of the rows that the page's keys already have, and the keys of those erased."""
    if not records:
        return {}, set()
    keys = ", ".join(f't."{name}"' for name in table.natural_key)
    columns = _quoted(table.natural_key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT t.content_hash, t.id, t.erased_at IS NOT NULL, {keys} FROM {_table(table.model)} t "
            f"JOIN unnest({_key_arrays(table)}) AS k({columns}) USING ({columns}) WHERE t.account_id = %s",
            [*(list(values) for values in zip(*records, strict=True)), account.pk],
        )
        rows = cursor.fetchall()
    known = {tuple(key): (bytes(digest), pk) for digest, pk, _, *key in rows}
    return known, {tuple(key) for _, _, erased, *key in rows if erased}


def _with_withheld(table: Table, differing: list[Record], known: Known) -> list[Record]:
    """Fill what eBay now withholds from the stored payloads; such a record may turn out unchanged."""
    ids = [known[record.key][1] for record in differing if record.key in known]
    if not table.withheld_paths or not ids:
        return differing
    stored = dict(table.model._default_manager.filter(pk__in=ids).values_list("pk", "payload"))
    filled = []
    for record in differing:
        old = stored.get(known[record.key][1]) if record.key in known else None
        if old is not None and not record.erased:
            payload = payloads.with_withheld(record.payload, old, table.withheld_paths)
            if payload != record.payload:
                record = _remade(table, record, payload)
        filled.append(record)
    return filled


Ids = dict[tuple[Any, ...], int]


def _write(
    table: Table, account: EbayAccount, records: list[Record], result: PageResult, asked: Asked
) -> Ids:
    """Write records; when the database refuses, halve until the one at fault is found and set aside.

    Returns the ids of the rows that were inserted or changed.
    """
    if not records:
        return {}
    try:
        with transaction.atomic():
            ids = _upsert(table, account, records, asked)
            _replace_children(table, account, [r for r in records if r.key in ids], ids)
    except (DataError, IntegrityError) as failure:
        if len(records) == 1:
            error = f"the database refuses it: {str(failure).splitlines()[0]}"
            result.bad.append(replace(_bad(table, records[0].payload, error), key=_key_text(records[0].key)))
            return {}
        middle = len(records) // 2
        first = _write(table, account, records[:middle], result, asked)
        return first | _write(table, account, records[middle:], result, asked)
    return ids


def _upsert(table: Table, account: EbayAccount, records: list[Record], asked: Asked) -> Ids:
    """One INSERT … ON CONFLICT; returns the ids of what was inserted or changed, by natural key."""
    model = table.model
    values = _columns(table, records[0], asked)
    keys = ", ".join(f'"{name}"' for name in table.natural_key)
    changing = [name for name in values if name not in table.natural_key and name != "erased_at"]
    maturing, detailed = issubclass(model, MaturingRow), issubclass(model, DetailedRow)
    sql = (
        f"INSERT INTO {_table(model)} AS t (account_id, house_name, {_quoted(values)}) SELECT "
        f"%s, %s, {_quoted(values)} FROM unnest({_arrays(model, values)}) AS u({_quoted(values)}) "
        f"ON CONFLICT (account_id, {keys}) DO UPDATE SET house_name = excluded.house_name, "
        + ", ".join(f'"{name}" = excluded."{name}"' for name in changing)
        + (", detail_at = NULL, detail_retry_at = NULL" if detailed and not table.details_once else "")
        + ", erased_at = coalesce(t.erased_at, excluded.erased_at)"
        + ", changed_at = clock_timestamp(), closed_at = NULL "
        "WHERE t.content_hash IS DISTINCT FROM excluded.content_hash "
        "AND (t.ebay_modified_at IS NULL OR excluded.ebay_modified_at IS NULL "
        "OR excluded.ebay_modified_at >= t.ebay_modified_at) "
        + ("AND t.changed_at <= coalesce(%s, 'infinity'::timestamptz) " if maturing else "")
        + f"RETURNING t.id, {', '.join(f't.{chr(34)}{name}{chr(34)}' for name in table.natural_key)}"
    )
    parameters = [_parameter(model, name, read, records) for name, read in values.items()]
    guard = [asked.at] if maturing else []
    with connection.cursor() as cursor:
        cursor.execute(sql, [account.pk, account.house_name, *parameters, *guard])
        ids = {tuple(key): pk for pk, *key in cursor.fetchall()}
    if maturing and len(ids) < len(records):
        _read_again(table, account, [record.key for record in records if record.key not in ids])
    return ids


Reader = Callable[[Record], Any]


def _columns(table: Table, first: Record, asked: Asked) -> dict[str, Reader]:
    """The columns that are written, with how each is read from a record."""
    values: dict[str, Reader] = {name: _column_reader(name) for name in first.row.columns}
    values["payload"] = lambda record: payloads.encoded(record.payload)
    values["content_hash"] = lambda record: record.digest
    values["ebay_modified_at"] = lambda record: record.row.modified_at
    erased_at = asked.at or datetime.now(UTC)
    values["erased_at"] = lambda record: erased_at if record.erased else None
    if issubclass(table.model, MaturingRow):
        values["occurred_at"] = lambda record: record.row.occurred_at
        values["maturity"] = lambda record: record.row.maturity.value
        now = asked.ebay_now or datetime.now(UTC)
        values["check_at"] = lambda record: next_check(record.row.maturity, record.row.occurred_at, now=now)
    return values


def _parameter(model: type[models.Model], name: str, read: Reader, records: list[Record]) -> Any:
    values = [read(record) for record in records]
    is_document = model._meta.get_field(name).get_internal_type() == "JSONField"
    return "\n".join(values) if is_document else values


def _read_again(table: Table, account: EbayAccount, keys: list[tuple[Any, ...]]) -> None:
    """Two answers crossed: the next run asks eBay once more."""
    columns = _quoted(table.natural_key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"UPDATE {_table(table.model)} t SET check_at = coalesce(t.occurred_at, clock_timestamp()) "
            f"FROM unnest({_key_arrays(table)}) AS k({columns}) WHERE t.account_id = %s AND "
            + " AND ".join(f't."{name}" = k."{name}"' for name in table.natural_key),
            [*(list(values) for values in zip(*keys, strict=True)), account.pk],
        )


def _column_reader(name: str) -> Callable[[Record], Any]:
    return lambda record: record.row.columns[name]


def _replace_children(table: Table, account: EbayAccount, records: list[Record], ids: Ids) -> None:
    """Children of the written records become exactly what the records hold now."""
    for relation, child in table.children.items():
        rows = [
            {child.parent: ids[record.key], **row}
            for record in records
            for row in _distinct(record.row.children[relation], child.key)
        ]
        _delete_missing_children(child, list(ids.values()), rows)
        if rows:
            _upsert_children(child, account, rows)


def _distinct(rows: Iterable[dict[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    return list({tuple(row[name] for name in key): row for row in rows}.values())


def _delete_missing_children(child: Child, parents: list[int], rows: list[dict[str, Any]]) -> None:
    names = [child.parent, *child.key]
    with connection.cursor() as cursor:
        cursor.execute(
            f"DELETE FROM {_table(child.model)} c WHERE c.{child.parent}_id = ANY(%s) AND NOT EXISTS ("
            f"SELECT 1 FROM unnest({_arrays(child.model, names)}) AS u({_quoted(names)}) "
            f'WHERE u."{child.parent}" = c.{child.parent}_id AND '
            + " AND ".join(f'u."{name}" = c."{name}"' for name in child.key)
            + ")",
            [parents, *([row[name] for row in rows] for name in names)],
        )


def _upsert_children(child: Child, account: EbayAccount, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    target = ", ".join(f"{name}_id" if name == child.parent else f'"{name}"' for name in names)
    keys = ", ".join([f"{child.parent}_id", *(f'"{name}"' for name in child.key)])
    changing = [name for name in names if name != child.parent and name not in child.key]
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(child.model)} AS c (account_id, {target}) SELECT %s, u.* "
            f"FROM unnest({_arrays(child.model, names)}) AS u({_quoted(names)}) "
            f"ON CONFLICT ({keys}) DO UPDATE SET "
            + ", ".join(f'"{name}" = excluded."{name}"' for name in changing)
            + " WHERE "
            + " OR ".join(f'c."{name}" IS DISTINCT FROM excluded."{name}"' for name in changing),
            [account.pk, *([row[name] for row in rows] for name in names)],
        )


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _arrays(model: type[models.Model], names: Iterable[str]) -> str:
    """`%s::text[], %s::timestamptz[], …` for unnest."""
    return ", ".join(_array(model, name) for name in names)


def _array(model: type[models.Model], name: str) -> str:
    kind = _ARRAY_TYPES[model._meta.get_field(name).get_internal_type()]
    # Documents come as one text of lines: psycopg would escape each quote of an array's elements, which
    # cost half of a first load (benchmarks/README.md). Encoded JSON holds no line feed.
    return f"string_to_array(%s, E'\\n')::{kind}" if kind == "jsonb[]" else f"%s::{kind}"


def _key_arrays(table: Table) -> str:
    return _arrays(table.model, table.natural_key)
