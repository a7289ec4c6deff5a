"""Statements in constant use: a database session parses and plans each of them once, and psycopg's connection
is spoken to directly. Django's cursor would write the parameters into the text, which is then parsed again.
"""

from __future__ import annotations

import contextlib
import hashlib
from collections.abc import Mapping
from typing import Any
from weakref import WeakKeyDictionary

import psycopg
from django.db import DEFAULT_DB_ALIAS, connection, connections
from psycopg import errors, generators, pq
from psycopg.adapt import PyFormat, Transformer
from psycopg.pq.abc import PGresult

# The statements that each session knows, as far as this process has told it.
_known: WeakKeyDictionary[Any, set[bytes]] = WeakKeyDictionary()


class Prepared:
    """One statement. Its name says what it is, so that a pooler may give any session at any time."""

    def __init__(self, sql: str, types: Mapping[str, str]) -> None:
        """`types`: PostgreSQL's type of each parameter of `sql`, which are written as `%(name)s`."""
        self._text = (sql % {name: f"${place}" for place, name in enumerate(types, start=1)}).encode()
        self._plain = sql % {name: f"%({name})s::{type_}" for name, type_ in types.items()}
        self._name = f"prepared_{hashlib.sha256(self._text).hexdigest()[:16]}".encode()
        self._parameters = tuple(types)
        self._oids = [psycopg.adapters.types.get_oid(type_) for type_ in types.values()]
        self._formats = [PyFormat.TEXT] * len(types)

    def fetch_one(self, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        """Run it on the default connection: the first row, or None.

        In a transaction, and while somebody counts or wraps statements, Django's cursor runs it unprepared.
        """
        # The proxy looks up this thread's connection each time that it is touched.
        database = connections[DEFAULT_DB_ALIAS]
        database.close_if_health_check_failed()
        if not database.get_autocommit() or database.queries_logged or database.execute_wrappers:
            return self._fetch_unprepared(parameters)
        session = database.connection
        known = _known.setdefault(session, set())
        with database.wrap_database_errors:
            try:
                if self._name not in known:
                    self._tell(session)
                    known.add(self._name)
                return self._fetch(session, parameters)
            except (errors.InvalidSqlStatementName, errors.FeatureNotSupported):
                # Behind a pooler this is another session than the one that was told, or a migration has
                # changed a column since. Nothing was executed.
                known.discard(self._name)
        return self._fetch_unprepared(parameters)

    def _fetch_unprepared(self, parameters: Mapping[str, Any]) -> tuple[Any, ...] | None:
        with connection.cursor() as cursor:
            cursor.execute(self._plain, parameters)
            row: tuple[Any, ...] | None = cursor.fetchone()
            return row

    def _fetch(
        self, session: psycopg.Connection[Any], parameters: Mapping[str, Any]
    ) -> tuple[Any, ...] | None:
        transformer = Transformer(session)
        values = transformer.dump_sequence([parameters[name] for name in self._parameters], self._formats)
        session.pgconn.send_query_prepared(self._name, values, result_format=pq.Format.BINARY)
        result = _answer(session)
        transformer.set_pgresult(result)
        return transformer.load_row(0, tuple) if result.ntuples else None

    def _tell(self, session: psycopg.Connection[Any]) -> None:
        session.pgconn.send_prepare(self._name, self._text, self._oids)
        with contextlib.suppress(errors.DuplicatePreparedStatement):
            _answer(session)


def _answer(session: psycopg.Connection[Any]) -> PGresult:
    """What the server says to what was sent; psycopg's exception when it is an error."""
    result: PGresult
    (result,) = session.wait(generators.execute(session.pgconn))
    if result.status == pq.ExecStatus.FATAL_ERROR:
        raise errors.error_from_result(result)
    return result
