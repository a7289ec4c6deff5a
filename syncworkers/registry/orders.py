"""Orders with their line items (Fulfillment, 03 §4.1)."""

from __future__ import annotations

from datetime import timedelta
from types import MappingProxyType

from ebayconnector.ebay import endpoints, fulfillment
from syncworkers.mappers.orders import order_id_of, order_row, order_row_of
from syncworkers.models import Order, OrderLineItem

from .cases import CASES
from .declarations import SELLING, Child, FromBytes, Table, Windows, Worker, named
from .inquiries import INQUIRIES
from .links import letter_of_order, sale_of_order
from .messages import MESSAGES
from .returns import RETURNS

ORDERS = Table(
    key="orders",
    title="Orders",
    model=Order,
    natural_key=("order_id",),
    record_key=named("orderId"),
    mapper=order_row,
    from_bytes=FromBytes(order_id_of, order_row_of),
    time_field="lastModifiedDate",
    children=MappingProxyType(
        {"line_items": Child(model=OrderLineItem, parent="order", key=("line_item_id",))}
    ),
    # 03 §4.1: e-mail goes after 14 days, name, phone and street after 90.
    withheld_paths=(
        ("buyer",),
        ("fulfillmentStartInstructions", "*", "shippingStep", "shipTo"),
        ("fulfillmentStartInstructions", "*", "finalDestinationAddress"),
    ),
)

WORKER = Worker(
    key="orders",
    title="Orders",
    source="Fulfillment getOrders",
    fresh_means="every order changed on eBay since the last run, with its line items",
    endpoint=endpoints.GET_ORDERS,
    table=ORDERS,
    reads=Windows(fulfillment.order_pages),
    links=(
        *(sale_of_order(table) for table in (CASES, INQUIRIES, RETURNS)),
        letter_of_order(MESSAGES),
    ),
    purposes=SELLING,
    # The contract allows two years by lastModifiedDate too; a little less survives clock differences.
    longest_lookback=timedelta(days=729),
)
