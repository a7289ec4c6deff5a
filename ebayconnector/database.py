"""Limits that every database session of ours sets."""

from __future__ import annotations

import sys
from typing import Any

from django.db.backends.base.base import BaseDatabaseWrapper

_TRANSACTION_TIMEOUT_SINCE = 170_000


def limit_session(connection: BaseDatabaseWrapper, **kwargs: Any) -> None:
    """A process frozen inside a transaction must not hold its locks for ever, whoever waits for them.

    Schema migrations are exempt: building an index may rightly take longer.
    """
    if sys.argv[1:2] == ["migrate"]:
        return
    limits = "SET idle_in_transaction_session_timeout = '30s'; SET lock_timeout = '5s'; "
    knows_transactions = connection.connection.info.server_version >= _TRANSACTION_TIMEOUT_SINCE
    limits += f"SET {'transaction_timeout' if knows_transactions else 'statement_timeout'} = '60s'"
    with connection.cursor() as cursor:
        cursor.execute(limits)
