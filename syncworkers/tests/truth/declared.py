"""What the product declares and the comparison rests on, written down once more: a mistake there would hide
itself."""

from __future__ import annotations

Path = tuple[str, ...]

# Tables of which a row is closed when eBay has its record no longer; in all others it stays.
CLOSED_BY_PASSES = {"active_inventory", "inventory_items", "offers"}
CLOSING = CLOSED_BY_PASSES | {"seller_funds"}
# Those whose rows are closed as well when eBay neither lists them nor knows them by their id.
GONE_BY_ID = {"cases", "inquiries", "returns", "payment_disputes", "messages"}
# Tables that may keep what eBay has no longer, open: disputes grow older than its 18 months.
KEPT_WHEN_GONE = {
    "orders", "messages", "message_bodies", "buyer", "payment_disputes", "payment_dispute_details",
}  # fmt: skip
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
