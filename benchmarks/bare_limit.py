"""Baseline "limit": the least that brings the same rows into the same tables.

Bare session, typed parsing, COPY into temporary tables, one merge of each and one commit per page. No hash,
no fence, no counters, no log, no index of people, no overlap, no check of completeness.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import psycopg

from . import bare, loading

_ORDERS = ", ".join(bare.ORDER_COLUMNS)
_LINES = ", ".join(bare.LINE_COLUMNS)
_STAGING = f"""
CREATE TEMP TABLE staged_orders ON COMMIT DELETE ROWS AS SELECT {_ORDERS} FROM bare_orders WITH NO DATA;
CREATE TEMP TABLE staged_lines ON COMMIT DELETE ROWS AS
  SELECT ''::text AS order_key, {_LINES} FROM bare_lines WITH NO DATA;
"""
_MERGE_ORDERS = f"""
INSERT INTO bare_orders AS t (account_id, house_name, content_hash, {_ORDERS})
SELECT %s, %s, ''::bytea, {_ORDERS} FROM staged_orders
ON CONFLICT (account_id, order_id) DO UPDATE SET {bare.assignments(bare.ORDER_COLUMNS, "order_id")}
WHERE excluded.ebay_modified_at > t.ebay_modified_at
"""
# The account is hidden from the planner, as in the product (`store._rows_of_keys`): of one that is newer than
# the statistics it believes that it has few rows, and reads all of them for each page.
_MERGE_LINES = f"""
INSERT INTO bare_lines AS t (account_id, order_id, {_LINES})
SELECT o.account_id, o.id, {", ".join(f"l.{name}" for name in bare.LINE_COLUMNS)}
FROM staged_lines l CROSS JOIN LATERAL (
  SELECT id, account_id FROM bare_orders r WHERE r.account_id + 0 = %s AND r.order_id = l.order_key LIMIT 1
) AS o
ON CONFLICT (order_id, line_item_id) DO UPDATE SET {bare.assignments(bare.LINE_COLUMNS, "line_item_id")}
WHERE ({", ".join(f"t.{name}" for name in bare.LINE_COLUMNS)})
  IS DISTINCT FROM ({", ".join(f"excluded.{name}" for name in bare.LINE_COLUMNS)})
"""


def measure(*, orders: int, page_s: float = 0.0) -> dict[str, Any]:
    connected = loading.connect(orders)
    with bare.open_tables(autocommit=False) as connection, loading.slow_pages(connected, page_s):
        connection.execute(_STAGING)
        connection.commit()

        def load() -> dict[str, Any]:
            return bare.timed_load(
                connected,
                partial(_store, connection, connected),
                partial(bare.count_rows, connection),
                orders,
            )

        return loading.three_loads(connected, load)


def _store(connection: psycopg.Connection[Any], connected: loading.Connected, page: bare.Page) -> None:
    account = connected.account
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY staged_orders ({_ORDERS}) FROM STDIN") as copy:
            for order, payload in page:
                copy.write_row(bare.order_values(order, payload))
        with cursor.copy(f"COPY staged_lines (order_key, {_LINES}) FROM STDIN") as copy:
            for order, _ in page:
                for position, line in enumerate(order.line_items):
                    copy.write_row((order.order_id, *bare.line_values(line, position)))
        cursor.execute(_MERGE_ORDERS, [account.pk, account.house_name])
        cursor.execute(_MERGE_LINES, [account.pk])
    connection.commit()
