"""Sell Finances: transactions, payouts, transfers, funds (03 §5). The calls are signed (03 §12.2)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import datetime
from http import HTTPStatus
from typing import Any

from .answers import Answer
from .client import EbayClient
from .endpoints import GET_PAYOUTS, GET_SELLER_FUNDS_SUMMARY, GET_TRANSACTIONS, GET_TRANSFER, Endpoint
from .errors import BadAnswer
from .paging import Fetch, Page, every_item, offset_pages
from .timefmt import ebay_time

# At most 1,000 (03 §5.1). Fifteen pages of 350 begin below the offset of 5,000 that eBay advises not to pass.
_TRANSACTIONS_PAGE = 350
_LARGEST_TRANSACTIONS_PAGE = 1000
# 03 §5.2.
_LARGEST_PAYOUTS_PAGE = 200
# What would end a filter's value or add another one.
_FILTER_SYNTAX = re.compile(r"[{}|\[\]]")


def transaction_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = _TRANSACTIONS_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The transactions that happened in the window (transactionDate), both ends included, newest first.

    A transaction has no change time: one that changes stays in the window of its own date. Pages as of
    `offset_pages`; `limit` is at most 1,000. Up to 90 days are safe with either version of the contract
    (03 §5). Times must be aware.
    """
    fetch = _rows(client, GET_TRANSACTIONS, _dates("transactionDate", modified_from, modified_to))
    return offset_pages(fetch, items_key="transactions", limit=limit, overlap=overlap)


def transactions_with_status(
    client: EbayClient,
    status: str,
    *,
    start: datetime,
    end: datetime,
    limit: int = _TRANSACTIONS_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The transactions of the window whose transactionStatus is `status` now; pages as `transaction_pages`.

    `Refused` (135007) for a status that eBay does not know.
    """
    filters = (_one("transactionStatus", status), _dates("transactionDate", start, end))
    fetch = _rows(client, GET_TRANSACTIONS, *filters)
    return offset_pages(fetch, items_key="transactions", limit=limit, overlap=overlap)


def transactions_of_payout(client: EbayClient, payout_id: str) -> list[dict[str, Any]]:
    """All transactions of one payout, whenever they happened; [] for a payout without or unknown.

    eBay ignores `limit` beside a payoutId (03 §5.1): we take what a page holds, and follow `next` until the
    total is reached. `BadAnswer` when eBay counts more than it gives.
    """
    return _transactions(client, _one("payoutId", payout_id))


def get_transaction(client: EbayClient, transaction_id: str, transaction_type: str) -> dict[str, Any] | None:
    """One transaction as eBay has it now; None when it has none.

    Both are needed: a sale and its refund may share the id, and the id alone is refused (135009).
    `BadAnswer` when eBay answers with other transactions only.
    """
    found = _transactions(
        client, _one("transactionId", transaction_id), _one("transactionType", transaction_type)
    )
    for item in found:
        # Ids come as text or as number.
        if (str(item.get("transactionId")), item.get("transactionType")) == (
            transaction_id,
            transaction_type,
        ):
            return item
    if found:
        raise BadAnswer("other transactions than the one asked for", endpoint=GET_TRANSACTIONS.name)
    return None


def payout_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = _LARGEST_PAYOUTS_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The payouts that began in the window (payoutDate), both ends included, oldest first.

    Like transactions they change without a change time. Pages as of `offset_pages`; `limit` is at most 200.
    """
    fetch = _rows(client, GET_PAYOUTS, _dates("payoutDate", modified_from, modified_to))
    return offset_pages(fetch, items_key="payouts", limit=limit, overlap=overlap)


def payouts_with_status(
    client: EbayClient,
    status: str,
    *,
    start: datetime,
    end: datetime,
    limit: int = _LARGEST_PAYOUTS_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The payouts of the window whose payoutStatus is `status` now; pages as `payout_pages`.

    `Refused` (135002) for a status that eBay does not know.
    """
    filters = (_one("payoutStatus", status), _dates("payoutDate", start, end))
    fetch = _rows(client, GET_PAYOUTS, *filters)
    return offset_pages(fetch, items_key="payouts", limit=limit, overlap=overlap)


def funds_summary(client: EbayClient) -> dict[str, Any] | None:
    """What eBay still owes the seller, as a whole and by state; None when that is nothing, which eBay says by
    a 204 (03 §5): `BadAnswer` for a summary with nothing in it."""
    answer = client.call(GET_SELLER_FUNDS_SUMMARY)
    if answer.status == HTTPStatus.NO_CONTENT:
        return None
    summary = answer.json()
    if not summary:
        raise answer.bad("a summary with nothing in it")
    return summary


def get_transfer(client: EbayClient, transfer_id: str) -> dict[str, Any]:
    """One transfer of money that the seller owed eBay: the id is a TRANSFER transaction's.

    `NotFound` (135012) when there is none.
    """
    return client.call(GET_TRANSFER, path={"transfer_id": transfer_id}).json()


def _transactions(client: EbayClient, *filters: str) -> list[dict[str, Any]]:
    return every_item(
        _rows(client, GET_TRANSACTIONS, *filters),
        items_key="transactions",
        id_keys=("transactionId", "transactionType"),
        limit=_LARGEST_TRANSACTIONS_PAGE,
    )


def _rows(client: EbayClient, endpoint: Endpoint, *filters: str) -> Fetch:
    """Asks for rows from an offset on; several filters are several parameters (03 §5.1)."""

    def fetch(offset: int, limit: int) -> Answer:
        params = [*(("filter", each) for each in filters), ("limit", str(limit)), ("offset", str(offset))]
        return client.call(endpoint, params=params)

    return fetch


def _dates(name: str, start: datetime, end: datetime) -> str:
    return f"{name}:[{ebay_time(start)}..{ebay_time(end)}]"


def _one(name: str, value: str) -> str:
    if not value or _FILTER_SYNTAX.search(value):
        raise ValueError(f"{name} cannot be {value[:40]!r} in a filter")
    return f"{name}:{{{value}}}"
