"""Writing a page of records: one statement a table, only what differs, an older version never wins.

Called inside the page's transaction, after the fence. The stored hashes are read first, so that a page
on which nothing changed writes nothing.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import msgspec
from django.db import DataError, IntegrityError, connection, models, transaction
from psycopg.types.json import Jsonb

from accounts.models import EbayAccount
from ebayconnector.database import server_cursor
from ebayconnector.ebay.documents import parse_json
from syncworkers.maturity import next_check
from syncworkers.models.rows import DetailedRow, MaturingRow
from syncworkers.registry import Child, Table

from . import payloads, people
from .records import (
    BadRecord,
    Key,
    Listed,
    Record,
    bad_record,
    document_of,
    key_text,
    listed_page,
    mapped,
    without_people,
)

# So small a part of a page is sooner compared by value again than written.
_FEW = 0.1
_TYPES = {
    "CharField": "text",
    "TextField": "text",
    "DateTimeField": "timestamptz",
    "DecimalField": "numeric",
    "IntegerField": "int8",
    "PositiveIntegerField": "int8",
    "BooleanField": "bool",
    "BinaryField": "bytea",
    "ForeignKey": "int8",
}


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
    keys: Collection[Key] = ()
    ids: Mapping[Key, int] = field(default_factory=dict)

    @property
    def healthy_keys(self) -> list[str]:
        """Keys, as text, of the records that are stored."""
        bad = self._bad_keys
        return [text for key in self.keys if (text := key_text(key)) not in bad]

    @property
    def row_ids(self) -> list[int]:
        bad = self._bad_keys
        return [row_id for key, row_id in self.ids.items() if key_text(key) not in bad]

    @property
    def _bad_keys(self) -> set[str]:
        return {one.key for one in self.bad}


def upsert_page(
    table: Table, account: EbayAccount, items: Sequence[Any], *, asked: Asked = Asked()
) -> PageResult:
    """Store the records of one page. A bad record is set aside in the result, the others are stored.

    A record without a change time that somebody stored after eBay was asked is not overwritten but read
    again: nobody knows which of the two answers is the newer one.
    """
    page = listed_page(table, items)
    listed = page.records
    known, erased = _stored_hashes(table, account, listed)
    differing, unmappable = mapped(table, [one for one in listed.values() if _differs(one, known)])
    erased &= differing.keys()
    named = people.mentioned(table, account, {key: (r.row, r.document) for key, r in differing.items()})
    erased |= people.to_leave_out(table, account, named)
    differing |= {key: without_people(table, account, differing[key]) for key in erased}
    changed = [record for record in differing.values() if _differs(record, known)]
    changed, same = _with_withheld(table, changed, known)
    if len(same) > len(listed) * _FEW:
        _note_hashes(table, same, known)
    refused: list[BadRecord] = []
    # In one order, whoever writes them: two who wait for each other's rows would wait for ever.
    changed.sort(key=lambda record: record.key)
    written = _write(table, account, changed, refused, asked)
    with_people = {r.key: written[r.key] for r in changed if r.key in written and not r.erased}
    people.remember_rows(table, account, named, with_people)
    bad = [*page.bad, *unmappable, *refused]
    return PageResult(
        stored=len(written),
        unchanged=len(listed) - len(written) - len(unmappable) - len(refused),
        bad=bad,
        replaced_characters=page.replaced_characters,
        keys=listed.keys(),
        ids={key: row_id for key, (_, row_id) in known.items()} | written,
    )


def _differs(record: Listed | Record, known: Known) -> bool:
    digest = record.digest if isinstance(record, Record) else record.document.digest
    return record.key not in known or known[record.key][0] != digest


Known = dict[Key, tuple[bytes, int]]


def _stored_hashes(
    table: Table, account: EbayAccount, records: Mapping[Key, Listed]
) -> tuple[Known, set[Key]]:
    """(content hash, id) of the rows that the page's keys already have, and the keys of those erased."""
    if not records:
        return {}, set()
    keys = ", ".join(f'k."{name}"' for name in table.natural_key)
    with server_cursor() as cursor:
        cursor.execute(
            f"SELECT t.content_hash, t.id, t.erased_at IS NOT NULL, {keys} FROM {_rows_of_keys(table)}",
            [_encoded_keys(table, records), account.pk],
        )
        rows = cursor.fetchall()
    known = {tuple(key): (bytes(digest), pk) for digest, pk, _, *key in rows}
    return known, {tuple(key) for _, _, erased, *key in rows if erased}


