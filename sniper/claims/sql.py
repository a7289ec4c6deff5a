"""A plain connection for executors, and the pieces that their statements share."""

from __future__ import annotations

from typing import Any

import psycopg
from django.db import connection as django_connection
from django.db import connections

Connection = psycopg.Connection[tuple[Any, ...]]

_NOT_FOR_PSYCOPG = frozenset({"cursor_factory", "context", "prepare_threshold", "server_side_binding"})
# A server that vanishes without a word is noticed within seconds.
_KEEPALIVE = {
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,
}
# As `ebayconnector.database`, but shorter: nothing here may take long.
_LIMITS = (
    "SET lock_timeout = '1s'; SET statement_timeout = '5s'; SET idle_in_transaction_session_timeout = '5s'"
)


def keep_alive() -> None:
    """The same for Django's own connections of this process; before the first of them is opened."""
    connections.settings["default"].setdefault("OPTIONS", {}).update(_KEEPALIVE)


def connect() -> Connection:
    """In autocommit, to the database of the settings. Raises psycopg.OperationalError."""
    parameters = {
        name: value
        for name, value in django_connection.get_connection_params().items()
        if name not in _NOT_FOR_PSYCOPG
    }
    opened: Connection = psycopg.connect(
        **{**parameters, **_KEEPALIVE, "connect_timeout": 2, "application_name": "ebayconnector sniper"},
        autocommit=True,
        prepare_threshold=None,
    )
    opened.execute(_LIMITS)
    return opened


# Columns of `ebay_snipe_logs` without a default of the database.
EVENT_COLUMNS = (
    "(snipe_id, event_type, status, message, http_status, correlation_id, ebay_bid_id, endpoint, token_kind, "
    "detail)"
)
EMPTY_EVENT = "NULL::smallint, '', '', '', '', '{}'::jsonb"
