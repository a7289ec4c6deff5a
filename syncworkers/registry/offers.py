"""Inventory items and their offers (Inventory, 03 §6)."""

from __future__ import annotations

from ebayconnector.ebay import endpoints, inventory
from syncworkers.mappers.inventory import item_row, offer_row
from syncworkers.models import InventoryItem, Offer

from .declarations import SELLING, Each, Passes, Table, Worker, named

INVENTORY_ITEMS = Table(
    key="inventory_items",
    title="Inventory items",
    model=InventoryItem,
    natural_key=("sku",),
    record_key=named("sku"),
    mapper=item_row,
)
OFFERS = Table(
    key="offers",
    title="Offers",
    model=Offer,
    natural_key=("offer_id",),
    record_key=named("offerId"),
    mapper=offer_row,
)

WORKER = Worker(
    key="offers",
    title="Offers",
    source="Inventory getInventoryItems, getOffers",
    fresh_means="every inventory item and its offers as they were in the last complete pass",
    endpoint=endpoints.GET_INVENTORY_ITEMS,
    table=OFFERS,
    reads=Passes(
        table=INVENTORY_ITEMS,
        pages=inventory.item_pages,
        each=Each(table=OFFERS, fetch=inventory.offers_of, column="sku", parent="sku"),
    ),
    purposes=SELLING,
    calls_per_run=100.0,
)
