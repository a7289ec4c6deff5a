"""What a user has bought: WonList of GetMyeBayBuying, with the buyer's own token (03 §3.7)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .answers import Answer
from .client import EbayClient
from .endpoints import GET_MY_EBAY_BUYING
from .paging import Page
from .trading import read_whole
from .trading_lists import numbered_pages, page_number

# 03 §3.7: eBay goes back no further.
LONGEST_DAYS = 60
_LARGEST_PAGE = 200


def won_pages(client: EbayClient, *, limit: int = _LARGEST_PAGE, start: str | None = None) -> Iterator[Page]:
    """The purchases of the last 60 days from page `start` (None: the first) on, one record for each.

    A record is the Transaction; of items bought together with `Order`, their order without its transactions.
    `total` counts orders and single purchases (`entry_of`). An older purchase leaves the list and does not
    end by that. `limit` is at most 200. ValueError for a `start` that is no position.
    """
    pages = numbered_pages(
        lambda page: read_whole(client, GET_MY_EBAY_BUYING, _request(page, limit)),
        container="WonList",
        flatten=_flat,
        limit=limit,
        number=page_number(start),
    )
    return map(_counted_in_entries, pages)


def entry_of(record: dict[str, Any]) -> str:
    """What eBay's total counts once: the order of a record, or the record by itself."""
    order = record.get("Order")
    if isinstance(order, dict) and order.get("OrderID"):
        return f"order {order['OrderID']}"
    return f"line {purchase_key(record)}"


def purchase_key(record: dict[str, Any]) -> str:
    """OrderLineItemID, or what it consists of: item and transaction, where 0 is one too ('': none)."""
    own = record.get("OrderLineItemID")
    if own:
        return str(own)
    item = record.get("Item")
    item_id = item.get("ItemID") if isinstance(item, dict) else None
    return f"{item_id}-{record.get('TransactionID') or 0}" if item_id else ""


def _request(page: int, limit: int) -> bytes:
    return (
        f"<WonList><Include>true</Include><DurationInDays>{LONGEST_DAYS}</DurationInDays>"
        "<Sort>EndTimeDescending</Sort>"
        f"<Pagination><EntriesPerPage>{limit}</EntriesPerPage><PageNumber>{page}</PageNumber></Pagination>"
        "</WonList>"
    ).encode()


def _flat(answer: Answer) -> list[dict[str, Any]]:
    return [record for entry in answer.records for record in _of_entry(entry)]


def _of_entry(entry: dict[str, Any]) -> list[dict[str, Any]]:
    """The transactions of an OrderTransaction: its own one, or those of its order."""
    order = entry.get("Order")
    if not isinstance(order, dict):
        return list(_objects(entry.get("Transaction")))
    array = order.get("TransactionArray")
    of_order = {name: value for name, value in order.items() if name != "TransactionArray"}
    inside = array.get("Transaction") if isinstance(array, dict) else None
    return [{**transaction, "Order": of_order} for transaction in _objects(inside)]


def _objects(values: Any) -> Iterator[dict[str, Any]]:
    return (value for value in values or () if isinstance(value, dict))


def _counted_in_entries(page: Page) -> Page:
    """Nobody says whether eBay counts orders or what is in them: a list of one page tells by itself."""
    is_whole = page.number == 1 and not page.has_next
    entries = len({entry_of(record) for record in page.items})
    return replace(page, total=entries) if is_whole and page.total == len(page.items) else page
