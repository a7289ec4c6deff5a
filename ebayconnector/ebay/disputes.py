"""Payment disputes of the Fulfillment API (03 §4.3)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

from .answers import Answer
from .client import EbayClient
from .endpoints import GET_PAYMENT_DISPUTE, GET_PAYMENT_DISPUTES
from .paging import Fetch, Page, every_item, offset_pages
from .timefmt import ebay_time

LONGEST_WINDOW = timedelta(days=90)
# eBay's 18 months, and a little less for clocks that differ and for February.
LONGEST_LOOKBACK = timedelta(days=540)

_LARGEST_PAGE = 200
_ITEMS = "paymentDisputeSummaries"


def dispute_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The disputes that were opened in the window (openDate), as summaries; pages as of `offset_pages`.

    A window is at most 90 days long and begins at most 18 months ago. A dispute changes without saying so
    here: its `revision` is in `get_dispute` only. `limit` is at most 200. Times must be aware.
    """
    fetch = _rows(client, _opened(modified_from, modified_to))
    return offset_pages(fetch, items_key=_ITEMS, limit=limit, overlap=overlap)


def disputes_with_status(
    client: EbayClient,
    status: str,
    *,
    start: datetime,
    end: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The disputes of the window that are in `status` now: OPEN, ACTION_NEEDED or CLOSED."""
    fetch = _rows(client, [*_opened(start, end), ("payment_dispute_status", status)])
    return offset_pages(fetch, items_key=_ITEMS, limit=limit, overlap=overlap)


def every_dispute(client: EbayClient, *, start: datetime, end: datetime) -> list[dict[str, Any]]:
    """The summaries of all disputes opened from `start` to `end`, newest window first, in steps of 90 days.

    `BadAnswer` when eBay counts more than it gives.
    """
    found: dict[Any, dict[str, Any]] = {}
    while start < end:
        window_start = max(start, end - LONGEST_WINDOW)
        rows = _rows(client, _opened(window_start, end))
        for dispute in every_item(rows, items_key=_ITEMS, id_keys=("paymentDisputeId",), limit=_LARGEST_PAGE):
            found.setdefault(dispute.get("paymentDisputeId") or len(found), dispute)
        end = window_start
    return list(found.values())


def get_dispute(client: EbayClient, dispute_id: str) -> dict[str, Any]:
    """One dispute with `revision`, evidence and resolution. `NotFound` when eBay has none."""
    return client.call(GET_PAYMENT_DISPUTE, path={"dispute_id": dispute_id}).json()


def _rows(client: EbayClient, filters: list[tuple[str, str]]) -> Fetch:
    def fetch(offset: int, limit: int) -> Answer:
        params = [*filters, ("limit", str(limit)), ("offset", str(offset))]
        return client.call(GET_PAYMENT_DISPUTES, params=params)

    return fetch


def _opened(start: datetime, end: datetime) -> list[tuple[str, str]]:
    return [("open_date_from", ebay_time(start)), ("open_date_to", ebay_time(end))]
