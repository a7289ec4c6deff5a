"""The keys that the simulator holds, beside those in our tables."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from tests.simulator import Simulator

# A little less than the backfill of 90 days.
_READ_BACK = timedelta(days=89)


def _own(name: str) -> Callable[[dict[str, Any]], list[str]]:
    return lambda body: [str(body[name])]


def _created(body: dict[str, Any]) -> str:
    summary = body["summary"]
    return (summary.get("creationDate") or summary["creationInfo"]["creationDate"])["value"]


@dataclass(frozen=True)
class Kind:
    """One list of the simulator's truth and the table it goes to.

    `date`: what decides whether it is within the backfill; None: all of it is read. `exact`: what is gone
    from eBay is closed here.
    """

    name: str
    table: str
    key_sql: str
    keys: Callable[[dict[str, Any]], list[str]]
    date: Callable[[dict[str, Any]], str] | None = None
    exact: bool = False


KINDS = (
    Kind("orders", "ebay_orders", "order_id", _own("orderId"), lambda body: body["lastModifiedDate"]),
    Kind(
        "transactions", "ebay_transactions", "transaction_id || '/' || transaction_type",
        lambda body: [f"{body['transactionId']}/{body['transactionType']}"],
        lambda body: body["transactionDate"],
    ),
    Kind("payouts", "ebay_payouts", "payout_id", _own("payoutId"), lambda body: body["payoutDate"]),
    Kind("items", "ebay_inventory_items", "sku", _own("sku"), exact=True),
    Kind("offers", "ebay_inventory_offers", "offer_id", _own("offerId"), exact=True),
    Kind("messages", "ebay_messages", "message_id", _own("MessageID"), lambda body: body["ReceiveDate"]),
    Kind("listings", "ebay_active_inventory", "item_id", _own("ItemID"), exact=True),
    Kind("purchases", "ebay_buyer", "order_line_item_id", lambda body: body["ids"]),
    Kind("cases", "ebay_cases", "case_id", _own("id"), _created),
    Kind("inquiries", "ebay_inquiries", "inquiry_id", _own("id"), _created),
    Kind("returns", "ebay_returns", "return_id", _own("id"), _created),
    Kind("disputes", "ebay_payment_disputes", "payment_dispute_id", _own("id")),
)  # fmt: skip


@dataclass(frozen=True)
class Keys:
    """`reachable`: those of them that the API gives to somebody who reads 90 days back."""

    every: frozenset[str]
    reachable: frozenset[str]


def true_keys(simulator: Simulator, kind: Kind, seller: str) -> Keys:
    bodies = simulator.everything(kind.name, seller)
    return Keys(
        frozenset(key for body in bodies for key in kind.keys(body)),
        frozenset(key for body in bodies if _reachable(kind, body) for key in kind.keys(body)),
    )


def _reachable(kind: Kind, body: dict[str, Any]) -> bool:
    # An escalated inquiry is in no search (03 §7); one that was seen before stays in the table.
    if kind.name == "inquiries" and body["escalated"]:
        return False
    if kind.date is None:
        return True
    return datetime.fromisoformat(kind.date(body)) > datetime.now(UTC) - _READ_BACK


def stored_keys(connection: Any, kind: Kind, account_id: int) -> frozenset[str]:
    still_there = " AND closed_at IS NULL" if kind.exact else ""
    sql = f"SELECT DISTINCT {kind.key_sql} FROM {kind.table} WHERE account_id = %s{still_there}"
    return frozenset(str(key) for (key,) in connection.execute(sql, [account_id]))
