"""Inventory items and offers (03 §6) to rows."""

from __future__ import annotations

from . import reading as r
from .reading import JsonObject, MappedRow


def item_row(item: JsonObject) -> MappedRow:
    """Columns of `ebay_inventory_items`. Raises Unmappable without a sku and on nonsense."""
    return MappedRow(
        columns={
            "sku": r.required_text(item, "sku"),
            "title": r.text(item, "product", "title"),
            "condition": r.text(item, "condition"),
            "quantity": r.whole_number(item, "availability", "shipToLocationAvailability", "quantity"),
            "brand": r.text(item, "product", "brand"),
            "mpn": r.text(item, "product", "mpn"),
            "epid": r.text(item, "product", "epid"),
            "locale": r.text(item, "locale"),
            "group_ids": _group_ids(item),
        },
        modified_at=None,
    )


def offer_row(offer: JsonObject) -> MappedRow:
    """Columns of `ebay_inventory_offers`. Raises Unmappable without an offerId and on nonsense."""
    price = _price_name(offer)
    return MappedRow(
        columns={
            "offer_id": r.required_text(offer, "offerId"),
            "sku": r.text(offer, "sku"),
            "marketplace_id": r.text(offer, "marketplaceId"),
            "format": r.text(offer, "format"),
            "offer_status": r.text(offer, "status"),
            "listing_id": r.text(offer, "listing", "listingId"),
            "listing_status": r.text(offer, "listing", "listingStatus"),
            "listing_duration": r.text(offer, "listingDuration"),
            "available_quantity": r.whole_number(offer, "availableQuantity"),
            "sold_quantity": r.whole_number(offer, "listing", "soldQuantity"),
            "price": r.amount(offer, "pricingSummary", price),
            "currency": r.currency(offer, "pricingSummary", price),
            "category_id": r.text(offer, "categoryId"),
            "merchant_location_key": r.text(offer, "merchantLocationKey"),
        },
        modified_at=None,
    )


def _price_name(offer: JsonObject) -> str:
    """Auctions have a start price, and a price only when they can be bought at once."""
    has_price = r.amount(offer, "pricingSummary", "price") is not None
    return "price" if has_price else "auctionStartPrice"


def _group_ids(item: JsonObject) -> str:
    ids = r.at(item, "groupIds")
    if ids is None:
        return ""
    if not isinstance(ids, list):
        raise r.Unmappable("groupIds is not a list")
    return ",".join(filter(None, (r.text({"groupIds": each}, "groupIds") for each in ids)))
