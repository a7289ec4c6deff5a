from __future__ import annotations

from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from ebayconnector.ebay import disputes, errors, post_order
from ebayconnector.ebay.paging import PAGES_READ_ON

from .conftest import ACCESS_TOKEN
from .loopback import answer, json_answer, rest_error

START = datetime(2026, 9, 1, tzinfo=UTC)
END = START + timedelta(days=90)
SEARCHES = {
    "case": (post_order.case_pages, "/post-order/v2/casemanagement/search", "case_creation_date_range"),
    "inquiry": (post_order.inquiry_pages, "/post-order/v2/inquiry/search", "inquiry_creation_date_range"),
    "return": (post_order.return_pages, "/post-order/v2/return/search", "creation_date_range"),
}
by_search = pytest.mark.parametrize("kind", SEARCHES)


def page(ids, total: int | None = None, kind: str = "case"):
    members = [
        {f"{kind}Id": each, "itemId": 11, "creationDate": {"value": "2026-09-02T00:00:00.000Z"}}
        for each in ids
    ]
    count = len(members) if total is None else total
    return json_answer({"members": members, "paginationOutput": {"totalEntries": count, "totalPages": 1}})


def read(connected, kind: str = "case", *, limit: int = 3, end: datetime = END):
    (found,) = SEARCHES[kind][0](connected.client, modified_from=START, modified_to=end, limit=limit)
    return found


def with_status(connected, limit: int = 3):
    (found,) = post_order.cases_with_status(connected.client, "OPEN", start=START, end=END, limit=limit)
    return found


def ids(found, kind: str = "case") -> list[str]:
    return [record[f"{kind}Id"] for record in found.items]


def sent(connected) -> list[dict[str, str]]:
    return [dict(parse_qsl(urlsplit(request.target).query)) for request in connected.server.requests]


def offsets(connected) -> list[str]:
    return [params["offset"] for params in sent(connected)]


@by_search
def test_a_search_asks_for_both_ends_of_the_creation_dates(connect, kind):
    connected = connect(page([1, 2], kind=kind))
    found = read(connected, kind)
    assert (ids(found, kind), found.total, found.has_next) == (["1", "2"], 2, False)
    request, prefix = connected.server.requests[0], SEARCHES[kind][2]
    assert request.path == SEARCHES[kind][1]
    role = {"role": "SELLER"} if kind == "return" else {}
    assert sent(connected)[0] == role | {
        f"{prefix}_from": "2026-09-01T00:00:00.000Z",
        f"{prefix}_to": "2026-11-30T00:00:00.000Z",
        "limit": "3",
        "offset": "0",
    }


def test_the_headers_are_those_of_post_order(connect):
    connected = connect(page([]))
    read(connected)
    headers = connected.server.requests[0].headers
    assert headers["authorization"] == f"IAF {ACCESS_TOKEN}"
    assert headers["x-ebay-c-marketplace-id"] == "EBAY_DE"
    assert headers["content-type"] == "application/json"


def test_ids_are_texts_whatever_ebay_sends(connect):
    connected = connect(page([5000000001, "5000000002"]))
    assert [(record["caseId"], record["itemId"]) for record in read(connected).items] == [
        ("5000000001", "11"),
        ("5000000002", "11"),
    ]


