"""getRateLimits: typed rows from whatever eBay writes."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from ebayconnector.ebay import errors
from ebayconnector.ebay.analytics import RateLimit, rate_limits

from .loopback import answer, json_answer, rest_error

RESET = "2026-11-22T08:00:00.000Z"
RATE = {"limit": 100000, "count": 123, "remaining": 99877, "reset": RESET, "timeWindow": 86400}


def api(*resources: object, context: str = "sell", name: str = "fulfillment") -> dict[str, object]:
    return {"apiContext": context, "apiName": name, "apiVersion": "v1", "resources": list(resources)}


def resource(*rates: object) -> dict[str, object]:
    return {"name": "sell.fulfillment.order", "rates": list(rates)}


def of(connect, *apis: object) -> list[RateLimit]:
    return rate_limits(connect(json_answer({"rateLimits": list(apis)})).client)


def test_the_documented_answer_becomes_typed_rows(connect):
    assert of(connect, api(resource(RATE))) == [
        RateLimit(
            api_context="sell", api_name="fulfillment", resource="sell.fulfillment.order",
            limit=100_000, count=123, remaining=99_877,
            reset_at=datetime(2026, 11, 22, 8, tzinfo=UTC), window=timedelta(days=1),
        )
    ]  # fmt: skip


def test_it_asks_for_all_apis_or_for_one(connect):
    connected = connect(json_answer({"rateLimits": []}), json_answer({"rateLimits": []}))
    rate_limits(connected.client)
    rate_limits(connected.client, api_context="tradingapi", api_name="tradingapi")
    everything, one = connected.server.requests
    assert everything.target == "/developer/analytics/v1_beta/rate_limit/"
    assert one.params == {"api_context": "tradingapi", "api_name": "tradingapi"}


def test_no_content_is_an_empty_list(connect):
    assert rate_limits(connect(answer(204, b"", None)).client) == []


def test_a_resource_that_was_never_used_has_no_row(connect):
    never, empty = {"name": "a"}, {"name": "b", "rates": None}
    assert len(of(connect, api(never, empty, resource(RATE)))) == 1


def test_several_windows_of_one_resource_are_several_rows(connect):
    short = RATE | {"limit": 300, "remaining": 290, "count": 10, "timeWindow": 15}
    assert [row.window for row in of(connect, api(resource(RATE, short)))] == [
        timedelta(days=1),
        timedelta(seconds=15),
    ]


def test_names_are_lower_case_and_keys_are_found_however_they_are_written(connect):
    odd = {"Limit": "5000", "REMAINING": "4000", "time_window": "86400", "Reset": "2026-11-22T08:00:00+0000"}
    apis = {
        "APIContext": "TradingAPI",
        "apiname": "TradingAPI",
        "Resources": [{"Name": "All", "rates": [odd]}],
    }
    (row,) = of(connect, apis)
    assert (row.api_context, row.api_name, row.resource) == ("tradingapi", "tradingapi", "all")
    assert (row.limit, row.count, row.remaining) == (5000, 1000, 4000)
    assert row.reset_at == datetime(2026, 11, 22, 8, tzinfo=UTC)


@pytest.mark.parametrize(
    ("rate", "numbers"),
    [
        ({"limit": 10, "count": 3}, (10, 3, 7)),
        ({"limit": 10, "remaining": 4}, (10, 6, 4)),
        ({"count": 3, "remaining": 7}, (10, 3, 7)),
        ({"limit": 10, "count": 12}, (10, 12, 0)),
        ({"limit": 10, "count": 12, "remaining": 0}, (10, 12, 0)),
    ],
)
def test_a_missing_number_follows_from_the_others(connect, rate, numbers):
    (row,) = of(connect, api(resource(rate)))
    assert (row.limit, row.count, row.remaining) == numbers


@pytest.mark.parametrize(
    "rate",
    [{}, {"limit": 10}, {"remaining": 10}, {"limit": "many", "count": 1}, {"limit": True, "count": 1}, []],
)
def test_a_rate_without_readable_numbers_is_left_out(connect, rate):
    assert len(of(connect, api(resource(rate, RATE)))) == 1


@pytest.mark.parametrize("reset", [None, "", "tomorrow", 1763668800, "2026-13-01T00:00:00Z"])
def test_an_unreadable_reset_leaves_the_numbers(connect, reset):
    (row,) = of(connect, api(resource(RATE | {"reset": reset, "timeWindow": -1})))
    assert (row.reset_at, row.window, row.limit) == (None, None, 100_000)


@pytest.mark.parametrize("document", [{}, {"rateLimits": None}, {"rateLimits": ["x", {"resources": {}}]}])
def test_an_answer_without_limits_is_an_empty_list(connect, document):
    assert rate_limits(connect(json_answer(document)).client) == []


def test_its_own_quota_being_used_up_is_said(connect):
    with pytest.raises(errors.RateLimited):
        rate_limits(connect(rest_error(429, 2001)).client)
