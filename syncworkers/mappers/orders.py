"""Fulfillment orders (03 §4.1) to rows."""

from __future__ import annotations

from typing import Any

from . import reading as r
from .reading import JsonObject, MappedRow


def order_row(order: JsonObject) -> MappedRow:
    """Columns of `ebay_orders` and its line items. Raises Unmappable without an orderId or on nonsense."""
    lines = r.objects(order, "lineItems")
    ship_to = _ship_to(order)
    return MappedRow(
        columns={
            "order_id": r.required_text(order, "orderId"),
            "created_at_ebay": r.time(order, "creationDate"),
            "fulfillment_status": r.text(order, "orderFulfillmentStatus"),
            "payment_status": r.text(order, "orderPaymentStatus"),
            "cancel_state": r.text(order, "cancelStatus", "cancelState"),
            "buyer_username": r.text(order, "buyer", "username"),
            "ship_to_name": r.text(ship_to, "fullName"),
            "ship_to_country": r.text(ship_to, "contactAddress", "countryCode"),
            "total": r.amount(order, "pricingSummary", "total"),
            "currency": r.currency(order, "pricingSummary", "total"),
            "line_item_count": len(lines),
            "sales_record_reference": r.text(order, "salesRecordReference"),
        },
        modified_at=r.time(order, "lastModifiedDate"),
        children={"line_items": [_line_row(line, position) for position, line in enumerate(lines)]},
    )


def _ship_to(order: JsonObject) -> JsonObject:
    for instruction in r.objects(order, "fulfillmentStartInstructions"):
        ship_to = r.at(instruction, "shippingStep", "shipTo")
        if isinstance(ship_to, dict):
            return ship_to
    return {}


def _line_row(line: JsonObject, position: int) -> dict[str, Any]:
    try:
        return _line_columns(line, position)
    except r.Unmappable as refused:
        raise r.Unmappable(f"lineItems[{position}].{refused}") from None


def _line_columns(line: JsonObject, position: int) -> dict[str, Any]:
    return {
        "line_item_id": r.required_text(line, "lineItemId"),
        "position": position,
        "legacy_item_id": r.text(line, "legacyItemId"),
        "sku": r.text(line, "sku"),
        "title": r.text(line, "title"),
        "quantity": r.whole_number(line, "quantity"),
        "cost": r.amount(line, "lineItemCost"),
        "total": r.amount(line, "total"),
        "currency": r.currency(line, "total") or r.currency(line, "lineItemCost"),
        "fulfillment_status": r.text(line, "lineItemFulfillmentStatus"),
    }
