"""Large statements in constant use: a database session parses and plans each of them once."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

from django.db import DatabaseError, connection
from django.db.backends.utils import CursorWrapper
from psycopg import errors

# The statements that each session knows, as far as this process has told it.
_known: WeakKeyDictionary[Any, set[str]] = WeakKeyDictionary()


class Prepared:
    """One statement. Its name says what it is, so that a pooler may give any session at any time."""

    def __init__(self, sql: str, types: Mapping[str, str]) -> None:
        """`types`: PostgreSQL's type of each parameter of `sql`, which are written as `%(name)s`."""
        text = sql % {parameter: f"${place}" for place, parameter in enumerate(types, start=1)}
        self._name = f"prepared_{hashlib.sha256(text.encode()).hexdigest()[:16]}"
        self._prepare = f"PREPARE {self._name} ({', '.join(types.values())}) AS {text}"
        self._execute = f"EXECUTE {self._name} ({', '.join(f'%({parameter})s' for parameter in types)})"

    def fetch_one(self, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run it on the default connection: the first row, or None."""
        with connection.cursor() as cursor:
            if self._name not in _known.setdefault(cursor.connection, set()):
                self._tell(cursor)
            try:
                cursor.execute(self._execute, parameters)
            except DatabaseError as failure:
                if not isinstance(failure.__cause__, errors.InvalidSqlStatementName):
                    raise
                # Behind a pooler this is another session than the one that was told.
                self._tell(cursor)
                cursor.execute(self._execute, parameters)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def _tell(self, cursor: CursorWrapper) -> None:
        try:
            cursor.execute(self._prepare)
        except DatabaseError as failure:
            if not isinstance(failure.__cause__, errors.DuplicatePreparedStatement):
                raise
        _known[cursor.connection].add(self._name)
