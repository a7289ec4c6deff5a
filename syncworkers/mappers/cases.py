"""Cases and inquiries (03 §7.1, 7.2) to rows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from . import reading as r
from .post_order_values import latest, learned, moment
from .reading import JsonObject, MappedRow, Maturity

FINAL_CASES = frozenset({"CLOSED", "CS_CLOSED"})
FINAL_INQUIRIES = frozenset({"CLOSED", "CLOSED_WITH_ESCALATION", "CS_CLOSED"})


def case_row(case: JsonObject) -> MappedRow:
    """Columns of `ebay_cases` that the search tells. Raises Unmappable without a caseId and on nonsense."""
    status = r.text(case, "caseStatusEnum")
    return MappedRow(
        columns={
            "case_id": r.required_text(case, "caseId"),
            **_parties(case),
            "case_status": status,
            **_claim(case),
        },
        modified_at=moment(case, "lastModifiedDate"),
        occurred_at=moment(case, "creationDate"),
        maturity=Maturity.FINAL if status in FINAL_CASES else Maturity.OPEN,
    )


def case_detail_row(case: JsonObject) -> MappedRow:
    """Columns of `ebay_case_details`. Raises Unmappable without a caseId and on nonsense."""
    return MappedRow(
        columns={"case_id": r.required_text(case, "caseId"), **_case_details(case)},
        modified_at=moment(case, "lastModifiedDate"),
    )


def learned_of_case(records: Sequence[JsonObject], *, listed: bool = False) -> dict[str, Any]:
    """What a case's details tell of its row in `ebay_cases`."""
    return learned(
        case_detail_row,
        records,
        key="case_id",
        statuses=("case_status",),
        final=FINAL_CASES,
        deadlines=("respond_by_at",),
        listed=listed,
    )


def inquiry_row(inquiry: JsonObject) -> MappedRow:
    """Columns of `ebay_inquiries` that the search tells. Raises Unmappable without an inquiryId."""
    status = r.text(inquiry, "inquiryStatusEnum")
    return MappedRow(
        columns={
            "inquiry_id": r.required_text(inquiry, "inquiryId"),
            **_parties(inquiry),
            "inquiry_status": status,
            **_claim(inquiry),
        },
        modified_at=moment(inquiry, "lastModifiedDate"),
        occurred_at=moment(inquiry, "creationDate"),
        maturity=Maturity.FINAL if status in FINAL_INQUIRIES else Maturity.OPEN,
    )


def inquiry_detail_row(inquiry: JsonObject) -> MappedRow:
    """Columns of `ebay_inquiry_details`. Raises Unmappable without an inquiryId and on nonsense."""
    return MappedRow(
        columns={"inquiry_id": r.required_text(inquiry, "inquiryId"), **_inquiry_details(inquiry)},
        # Only the search has a time of change.
        modified_at=None,
    )


def learned_of_inquiry(records: Sequence[JsonObject], *, listed: bool = False) -> dict[str, Any]:
    """What an inquiry's details tell of its row in `ebay_inquiries`."""
    return learned(
        inquiry_detail_row,
        records,
        key="inquiry_id",
        statuses=("inquiry_status",),
        final=FINAL_INQUIRIES,
        deadlines=("respond_by_at",),
        listed=listed,
    )


def _parties(record: JsonObject) -> dict[str, Any]:
    return {
        "item_id": r.text(record, "itemId"),
        "transaction_id": r.text(record, "transactionId"),
        "buyer": r.text(record, "buyer"),
        "seller": r.text(record, "seller"),
    }


def _claim(record: JsonObject) -> dict[str, Any]:
    return {
        "claim_amount": r.amount(record, "claimAmount"),
        "currency": r.currency(record, "claimAmount"),
        "respond_by_at": moment(record, "respondByDate"),
    }


def _case_details(case: JsonObject) -> dict[str, Any]:
    return {
        "case_status": r.text(case, "status"),
        "case_type": r.text(case, "caseType"),
        "initiator": r.text(case, "initiator"),
        "escalate_reason": r.text(case, "escalateReason"),
        "return_id": r.text(case, "returnId"),
        "escalated_at": moment(case, "caseDetails", "escalationDate"),
        "refund_due_at": moment(case, "caseDetails", "refundDeadlineDate"),
    }


def _inquiry_details(inquiry: JsonObject) -> dict[str, Any]:
    return {
        "inquiry_status": r.text(inquiry, "status"),
        "state": r.text(inquiry, "state"),
        "escalated_at": moment(inquiry, "inquiryDetails", "escalationDate"),
        "refund_due_at": latest(
            (
                moment(inquiry, "inquiryDetails", "refundDeadlineDate"),
                moment(inquiry, "sellerMakeItRightByDate"),
            )
        ),
    }
