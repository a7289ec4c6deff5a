"""Sell Fulfillment: orders (03 §4.1, 4.2)."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from .answers import Answer
from .client import BegunCall, EbayClient
from .endpoints import GET_ORDER, GET_ORDERS
from .paging import OffsetPages, offset_pages
from .timefmt import ebay_time


def order_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = 200,
    overlap: int = 1,
) -> OffsetPages:
    """The orders modified in the window, both ends included, page by page; each page in memory by itself, and
    each order as the bytes that eBay wrote.

    eBay promises no order and shifts rows while we read: see `offset_pages`. `limit` is at most 200. Times
    must be aware, and not in eBay's future (30850).
    """
    window = f"lastmodifieddate:[{ebay_time(modified_from)}..{ebay_time(modified_to)}]"

    def place(offset: int, page_limit: int) -> dict[str, str]:
        return {"filter": window, "limit": str(page_limit), "offset": str(offset)}

    def fetch(offset: int, page_limit: int) -> Answer:
        return client.call(GET_ORDERS, params=place(offset, page_limit))

    def begin(offset: int, page_limit: int) -> BegunCall:
        # What a first page says decides what else is asked for.
        return client.begin(GET_ORDERS, params=place(offset, page_limit), urgent=offset == 0)

    return offset_pages(fetch, items_key="orders", limit=limit, overlap=overlap, begin=begin)


def get_order(client: EbayClient, order_id: str) -> dict[str, Any]:
    """One order as eBay has it now, with its cancel requests. `NotFound` when unknown or beyond retention."""
    return client.call(GET_ORDER, path={"order_id": order_id}).json()
