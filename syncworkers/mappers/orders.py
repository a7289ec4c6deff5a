"""Fulfillment orders (03 §4.1) to rows.

`order_row` says what is an order and what is not. `order_row_of` gives the same from eBay's bytes, several
times as fast for an order of the usual shape, because it parses the columns only.
"""

from __future__ import annotations

from typing import Any

import msgspec

from ebayconnector.ebay.documents import parse_json

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


# -- From bytes --------------------------------------------------------------------------------------------


class _Usual(msgspec.Struct, frozen=True, rename="camel"):
    """What eBay sends as a rule: texts are texts, and nothing is null."""


class _Money(_Usual, frozen=True):
    value: str | None = None
    currency: str = ""


_NO_MONEY = _Money()


class _Line(_Usual, frozen=True):
    line_item_id: str = ""
    legacy_item_id: str = ""
    sku: str = ""
    title: str = ""
    quantity: int | None = None
    line_item_cost: _Money = _NO_MONEY
    total: _Money = _NO_MONEY
    line_item_fulfillment_status: str = ""


class _Country(_Usual, frozen=True):
    country_code: str = ""


class _ShipTo(_Usual, frozen=True):
    full_name: str = ""
    contact_address: _Country = _Country()


class _ShippingStep(_Usual, frozen=True):
    ship_to: _ShipTo | None = None


class _Instruction(_Usual, frozen=True):
    shipping_step: _ShippingStep = _ShippingStep()


class _CancelStatus(_Usual, frozen=True):
    cancel_state: str = ""


class _Buyer(_Usual, frozen=True):
    username: str = ""


class _Pricing(_Usual, frozen=True):
    total: _Money = _NO_MONEY


class _Order(_Usual, frozen=True):
    order_id: str = ""
    creation_date: str = ""
    last_modified_date: str = ""
    order_fulfillment_status: str = ""
    order_payment_status: str = ""
    cancel_status: _CancelStatus = _CancelStatus()
    buyer: _Buyer = _Buyer()
    pricing_summary: _Pricing = _Pricing()
    fulfillment_start_instructions: list[_Instruction] = []
    line_items: list[_Line] = []
    sales_record_reference: str = ""


class _Identity(_Usual, frozen=True):
    order_id: str = ""


_orders = msgspec.json.Decoder(_Order)
_identities = msgspec.json.Decoder(_Identity)


def order_id_of(raw: bytes) -> str:
    """'' where it has none."""
    try:
        return _identities.decode(raw).order_id
    except msgspec.ValidationError:
        pass
    try:
        return r.text(parse_json(raw), "orderId")
    except r.Unmappable:
        return ""


def order_row_of(raw: bytes) -> MappedRow:
    """What `order_row` makes of the same order. Raises Unmappable."""
    try:
        return _usual_row(_orders.decode(raw))
    except (msgspec.ValidationError, r.Unmappable):
        return order_row(parse_json(raw))


def _usual_row(order: _Order) -> MappedRow:
    steps = (instruction.shipping_step for instruction in order.fulfillment_start_instructions)
    ship_to = next((step.ship_to for step in steps if step.ship_to is not None), _ShipTo())
    if not order.order_id:
        raise r.Unmappable("orderId is missing")
    return MappedRow(
        columns={
            "order_id": order.order_id,
            "created_at_ebay": r.parsed_time(order.creation_date),
            "fulfillment_status": order.order_fulfillment_status,
            "payment_status": order.order_payment_status,
            "cancel_state": order.cancel_status.cancel_state,
            "buyer_username": order.buyer.username,
            "ship_to_name": ship_to.full_name,
            "ship_to_country": ship_to.contact_address.country_code,
            "total": r.parsed_amount(order.pricing_summary.total.value),
            "currency": order.pricing_summary.total.currency,
            "line_item_count": len(order.line_items),
            "sales_record_reference": order.sales_record_reference,
        },
        modified_at=r.parsed_time(order.last_modified_date),
        children={"line_items": [_usual_line(line, n) for n, line in enumerate(order.line_items)]},
    )


def _usual_line(line: _Line, position: int) -> dict[str, Any]:
    if not line.line_item_id:
        raise r.Unmappable("lineItemId is missing")
    return {
        "line_item_id": line.line_item_id,
        "position": position,
        "legacy_item_id": line.legacy_item_id,
        "sku": line.sku,
        "title": line.title,
        "quantity": line.quantity,
        "cost": r.parsed_amount(line.line_item_cost.value),
        "total": r.parsed_amount(line.total.value),
        "currency": line.total.currency or line.line_item_cost.currency,
        "fulfillment_status": line.line_item_fulfillment_status,
    }
