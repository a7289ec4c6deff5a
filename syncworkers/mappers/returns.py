"""Returns (03 §7.3) to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import reading as r
from .post_order_values import as_listed, latest, learned, moment
from .reading import JsonObject, MappedRow, Maturity

_FINAL = frozenset({"CLOSED"})


def return_row(record: JsonObject) -> MappedRow:
    """Columns of `ebay_returns` that the search tells. Raises Unmappable without a returnId and on nonsense.

    Refunds are in `currency`; what eBay gives in another one is empty here. An escalated return is open until
    its case decides.
    """
    state, status = r.text(record, "state"), r.text(record, "status")
    return MappedRow(
        columns={
            "return_id": r.required_text(record, "returnId"),
            "order_id": r.text(record, "orderId"),
            "item_id": r.text(record, "creationInfo", "item", "itemId"),
            "transaction_id": r.text(record, "creationInfo", "item", "transactionId"),
            "quantity": r.whole_number(record, "creationInfo", "item", "returnQuantity"),
            "buyer": r.text(record, "buyerLoginName"),
            "seller": r.text(record, "sellerLoginName"),
            "state": state,
            "status": status,
            "return_type": r.text(record, "currentType"),
            "reason": r.text(record, "creationInfo", "reason"),
            "reason_type": r.text(record, "creationInfo", "reasonType"),
            **_refunds(record),
            "activity_due": r.text(record, "sellerResponseDue", "activityDue"),
            "respond_by_at": moment(record, "sellerResponseDue", "respondByDate"),
            "case_id": r.text(record, "escalationInfo", "caseId"),
        },
        modified_at=None,
        occurred_at=moment(record, "creationInfo", "creationDate"),
        maturity=Maturity.FINAL if _FINAL & {state, status} else Maturity.OPEN,
    )


def return_detail_row(record: JsonObject) -> MappedRow:
    """Columns of `ebay_return_details`, of both field groups together (`post_order.get_return`)."""
    return MappedRow(
        columns={"return_id": r.required_text(record, "returnId"), **_details(record)}, modified_at=None
    )


def learned_of_return(records: Sequence[JsonObject], *, listed: bool = False) -> dict[str, Any]:
    """What a return's details tell of its row in `ebay_returns`: their summary is what the search lists."""
    told = learned(
        return_detail_row,
        records,
        key="return_id",
        statuses=("state", "status"),
        final=_FINAL,
        listed=listed,
    )
    if listed or not told:
        return told
    summary = {**(r.at(records[0], "summary") or {}), "returnId": records[0]["returnId"]}
    return told | as_listed(return_row, summary, key="return_id", deadlines=("respond_by_at", "activity_due"))


def _details(record: JsonObject) -> dict[str, Any]:
    history = r.objects(record, "detail", "responseHistory")
    return {
        "state": r.text(record, "summary", "state"),
        "status": r.text(record, "summary", "status"),
        "last_activity_at": latest(moment(entry, "creationDate") for entry in history),
        "close_reason": r.text(record, "detail", "closeInfo", "returnCloseReason"),
    }


def _refunds(record: JsonObject) -> dict[str, Any]:
    estimated = ("sellerTotalRefund", "estimatedRefundAmount")
    actual = ("sellerTotalRefund", "actualRefundAmount")
    currency = r.currency(record, *actual) or r.currency(record, *estimated)
    return {
        "refund_estimated": r.amount(record, *estimated)
        if r.currency(record, *estimated) in ("", currency)
        else None,
        "refund_actual": r.amount(record, *actual),
        "currency": currency,
    }
