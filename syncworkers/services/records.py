"""Records of a page as eBay gave them: their keys, what tells them apart, the columns they map to, and what
cannot be stored. Nothing here asks the database.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from accounts.models import EbayAccount
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.mappers.reading import MappedRow, Unmappable
from syncworkers.registry import Table

from . import payloads, people

Key = tuple[Any, ...]

# As long as QuarantinedRecord.record_key.
_KEY_LENGTH = 200
WITHOUT_KEY = "without key "


@dataclass(slots=True)
class Record:
    """One record of a page, mapped. `digest`: of what eBay said; `erased`: without its people."""

    key: Key
    document: payloads.Document
    row: MappedRow
    digest: bytes
    erased: bool = False


@dataclass(slots=True)
class Listed:
    """One record of a page, ready to be compared with what is stored; mapped only where its key needs it."""

    key: Key
    document: payloads.Document
    row: MappedRow | None = None


@dataclass(frozen=True)
class BadRecord:
    """A record that cannot be stored, with the reason in words; `modified_at` when it can be read."""

    key: str
    evidence: Any
    error: str
    modified_at: datetime | None


@dataclass
class ListedPage:
    """What is on a page by natural key, and apart from it what is no record."""

    records: dict[Key, Listed] = field(default_factory=dict)
    bad: list[BadRecord] = field(default_factory=list)
    replaced_characters: int = 0


def listed_page(table: Table, items: Sequence[Any]) -> ListedPage:
    """Of a key that comes twice the newer version stays."""
    page = ListedPage()
    for item in items:
        try:
            one = _listed(table, item)
            before = page.records.get(one.key)
            if before is None or _modified(table, before) <= _modified(table, one):
                page.records[one.key] = one
        except Unmappable as failure:
            value = item.document.payload if isinstance(item, Listed) else item
            page.bad.append(bad_record(table, value, str(failure)))
            continue
        page.replaced_characters += one.document.replaced
    return page


def prepared(table: Table, raw: bytes) -> Listed | bytes:
    """What can be made of a record before anybody asks the database: for another thread's time."""
    try:
        return _listed(table, raw)
    except Unmappable:
        return raw


def _listed(table: Table, item: Any) -> Listed:
    if isinstance(item, Listed):
        return item
    if not isinstance(item, dict | bytes):
        raise Unmappable("the record is not an object")
    document = document_of(table, item)
    if table.from_bytes and document.value is None and (key := table.from_bytes.key(document.encoded)):
        return Listed((key,), document)
    row = table.mapper(document.payload)
    return Listed(_key(table, row), document, row)


def document_of(table: Table, item: dict[str, Any] | bytes) -> payloads.Document:
    """Raises Unmappable for a table some of whose volatile parts last (`Table.lasting`)."""
    return payloads.document(item, table.volatile_paths, table.lasting)


def _key(table: Table, row: MappedRow) -> Key:
    return tuple(row.columns[name] for name in table.natural_key)


def _row(table: Table, listed: Listed) -> MappedRow:
    if listed.row is not None:
        return listed.row
    assert table.from_bytes is not None, "else it would be mapped"
    return table.from_bytes.row(listed.document.encoded)


def _modified(table: Table, listed: Listed) -> float:
    modified_at = _row(table, listed).modified_at
    return modified_at.timestamp() if modified_at else 0.0


def mapped(table: Table, listed: Sequence[Listed]) -> tuple[dict[Key, Record], list[BadRecord]]:
    """With the columns of each, and apart from them those that cannot be mapped."""
    records: dict[Key, Record] = {}
    bad = []
    for one in listed:
        try:
            records[one.key] = Record(one.key, one.document, _row(table, one), one.document.digest)
        except Unmappable as failure:
            bad.append(bad_record(table, one.document.payload, str(failure)))
    return records, bad


def without_people(table: Table, account: EbayAccount, record: Record) -> Record:
    payload = people.left_out(table, account, record.document.payload)
    document = document_of(table, payload)
    return Record(record.key, document, table.mapper(payload), document.digest, erased=True)


def identity_of(table: Table, item: Any) -> str:
    """What tells records apart while pages are read: the key, or for one without a key all of it."""
    key = ""
    if isinstance(item, Listed):
        return "/".join(map(str, item.key))
    if isinstance(item, bytes) and table.from_bytes:
        key = table.from_bytes.key(item)
    elif isinstance(item, dict):
        key = table.record_key(item)
    return key or f"{WITHOUT_KEY}{payloads.evidence_hash(payloads.value_of(item))}"


def bad_record(table: Table, item: Any, error: str) -> BadRecord:
    value = payloads.value_of(item)
    evidence = payloads.storable_evidence(value)
    return BadRecord(identity_of(table, evidence)[:_KEY_LENGTH], evidence, error, change_time(table, value))


def change_time(table: Table, item: Any) -> datetime | None:
    """The time that the record is read by. Post-Order's times are objects with a `value`."""
    value: Any = item
    try:
        for name in table.time_field.split("."):
            value = value[name]
        return parse_ebay_time(value["value"] if isinstance(value, dict) else value)
    except (KeyError, TypeError, ValueError):
        return None


def key_text(key: Key) -> str:
    return "/".join(map(str, key))[:_KEY_LENGTH]
