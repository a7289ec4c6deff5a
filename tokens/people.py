"""People of eBay as keyed hashes: which rows name them, and who is to be forgotten.

A hash is the first half of HMAC-SHA-256 over environment and name (username, user id or EIAS token, as
eBay gives it; ASCII letters in lower case), under a key derived from SECRET_KEY; keys of SECRET_KEY_FALLBACKS
still find what was stored under them. PostgreSQL computes the same hash (`hash_sql`), so that old rows are
indexed by one statement a table.
"""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Collection, Iterable, Sequence
from datetime import timedelta
from functools import lru_cache

from django.conf import settings

from ebayconnector.database import execute, fetch_all

_LENGTH = 16
_BLOCK = 64
# No page transaction lives longer than a minute; the rest is for its machine's clock and ours.
_GUARDED = timedelta(hours=1)
# How long the hash of somebody of whom nothing was stored is kept.
_UNKNOWN_KEPT = timedelta(days=30)
# Who writes in eBay's own name is nobody.
_NOBODY = frozenset({b"", b"ebay"})


def person_hash(environment: str, name: str) -> bytes:
    """16 bytes for one name, under the key in use."""
    return _hash(_keys()[0], environment.encode(), _bytes(name))


def person_hashes(environment: str, names: Iterable[str]) -> list[bytes]:
    """The hashes of all names that are any, under every key that rows may have been indexed with."""
    found = hashes_by_name(environment, names).values()
    return sorted({person for hashes in found for person in hashes})


def hashes_by_name(
    environment: str, names: Iterable[str], *, but: Iterable[str] = ()
) -> dict[str, tuple[bytes, ...]]:
    """The same by name, the key in use first; without the names in `but`, however these are spelled."""
    keys, place, nobody = _keys(), environment.encode(), _NOBODY.union(map(_bytes, but))
    plain = ((name, _bytes(name)) for name in names)
    return {name: tuple(_hash(key, place, who) for key in keys) for name, who in plain if who not in nobody}


def _bytes(name: str) -> bytes:
    # bytes.lower() knows ASCII only, as lower() of PostgreSQL's collation "C" does.
    return name.strip(" ").encode(errors="replace").lower()


def _hash(key: bytes, environment: bytes, name: bytes) -> bytes:
    return hmac.digest(key, environment + b"\x1f" + name, "sha256")[:_LENGTH]


def _keys() -> tuple[bytes, ...]:
    """The newest first."""
    return _derived((settings.SECRET_KEY, *settings.SECRET_KEY_FALLBACKS))


@lru_cache(maxsize=4)
def _derived(secrets: tuple[str, ...]) -> tuple[bytes, ...]:
    return tuple(hashlib.sha256(b"ebayconnector people" + secret.encode()).digest() for secret in secrets)


def hash_sql(environment: str, name: str) -> tuple[str, list[bytes]]:
    """The same hash as an SQL expression over two SQL expressions, and its parameters: HMAC written out."""
    key = _keys()[0].ljust(_BLOCK, b"\0")
    pads = [bytes(byte ^ pad for byte in key) for pad in (0x5C, 0x36)]
    text = f"{environment} || E'\\x1f' || lower(btrim({name}) COLLATE \"C\")"
    return f"substring(sha256(%s || sha256(%s || convert_to({text}, 'UTF8'))) for {_LENGTH})", pads


# -- The index -------------------------------------------------------------------------------------------


def remember(
    kind: str, environment: str, names: Iterable[tuple[int, str]], *, account_id: int | None
) -> None:
    """Note that rows name people: pairs of row id and name. In the transaction that writes the rows."""
    pairs = list(names)
    hashes = hashes_by_name(environment, {name for _, name in pairs})
    entries = [(row_id, hashes[name][0]) for row_id, name in pairs if name in hashes]
    remember_hashes(kind, entries, account_id=account_id)


