"""What is on sale (Trading, 03 §3.6)."""

from __future__ import annotations

from ebayconnector.ebay import endpoints, selling
from syncworkers.mappers.my_ebay import days_listed, listing_key, listing_row
from syncworkers.models import ActiveListing

from .declarations import SELLING, Passes, Table, Worker, named

ACTIVE_INVENTORY = Table(
    key="active_inventory",
    title="Active inventory",
    model=ActiveListing,
    natural_key=("item_id", "variation_key"),
    record_key=listing_key,
    mapper=listing_row,
    # 03 §3.6: these differ from answer to answer.
    volatile_paths=(("TimeLeft",), ("WatchCount",), ("AsOf",)),
    # A listing that is renewed differs in nothing but the time that is left.
    lasting=days_listed,
)

WORKER = Worker(
    key="active_inventory",
    title="Active inventory",
    source="Trading GetMyeBaySelling",
    fresh_means="every active listing with its variations as it was in the last complete pass",
    endpoint=endpoints.GET_MY_EBAY_SELLING,
    table=ACTIVE_INVENTORY,
    reads=Passes(
        table=ACTIVE_INVENTORY,
        pages=selling.active_listing_pages,
        unit=named("ItemID"),
    ),
    purposes=SELLING,
    calls_per_run=3.0,
)
