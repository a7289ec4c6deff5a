"""Raw SQL in one line each, and the limits that every database session of ours sets."""

from __future__ import annotations

import sys
from typing import Any

import psycopg
from django.conf import settings
from django.db import connection
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.backends.utils import CursorWrapper

_TRANSACTION_TIMEOUT_SINCE = 170_000


def limit_session(sender: Any, connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """A process frozen inside a transaction must not hold its locks for ever, whoever waits for them.

    Schema migrations are exempt: building an index may rightly take longer.
    """
    if sys.argv[1:2] == ["migrate"]:
        return
    idle_s = settings.IDLE_TRANSACTION_AFTER.total_seconds()
    limits = f"SET idle_in_transaction_session_timeout = '{idle_s:.0f}s'; SET lock_timeout = '5s'; "
    knows_transactions = connection.connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE
    limits += f"SET {'transaction_timeout' if knows_transactions else 'statement_timeout'} = '60s'"
    with connection.cursor() as cursor:
        cursor.execute(limits)


def server_cursor() -> CursorWrapper:
    """A cursor whose parameters travel beside the statement; Django's own writes them into its text, which
    for a page of records means quoting a megabyte. To be used in a `with`."""
    connection.ensure_connection()
    return CursorWrapper(psycopg.Cursor(connection.connection), connection)


def execute(sql: str, parameters: Any = None) -> int:
    """Run one statement on the default connection; returns the number of rows it touched."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return int(cursor.rowcount)


def fetch_one(sql: str, parameters: Any = None) -> tuple[Any, ...] | None:
    """The first row, or None."""
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        row: tuple[Any, ...] | None = cursor.fetchone()
        return row


def fetch_all(sql: str, parameters: Any = None) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, parameters)
        return list(cursor.fetchall())
