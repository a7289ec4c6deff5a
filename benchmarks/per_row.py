"""Baseline "per row": one INSERT … ON CONFLICT and one commit for each order and each line item."""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg

from . import bare, loading

_ORDER = f"""
INSERT INTO bare_orders (account_id, house_name, content_hash, {", ".join(bare.ORDER_COLUMNS)})
VALUES (%s, %s, '', {", ".join(["%s"] * len(bare.ORDER_COLUMNS))})
ON CONFLICT (account_id, order_id) DO UPDATE SET {bare.assignments(bare.ORDER_COLUMNS, "order_id")}
RETURNING id
"""
_LINE = f"""
INSERT INTO bare_lines (account_id, order_id, {", ".join(bare.LINE_COLUMNS)})
VALUES (%s, %s, {", ".join(["%s"] * len(bare.LINE_COLUMNS))})
ON CONFLICT (order_id, line_item_id) DO UPDATE SET {bare.assignments(bare.LINE_COLUMNS, "line_item_id")}
"""


def measure(*, orders: int) -> dict[str, Any]:
    connected = loading.connect(orders)
    with bare.open_tables(autocommit=True) as connection:

        def store(page: bare.Page) -> None:
            for order, payload in page:
                _store(connection, connected, order, payload)

        def load() -> dict[str, Any]:
            return bare.timed_load(connected, store, partial(bare.count_rows, connection), orders)

        return loading.three_loads(connected, load)


def _store(
    connection: psycopg.Connection[Any], connected: loading.Connected, order: bare.Order, payload: str
) -> None:
    account = connected.account
    row = connection.execute(
        _ORDER, [account.pk, account.house_name, *bare.order_values(order, payload)]
    ).fetchone()
    if row is None:
        raise RuntimeError("an upsert without a row")
    for position, line in enumerate(order.line_items):
        connection.execute(_LINE, [account.pk, row[0], *bare.line_values(line, position)])
