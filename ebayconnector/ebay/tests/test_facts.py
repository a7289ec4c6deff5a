"""Hosts, sites, times and the clock."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ebayconnector.ebay.clock import ClockOffset
from ebayconnector.ebay.environments import environment_named
from ebayconnector.ebay.marketplaces import SITES, site_by_id, site_for_marketplace, site_named
from ebayconnector.ebay.timefmt import ebay_time, parse_ebay_time

SIMULATOR = "http://127.0.0.1:8900/"


def test_the_hosts_of_production_and_sandbox():
    production = environment_named("production", simulator_url="")
    assert (production.api, production.apiz) == ("https://api.ebay.com", "https://apiz.ebay.com")
    assert production.trading_url == "https://api.ebay.com/ws/api.dll"
    assert production.has_post_order
    sandbox = environment_named("sandbox", simulator_url="")
    assert (sandbox.auth, sandbox.apim) == ("https://auth.sandbox.ebay.com", "https://apim.sandbox.ebay.com")
    assert not sandbox.has_post_order


def test_the_simulator_serves_every_host():
    simulator = environment_named("simulator", simulator_url=SIMULATOR)
    hosts = {simulator.api, simulator.apiz, simulator.apim, simulator.auth}
    assert hosts == {"http://127.0.0.1:8900"}
    assert simulator.has_post_order


@pytest.mark.parametrize(("name", "url"), [("", SIMULATOR), ("Production", SIMULATOR), ("simulator", "")])
def test_no_environment_is_guessed(name, url):
    with pytest.raises(ValueError):
        environment_named(name, simulator_url=url)


@pytest.mark.parametrize("site", SITES, ids=lambda site: site.name)
def test_sites_are_found_by_id_and_name(site):
    assert site_by_id(site.site_id) is site
    assert site_named(site.name) is site
    assert site_for_marketplace(site.marketplace_id).marketplace_id == site.marketplace_id


def test_sites_as_ebay_numbers_them():
    germany = site_for_marketplace("EBAY_DE")
    assert (germany.site_id, germany.name, germany.locale, germany.currency) == (
        77,
        "Germany",
        "de-DE",
        "EUR",
    )
    assert site_for_marketplace("EBAY_GB").name == "UK"
    assert site_for_marketplace("EBAY_CA").site_id == 2
    assert (site_for_marketplace("EBAY_TW"), site_named("Nowhere"), site_by_id(999)) == (None, None, None)
    assert len(SITES) == 22


def test_ebay_times_are_utc_with_milliseconds():
    moment = datetime(2026, 11, 21, 9, 25, 43, 511_999, tzinfo=timezone(timedelta(hours=1)))
    assert ebay_time(moment) == "2026-11-21T08:25:43.511Z"
    with pytest.raises(ValueError, match="time zone"):
        ebay_time(datetime(2026, 11, 21))


@pytest.mark.parametrize(
    ("text", "microsecond"),
    [("2026-11-21T08:25:43.511Z", 511_000), ("2026-11-21T08:25:43Z", 0), ("2026-11-21T08:25:43.5Z", 500_000)],
)
def test_ebay_times_are_read(text, microsecond):
    assert parse_ebay_time(text) == datetime(2026, 11, 21, 8, 25, 43, microsecond, tzinfo=UTC)


@pytest.mark.parametrize(
    "text", ["", "2026-11-21", "2026-11-21T08:25:43", "2026-13-01T00:00:00Z", "soon", None]
)
def test_what_is_no_time_is_an_error(text):
    with pytest.raises(ValueError):
        parse_ebay_time(text)


@given(st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1), timezones=st.just(UTC)))
def test_times_come_back_to_the_millisecond(moment):
    assert timedelta(0) <= moment - parse_ebay_time(ebay_time(moment)) < timedelta(milliseconds=1)


NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)


def measure(clock: ClockOffset, *, offset: float, at: float, round_trip: float = 0.1) -> None:
    """An answer from a server that is `offset` seconds ahead, sent `at` seconds after NOW."""
    sent_at = NOW + timedelta(seconds=at)
    stamped = sent_at + timedelta(seconds=offset + round_trip / 2)
    clock.observe(
        stamped.replace(microsecond=0), sent_at=sent_at, received_at=sent_at + timedelta(seconds=round_trip)
    )


def test_without_a_measurement_our_own_clock_counts():
    clock = ClockOffset(lambda: NOW)
    assert (clock.now(), clock.uncertainty, clock.interval) == (NOW, None, None)


@given(st.floats(-3000, 3000), st.lists(st.floats(0, 60), min_size=1, max_size=20).map(sorted))
def test_the_true_offset_is_always_within_the_interval(offset, times):
    clock = ClockOffset(lambda: NOW + timedelta(seconds=times[-1]))
    for at in times:
        measure(clock, offset=offset, at=at)
    low, high = clock.interval
    assert low <= timedelta(seconds=offset) <= high


def test_measurements_across_the_second_narrow_it():
    clock = ClockOffset(lambda: NOW + timedelta(seconds=10))
    measure(clock, offset=2.3, at=0.0)
    wide = clock.uncertainty
    for step in range(20):
        measure(clock, offset=2.3, at=step * 0.37)
    assert clock.uncertainty < wide / 5
    assert abs(clock.offset - timedelta(seconds=2.3)) < timedelta(seconds=0.1)


def test_a_clock_that_was_set_is_followed():
    clock = ClockOffset(lambda: NOW + timedelta(seconds=10))
    measure(clock, offset=0, at=0)
    measure(clock, offset=-3600, at=10)
    assert abs(clock.offset + timedelta(hours=1)) < timedelta(seconds=1)


def test_what_was_known_gets_less_certain():
    later = [NOW]
    clock = ClockOffset(lambda: later[0])
    measure(clock, offset=0, at=0)
    fresh = clock.uncertainty
    later[0] = NOW + timedelta(hours=1)
    assert clock.uncertainty > fresh
