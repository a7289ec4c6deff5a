"""People in what is stored: who is to be left out of a page, and which rows name whom (`tokens.people`)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from django.db import connection

from accounts.models import EbayAccount
from syncworkers.mappers.reading import MappedRow
from syncworkers.personal import PERSONAL, Personal, names_in, without_people
from syncworkers.registry import TABLES, Table
from tokens import people

Key = tuple[Any, ...]

QUARANTINE = "quarantine"
ERASED_EVIDENCE = {"erased": "eBay asked to forget a person whom this record names"}
ERASED_ERROR = "erased, as the record"
# Evidence is whatever eBay sent; beyond that many texts nobody is looked for.
_MOST_TEXTS = 5_000
_LONGEST_NAME = 200


def to_leave_out(
    table: Table, account: EbayAccount, records: Mapping[Key, tuple[MappedRow, dict[str, Any]]]
) -> set[Key]:
    """Keys of the records that must be stored without their people: one of them is to be forgotten."""
    spec = PERSONAL[table.key]
    if spec.of:
        return _erased_parents(TABLES[spec.of], account, list(records))
    named = {
        key: people.person_hashes(account.environment, _others(spec, account, row, payload))
        for key, (row, payload) in records.items()
    }
    everybody = {person for hashes in named.values() for person in hashes}
    gone = people.buried(everybody) if everybody else set()
    return {key for key, hashes in named.items() if not gone.isdisjoint(hashes)}


def _erased_parents(parent: Table, account: EbayAccount, keys: Sequence[Key]) -> set[Key]:
    """Of the records of a table, by natural key, those that are erased."""
    if not keys:
        return set()
    model = parent.model
    columns = ", ".join(f't."{name}"' for name in parent.natural_key)
    names = ", ".join(f'"{name}"' for name in parent.natural_key)
    # Natural keys of what has details are texts.
    arrays = ", ".join("%s::text[]" for _ in parent.natural_key)
    with connection.cursor() as cursor:
        cursor.execute(
            f'SELECT {columns} FROM "{model._meta.db_table}" t JOIN unnest({arrays}) AS k({names}) '
            f"USING ({names}) WHERE t.account_id = %s AND t.erased_at IS NOT NULL",
            [*(list(values) for values in zip(*keys, strict=True)), account.pk],
        )
        return {tuple(key) for key in cursor.fetchall()}


def left_out(table: Table, account: EbayAccount, payload: dict[str, Any]) -> dict[str, Any]:
    """The record without the parts that belong to people other than the account."""
    return without_people(PERSONAL[table.key], payload, own=own_names(account))


def own_names(account: EbayAccount) -> tuple[str, ...]:
    return tuple(name for name in (account.username, account.ebay_user_id) if name)


def remember_rows(
    table: Table, account: EbayAccount, rows: Sequence[tuple[int, MappedRow, dict[str, Any]]]
) -> None:
    """Note whom the rows name that were just written with people in them."""
    spec = PERSONAL[table.key]
    named = [(row_id, name) for row_id, row, payload in rows for name in _others(spec, account, row, payload)]
    people.remember(table.key, account.environment, named, account_id=account.pk)


def _others(spec: Personal, account: EbayAccount, row: MappedRow, payload: dict[str, Any]) -> Iterator[str]:
    """Everybody but the account itself: it is found by its own row."""
    for name in names_in(spec, row.columns, payload):
        if not any(people.same_name(name, own) for own in own_names(account)):
            yield name


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