def _with_withheld(table: Table, differing: list[Record], known: Known) -> tuple[list[Record], list[Record]]:
    """Fill what eBay now withholds from the stored payloads; apart from the others those that are equal to
    what is stored then, or always were and only came as other bytes."""
    ids = {record.key: known[record.key][1] for record in differing if record.key in known}
    if not table.withheld_paths or not ids:
        return differing, []
    stored = _stored_parts(table, list(ids.values()))
    filled = [_filled(table, record, stored.get(ids.get(record.key, 0))) for record in differing]
    # Whatever has another time of change is another value.
    doubtful = [
        row_id
        for record in filled
        if (row_id := ids.get(record.key)) in stored and stored[row_id].modified_at == record.row.modified_at
    ]
    payloads_of = _stored_payloads(table, doubtful) if doubtful else {}
    changed: list[Record] = []
    same: list[Record] = []
    for record in filled:
        old = payloads_of.get(ids.get(record.key, 0))
        (same if old is not None and record.document.payload == old else changed).append(record)
    return changed, same


@dataclass(frozen=True, slots=True)
class _Part:
    """Of a stored row its time of change, and the members of its payload that eBay withholds some day."""

    modified_at: datetime | None
    members: dict[str, Any]


def _stored_parts(table: Table, ids: list[int]) -> dict[int, _Part]:
    names = _withheld_members(table)
    pairs = ", ".join("%s::text, payload -> %s" for _ in names)
    with server_cursor() as cursor:
        cursor.execute(
            f"SELECT id, ebay_modified_at, jsonb_build_object({pairs})::text "
            f"FROM {_table(table.model)} WHERE id = ANY(%s)",
            [*(name for name in names for _ in range(2)), ids],
        )
        return {row_id: _Part(at, parse_json(text)) for row_id, at, text in cursor.fetchall()}


def _stored_payloads(table: Table, ids: list[int]) -> dict[int, dict[str, Any]]:
    with server_cursor() as cursor:
        cursor.execute(f"SELECT id, payload::text FROM {_table(table.model)} WHERE id = ANY(%s)", [ids])
        return {row_id: parse_json(text) for row_id, text in cursor.fetchall()}


def _withheld_members(table: Table) -> list[str]:
    return sorted({path[0] for path in table.withheld_paths})


def _filled(table: Table, record: Record, old: _Part | None) -> Record:
    if old is None or record.erased:
        return record
    new = record.document.members(_withheld_members(table))
    if new == old.members:
        return record
    members = payloads.with_withheld(new, old.members, table.withheld_paths)
    if members is new:
        return record
    document = document_of(table, {**record.document.payload, **members})
    return replace(record, document=document, row=table.mapper(document.payload))


def _note_hashes(table: Table, same: list[Record], known: Known) -> None:
    """What was equal by value is known by its hash the next time, unless its row was changed meanwhile."""
    if not same:
        return
    with server_cursor() as cursor:
        cursor.execute(
            f"UPDATE {_table(table.model)} t SET content_hash = u.digest "
            "FROM unnest(%s::int8[], %s::bytea[], %s::bytea[]) AS u(id, digest, known) "
            "WHERE t.id = u.id AND t.content_hash = u.known",
            [
                [known[record.key][1] for record in same],
                [record.digest for record in same],
                [known[record.key][0] for record in same],
            ],
        )


Ids = dict[Key, int]


def _write(
    table: Table, account: EbayAccount, records: list[Record], refused: list[BadRecord], asked: Asked
) -> Ids:
    """Write records; when the database refuses, halve until the one at fault is found and set aside.

    Returns the ids of the rows that were inserted or changed.
    """
    if not records:
        return {}
    try:
        with transaction.atomic():
            inserted, changed = _upsert(table, account, records, asked)
            _write_children(table, account, records, inserted, changed)
    except (DataError, IntegrityError) as failure:
        if len(records) == 1:
            error = f"the database refuses it: {str(failure).splitlines()[0]}"
            bad = bad_record(table, records[0].document.payload, error)
            refused.append(replace(bad, key=key_text(records[0].key)))
            return {}
        middle = len(records) // 2
        first = _write(table, account, records[:middle], refused, asked)
        return first | _write(table, account, records[middle:], refused, asked)
    return inserted | changed


