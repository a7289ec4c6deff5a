"""A page of Trading listings and one of Post-Order returns: parsed and stored, again and again.

The page is fetched once; then the product's own readers and store get its bytes.
"""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from functools import partial
from typing import Any
from unittest.mock import patch

from django.db import transaction

from ebayconnector.database import execute
from ebayconnector.ebay import post_order, selling
from ebayconnector.ebay.answers import Answer, read_answer
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.endpoints import Endpoint
from ebayconnector.ebay.paging import Page
from ebayconnector.ebay.transport import Response, Transport
from syncworkers.registry import Table
from syncworkers.registry.active_inventory import ACTIVE_INVENTORY
from syncworkers.registry.post_order import POST_ORDER_WINDOW
from syncworkers.registry.returns import RETURNS
from syncworkers.services.store import upsert_page
from tokens.services.clients import client_for

from . import loading, simulated

PAGE = 200
# Enough for a page of returns.
_ORDERS = 10_000

Pages = Callable[[EbayClient], Iterator[Page]]


class Replay(EbayClient):
    """A client that has its one answer already, and reads it anew each time it is asked."""

    def __init__(self, response: Response, marketplace_id: str) -> None:
        self.marketplace_id = marketplace_id
        self._response = response

    def call(self, endpoint: Endpoint, **_: Any) -> Answer:
        return read_answer(endpoint, self._response, attempts=1)


def measure(*, repeats: int) -> dict[str, Any]:
    """Medians of `repeats`: seconds to parse the page, to store it as new, and to store it unchanged."""
    connected = loading.connect(_ORDERS)
    simulated.simulator().post("listings", seller=connected.seller, count=PAGE)
    # As in a run: a page is thousands of objects without cycles.
    gc.set_threshold(20_000)
    now = datetime.now(UTC)
    returns = partial(
        post_order.return_pages, modified_from=now - POST_ORDER_WINDOW, modified_to=now, limit=PAGE
    )
    listings = partial(selling.active_listing_pages, limit=PAGE)
    return {
        "trading": _measure(connected, ACTIVE_INVENTORY, listings, repeats),
        "post_order": _measure(connected, RETURNS, returns, repeats),
    }


def _measure(connected: loading.Connected, table: Table, pages: Pages, repeats: int) -> dict[str, Any]:
    account = connected.account
    response = _fetched(client_for(account, source="benchmark"), pages)
    client = Replay(response, account.marketplace_id)

    def parse() -> list[dict[str, Any]]:
        return next(pages(client)).items

    def store() -> None:
        with transaction.atomic():
            upsert_page(table, account, items)

    items = parse()
    parsed, new, unchanged = [], [], []
    for _ in range(repeats):
        parsed.append(_seconds(parse))
        execute(f"DELETE FROM {table.model._meta.db_table}")
        execute("DELETE FROM ebay_person_index")
        new.append(_seconds(store))
        unchanged.append(_seconds(store))
    rows = table.model._default_manager.count()
    if rows != len(items):
        raise RuntimeError(f"{rows} rows are stored of {len(items)} records")
    return {
        "rows": rows, "bytes": len(response.body), "parse_s": statistics.median(parsed),
        "store_s": statistics.median(new), "unchanged_s": statistics.median(unchanged),
    }  # fmt: skip


def _fetched(client: EbayClient, pages: Pages) -> Response:
    """The answer that the first page is made of."""
    responses: list[Response] = []
    exchange = Transport.exchange

    def kept(self: Transport, *args: Any, **kwargs: Any) -> Response:
        responses.append(exchange(self, *args, **kwargs))
        return responses[-1]

    with patch.object(Transport, "exchange", kept):
        next(pages(client))
    return responses[-1]


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