def remember_hashes(kind: str, entries: Iterable[tuple[int, bytes]], *, account_id: int | None) -> None:
    """The same of pairs of row id and hash, under the key in use."""
    # In one order, so that two who write the same entries do not wait for each other in a circle.
    rows = [{"p": person.hex(), "r": row_id} for person, row_id in sorted({(p, r) for r, p in entries})]
    if not rows:
        return
    execute(
        "INSERT INTO ebay_person_index (person, kind, row_id, account_id) "
        "SELECT decode(p, 'hex'), %s, r, %s FROM json_to_recordset(%s::json) AS u(p text, r int8) "
        "ON CONFLICT DO NOTHING",
        [kind, account_id, json.dumps(rows)],
    )


def known_people(people: Collection[bytes]) -> set[bytes]:
    """Those of whom at least one row holds personal data."""
    rows = fetch_all(
        "SELECT p FROM unnest(%s::bytea[]) AS u(p) "
        "WHERE EXISTS (SELECT 1 FROM ebay_person_index i WHERE i.person = u.p)",
        [list(people)],
    )
    return {bytes(person) for (person,) in rows}


def rows_of(people: Collection[bytes], *, kind: str, most: int) -> list[int]:
    """Ids of rows of one kind that name one of them."""
    rows = fetch_all(
        "SELECT DISTINCT row_id FROM ebay_person_index WHERE person = ANY(%s) AND kind = %s "
        "ORDER BY row_id LIMIT %s",
        [list(people), kind, most],
    )
    return [row_id for (row_id,) in rows]


def kinds_of(people: Collection[bytes]) -> list[str]:
    rows = fetch_all(
        "SELECT DISTINCT kind FROM ebay_person_index WHERE person = ANY(%s) ORDER BY kind", [list(people)]
    )
    return [kind for (kind,) in rows]


def forget_entries(people: Collection[bytes], *, kind: str, row_ids: Sequence[int]) -> None:
    """These rows name them no longer."""
    execute(
        "DELETE FROM ebay_person_index WHERE person = ANY(%s) AND kind = %s AND row_id = ANY(%s)",
        [list(people), kind, list(row_ids)],
    )


# -- Who is to be forgotten --------------------------------------------------------------------------------


def bury(people: Collection[bytes], *, known: Collection[bytes]) -> None:
    """From now on nobody stores them again; those of whom nothing is known for a month only."""
    execute(
        "INSERT INTO ebay_erased_persons (person, expires_at) "
        "SELECT p, CASE WHEN p = ANY(%s) THEN NULL ELSE clock_timestamp() + %s END "
        "FROM unnest(%s::bytea[]) AS u(p) ON CONFLICT (person) DO UPDATE SET erased_at = clock_timestamp(), "
        "expires_at = CASE WHEN excluded.expires_at IS NULL THEN NULL "
        "ELSE greatest(ebay_erased_persons.expires_at, excluded.expires_at) END "
        "WHERE ebay_erased_persons.expires_at IS NOT NULL",
        [list(known), _UNKNOWN_KEPT, list(people)],
    )


def keep_buried(people: Collection[bytes]) -> None:
    """Rows of theirs turned up: they are not forgotten again."""
    execute("UPDATE ebay_erased_persons SET expires_at = NULL WHERE person = ANY(%s)", [list(people)])


def buried(people: Collection[bytes]) -> set[bytes]:
    """Those of them who were to be forgotten."""
    rows = fetch_all(
        "SELECT person FROM ebay_erased_persons "
        "WHERE person IN (SELECT decode(p, 'hex') FROM json_array_elements_text(%s::json) AS p)",
        [json.dumps([person.hex() for person in people])],
    )
    return {bytes(person) for (person,) in rows}


def risen(*, most: int) -> list[bytes]:
    """Buried people whom a row names all the same: its page was written while their notice was worked on."""
    rows = fetch_all(
        "SELECT e.person FROM ebay_erased_persons e WHERE e.erased_at > clock_timestamp() - %s "
        "AND EXISTS (SELECT 1 FROM ebay_person_index i WHERE i.person = e.person) LIMIT %s",
        [_GUARDED, most],
    )
    return [bytes(person) for (person,) in rows]
