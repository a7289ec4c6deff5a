from urllib.parse import parse_qs, urlsplit

import pytest

from ebayconnector.simulator import order_body
from ebayconnector.simulator.times import DAY_MS, iso, parse_iso

from .conftest import API, IDENTITY, counted, error_id


def ids(rows):
    return [row["orderId"] for row in rows]


def ago(sim, days: float) -> str:
    return iso(parse_iso(sim.now()) - int(days * DAY_MS))


def span(name, start, end=""):
    return f"{name}:[{start}..{end}]"


def test_default_page(sim):
    page = sim.orders().json()
    assert (page["limit"], page["offset"], len(page["orders"])) == (50, 0, 50)
    assert "prev" not in page


def test_following_next_gives_every_order_once(sim):
    token = sim.mint()
    rows = sim.all_orders(token, filter=span("creationdate", ago(sim, 729)), limit=50)
    assert sorted(ids(rows)) == sorted(ids(sim.truth()))
    assert len(rows) == 120


def test_last_page_has_prev_and_no_next(sim):
    page = sim.orders(filter=span("creationdate", ago(sim, 729)), limit=50, offset=100).json()
    assert (page["total"], len(page["orders"])) == (120, 20)
    assert "next" not in page
    assert parse_qs(urlsplit(page["prev"]).query)["offset"] == ["50"]


def test_page_that_ends_exactly_with_the_list_has_no_next(sim):
    page = sim.orders(filter=span("creationdate", ago(sim, 729)), limit=60, offset=60).json()
    assert len(page["orders"]) == 60
    assert "next" not in page


def test_silent_change_shows_in_a_list_that_was_read_before(sim):
    sim.freeze()
    token, order_id = sim.mint(), sim.new_order()
    given = f"{span('creationdate', ago(sim, 1))},orderfulfillmentstatus:{{FULFILLED|IN_PROGRESS}}"
    assert order_id not in ids(sim.orders(token, filter=given).json()["orders"])
    change = {"seller": "thames_tools", "overrides": {"orderFulfillmentStatus": "FULFILLED"}, "touch": False}
    sim.control("PATCH", f"/orders/{order_id}", change)
    assert order_id in ids(sim.orders(token, filter=given).json()["orders"])


def test_next_is_absolute_and_keeps_the_filter(sim):
    given = span("lastmodifieddate", ago(sim, 700))
    page = sim.orders(filter=given, limit=10).json()
    assert page["next"].startswith(sim.url + "/sell/fulfillment/v1/order?")
    query = parse_qs(urlsplit(page["next"]).query)
    assert (query["filter"], query["offset"], query["limit"]) == ([given], ["10"], ["10"])


def test_offset_beyond_the_end_is_an_empty_page(sim):
    page = sim.orders(offset=5_000).json()
    assert page["orders"] == []
    assert page["total"] > 0


def test_without_date_filter_the_last_90_days_by_creation(sim):
    limit_ms = parse_iso(sim.freeze()) - 90 * DAY_MS
    expected = {row["orderId"] for row in sim.truth() if parse_iso(row["creationDate"]) >= limit_ms}
    assert set(ids(sim.all_orders(sim.mint()))) == expected
    assert 0 < len(expected) < 120


@pytest.mark.parametrize(
    ("name", "field"), [("creationdate", "creationDate"), ("lastmodifieddate", "lastModifiedDate")]
)
def test_ranges_are_inclusive_at_both_ends(sim, name, field):
    at = [row[field] for row in sorted(sim.truth(), key=lambda row: row[field])[60:63]]
    token = sim.mint()
    assert [row[field] for row in sim.orders(token, filter=span(name, at[1], at[1])).json()["orders"]] == [
        at[1]
    ]
    rows = sim.orders(token, filter=span(name, at[0], at[2])).json()["orders"]
    assert sorted(row[field] for row in rows) == at


def test_both_date_filters_count_only_creation(sim):
    oldest = sim.truth()[-5]["creationDate"]
    both = f"{span('lastmodifieddate', ago(sim, 0.00001))},{span('creationdate', oldest)}"
    assert sim.orders(filter=both).json()["total"] == 5


