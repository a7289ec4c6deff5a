"""Taking a person out of everything that was copied: rows, their payloads and details, quarantined evidence.

Rows are found by the index of keyed hashes, changed in small transactions, and stay without him: the store
leaves him out of whatever eBay says of them later (`services.people`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Sequence
from typing import Any

from django.db import transaction
from django.db.models.functions import Now

from syncworkers.models import QuarantinedRecord, SyncedRow
from syncworkers.personal import PERSONAL
from syncworkers.registry import TABLES, Table
from tokens import people

from .people import ERASED_ERROR, ERASED_EVIDENCE, QUARANTINE, left_out
from .records import document_of

_BATCH = 200

# Rows by organisation and table.
Erased = Counter[tuple[int | None, str]]


def erase_people(environment: str, persons: Collection[bytes]) -> Erased:
    """Take these people out of all rows that name them; how many rows, by organisation and table.

    A person's hash holds the environment already.

    May be repeated at any time: what is done is not found again.
    """
    erased: Erased = Counter()
    for kind in people.kinds_of(persons):
        if kind in TABLES:
            erased += _erase_all(persons, kind, TABLES[kind])
        elif kind == QUARANTINE:
            erased += _erase_evidence(persons)
    return erased


def _erase_all(persons: Collection[bytes], kind: str, table: Table) -> Erased:
    erased: Erased = Counter()
    while row_ids := people.rows_of(persons, kind=kind, most=_BATCH):
        with transaction.atomic():
            rows = _locked(table.model, row_ids)
            for row in rows:
                _erase(table, row)
                erased[row.account.organization_id, table.model._meta.db_table] += 1
            erased += _erase_details(table, rows)
            people.forget_entries(persons, kind=kind, row_ids=row_ids)
    return erased


def _locked(model: type[SyncedRow], row_ids: Sequence[int]) -> list[SyncedRow]:
    """In the order of their ids, as pages of other people's erasing lock them too."""
    rows = model._default_manager.filter(pk__in=row_ids).select_related("account").order_by("pk")
    return list(rows.select_for_update(of=("self",)))


def _erase(table: Table, row: SyncedRow) -> None:
    """Payload, columns and hash as the store would write them; `changed_at` moves, so that clients hear.

    Columns that say the same without him stay as they are: what its details, or other records, told of the
    row is not in its payload.
    """
    payload = left_out(table, row.account, row.payload)
    before, after = table.mapper(row.payload).columns, table.mapper(payload).columns
    his = PERSONAL[table.key].columns
    values: dict[str, Any] = {
        name: value
        for name, value in after.items()
        if name not in table.natural_key and (value != before[name] or name in his)
    }
    table.model._default_manager.filter(pk=row.pk).update(
        **values,
        payload=payload,
        # What its list shows no longer has none.
        content_hash=document_of(table, payload).digest if row.content_hash else b"",
        erased_at=Now(),
        changed_at=Now(),
    )


def _erase_details(table: Table, rows: Sequence[SyncedRow]) -> Erased:
    """What eBay says more about these records."""
    erased: Erased = Counter()
    for key, spec in PERSONAL.items():
        if spec.of != table.key:
            continue
        detail = TABLES[key]
        for row in rows:
            natural_key = {name: getattr(row, name) for name in table.natural_key}
            found = detail.model._default_manager.filter(account_id=row.account_id, **natural_key)
            for detail_row in found.select_related("account").select_for_update(of=("self",)):
                _erase(detail, detail_row)
                erased[row.account.organization_id, detail.model._meta.db_table] += 1
    return erased


def _erase_evidence(persons: Collection[bytes]) -> Erased:
    erased: Erased = Counter()
    table = QuarantinedRecord._meta.db_table
    while row_ids := people.rows_of(persons, kind=QUARANTINE, most=_BATCH):
        with transaction.atomic():
            records = QuarantinedRecord.objects.filter(pk__in=row_ids).select_related("account")
            for record in records:
                erased[record.account.organization_id, table] += 1
            # eBay's own words about the record may name him too.
            QuarantinedRecord.objects.filter(pk__in=row_ids).update(
                evidence=ERASED_EVIDENCE, error=ERASED_ERROR
            )
            people.forget_entries(persons, kind=QUARANTINE, row_ids=row_ids)
    return erased