def _upsert(table: Table, account: EbayAccount, records: list[Record], asked: Asked) -> tuple[Ids, Ids]:
    """One INSERT … ON CONFLICT; returns the ids of what was inserted, and of what was changed, by key."""
    model = table.model
    rows = _values(table, records, asked)
    names = list(rows[0])
    keys = _quoted(table.natural_key)
    own_keys = ", ".join(f't."{name}"' for name in table.natural_key)
    kept = {*table.natural_key, "erased_at"}
    changing = ["payload", *(name for name in names if name not in kept)]
    maturing, detailed = issubclass(model, MaturingRow), issubclass(model, DetailedRow)
    sql = (
        f"INSERT INTO {_table(model)} AS t (account_id, house_name, {_quoted(names)}, payload) SELECT "
        f"%s, %s, {_quoted(names)}, payload "
        f"FROM {_recordset(model, names, 'u', beside=', unnest(%b::jsonb[])')} "
        f"ON CONFLICT (account_id, {keys}) DO UPDATE SET house_name = excluded.house_name, "
        + ", ".join(f'"{name}" = excluded."{name}"' for name in changing)
        + (", detail_at = NULL, detail_retry_at = NULL" if detailed and not table.details_once else "")
        + ", erased_at = coalesce(t.erased_at, excluded.erased_at)"
        + ", changed_at = clock_timestamp(), closed_at = NULL "
        "WHERE t.content_hash IS DISTINCT FROM excluded.content_hash "
        "AND (t.ebay_modified_at IS NULL OR excluded.ebay_modified_at IS NULL "
        "OR excluded.ebay_modified_at >= t.ebay_modified_at) "
        + ("AND t.changed_at <= coalesce(%s, 'infinity'::timestamptz) " if maturing else "")
        # A row version of this very statement that no older one was locked for is new (xmax is 0).
        + f"RETURNING t.id, t.xmax = 0, {own_keys}"
    )
    documents = [Jsonb(record.document.encoded, dumps=_as_is) for record in records]
    guard = [asked.at] if maturing else []
    inserted: Ids = {}
    changed: Ids = {}
    with server_cursor() as cursor:
        cursor.execute(sql, [account.pk, account.house_name, _encoded(rows), documents, *guard])
        for pk, is_new, *key in cursor.fetchall():
            (inserted if is_new else changed)[tuple(key)] = pk
    if maturing and len(inserted) + len(changed) < len(records):
        written = inserted.keys() | changed.keys()
        _read_again(table, account, [record.key for record in records if record.key not in written])
    return inserted, changed


def _values(table: Table, records: list[Record], asked: Asked) -> list[dict[str, Any]]:
    """The columns beside the payload, as JSON that PostgreSQL reads."""
    erased_at = asked.at or datetime.now(UTC)
    rows = [
        {
            **record.row.columns,
            "content_hash": f"\\x{record.digest.hex()}",
            "ebay_modified_at": record.row.modified_at,
            "erased_at": erased_at if record.erased else None,
        }
        for record in records
    ]
    if issubclass(table.model, MaturingRow):
        now = asked.ebay_now or datetime.now(UTC)
        for values, record in zip(rows, records, strict=True):
            row = record.row
            values["occurred_at"] = row.occurred_at
            values["maturity"] = row.maturity.value
            values["check_at"] = next_check(row.maturity, row.occurred_at, now=now)
    return rows


def _read_again(table: Table, account: EbayAccount, keys: list[Key]) -> None:
    """Two answers crossed: the next run asks eBay once more."""
    with server_cursor() as cursor:
        cursor.execute(
            f"UPDATE {_table(table.model)} SET check_at = coalesce(occurred_at, clock_timestamp()) "
            f"WHERE id IN (SELECT t.id FROM {_rows_of_keys(table)})",
            [_encoded_keys(table, keys), account.pk],
        )