@pytest.mark.parametrize("other", ["NOT_STARTED", "FULFILLED"])
def test_fulfilment_status_sets(sim, other):
    wanted = {other, "IN_PROGRESS"}
    given = f"{span('creationdate', ago(sim, 729))},orderfulfillmentstatus:{{{other}|IN_PROGRESS}}"
    rows = sim.all_orders(sim.mint(), filter=given)
    expected = [row["orderId"] for row in sim.truth() if row["orderFulfillmentStatus"] in wanted]
    assert sorted(ids(rows)) == sorted(expected)


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        ("lastModifiedDate:[2026-01-01T00:00:00.000Z..]", 30700),
        ("nonsense", 30700),
        ("lastmodifieddate:2026-01-01T00:00:00.000Z", 30800),
        ("lastmodifieddate:[2026-01-01T00:00:00.000Z]", 30800),
        ("orderfulfillmentstatus:{FULFILLED}", 30800),
        ("orderfulfillmentstatus:{FULFILLED|NOT_STARTED}", 30800),
        ("lastmodifieddate:[2026-01-01T00:00:00+00:00Z..]", 30810),
        ("lastmodifieddate:[2026-01-01T00:00:00.000+00:00..]", 30810),
        ("creationdate:[2026-02-30T00:00:00.000Z..]", 30810),
        ("creationdate:[..2026-01-01T00:00:00.000Z]", 30820),
        ("creationdate:[2001-01-01T00:00:00.000Z..]", 30830),
        ("creationdate:[2999-01-01T00:00:00.000Z..]", 30850),
    ],
)
def test_bad_filters(sim, given, expected):
    answer = sim.orders(filter=given)
    assert (answer.status_code, error_id(answer)) == (400, expected)


def test_range_backwards(sim):
    assert error_id(sim.orders(filter=span("creationdate", ago(sim, 1), ago(sim, 2)))) == 30840


def test_end_in_the_future(sim):
    given = span("lastmodifieddate", ago(sim, 1), ago(sim, -0.001))
    assert error_id(sim.orders(filter=given)) == 30850


def test_end_now_is_not_the_future(sim):
    now = sim.freeze()
    assert sim.orders(filter=span("lastmodifieddate", now, now)).status_code == 200


def test_start_two_years_back_is_the_limit(sim):
    sim.freeze()
    token = sim.mint()
    assert sim.orders(token, filter=span("creationdate", ago(sim, 730))).status_code == 200
    assert error_id(sim.orders(token, filter=span("creationdate", ago(sim, 730.00001)))) == 30830


@pytest.mark.parametrize("limit", ["0", "201", "-1", "ten", ""])
def test_bad_limit(sim, limit):
    assert error_id(sim.orders(limit=limit)) == 31100


@pytest.mark.parametrize("offset", ["-1", "x", "1.5"])
def test_bad_offset(sim, offset):
    assert error_id(sim.orders(offset=offset)) == 31000


def test_bad_field_group(sim):
    assert error_id(sim.orders(fieldGroups="EVERYTHING")) == 32800


def test_unknown_parameters_are_ignored(sim):
    assert sim.orders(startTimeFrom="2026", limit=1).status_code == 200


def test_order_ids_override_everything_else(sim):
    wanted = ids(sim.truth())[:3]
    page = sim.orders(orderIds=",".join([*wanted, "00-00000-00000"]), filter="nonsense", limit="999").json()
    assert sorted(ids(page["orders"])) == sorted(wanted)
    assert page["total"] == 3


def test_more_than_fifty_order_ids(sim):
    wanted = ids(sim.truth())[:51]
    assert error_id(sim.orders(orderIds=",".join(wanted))) == 30900
    assert len(sim.orders(orderIds=",".join(wanted[:50])).json()["orders"]) == 50


def test_one_order(sim):
    token, row = sim.mint(), sim.orders(limit=1).json()["orders"][0]
    assert sim.get(f"/sell/fulfillment/v1/order/{row['orderId']}", token).json() == row


