"""Many orders of other accounts, made in the database from a few that were really loaded.

Each has one entry in the index of people, as an order with a buyer has.
"""

from __future__ import annotations

from django.db import connection

from accounts.models import EbayAccount
from ebayconnector.database import execute, fetch_one
from syncworkers.models import Order, OrderLineItem
from tests.factories import AccountFactory

_ACCOUNTS = 20
_AT_ONCE = 50_000
# Odd and no multiple of five: it scatters consecutive numbers over twelve digits, each of them once.
_SCATTER = 387_420_489_173
_OWN_ORDER_COLUMNS = {"id", "account_id", "order_id", "content_hash", "created_at_ebay", "ebay_modified_at"}

# Not temporary: the payloads are to be copied as they lie there, compressed.
_TEMPLATES = """
CREATE UNLOGGED TABLE bench_orders AS
  SELECT row_number() OVER (ORDER BY id) - 1 AS place, o.* FROM ebay_orders o WHERE account_id = %(account)s;
CREATE UNLOGGED TABLE bench_lines AS
  SELECT b.place, l.* FROM ebay_order_line_items l JOIN bench_orders b ON b.id = l.order_id;
CREATE INDEX ON bench_orders (place);
CREATE INDEX ON bench_lines (place);
ANALYZE bench_orders, bench_lines
"""
_FILL_ORDERS = """
INSERT INTO ebay_orders (id, account_id, order_id, content_hash, created_at_ebay, ebay_modified_at, {columns})
SELECT %(base)s + n, (%(accounts)s::bigint[])[1 + n %% %(count)s], regexp_replace(
         lpad((n::bigint * %(scatter)s %% 1000000000000)::text, 12, '0'),
         '(..)(.....)(.....)', '\\1-\\2-\\3'),
       decode(md5(n::text), 'hex'), s.modified_at - interval '2 days', s.modified_at, {templates}
FROM (SELECT n, now() - random() * interval '700 days' AS modified_at
      FROM generate_series(%(first)s, %(last)s) n) s
JOIN bench_orders t ON t.place = s.n %% %(samples)s
"""
_FILL_LINES = """
INSERT INTO ebay_order_line_items (account_id, order_id, {columns})
SELECT (%(accounts)s::bigint[])[1 + n %% %(count)s], %(base)s + n, {templates}
FROM generate_series(%(first)s, %(last)s) n JOIN bench_lines t ON t.place = n %% %(samples)s
"""
# Nobody's hashes, but of the right length and as scattered.
_FILL_PEOPLE = """
INSERT INTO ebay_person_index (person, kind, row_id, account_id)
SELECT substring(sha256(convert_to(n::text, 'UTF8')) for 16), 'orders', %(base)s + n,
       (%(accounts)s::bigint[])[1 + n %% %(count)s]
FROM generate_series(%(first)s, %(last)s) n
"""


def fill_orders(sample: EbayAccount, wanted: int) -> None:
    """Until the table holds so many orders: copies of `sample`'s with their own numbers, times and buyers."""
    samples = Order.objects.filter(account=sample).count()
    missing = wanted - Order.objects.count()
    accounts = [AccountFactory().pk for _ in range(_ACCOUNTS)]  # type: ignore[no-untyped-call, attr-defined]
    execute("SET transaction_timeout = 0")
    # Without triggers no foreign key is checked, row by row, that is right by construction.
    execute("SET session_replication_role = replica")
    execute(_TEMPLATES, {"account": sample.pk})
    base = fetch_one("SELECT max(id) FROM ebay_orders")
    common = {
        "base": base[0] if base else 0, "accounts": accounts, "count": _ACCOUNTS, "scatter": _SCATTER,
        "samples": samples,
    }  # fmt: skip
    for first in range(1, missing + 1, _AT_ONCE):
        part = {**common, "first": first, "last": min(first + _AT_ONCE - 1, missing)}
        execute(_statement(_FILL_ORDERS, Order, _OWN_ORDER_COLUMNS), part)
        execute(_statement(_FILL_LINES, OrderLineItem, {"id", "account_id", "order_id"}), part)
        execute(_FILL_PEOPLE, part)
    execute("SELECT setval(pg_get_serial_sequence('ebay_orders', 'id'), (SELECT max(id) FROM ebay_orders))")
    execute("DROP TABLE bench_orders, bench_lines")
    execute("VACUUM ANALYZE ebay_orders, ebay_order_line_items, ebay_person_index")
    execute("CHECKPOINT")
    # The next one has the limits of every session again.
    connection.close()


def _statement(text: str, model: type[Order] | type[OrderLineItem], own: set[str]) -> str:
    columns = [str(f.column) for f in model._meta.concrete_fields if f.column not in own]
    return text.format(
        columns=", ".join(columns), templates=", ".join(f"t.{column}" for column in columns)
    )  # fmt: skip