def _write_children(
    table: Table, account: EbayAccount, records: list[Record], inserted: Ids, changed: Ids
) -> None:
    """Children of the written records become exactly what the records hold now."""
    ids = inserted | changed
    written = [record for record in records if record.key in ids]
    for relation, child in table.children.items():
        rows = [
            {child.parent: ids[record.key], **row}
            for record in written
            for row in distinct(record.row.children[relation], child.key)
        ]
        if changed:
            _delete_missing_children(child, list(changed.values()), rows)
        if rows:
            _upsert_children(child, account, rows)


def distinct(rows: Iterable[dict[str, Any]], key: tuple[str, ...]) -> list[dict[str, Any]]:
    """Children of one record; of a key that comes twice the last one."""
    return list({tuple(row[name] for name in key): row for row in rows}.values())


def _delete_missing_children(child: Child, parents: list[int], rows: list[dict[str, Any]]) -> None:
    names = [child.parent, *child.key]
    kept = [{name: row[name] for name in names} for row in rows]
    table = _table(child.model)
    with server_cursor() as cursor:
        # Parent by parent, and most often none: of a table without statistics the planner believes that two
        # hundred parents have all of its rows. NOT IN is looked up in a hash; no key is NULL.
        cursor.execute(
            f"SELECT c.id FROM unnest(%s::int8[]) AS p(id) CROSS JOIN LATERAL ("
            f"SELECT id, {_quoted(child.key)} FROM {table} WHERE {child.parent}_id = p.id OFFSET 0) AS c "
            f"WHERE (p.id, {_quoted(child.key)}) NOT IN ("
            f"SELECT {_quoted(names)} FROM {_recordset(child.model, names, 'u')})",
            [parents, _encoded(kept)],
        )
        missing = [row_id for (row_id,) in cursor.fetchall()]
        if missing:
            cursor.execute(f"DELETE FROM {table} WHERE id = ANY(%s)", [missing])


def _upsert_children(child: Child, account: EbayAccount, rows: list[dict[str, Any]]) -> None:
    names = list(rows[0])
    target = ", ".join(f"{name}_id" if name == child.parent else f'"{name}"' for name in names)
    keys = ", ".join([f"{child.parent}_id", *(f'"{name}"' for name in child.key)])
    changing = [name for name in names if name != child.parent and name not in child.key]
    with server_cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {_table(child.model)} AS c (account_id, {target}) SELECT %s, {_quoted(names)} "
            f"FROM {_recordset(child.model, names, 'u')} "
            f"ON CONFLICT ({keys}) DO UPDATE SET "
            + ", ".join(f'"{name}" = excluded."{name}"' for name in changing)
            + " WHERE "
            + " OR ".join(f'c."{name}" IS DISTINCT FROM excluded."{name}"' for name in changing),
            [account.pk, _encoded(rows)],
        )


def _rows_of_keys(table: Table) -> str:
    """`k`, the natural keys of one parameter, and `t`, their rows of the account that is the next one.

    The account is hidden from the planner: of one that is newer than its statistics it believes that it has
    no rows, and would rather read all of them, for each key, than look the key up.
    """
    return (
        f"{_recordset(table.model, table.natural_key, 'k')} CROSS JOIN LATERAL ("
        f"SELECT * FROM {_table(table.model)} r WHERE r.account_id + 0 = %s AND "
        + " AND ".join(f'r."{name}" = k."{name}"' for name in table.natural_key)
        + " LIMIT 1) AS t"
    )


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f'"{name}"' for name in names)


def _recordset(model: type[models.Model], names: Iterable[str], alias: str, *, beside: str = "") -> str:
    """Rows as one parameter of JSON, which msgspec writes and PostgreSQL reads in C, where arrays would be
    put together value by value in Python. `beside` is a column more, `payload`: a large document inside
    another would be parsed twice."""
    columns = ", ".join(f'"{name}" {_TYPES[_kind(model, name)]}' for name in names)
    names = _quoted([*names, "payload"] if beside else names)
    return f"ROWS FROM (json_to_recordset(%s::json) AS ({columns}){beside}) AS {alias}({names})"


def _kind(model: type[models.Model], name: str) -> str:
    return model._meta.get_field(name).get_internal_type()


def _encoded_keys(table: Table, keys: Iterable[Key]) -> str:
    return _encoded([dict(zip(table.natural_key, key, strict=True)) for key in keys])


def _encoded(rows: list[dict[str, Any]]) -> str:
    return msgspec.json.encode(rows).decode()


def _as_is(document: Any) -> Any:
    return document