def test_unknown_malformed_and_foreign_orders(sim):
    foreign = sim.truth("outback_spares")[0]["orderId"]
    token = sim.mint()
    answers = [
        sim.get(f"/sell/fulfillment/v1/order/{text}", token) for text in ("abc", "99-99999-99999", foreign)
    ]
    assert [answer.status_code for answer in answers] == [400, 404, 404]
    assert error_id(answers[0]) == 32100


def test_orders_older_than_two_years_are_gone(sim):
    order_id = sim.new_order(created_at=ago(sim, 731))
    sim.control("PATCH", f"/orders/{order_id}", {"seller": "thames_tools"})
    token = sim.mint()
    assert sim.get(f"/sell/fulfillment/v1/order/{order_id}", token).status_code == 404
    assert order_id not in ids(
        sim.orders(token, filter=span("lastmodifieddate", ago(sim, 0.1))).json()["orders"]
    )


def test_only_get_order_tells_about_cancel_requests(sim):
    order_id = sim.new_order()
    sim.control("POST", "/orders/change", {"seller": "thames_tools", "count": 121, "kind": "cancel_request"})
    token = sim.mint()
    listed = sim.orders(token, orderIds=order_id).json()["orders"][0]["cancelStatus"]
    detail = sim.get(f"/sell/fulfillment/v1/order/{order_id}", token).json()["cancelStatus"]
    assert (listed["cancelState"], listed["cancelRequests"]) == ("IN_PROGRESS", [])
    assert detail["cancelRequests"][0]["cancelRequestState"] == "REQUESTED"


@pytest.mark.parametrize("scope", [API, IDENTITY])
def test_scope_is_needed(sim, scope):
    answer = sim.orders(sim.mint(scopes=[scope]))
    assert (answer.status_code, error_id(answer)) == (403, 1100)


def test_full_scope_is_enough(sim):
    assert sim.orders(sim.mint(scopes=[f"{API}/sell.fulfillment"])).status_code == 200


@pytest.mark.parametrize(
    ("sort", "key"),
    [
        ("newest_first", lambda row: -parse_iso(row["creationDate"])),
        ("oldest_first", lambda row: parse_iso(row["creationDate"])),
        ("by_id", lambda row: row["orderId"]),
    ],
)
def test_order_of_the_list(sim, sort, key):
    sim.control("POST", "/reset", {"sort": sort})
    rows = sim.all_orders(sim.mint(), filter=span("lastmodifieddate", ago(sim, 700)), limit=50)
    assert rows == sorted(rows, key=key)


def test_rest_headers(sim):
    answer = sim.orders(limit=1)
    assert {"rlogid", "x-ebay-c-request-id", "x-ebay-c-version", "date"} <= set(answer.headers)
    assert answer.headers["content-type"] == "application/json"


def test_date_is_the_clock_floored_to_seconds(sim):
    sim.control("POST", "/clock", {"now": "2027-03-04T05:06:07.999Z", "frozen": True})
    assert sim.orders(limit=1).headers["date"] == "Thu, 04 Mar 2027 05:06:07 GMT"


def test_gzip_only_when_asked(sim):
    token = sim.mint()
    plain = sim.get("/sell/fulfillment/v1/order", token, headers={"Accept-Encoding": "identity"})
    packed = sim.get("/sell/fulfillment/v1/order", token, headers={"Accept-Encoding": "gzip"})
    assert "content-encoding" not in plain.headers
    assert packed.headers["content-encoding"] == "gzip"
    assert plain.json()["orders"] == packed.json()["orders"]


def test_a_page_from_200_000_orders_makes_its_own_bodies_only(sim, monkeypatch):
    made = counted(monkeypatch, order_body, "order_body")
    sim.control("POST", "/sellers", {"username": "giant", "orders": 200_000})
    token = sim.mint("giant")
    given = span("lastmodifieddate", ago(sim, 700))
    assert sim.orders(token, filter=given, limit=200).json()["total"] > 150_000
    sim.control("POST", "/orders/change", {"seller": "giant", "count": 10})
    made.clear()
    assert len(sim.orders(token, filter=given, limit=200, offset=100_000).json()["orders"]) == 200
    assert len(made) == 200
