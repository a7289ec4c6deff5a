"""Which keys the stored secrets are sealed under, counted in the database without opening any."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field

from django.apps import apps
from django.db import connection
from django.db.models import Model

from ebayconnector.database import fetch_all

from . import sealing

_SUFFIX = "_sealed"
_COUNT = """
SELECT %s, COALESCE(substring({column} FROM '^enc:v1:([0-9a-f]{{8}}):'), ''), count(*)
FROM {table} WHERE {column} <> '' GROUP BY 2
"""


def sealed_fields() -> list[tuple[type[Model], str]]:
    """Every column that holds sealed values, of all apps: those whose names end in `_sealed`."""
    return [
        (model, field.name)
        for model in apps.get_models()
        for field in model._meta.concrete_fields
        if field.name == field.column and field.name.endswith(_SUFFIX)
    ]


@dataclass(frozen=True)
class KeyUse:
    """How many stored values one key seals. `key_id` is '' for what is not in this product's form.

    `standing`: newest (seals what is new), older (only opens), missing (not in this process's ring),
    unreadable (no key at all).
    """

    key_id: str
    standing: str
    values: int = 0
    places: dict[str, int] = field(default_factory=dict)


def key_uses() -> list[KeyUse]:
    """All keys of the ring, newest first and also those that seal nothing, then what the ring cannot open.

    Raises KeyRingError when the ring of this process cannot be used.
    """
    ids = sealing.key_ring().ids
    places = sealed_places()
    known = [*ids, *sorted(key_id for key_id in places if key_id not in ids)]
    return [_key_use(key_id, ids, places.get(key_id, {})) for key_id in known]


def sealed_places() -> dict[str, dict[str, int]]:
    """How many values of which column each key seals, whatever this process's ring is."""
    places: dict[str, dict[str, int]] = defaultdict(dict)
    for place, key_id, count in _counted():
        places[key_id][place] = count
    return places


def _counted() -> list[tuple[str, str, int]]:
    """(place, key id, values)"""
    quote = connection.ops.quote_name
    places = [(model._meta.db_table, name) for model, name in sealed_fields()]
    parts = [_COUNT.format(table=quote(table), column=quote(column)) for table, column in places]
    names = [f"{table}.{column.removesuffix(_SUFFIX)}" for table, column in places]
    return [(place, key_id, count) for place, key_id, count in fetch_all(" UNION ALL ".join(parts), names)]


def _key_use(key_id: str, ids: Sequence[str], places: dict[str, int]) -> KeyUse:
    if not key_id:
        standing = "unreadable"
    elif key_id not in ids:
        standing = "missing"
    else:
        standing = "newest" if key_id == ids[0] else "older"
    return KeyUse(key_id, standing, sum(places.values()), places)