@pytest.mark.parametrize(("total", "limit"), [(4, 3), (201, 200), (5000, 200)])
def test_a_window_that_does_not_fit_asks_to_be_cut(connect, total, limit):
    connected = connect(page(range(limit), total))
    found = read(connected, limit=limit)
    assert (found.has_next, len(found.items), len(connected.server.requests)) == (True, limit, 1)
    assert found.total > PAGES_READ_ON * (found.limit - 1)
    parts = -(-found.total // (PAGES_READ_ON * (found.limit - 1)))
    assert parts * limit >= total


def test_a_window_that_just_fits_is_whole(connect):
    found = read(connect(page([1, 2, 3], 3)))
    assert (found.total, found.has_next) == (3, False)


def test_offsets_are_rows_at_first(connect):
    connected = connect(page([1, 2, 3], 7), page([4, 5, 6], 7), page([7], 7))
    found = with_status(connected)
    assert (ids(found), found.total, found.has_next) == ([str(n) for n in range(1, 8)], 7, False)
    assert offsets(connected) == ["0", "3", "6"]
    assert sent(connected)[0]["case_status_filter"] == "OPEN"


@pytest.mark.parametrize("beyond", [page([], 7), rest_error(400, 1105), page([1, 2, 3], 7)])
def test_offsets_may_be_pages_from_one(connect, beyond):
    connected = connect(page([1, 2, 3], 7), beyond, page([4, 5, 6], 7), page([7], 7))
    assert len(ids(with_status(connected))) == 7
    assert offsets(connected) == ["0", "3", "2", "3"]


def test_a_page_that_another_reading_of_offsets_has_brought_is_no_end(connect):
    """Asked for as the fourth row it was the fourth page."""
    pages = [range(1, 5), range(13, 17), [], range(5, 9), range(9, 13), range(13, 17), [17, 18]]
    connected = connect(*(page(members, 18) for members in pages))
    assert len(ids(with_status(connected, limit=4))) == 18
    assert offsets(connected) == ["0", "4", "8", "2", "3", "4", "5"]


def test_offsets_may_be_pages_from_zero(connect):
    connected = connect(page([1, 2, 3], 6), page([], 6), page([], 6), page([4, 5, 6], 6))
    assert len(ids(with_status(connected))) == 6
    assert offsets(connected) == ["0", "3", "2", "1"]


def test_a_total_that_is_one_too_high_costs_a_few_calls(connect):
    rows = range(40)
    connected = connect(*(page(rows[offset:], 41) for offset in (0, 40, 2, 3, 1, 2)))
    found = with_status(connected, limit=40)
    assert (len(found.items), found.total) == (40, 41)
    assert offsets(connected) == ["0", "40", "2", "3", "1", "2"]


def test_what_no_offset_brings_is_missing_and_the_total_says_so(connect):
    connected = connect(*[page([1, 2, 3], 6)] * 9)
    found = with_status(connected)
    assert (len(found.items), found.total) == (3, 6)
    assert len(connected.server.requests) == 4


def test_a_second_is_read_to_its_end(connect):
    connected = connect(page([1, 2, 3], 4), page([4], 4))
    found = read(connected, end=START + timedelta(seconds=1))
    assert (len(found.items), found.total, found.has_next) == (4, 4, False)


def test_a_page_behind_the_first_that_ebay_fails_on_fails_all(connect):
    connected = connect(page([1, 2, 3], 6), *[rest_error(500, 1)] * 3)
    with pytest.raises(errors.Unavailable):
        with_status(connected)


@pytest.mark.parametrize(
    ("source", "kind", "name"),
    [
        (post_order.inquiries_with_status, "inquiry", "inquiry_status"),
        (post_order.returns_with_status, "return", "return_state"),
    ],
)
def test_each_search_has_its_own_name_for_the_status(connect, source, kind, name):
    connected = connect(page([1], kind=kind))
    (found,) = source(connected.client, "ALL_OPEN", start=START, end=END)
    assert ids(found, kind) == ["1"]
    assert sent(connected)[0][name] == "ALL_OPEN"


@pytest.mark.parametrize(
    ("kind", "total"),
    [("case", "totalNumberOfCases"), ("inquiry", "totalNumberOfInquiries"), ("return", "total")],
)
def test_the_total_may_stand_elsewhere(connect, kind, total):
    found = read(connect(json_answer({"members": [{f"{kind}Id": 1}], total: 1})), kind)
    assert (ids(found, kind), found.total) == (["1"], 1)


def test_without_members_there_are_none(connect):
    found = read(connect(json_answer({"paginationOutput": {"totalEntries": 0}})))
    assert (found.items, found.total) == ([], 0)


@pytest.mark.parametrize(
    "document",
    [{}, {"members": []}, {"members": [], "total": 1},
     {"members": [], "paginationOutput": {"totalEntries": "1"}},
     {"members": [], "paginationOutput": {"totalEntries": -1}}, {"paginationOutput": {"totalEntries": 1}},
     {"members": {}, "paginationOutput": {"totalEntries": 1}},
     {"members": [1], "paginationOutput": {"totalEntries": 1}}, {"members": [], "paginationOutput": []}],
)  # fmt: skip
def test_what_is_no_page_is_a_bad_answer(connect, document):
    with pytest.raises(errors.BadAnswer, match=r"without its total|not a list of objects"):
        read(connect(*[json_answer(document)] * 3))


def error(**fields) -> dict:
    return {"errorId": 1301, "domain": "returnErrorDomain", "severity": "ERROR", "category": "REQUEST",
            "message": "Nein.", "longMessage": "Nein, so nicht.", "httpStatusCode": "400",
            "parameter": [{"name": "returnId", "value": "7"}], **fields}  # fmt: skip


@pytest.mark.parametrize(
    "body",
    [{"errorMessage": {"error": [error()]}}, {"errorMessage": {"error": error()}}, {"error": [error()]}],
    ids=["list in a message", "object in a message", "list"],
)
def test_errors_are_read_in_each_shape(connect, body):
    with pytest.raises(errors.Refused) as refused:
        read(connect(json_answer(body, 400)))
    (found,) = refused.value.errors
    assert (found.error_id, found.domain, found.parameters) == (
        "1301",
        "returnErrorDomain",
        (("returnId", "7"),),
    )
    assert "Nein, so nicht." in str(refused.value)


@pytest.mark.parametrize("bare", [answer(401, b"", None), answer(401, b" ", "text/plain")])
def test_a_bare_401_renews_the_token_once(connect, bare):
    connected = connect(bare, page([1]))
    assert ids(read(connected)) == ["1"]
    assert connected.server.requests[1].headers["authorization"] == "IAF renewed-1"
    refused = connect(bare, bare)
    with pytest.raises(errors.TokenRejected):
        read(refused)


def test_single_records_are_asked_for_by_id(connect):
    connected = connect(json_answer({"caseId": 5, "status": "OPEN"}), json_answer({"inquiryId": "6"}))
    assert post_order.get_case(connected.client, "5") == {"caseId": "5", "status": "OPEN"}
    assert post_order.get_inquiry(connected.client, "6") == {"inquiryId": "6"}
    assert [request.path for request in connected.server.requests] == [
        "/post-order/v2/casemanagement/5",
        "/post-order/v2/inquiry/6",
    ]


def test_a_return_is_put_together_from_both_field_groups(connect):
    connected = connect(
        json_answer({"summary": {"returnId": 7, "state": "CLOSED"}}), json_answer({"detail": {"files": []}})
    )
    assert post_order.get_return(connected.client, "7") == {
        "returnId": "7",
        "summary": {"returnId": "7", "state": "CLOSED"},
        "detail": {"files": []},
    }
    assert sent(connected) == [{"fieldgroups": "SUMMARY"}, {"fieldgroups": "FULL"}]
    assert connected.server.requests[0].path == "/post-order/v2/return/7"


def test_half_a_return_is_a_bad_answer(connect):
    connected = connect(json_answer({"summary": {}}), json_answer({"summary": {}}))
    with pytest.raises(errors.BadAnswer, match="getReturn: a return without its detail"):
        post_order.get_return(connected.client, "7")


@pytest.mark.parametrize("call", [post_order.get_case, post_order.get_inquiry, post_order.get_return])
def test_what_ebay_does_not_have_is_not_found(connect, call):
    with pytest.raises(errors.NotFound):
        call(connect(json_answer({"error": [error(errorId=1304)]}, 404)).client, "7")


@pytest.mark.parametrize("call", [post_order.get_case, post_order.get_inquiry, post_order.get_return])
@pytest.mark.parametrize("bad_id", ["", "..", "."])
def test_an_id_that_leads_elsewhere_is_refused(connect, call, bad_id):
    with pytest.raises(ValueError, match="cannot be"):
        call(connect().client, bad_id)


# -- payment disputes


def dispute(*numbers: int, total: int | None = None, following: str | None = None):
    found = [{"paymentDisputeId": str(number)} for number in numbers]
    return json_answer(
        {"paymentDisputeSummaries": found, "total": len(found) if total is None else total, "next": following}
    )


def test_disputes_are_asked_for_by_their_opening(connect):
    connected = connect(dispute(1))
    (found,) = disputes.dispute_pages(connected.client, modified_from=START, modified_to=END)
    assert found.items == [{"paymentDisputeId": "1"}]
    assert connected.server.requests[0].path == "/sell/fulfillment/v1/payment_dispute_summary"
    assert connected.server.requests[0].headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert sent(connected)[0] == {
        "open_date_from": "2026-09-01T00:00:00.000Z",
        "open_date_to": "2026-11-30T00:00:00.000Z",
        "limit": "200",
        "offset": "0",
    }


def test_no_disputes_come_as_204_too(connect):
    (found,) = disputes.dispute_pages(
        connect(answer(204, b"", None)).client, modified_from=START, modified_to=END
    )
    assert (found.items, found.total) == ([], 0)


def test_disputes_of_a_status(connect):
    connected = connect(dispute(1))
    list(disputes.disputes_with_status(connected.client, "ACTION_NEEDED", start=START, end=END))
    assert sent(connected)[0]["payment_dispute_status"] == "ACTION_NEEDED"


def test_all_disputes_are_read_in_windows_that_touch(connect):
    connected = connect(dispute(1, 2), dispute(2, 3), dispute())
    end = START + timedelta(days=200)
    found = disputes.every_dispute(connected.client, start=START, end=end)
    assert [each["paymentDisputeId"] for each in found] == ["1", "2", "3"]
    windows = [(params["open_date_from"], params["open_date_to"]) for params in sent(connected)]
    assert windows[0][1] == "2027-03-20T00:00:00.000Z"
    assert [window[0] for window in windows[:-1]] == [window[1] for window in windows[1:]]
    assert windows[-1][0] == "2026-09-01T00:00:00.000Z"


def test_all_disputes_of_no_time_are_none(connect):
    assert disputes.every_dispute(connect().client, start=START, end=START) == []


def test_fewer_disputes_than_counted_are_a_bad_answer(connect):
    with pytest.raises(errors.BadAnswer, match="1 paymentDisputeSummaries where the total says 2"):
        disputes.every_dispute(connect(dispute(1, total=2)).client, start=START, end=END)


def test_one_dispute(connect):
    connected = connect(json_answer({"paymentDisputeId": "5", "revision": 3}))
    assert disputes.get_dispute(connected.client, "5")["revision"] == 3
    assert connected.server.requests[0].path == "/sell/fulfillment/v1/payment_dispute/5"


def test_a_dispute_without_the_scope_says_so(connect):
    connected = connect(rest_error(403, 1100), rest_error(403, 1100))
    with pytest.raises(errors.ScopeMissing):
        disputes.get_dispute(connected.client, "5")
