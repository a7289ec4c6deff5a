"""Sell Inventory: items and their offers (03 §6). It knows only what was listed or migrated through it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from .answers import Answer
from .client import EbayClient
from .endpoints import GET_INVENTORY_ITEMS, GET_OFFERS
from .errors import BadAnswer, NotFound, Refused
from .paging import Page, every_item, position_pages

# 03 §6.1, 6.2.
_LARGEST_ITEMS_PAGE = 200
_OFFERS_PAGE = 100
# "SKU not found" and "no offer" (03 §6.2), with whatever status.
_NO_OFFER = frozenset({"25702", "25713"})
_DOMAIN = "API_INVENTORY"


def item_pages(
    client: EbayClient, *, limit: int = _LARGEST_ITEMS_PAGE, start: str | None = None
) -> Iterator[Page]:
    """The account's inventory items from `start` on: a page's `next_position`, or None for all.

    eBay calls `offset` a page number, and others have seen rows (03 §6.1): so nothing is computed, each
    page's `next` is followed (`position_pages`). Nothing marks a change or a removal: only a reading from
    the beginning to the end whose distinct SKUs equal `total` shows everything. `limit` is at most 200; a
    position keeps the limit that it was read with. ValueError for a `start` that is no position; for one
    that eBay no longer takes `Refused` (25706), or an empty page.
    """

    def fetch(offset: int, page_limit: int) -> Answer:
        params = {"limit": str(page_limit), "offset": str(offset)}
        return client.call(GET_INVENTORY_ITEMS, params=params)

    return position_pages(fetch, items_key="inventoryItems", limit=limit, start=start)


def offers_of(client: EbayClient, sku: str) -> list[dict[str, Any]]:
    """The offers of one SKU, at most one per marketplace and format; [] when it has none.

    eBay gives offers by SKU only: one call each (03 §6.2). `Refused` (25707) for a SKU of a form that eBay
    does not take; `BadAnswer` when eBay counts more offers than it gives, and for a 404 that may come from
    anybody on the way.
    """

    def fetch(offset: int, limit: int) -> Answer:
        params = {"sku": sku, "limit": str(limit), "offset": str(offset)}
        return client.call(GET_OFFERS, params=params)

    try:
        return every_item(fetch, items_key="offers", id_keys=("offerId",), limit=_OFFERS_PAGE)
    except (NotFound, Refused) as refused:
        if any(error.error_id in _NO_OFFER for error in refused.errors):
            return []
        if isinstance(refused, Refused):
            raise
        if any(error.domain == _DOMAIN for error in refused.errors):
            return []
        raise BadAnswer(
            "HTTP 404 that does not say whether there are offers",
            endpoint=refused.endpoint,
            status=refused.status,
            errors=refused.errors,
            request_id=refused.request_id,
        ) from None
