"""The rules of the quotas: pure functions of the counts."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

import pytest

from ebayconnector.ebay import endpoints
from ebayconnector.ebay.analytics import RateLimit
from ebayconnector.ebay.endpoints import Endpoint
from tokens.quotas import (
    DAY,
    DEFAULT_LIMITS,
    Counts,
    Demand,
    Lane,
    block_size,
    default_limit,
    effective_interval,
    forecast,
    lane_of,
    per_day,
    quota_api,
    reported_quotas,
    room,
    schedule_budget,
    stretch,
)

HOUR, MINUTE = timedelta(hours=1), timedelta(minutes=1)
FIVE = 5 * MINUTE


def counts(used=0, *, limit=5000, history_used=0, scheduled=0.0, left=DAY) -> Counts:
    return Counts(limit, used, history_used, scheduled, left)


def test_every_call_that_we_make_has_a_known_quota():
    calls = [one for one in vars(endpoints).values() if isinstance(one, Endpoint)]
    assert len(calls) > 10
    assert {quota_api(call.api, call.name) for call in calls} <= set(DEFAULT_LIMITS)


def test_an_unknown_api_is_called_carefully():
    assert default_limit("brand_new") == min(DEFAULT_LIMITS.values())


def test_each_kind_of_grant_has_its_own_quota():
    quotas = [quota_api("token", call.name) for call in (endpoints.TOKEN, endpoints.REFRESH_TOKEN)]
    assert quotas == ["token.authorization_code", "token.refresh_token"]


def test_tokens_go_first_whoever_asks():
    assert lane_of("token", Lane.HISTORY) == Lane.FIRST
    assert lane_of("trading", Lane.HISTORY) == Lane.HISTORY


@pytest.mark.parametrize(("lane", "last"), [(Lane.MANUAL, 4950), (Lane.SCHEDULE, 4750)])
def test_a_lane_ends_where_the_reserve_of_those_above_begins(lane, last):
    assert room(lane, counts(last - 1)) == 1
    assert room(lane, counts(last)) == 0


def test_history_leaves_what_the_schedule_still_needs():
    half_day = counts(1000, scheduled=4000, left=12 * HOUR, history_used=999)
    assert room(Lane.HISTORY, half_day) == 4750 - 1000 - 2000


def test_history_gets_its_small_part_even_when_the_schedule_could_use_all():
    starved = counts(2000, scheduled=50_000, left=12 * HOUR)
    assert room(Lane.HISTORY, starved) == 5000 * 10 // 100 * 3 // 4
    assert room(Lane.HISTORY, counts(2000, scheduled=50_000, left=12 * HOUR, history_used=375)) == 0


def test_a_new_account_arrives_also_when_the_day_has_just_begun():
    assert room(Lane.HISTORY, counts(0, scheduled=50_000)) == 250
    assert room(Lane.HISTORY, counts(88, scheduled=50_000, history_used=80)) == 170


def test_history_never_goes_into_the_reserve():
    assert room(Lane.HISTORY, counts(4745, scheduled=0, left=HOUR)) == 5
    assert room(Lane.HISTORY, counts(4760, scheduled=0, left=HOUR)) < 0


def test_blocks_shrink_when_little_is_left():
    assert [block_size(left) for left in (5000, 200, 100, 19, 1, 0, -5)] == [10, 10, 5, 1, 1, 0, 0]
    assert block_size(5000, 0) == 0


def test_demand_of_a_day():
    assert per_day([Demand(40, 1.5, FIVE), Demand(10, 1, HOUR)]) == 40 * 1.5 * 288 + 240


def test_within_the_budget_nothing_is_stretched():
    assert stretch(counts(1000, left=12 * HOUR), 4000) == 1
    assert effective_interval(FIVE, counts(1000, left=12 * HOUR), 4000) == FIVE


def test_twice_the_budget_doubles_the_intervals():
    # 4700, less the 500 that are history's share of a whole day.
    assert stretch(counts(), 8400) == pytest.approx(2)
    assert effective_interval(FIVE, counts(), 8400) == 10 * MINUTE


def test_what_history_has_had_is_not_kept_for_it_again():
    assert schedule_budget(counts(500, history_used=500)) == 4700 - 500
    assert schedule_budget(counts(500, history_used=400)) == 4700 - 500 - 100
    assert schedule_budget(counts(500, history_used=0, left=6 * HOUR)) == 4700 - 500 - 125


def test_what_was_saved_in_the_morning_is_spent_in_the_afternoon():
    spent, saved = counts(2250, left=12 * HOUR), counts(1000, left=12 * HOUR)
    assert stretch(saved, 9000) < stretch(spent, 9000)


def test_an_interval_that_crosses_the_reset_ends_at_the_new_days_pace():
    exhausted = counts(4900, left=HOUR)
    assert stretch(exhausted, 8400) == math.inf
    assert abs(effective_interval(FIVE, exhausted, 8400) - HOUR - 10 * MINUTE) < timedelta(seconds=1)
    # The part of the interval that has passed by the reset counts; the rest is paced by the new day.
    nearly = counts(4700 - 21 - 10, left=HOUR)
    today = stretch(nearly, 8400) * FIVE
    assert today > HOUR
    expected = HOUR + (1 - HOUR / today) * 10 * MINUTE
    assert abs(effective_interval(FIVE, nearly, 8400) - expected) < timedelta(seconds=1)


@pytest.mark.parametrize("left", [timedelta(0), timedelta(seconds=1), MINUTE, HOUR, DAY, 25 * HOUR])
@pytest.mark.parametrize("used", [0, 4600, 4750, 6000])
@pytest.mark.parametrize("wanted", [timedelta(seconds=1), FIVE, 7 * DAY])
def test_no_interval_is_shorter_than_wanted_or_without_end(wanted, used, left):
    interval = effective_interval(wanted, counts(used, left=left), 1e6)
    assert wanted <= interval < 10_000 * (wanted + DAY)


def test_the_forecast_ends_at_the_budget_when_the_demand_is_higher():
    assert forecast(counts(500, left=12 * HOUR), 2000) == 1500
    assert forecast(counts(500, left=12 * HOUR), 50_000) == 4700 - 250
    assert forecast(counts(4900, left=HOUR), 50_000) == 4900


# -- eBay's numbers ---------------------------------------------------------------------------------------

RESET = datetime(2026, 11, 22, 8, tzinfo=UTC)


def rate(context, name, resource, remaining, *, limit=5000, window=DAY):
    return RateLimit(context, name, resource, limit, limit - remaining, remaining, RESET, window)


def test_ebays_names_become_ours():
    found = reported_quotas(
        [
            rate("sell", "fulfillment", "sell.fulfillment", 90_000, limit=100_000),
            rate("sell", "fulfillment", "sell.fulfillment.refund", 3, limit=100_000),
            rate("buy", "browse", "buy.browse.item.bulk", 2),
            rate("sell", "finances", "payoutapi.sell.finances", 14_000, limit=15_000),
            rate("post-order", "post-order", "post-order.casemanagement", 10),
        ]
    )
    assert {api: one.remaining for api, one in found.items()} == {
        "fulfillment": 90_000, "finances": 14_000, "postorder.case": 10,
    }  # fmt: skip
    assert set(found) <= set(DEFAULT_LIMITS)


def test_of_tradings_calls_the_tightest_that_we_make_counts():
    found = reported_quotas(
        [
            rate("tradingapi", "tradingapi", "getuser", 4000),
            rate("tradingapi", "tradingapi", "getmyebayselling", 1200),
            rate("tradingapi", "tradingapi", "additem", 0, limit=100_000),
        ]
    )
    assert (found["trading"].limit, found["trading"].count) == (5000, 3800)


def test_short_windows_are_no_daily_quota():
    name = ("sell", "fulfillment", "sell.fulfillment.payment_dispute")
    daily, short = rate(*name, 249_000, limit=250_000), rate(*name, 0, window=FIVE)
    assert reported_quotas([short]) == {}
    assert reported_quotas([short, daily])["payment_dispute"].remaining == 249_000
    assert (
        reported_quotas([rate(*name, 7, window=timedelta(seconds=89_999))])["payment_dispute"].remaining == 7
    )
