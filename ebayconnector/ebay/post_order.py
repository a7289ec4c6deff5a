"""Post-Order: cases, inquiries and returns, by search and one by one (03 §7). Not in the sandbox.

The searches know dates of creation only, at most 18 months back, and no changes. Ids are numbers there and
texts in the single records: here they are texts.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from .client import EbayClient
from .endpoints import (
    GET_CASE,
    GET_INQUIRY,
    GET_RETURN,
    SEARCH_CASES,
    SEARCH_INQUIRIES,
    SEARCH_RETURNS,
)
from .paging import Page
from .post_order_search import Search, in_status, window, with_text_ids

_LARGEST_PAGE = 200

_CASES = Search(
    SEARCH_CASES,
    id_key="caseId",
    created_from="case_creation_date_range_from",
    created_to="case_creation_date_range_to",
    status="case_status_filter",
    total="totalNumberOfCases",
)
_INQUIRIES = Search(
    SEARCH_INQUIRIES,
    id_key="inquiryId",
    created_from="inquiry_creation_date_range_from",
    created_to="inquiry_creation_date_range_to",
    status="inquiry_status",
    total="totalNumberOfInquiries",
)
# Without a role eBay gives what the user sends back as a buyer as well.
_RETURNS = Search(
    SEARCH_RETURNS,
    id_key="returnId",
    created_from="creation_date_range_from",
    created_to="creation_date_range_to",
    status="return_state",
    total="total",
    fixed=(("role", "SELLER"),),
)


def case_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The cases that were opened in the window, both ends included, as one page.

    What a record says may change later (`lastModifiedDate`) without leaving the window. A window should be of
    at most 90 days (03 §7). One with more than `limit` (at most 200) records gives its first page, and says
    by its `total` that it is too long for a slice (`post_order_search.window`). `overlap` is of no use here.
    Times must be aware.
    """
    return window(client, _CASES, modified_from, modified_to, limit)


def inquiry_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """As `case_pages`, for inquiries (items not received). An escalated one leaves the search (03 §7.2)."""
    return window(client, _INQUIRIES, modified_from, modified_to, limit)


def return_pages(
    client: EbayClient,
    *,
    modified_from: datetime,
    modified_to: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """As `case_pages`, for the returns of what the user sold; they have no time of change (03 §7.3)."""
    return window(client, _RETURNS, modified_from, modified_to, limit)


def cases_with_status(
    client: EbayClient,
    status: str,
    *,
    start: datetime,
    end: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The cases of the window that are in `status` now (`case_status_filter`), all on one page."""
    return in_status(client, _CASES, status, start, end, limit)


def inquiries_with_status(
    client: EbayClient,
    status: str,
    *,
    start: datetime,
    end: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The inquiries of the window that are in `status` now (`inquiry_status`), all on one page."""
    return in_status(client, _INQUIRIES, status, start, end, limit)


def returns_with_status(
    client: EbayClient,
    status: str,
    *,
    start: datetime,
    end: datetime,
    limit: int = _LARGEST_PAGE,
    overlap: int = 1,
) -> Iterator[Page]:
    """The returns of the window that are in `status` now (`return_state`, such as ALL_OPEN), on one page."""
    return in_status(client, _RETURNS, status, start, end, limit)


def get_case(client: EbayClient, case_id: str) -> dict[str, Any]:
    """One case with its history. `NotFound` when eBay has none."""
    return with_text_ids(client.call(GET_CASE, path={"case_id": case_id}).json())


def case_as_listed(client: EbayClient, case_id: str) -> dict[str, Any]:
    """One case in the shape of the search, but for its parties, which it has only there."""
    case = get_case(client, case_id)
    shared = ("caseId", "itemId", "transactionId", "claimAmount", "creationDate", "lastModifiedDate")
    listed = {name: case[name] for name in shared if name in case}
    return {**listed, "caseStatusEnum": case.get("status")}


def get_inquiry(client: EbayClient, inquiry_id: str) -> dict[str, Any]:
    """One inquiry with its history, escalated ones too. `NotFound` when eBay has none."""
    return with_text_ids(client.call(GET_INQUIRY, path={"inquiry_id": inquiry_id}).json())


def get_return(client: EbayClient, return_id: str) -> dict[str, Any]:
    """One return as `{"returnId", "summary", "detail"}`: two calls, as eBay gives either (03 §7.3).

    `NotFound` when eBay has none; `BadAnswer` for an answer without the part that was asked for.
    """
    merged: dict[str, Any] = {"returnId": return_id}
    for fields, name in (("SUMMARY", "summary"), ("FULL", "detail")):
        answer = client.call(GET_RETURN, path={"return_id": return_id}, params={"fieldgroups": fields})
        part = answer.json().get(name)
        if not isinstance(part, dict):
            raise answer.bad(f"a return without its {name}")
        merged[name] = with_text_ids(part)
    return merged
