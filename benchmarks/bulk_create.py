"""Baseline "bulk_create": Django's `bulk_create(update_conflicts=True)` into our tables, page by page."""

from __future__ import annotations

from functools import partial
from typing import Any

import msgspec
from django.db import transaction

from syncworkers.models import Order, OrderLineItem

from . import bare, loading

_CHANGING = [name for name in bare.ORDER_COLUMNS if name != "order_id"]
_LINE_CHANGING = [name for name in bare.LINE_COLUMNS if name != "line_item_id"]


def measure(*, orders: int) -> dict[str, Any]:
    connected = loading.connect(orders)

    def load() -> dict[str, Any]:
        return bare.timed_load(connected, partial(_store, connected), partial(_count_rows, connected), orders)

    return loading.three_loads(connected, load)


def _count_rows(connected: loading.Connected) -> tuple[int, int]:
    orders = Order.objects.filter(account=connected.account).count()
    return orders, loading.rows_stored(connected.account)


def _store(connected: loading.Connected, page: bare.Page) -> None:
    account = connected.account
    rows = [_order(connected, order, payload) for order, payload in page]
    with transaction.atomic():
        Order.objects.bulk_create(
            rows, update_conflicts=True, unique_fields=["account", "order_id"], update_fields=_CHANGING
        )
        OrderLineItem.objects.bulk_create(
            [
                OrderLineItem(account=account, order=row, **_named(bare.LINE_COLUMNS, line, position))
                for row, (order, _) in zip(rows, page, strict=True)
                for position, line in enumerate(order.line_items)
            ],
            update_conflicts=True,
            unique_fields=["order", "line_item_id"],
            update_fields=_LINE_CHANGING,
        )


def _order(connected: loading.Connected, order: bare.Order, payload: str) -> Order:
    columns = dict(zip(bare.ORDER_COLUMNS, bare.order_values(order, payload), strict=True))
    # Django writes JSON from objects.
    columns["payload"] = msgspec.json.decode(payload)
    account = connected.account
    return Order(account=account, house_name=account.house_name, content_hash=b"", **columns)


def _named(columns: tuple[str, ...], line: bare.Line, position: int) -> dict[str, Any]:
    return dict(zip(columns, bare.line_values(line, position), strict=True))
