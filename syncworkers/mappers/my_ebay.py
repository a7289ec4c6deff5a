"""Active listings and purchases (03 §3.6, 3.7) to rows."""

from __future__ import annotations

import hashlib
from datetime import datetime, timedelta
from typing import Any

import msgspec

from ebayconnector.ebay.buying import purchase_key

from . import reading as r
from . import trading_values as t
from .reading import JsonObject, MappedRow, Unmappable

_KEY_BYTES = 12


def listing_row(listing: JsonObject) -> MappedRow:
    """Columns of `ebay_active_inventory`: a listing, or one `Variation` of it.

    Raises Unmappable without an ItemID and on nonsense. Prices: a variation's own; else what it costs now,
    which for an auction is the highest bid. Of an auction `quantity` may be all that eBay says.
    """
    variation = _variation(listing)
    price = _price_path(listing, variation)
    return MappedRow(
        columns={
            "item_id": r.required_text(listing, "ItemID"),
            "variation_key": variation_key(listing),
            "sku": r.text(variation, "SKU") or r.text(listing, "SKU"),
            "variation": ", ".join(f"{name}: {', '.join(values)}" for name, values in _specifics(variation)),
            "title": r.text(listing, "Title"),
            "listing_type": r.text(listing, "ListingType"),
            "price": r.amount(listing, *price),
            "currency": r.currency(listing, *price),
            **(_quantities_of_variation(listing) if variation else _quantities(listing)),
            "bid_count": t.number(listing, "SellingStatus", "BidCount"),
            "started_at": r.time(listing, "ListingDetails", "StartTime"),
            "ends_at": _ends_at(listing),
            "view_url": r.text(listing, "ListingDetails", "ViewItemURL"),
            "picture_url": r.text(listing, "PictureDetails", "GalleryURL"),
        },
        modified_at=None,
    )


def listing_key(listing: JsonObject) -> str:
    """The listing's natural key as text; '' where it has none. Never raises."""
    try:
        return f"{r.required_text(listing, 'ItemID')}/{variation_key(listing)}"
    except Unmappable:
        return ""


def variation_key(listing: JsonObject) -> str:
    """The variation's SKU, else a hash of its specifics in any order; '' for a listing without variations."""
    variation = _variation(listing)
    sku = r.text(variation, "SKU")
    if sku or not variation:
        return sku
    specifics = sorted((name, sorted(values)) for name, values in _specifics(variation))
    return hashlib.blake2b(msgspec.json.encode(specifics), digest_size=_KEY_BYTES).hexdigest()


def days_listed(listing: JsonObject) -> int | None:
    """From its start to its end. In whole days, because eBay's answers differ by seconds in when it ends."""
    start, end = r.time(listing, "ListingDetails", "StartTime"), _ends_at(listing)
    return None if start is None or end is None else round((end - start) / timedelta(days=1))


def purchase_row(purchase: JsonObject) -> MappedRow:
    """Columns of `ebay_buyer`. Raises Unmappable without its line's id, or item, and on nonsense."""
    key = purchase_key(dict(purchase))
    if not key:
        raise Unmappable("OrderLineItemID is missing")
    return MappedRow(
        columns={
            "order_line_item_id": key,
            "item_id": r.text(purchase, "Item", "ItemID"),
            "transaction_id": r.text(purchase, "TransactionID"),
            "order_id": r.text(purchase, "Order", "OrderID"),
            "title": r.text(purchase, "Item", "Title"),
            "seller": r.text(purchase, "Item", "Seller", "UserID"),
            "listing_type": r.text(purchase, "Item", "ListingType"),
            "quantity": t.number(purchase, "QuantityPurchased"),
            "price": r.amount(purchase, "Item", "SellingStatus", "CurrentPrice"),
            "total": r.amount(purchase, "TotalPrice"),
            "currency": r.currency(purchase, "TotalPrice"),
            "paid_status": r.text(purchase, "BuyerPaidStatus"),
            "bought_at": r.time(purchase, "CreatedDate"),
            "paid_at": r.time(purchase, "PaidTime"),
            "shipped_at": r.time(purchase, "ShippedTime"),
        },
        modified_at=None,
    )


def _variation(listing: JsonObject) -> JsonObject:
    """The variation; empty when there is none."""
    variation = r.at(listing, "Variation")
    if variation is None:
        return {}
    if not isinstance(variation, dict):
        raise Unmappable("Variation is not an object")
    return variation


def _specifics(variation: JsonObject) -> list[tuple[str, list[str]]]:
    """Names and values, such as ("Size", ["M"]), in eBay's order."""
    return [
        (r.text(pair, "Name"), _values(pair))
        for pair in r.objects(variation, "VariationSpecifics", "NameValueList")
    ]


def _values(pair: JsonObject) -> list[str]:
    values = r.at(pair, "Value")
    listed = values if isinstance(values, list) else [values]
    return [r.text({"Value": value}, "Value") for value in listed]


def _price_path(listing: JsonObject, variation: JsonObject) -> tuple[str, ...]:
    paths = (("SellingStatus", "CurrentPrice"), ("BuyItNowPrice",), ("StartPrice",))
    if variation and r.at(variation, "StartPrice") is not None:
        return ("Variation", "StartPrice")
    return next((path for path in paths if r.at(listing, *path) is not None), paths[0])


def _quantities_of_variation(listing: JsonObject) -> dict[str, Any]:
    """`Quantity` is what was offered in all: eBay gives no remainder for a variation (03 §3.6)."""
    quantity = t.number(listing, "Variation", "Quantity")
    sold = t.number(listing, "Variation", "SellingStatus", "QuantitySold")
    available = None if quantity is None else max(0, quantity - (sold or 0))
    return {"quantity": quantity, "available": available, "sold": sold}


def _quantities(listing: JsonObject) -> dict[str, Any]:
    quantity = t.number(listing, "Quantity")
    available = t.number(listing, "QuantityAvailable")
    sold = t.number(listing, "SellingStatus", "QuantitySold")
    if sold is None and quantity is not None and available is not None:
        sold = max(0, quantity - available)
    return {"quantity": quantity, "available": available, "sold": sold}


def _ends_at(listing: JsonObject) -> datetime | None:
    """As eBay says, or from the time that was left (`AsOf`); to the second."""
    end = r.time(listing, "ListingDetails", "EndTime")
    left, as_of = t.duration(listing, "TimeLeft"), r.time(listing, "AsOf")
    if end is not None or left is None or as_of is None:
        return end
    try:
        return (as_of + left + timedelta(milliseconds=500)).replace(microsecond=0)
    except OverflowError:
        raise Unmappable("TimeLeft is beyond all times") from None
