"""People in what is stored: who is to be left out of a page, and which rows name whom (`tokens.people`)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from django.db import connection

from accounts.models import EbayAccount
from syncworkers.mappers.reading import MappedRow
from syncworkers.personal import PERSONAL, Personal, names_in, without_people
from syncworkers.registry import TABLES, Table
from tokens import people

from .payloads import Document

Key = tuple[Any, ...]
Named = tuple[MappedRow, Document]
"""A record as far as it names people."""

QUARANTINE = "quarantine"
ERASED_EVIDENCE = {"erased": "eBay asked to forget a person whom this record names"}
ERASED_ERROR = "erased, as the record"
# Evidence is whatever eBay sent; beyond that many texts nobody is looked for.
_MOST_TEXTS = 5_000
_LONGEST_NAME = 200


Mentioned = dict[Key, list[tuple[bytes, ...]]]
"""Whom records name, by natural key: the hashes of each name, the one in use first."""


def mentioned(table: Table, account: EbayAccount, records: Mapping[Key, Named]) -> Mentioned:
    """Everybody but the account itself: it is found by its own row."""
    spec = PERSONAL[table.key]
    named = {key: _names(spec, record) for key, record in records.items()}
    everybody = set().union(*named.values())
    hashes = people.hashes_by_name(account.environment, everybody, but=own_names(account))
    return {key: [hashes[name] for name in names if name in hashes] for key, names in named.items()}


def _names(spec: Personal, record: Named) -> set[str]:
    row, document = record
    # To parse the payload costs as much as all else: only where it is needed.
    return names_in(spec, row.columns, document.payload if spec.paths else {})


def to_leave_out(table: Table, account: EbayAccount, named: Mentioned) -> set[Key]:
    """Keys of the records that must be stored without their people: one of them is to be forgotten."""
    spec = PERSONAL[table.key]
    if spec.of:
        return _erased_parents(TABLES[spec.of], account, list(named))
    everybody = {person for names in named.values() for hashes in names for person in hashes}
    gone = people.buried(everybody) if everybody else set()
    if not gone:
        return set()
    return {key for key, names in named.items() if any(not gone.isdisjoint(hashes) for hashes in names)}


def remember_rows(table: Table, account: EbayAccount, named: Mentioned, ids: Mapping[Key, int]) -> None:
    """Note whom the rows name that were just written with people in them; `ids` are theirs."""
    entries = [(row_id, hashes[0]) for key, row_id in ids.items() for hashes in named[key]]
    people.remember_hashes(table.key, entries, account_id=account.pk)


def _erased_parents(parent: Table, account: EbayAccount, keys: Sequence[Key]) -> set[Key]:
    """Of the records of a table, by natural key, those that are erased."""
    if not keys:
        return set()
    model = parent.model
    columns = ", ".join(f'k."{name}"' for name in parent.natural_key)
    same = " AND ".join(f'r."{name}" = k."{name}"' for name in parent.natural_key)
    names = ", ".join(f'"{name}"' for name in parent.natural_key)
    # Natural keys of what has details are texts.
    arrays = ", ".join("%s::text[]" for _ in parent.natural_key)
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT {columns} FROM unnest({arrays}) AS k({names}) CROSS JOIN LATERAL ("
            f'SELECT erased_at FROM "{model._meta.db_table}" r '
            f"WHERE r.account_id + 0 = %s AND {same} LIMIT 1"
            ") AS t WHERE t.erased_at IS NOT NULL",
            [*(list(values) for values in zip(*keys, strict=True)), account.pk],
        )
        return {tuple(key) for key in cursor.fetchall()}


def left_out(table: Table, account: EbayAccount, payload: dict[str, Any]) -> dict[str, Any]:
    """The record without the parts that belong to people other than the account."""
    return without_people(PERSONAL[table.key], payload, own=own_names(account))


def own_names(account: EbayAccount) -> tuple[str, ...]:
    return tuple(name for name in (account.username, account.ebay_user_id) if name)


# -- Evidence ----------------------------------------------------------------------------------------------


def storable_evidence(account: EbayAccount, evidence: Any) -> Any:
    """The evidence of a record at fault; nothing of it when it names somebody who is to be forgotten."""
    hashes = people.person_hashes(account.environment, _texts(evidence))
    return ERASED_EVIDENCE if hashes and people.buried(hashes) else evidence


def storable_error(evidence: Any, error: str) -> str:
    """What was wrong with it; eBay's own words may name a person as well."""
    return ERASED_ERROR if evidence == ERASED_EVIDENCE else error


def remember_evidence(account: EbayAccount, row_id: int, evidence: Any) -> None:
    """Such a record may name people anywhere: every text in it counts as a name."""
    if evidence == ERASED_EVIDENCE:
        return
    named = [(row_id, text) for text in _texts(evidence)]
    people.remember(QUARANTINE, account.environment, named, account_id=account.pk)


def _texts(evidence: Any) -> set[str]:
    found: set[str] = set()
    waiting = [evidence]
    while waiting and len(found) < _MOST_TEXTS:
        value = waiting.pop()
        if isinstance(value, dict):
            waiting += value.values()
        elif isinstance(value, list):
            waiting += value
        elif isinstance(value, str) and len(value) <= _LONGEST_NAME:
            found.add(value)
    return found
