"""Windows, pages and filters of the Post-Order searches, against 03 §0 (15) and §7."""

import pytest

from ebayconnector.simulator.times import DAY_MS, iso, parse_iso

from .troubles import DATES, FAMILIES, ID_NAMES, TOTALS, created, large_seller, refused, troubled, visible

ALL = pytest.mark.parametrize("family", FAMILIES)


@pytest.fixture
def caller(sim):
    return troubled(sim)


@pytest.fixture
def large(caller):
    return large_seller(caller.sim)


# -- windows ----------------------------------------------------------------------------------------------


def opened(rows):
    return [created(row["summary"]) for row in rows]


def window(family, start=None, end=None):
    names = {f"{DATES[family]}_from": start, f"{DATES[family]}_to": end}
    return {name: value for name, value in names.items() if value is not None}


def in_range(rows, start, end):
    return [row["id"] for row in visible(rows) if start <= created(row["summary"]) <= end]


@ALL
def test_without_dates_all_of_18_months_come(large, family):
    truth = visible(large.truth(family))
    assert large.search(family, limit=1).json()[TOTALS[family]] == len(truth) > 25
    assert large.ago(551) < min(opened(truth)) < large.ago(400)
    large.advance(100)
    assert truth[0]["id"] not in {row["id"] for row in large.truth(family)}
    assert large.detail(family, truth[0]["id"]).status_code == 200


@ALL
def test_only_a_start_spans_90_days(large, family):
    start = large.ago(200)
    end = large.ago(110)
    found = large.members(family, **window(family, start))
    assert found
    assert sorted(large.ids(family, **window(family, start))) == sorted(
        in_range(large.truth(family), start, end)
    )
    assert in_range(large.truth(family), end, large.sim.now())  # there would have been more


@ALL
def test_only_an_end_reaches_90_days_back(large, family):
    start, end = large.ago(190), large.ago(100)
    expected = in_range(large.truth(family), start, end)
    assert sorted(large.ids(family, **window(family, end=end))) == sorted(expected)
    assert expected


@ALL
def test_both_ends_are_inclusive(caller, family):
    day = created(caller.members(family)[3])
    assert caller.members(family, **window(family, day, day))
    before, after = iso(parse_iso(day) - 1), iso(parse_iso(day) + 1)
    assert not caller.members(family, **window(family, after, after))
    assert not caller.members(family, **window(family, before, before))


@ALL
def test_start_is_at_most_18_months_ago(caller, family):
    caller.sim.control("POST", "/clock", {"now": "2028-08-31T12:00:00.500Z"})
    assert caller.search(family, **window(family, "2027-02-28T12:00:00.500Z")).status_code == 200
    answer = caller.search(family, **window(family, "2027-02-28T12:00:00.499Z"))
    error = refused(answer, 400, 1101)
    assert error["parameter"][0]["name"] == f"{DATES[family]}_from"


@ALL
def test_longest_span_can_be_set(caller, family):
    start = caller.ago(100)
    days = [iso(parse_iso(start) + 90 * DAY_MS + extra) for extra in (0, 1)]
    assert caller.search(family, **window(family, start, days[0])).status_code == 200
    refused(caller.search(family, **window(family, start, days[1])), 400, 1101)
    caller.sim.control("POST", "/post_order", {"max_span_days": 91})
    assert caller.search(family, **window(family, start, days[1])).status_code == 200


@ALL
@pytest.mark.parametrize(
    "day", ["yesterday", "2026-11-01", "2026-11-01T00:00:00+00:00Z", "2026-02-30T00:00:00.000Z", ""]
)
def test_a_date_that_is_none_is_refused(caller, family, day):
    for end in ("from", "to"):
        refused(caller.search(family, **{f"{DATES[family]}_{end}": day}), 400, 1101)


@ALL
def test_the_start_is_before_the_end(caller, family):
    refused(caller.search(family, **window(family, caller.ago(5), caller.ago(6))), 400, 1101)


@ALL
def test_there_is_no_filter_by_change(caller, family):
    plain = caller.search(family).json()
    assert caller.search(family, last_modified_date_range_from=caller.ago(0)).json() == plain


# -- pages ------------------------------------------------------------------------------------------------


