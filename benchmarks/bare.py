"""The baselines' way to rows: a bare session, typed parsing of the kept columns, tables defined as ours."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec
import psycopg
import requests
from django.conf import settings

from ebayconnector.ebay.timefmt import ebay_time

from . import loading

LIMIT = 200
ORDER_COLUMNS = (
    "order_id", "created_at_ebay", "fulfillment_status", "payment_status", "cancel_state", "buyer_username",
    "ship_to_name", "ship_to_country", "total", "currency", "line_item_count", "sales_record_reference",
    "payload", "ebay_modified_at",
)  # fmt: skip
LINE_COLUMNS = (
    "line_item_id", "position", "legacy_item_id", "sku", "title", "quantity", "cost", "total", "currency",
    "fulfillment_status",
)  # fmt: skip
# LIKE copies no foreign keys; ours check each row, so theirs must.
_TABLES = """
CREATE TABLE bare_orders (LIKE ebay_orders INCLUDING ALL,
  FOREIGN KEY (account_id) REFERENCES ebay_accounts (id) DEFERRABLE INITIALLY DEFERRED);
CREATE TABLE bare_lines (LIKE ebay_order_line_items INCLUDING ALL,
  FOREIGN KEY (order_id) REFERENCES bare_orders (id) DEFERRABLE INITIALLY DEFERRED);
"""
TABLES = ["bare_orders", "bare_lines"]


class _Eager(msgspec.Struct, rename="camel"):
    pass


class Money(_Eager):
    value: Decimal | None = None
    currency: str = ""


class Line(_Eager):
    line_item_id: str
    legacy_item_id: str = ""
    sku: str = ""
    title: str = ""
    quantity: int | None = None
    line_item_cost: Money = msgspec.field(default_factory=Money)
    total: Money = msgspec.field(default_factory=Money)
    line_item_fulfillment_status: str = ""


class _Cancel(_Eager):
    cancel_state: str = ""


class _Buyer(_Eager):
    username: str = ""


class _Address(_Eager):
    country_code: str = ""


class _ShipTo(_Eager):
    full_name: str = ""
    contact_address: _Address = msgspec.field(default_factory=_Address)


class _Step(_Eager):
    ship_to: _ShipTo = msgspec.field(default_factory=_ShipTo)


class _Instruction(_Eager):
    shipping_step: _Step = msgspec.field(default_factory=_Step)


class _Pricing(_Eager):
    total: Money = msgspec.field(default_factory=Money)


class Order(_Eager):
    order_id: str
    creation_date: datetime
    last_modified_date: datetime
    order_fulfillment_status: str = ""
    order_payment_status: str = ""
    cancel_status: _Cancel = msgspec.field(default_factory=_Cancel)
    buyer: _Buyer = msgspec.field(default_factory=_Buyer)
    fulfillment_start_instructions: list[_Instruction] = []
    pricing_summary: _Pricing = msgspec.field(default_factory=_Pricing)
    line_items: list[Line] = []
    sales_record_reference: str = ""


class _Answer(msgspec.Struct):
    total: int
    orders: list[msgspec.Raw]


_pages = msgspec.json.Decoder(_Answer)
_orders = msgspec.json.Decoder(Order)


Page = list[tuple[Order, str]]
"""Orders, each with its JSON as eBay wrote it."""


@dataclass
class Pages:
    """All orders of the account, a page at a time; counts calls and the seconds until each body was in."""

    access_token: str
    calls: int = 0
    fetch_s: float = 0.0

    def __iter__(self) -> Iterator[Page]:
        now = datetime.now(UTC) - timedelta(seconds=5)
        window = f"lastmodifieddate:[{ebay_time(now - loading.REACH)}..{ebay_time(now)}]"
        offset = 0
        with requests.Session() as session:
            session.headers["Authorization"] = f"Bearer {self.access_token}"
            while True:
                page = _pages.decode(self._fetch(session, window, offset))
                yield [(_orders.decode(raw), bytes(raw).decode()) for raw in page.orders]
                offset += LIMIT
                if offset >= page.total:
                    return

    def _fetch(self, session: requests.Session, window: str, offset: int) -> bytes:
        started = time.perf_counter()
        answer = session.get(
            f"{settings.EBAY_SIMULATOR_URL}/sell/fulfillment/v1/order",
            params={"filter": window, "limit": str(LIMIT), "offset": str(offset)},
            timeout=60,
        )
        answer.raise_for_status()
        self.calls += 1
        self.fetch_s += time.perf_counter() - started
        return bytes(answer.content)


def order_values(order: Order, payload: str) -> tuple[Any, ...]:
    """In the order of ORDER_COLUMNS."""
    ship_to = _ShipTo()
    if order.fulfillment_start_instructions:
        ship_to = order.fulfillment_start_instructions[0].shipping_step.ship_to
    total = order.pricing_summary.total
    return (
        order.order_id, order.creation_date, order.order_fulfillment_status, order.order_payment_status,
        order.cancel_status.cancel_state, order.buyer.username, ship_to.full_name,
        ship_to.contact_address.country_code, total.value, total.currency, len(order.line_items),
        order.sales_record_reference, payload, order.last_modified_date,
    )  # fmt: skip


def line_values(line: Line, position: int) -> tuple[Any, ...]:
    """In the order of LINE_COLUMNS."""
    return (
        line.line_item_id, position, line.legacy_item_id, line.sku, line.title, line.quantity,
        line.line_item_cost.value, line.total.value, line.total.currency or line.line_item_cost.currency,
        line.line_item_fulfillment_status,
    )  # fmt: skip


def open_tables(*, autocommit: bool) -> psycopg.Connection[Any]:
    """A connection of its own, and empty tables."""
    connection = psycopg.connect(settings.DATABASE_URL, autocommit=autocommit)
    connection.execute(_TABLES)
    connection.commit()
    return connection


def timed_load(
    connected: loading.Connected,
    store: Callable[[Page], None],
    count_rows: Callable[[], tuple[int, int]],
    orders: int,
) -> dict[str, Any]:
    """All pages fetched, one after the other, and stored. `count_rows`: orders, and orders with line items.

    Raises RuntimeError unless so many orders are stored then.
    """
    pages = Pages(connected.access_token)
    started, cpu = time.perf_counter(), time.process_time()
    for page in pages:
        store(page)
    seconds, cpu_s = time.perf_counter() - started, time.process_time() - cpu
    stored, rows = count_rows()
    if stored != orders:
        raise RuntimeError(f"{stored} orders are stored instead of {orders}")
    return {
        "seconds": seconds, "cpu_s": cpu_s, "fetch_s": pages.fetch_s, "requests": pages.calls,
        "orders": orders, "rows": rows,
    }  # fmt: skip


def assignments(columns: tuple[str, ...], key: str) -> str:
    """`a = excluded.a, …` for all but the key."""
    return ", ".join(f"{name} = excluded.{name}" for name in columns if name != key)


def count_rows(connection: psycopg.Connection[Any]) -> tuple[int, int]:
    """Orders, and orders with line items."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM bare_orders), (SELECT count(*) FROM bare_lines)"
    ).fetchone()
    connection.commit()
    if row is None:
        raise RuntimeError("no count")
    return int(row[0]), int(row[0]) + int(row[1])
