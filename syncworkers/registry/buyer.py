"""What was bought (Trading, 03 §3.7)."""

from __future__ import annotations

from ebayconnector.ebay import buying, endpoints
from syncworkers.mappers.my_ebay import purchase_row
from syncworkers.models import Purchase

from .declarations import BUYING, Passes, Table, Worker

PURCHASES = Table(
    key="buyer",
    title="Purchases",
    model=Purchase,
    natural_key=("order_line_item_id",),
    record_key=lambda purchase: buying.purchase_key(dict(purchase)),
    mapper=purchase_row,
    volatile_paths=(("Item", "TimeLeft"),),
)

WORKER = Worker(
    key="buyer",
    title="Purchases",
    source="Trading GetMyeBayBuying",
    fresh_means="every purchase of the last 60 days; older ones stay as they were then",
    endpoint=endpoints.GET_MY_EBAY_BUYING,
    table=PURCHASES,
    reads=Passes(
        table=PURCHASES,
        pages=buying.won_pages,
        unit=lambda purchase: buying.entry_of(dict(purchase)),
        closes=False,
    ),
    purposes=BUYING,
)