@ALL
def test_pages_are_rows_by_default(large, family):
    first = large.search(family).json()
    total = first[TOTALS[family]]
    assert len(first["members"]) == 25
    pages = {"limit": 25, "offset": 0, "totalEntries": total, "totalPages": -(-total // 25)}
    assert first["paginationOutput"] == pages
    everything = [number for at in range(0, total, 40) for number in large.ids(family, limit=40, offset=at)]
    assert len(everything) == len(set(everything)) == total
    assert large.ids(family, limit=10, offset=7) == everything[7:17]
    assert large.ids(family, limit=10, offset=total) == []


@ALL
def test_offset_can_be_a_page_number(large, family):
    rows = large.ids(family, limit=30)
    large.sim.control("POST", "/post_order", {"offset": "page"})
    assert large.ids(family, limit=10, offset=0) == rows[:10]
    assert large.ids(family, limit=10, offset=1) == rows[:10]
    assert large.ids(family, limit=10, offset=3) == rows[20:30]
    assert large.ids(family, limit=200, offset=10) == []


@ALL
def test_limits(caller, family):
    assert caller.search(family, limit=200).status_code == 200
    refused(caller.search(family, limit=201), 400, 1401)
    refused(caller.search(family, limit=0), 400, 1402)
    refused(caller.search(family, limit="ten"), 400, 1402)
    refused(caller.search(family, offset=-1), 400, 1105)


@ALL
@pytest.mark.parametrize("sort", ["newest_first", "oldest_first", "by_id"])
def test_order_of_the_rows(caller, family, sort):
    caller.sim.control("POST", "/post_order", {"sort": sort})
    rows = caller.members(family)
    keys = [int(row[ID_NAMES[family]]) if sort == "by_id" else created(row) for row in rows]
    assert keys == sorted(keys, reverse=sort == "newest_first")
    assert len(rows) > 5


def test_returns_can_be_sorted(caller):
    rows = [created(row) for row in caller.members("return", sort="+FILING_DATE")]
    assert rows == sorted(rows)
    assert [created(row) for row in caller.members("return", sort="-FILING_DATE")] == rows[::-1]
    ids = caller.ids("return", sort="+RETURN_ID")
    assert ids == sorted(ids)
    refused(caller.search("return", sort="FILING_DATE"), 400, 1105)


# -- filters ----------------------------------------------------------------------------------------------

STATUS_FILTERS = {"case": "case_status_filter", "inquiry": "inquiry_status"}
STATUS_FIELDS = {"case": "caseStatusEnum", "inquiry": "inquiryStatusEnum"}


@pytest.mark.parametrize("family", STATUS_FILTERS)
def test_status_filter(large, family):
    rows = large.members(family)
    seen = {row[STATUS_FIELDS[family]] for row in rows}
    assert len(seen) > 1
    for status in seen:
        found = large.members(family, **{STATUS_FILTERS[family]: status})
        assert {row[STATUS_FIELDS[family]] for row in found} == {status}
    both = large.members(family, **{STATUS_FILTERS[family]: "CLOSED,CS_CLOSED"})
    assert {row[STATUS_FIELDS[family]] for row in both} == {"CLOSED", "CS_CLOSED"}
    refused(large.search(family, **{STATUS_FILTERS[family]: "LOST"}), 400, 1105)


@ALL
def test_line_and_order_filters(caller, family):
    truth = visible(caller.truth(family))[0]
    line = {row["orderId"]: row for row in caller.sim.truth(caller.seller)}[truth["orderId"]]["lineItems"]
    item = next(one["legacyItemId"] for one in line if one["lineItemId"] == truth["lineItemId"])
    assert truth["id"] in caller.ids(family, item_id=item)
    assert truth["id"] in caller.ids(family, item_id=item, transaction_id=truth["lineItemId"])
    assert truth["id"] in caller.ids(family, order_id=truth["orderId"])
    assert caller.ids(family, order_id="00-00000-00000") == []
    assert caller.ids(family, item_id="7") == []
    assert caller.ids(family, item_id=item, transaction_id="7") == []
    for name in ("item_id", "transaction_id"):
        refused(caller.search(family, **{name: "x"}), 400, 1303)


def test_return_filters(caller):
    truth = caller.truth("return")
    number = truth[0]["id"]
    assert caller.ids("return", return_id=number) == [number]
    assert caller.members("return", role="BUYER") == []
    refused(caller.search("return", role="NOBODY"), 400, 1105)
    is_open = {row["id"] for row in truth if row["open"]}
    assert set(caller.ids("return", return_state="ALL_OPEN")) == is_open
    assert is_open
    assert set(caller.ids("return", return_state="CLOSED")) == {row["id"] for row in truth} - is_open
    due = {row["id"] for row in truth if "sellerResponseDue" in row["summary"]}
    assert set(caller.ids("return", return_state="SELLER_ACTION_DUE")) == due
    refused(caller.search("return", return_state="LOST"), 400, 1105)


def test_returns_by_states(large):
    shipped = {row["id"] for row in large.truth("return") if row["summary"]["state"] == "ITEM_SHIPPED"}
    assert shipped
    assert set(large.ids("return", states="ITEM_SHIPPED")) == shipped
    counts = {row["type"]: row["count"] for row in large.search("return").json()["countSummary"]}
    assert counts["ITEM_SHIPPED"] == len(large.ids("return", return_state="ITEM_SHIPPED"))


def test_cases_of_a_return(caller):
    row = next(row for row in caller.truth("return") if row["escalated"])
    assert caller.ids("case", return_id=row["id"]) == [row["caseId"]]
