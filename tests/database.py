"""Emptying the database after a test whose transactions really commit."""

from __future__ import annotations

from functools import cache
from typing import Any

import psycopg
from django.db import connection, transaction

# Rows that migrations write.
_KEPT = {"django_migrations", "django_content_type", "auth_permission", "ebay_scope_definitions"}
# Which versions of which rows: the same while nobody wrote to it.
_CATALOGUE = "SELECT array_agg(xmin::text || ' ' || ctid::text ORDER BY ctid) FROM ebay_scope_definitions"
_untouched: Any = None


def empty_tables() -> None:
    """Delete the rows of the tables that hold any: truncating every table is ten times as slow."""
    global _untouched
    with transaction.atomic(), connection.cursor() as cursor:
        assert connection.settings_dict["NAME"].startswith("test_")
        # Planned once for each connection: it names all tables.
        filled = psycopg.Cursor(connection.connection).execute(_which_are_filled(), prepare=True).fetchall()
        # Without triggers the order of the tables does not matter.
        deletes = "".join(f'; DELETE FROM "{name}"' for (name,) in filled)
        cursor.execute(f"SET LOCAL session_replication_role = replica{deletes}; {_CATALOGUE}")
        while cursor.nextset():
            pass
        if cursor.fetchone() != _untouched:
            cursor.execute("DELETE FROM ebay_scope_definitions")
            _write_catalogue()
            cursor.execute(_CATALOGUE)
            _untouched = cursor.fetchone()


@cache
def _which_are_filled() -> str:
    names = [name for name in connection.introspection.table_names() if name not in _KEPT]
    return " UNION ALL ".join(f"SELECT '{name}' WHERE EXISTS (SELECT 1 FROM \"{name}\")" for name in names)


def _write_catalogue() -> None:
    from tokens.scopes import write_catalogue

    write_catalogue()
