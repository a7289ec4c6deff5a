"""What the product declares and the comparison rests on, written down once more: a mistake there would hide
itself."""

from __future__ import annotations

Path = tuple[str, ...]

# Tables of which a row is closed when eBay has its record no longer; in all others it stays.
CLOSED_BY_PASSES = {"active_inventory", "inventory_items", "offers"}
CLOSING = CLOSED_BY_PASSES | {"seller_funds"}
# Tables that keep what eBay has no longer, open.
KEPT_WHEN_GONE = {"orders", "messages", "message_bodies", "buyer"}
# Parts that eBay stops giving after a while.
WITHHELD: dict[str, tuple[Path, ...]] = {
    "orders": (
        ("buyer",),
        ("fulfillmentStartInstructions", "*", "shippingStep", "shipTo"),
        ("fulfillmentStartInstructions", "*", "finalDestinationAddress"),
    )
}
# Parts that differ from answer to answer without a change.
VOLATILE: dict[str, tuple[Path, ...]] = {
    "active_inventory": (("TimeLeft",), ("WatchCount",), ("AsOf",)),
    "buyer": (("Item", "TimeLeft"),),
}
# Where a record says when it changed, as far as it does, and when it came.
CHANGED_AT: dict[str, Path] = {
    "orders": ("lastModifiedDate",),
    **dict.fromkeys(("cases", "case_details", "inquiries"), ("lastModifiedDate", "value")),
}
OCCURRED_AT: dict[str, Path] = {
    "transactions": ("transactionDate",),
    "finances": ("payoutDate",),
    "messages": ("ReceiveDate",),
    "cases": ("creationDate", "value"),
    "inquiries": ("creationDate", "value"),
    "returns": ("creationInfo", "creationDate", "value"),
}
