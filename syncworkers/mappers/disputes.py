"""Payment disputes (03 §4.3) to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import reading as r
from .post_order_values import as_listed, learned
from .reading import JsonObject, MappedRow


def dispute_row(dispute: JsonObject) -> MappedRow:
    """Columns of `ebay_payment_disputes` that the list tells. Raises Unmappable without its id."""
    return MappedRow(
        columns={
            "payment_dispute_id": r.required_text(dispute, "paymentDisputeId"),
            "order_id": r.text(dispute, "orderId"),
            "buyer": r.text(dispute, "buyerUsername"),
            "dispute_status": r.text(dispute, "paymentDisputeStatus"),
            "reason": r.text(dispute, "reason"),
            "amount": r.amount(dispute, "amount"),
            "currency": r.currency(dispute, "amount"),
            "opened_at": r.time(dispute, "openDate"),
            "respond_by_at": r.time(dispute, "respondByDate"),
            "ended_at": r.time(dispute, "closedDate"),
        },
        modified_at=None,
    )


def dispute_detail_row(dispute: JsonObject) -> MappedRow:
    """Columns of `ebay_payment_dispute_details`. Raises Unmappable without a paymentDisputeId."""
    return MappedRow(
        columns={"payment_dispute_id": r.required_text(dispute, "paymentDisputeId"), **_details(dispute)},
        modified_at=None,
    )


def learned_of_dispute(records: Sequence[JsonObject], *, listed: bool = False) -> dict[str, Any]:
    """What a dispute's details tell of its row in `ebay_payment_disputes`: all that the list has."""
    own = learned(
        dispute_detail_row,
        records,
        key="payment_dispute_id",
        statuses=(),
        final=frozenset(),
        listed=listed,
    )
    if listed or not own:
        return own
    return own | as_listed(dispute_row, records[0], key="payment_dispute_id", deadlines=("respond_by_at",))


def _details(dispute: JsonObject) -> dict[str, Any]:
    return {
        "revision": r.whole_number(dispute, "revision"),
        "seller_response": r.text(dispute, "sellerResponse"),
        "outcome": r.text(dispute, "resolution", "reasonForClosure"),
        "protection_status": r.text(dispute, "resolution", "protectionStatus"),
    }
