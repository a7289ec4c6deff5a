"""`/metrics`: Prometheus text for whoever has the token, and nothing of a customer in it."""

from __future__ import annotations

import re
import socket
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from ebayconnector.checks import metrics_token
from ebayconnector.metrics import GAUGES
from sniper.models import ExecutorClock
from sniper.tests.rows import AttemptFactory, SnipeFactory
from tests.factories import AccountFactory, NoticeFactory, RunFactory, SyncStateFactory
from tokens.models import ApiPause, ApiQuota, ProcessHeartbeat, TokenRefreshLog

TOKEN = "metrics-token-of-this-test"
LINE = re.compile(r'^([a-z_]+)(\{(?:[a-z]+="[^"]*",?)*\})? (-?[0-9.e+-]+)$')


@pytest.fixture
def token(settings) -> str:
    settings.METRICS_TOKEN = TOKEN
    return TOKEN


def scrape(given: str = TOKEN):
    return Client().get("/metrics", headers={"Authorization": f"Bearer {given}"})


def gauges() -> dict[str, float]:
    """Every sample by its name and labels; each line is of Prometheus' format."""
    response = scrape()
    assert (response.status_code, response["Content-Type"].split(";")[0]) == (200, "text/plain")
    found: dict[str, float] = {}
    for line in response.content.decode().splitlines():
        if not line.startswith("# "):
            match = LINE.match(line)
            assert match, line
            found[match[1] + (match[2] or "")] = float(match[3])
    return found


@pytest.mark.parametrize("given", ["", "wrong", f"{TOKEN} ", TOKEN.upper()])
def test_only_with_the_token(db, token, given):
    response = scrape(given)
    assert (response.status_code, response["WWW-Authenticate"]) == (401, "Bearer")
    assert Client().get("/metrics/").status_code == 401
    assert "ebay_" not in response.content.decode()


def test_without_a_token_in_the_settings_there_are_none(db, settings):
    settings.METRICS_TOKEN = ""
    assert scrape("").status_code == 404


def test_an_empty_installation_has_every_gauge(db, token):
    text = scrape().content.decode()
    for gauge in GAUGES:
        assert f"# HELP {gauge.name} " in text and f"# TYPE {gauge.name} gauge\n" in text
    assert len({gauge.name for gauge in GAUGES}) == len(GAUGES)


def process(kind: str, name: str, silent_s: float) -> ProcessHeartbeat:
    now = timezone.now()
    return ProcessHeartbeat.objects.create(
        host="secret-host", pid=len(name), kind=kind, name=name, release="1", key_ring="k", started_at=now,
        beat_at=now - timedelta(seconds=silent_s),
    )  # fmt: skip


def fill() -> None:
    now = timezone.now()
    account = AccountFactory(username="a-customer", house_name="Secret house")
    executor = process("sniper", "executor", 2)
    process("cluster", "core", 600)
    ExecutorClock.objects.create(
        process=executor, environment="simulator", offset_ms=-1500, error_ms=8, measured_at=now
    )
    RunFactory(account=account, not_before=now - timedelta(minutes=3))
    RunFactory(account=account, api_family="finances", status="error", reason="drift", finished_at=now)
    SyncStateFactory(account=account, last_success_at=now - timedelta(hours=2))
    SyncStateFactory(account=account, api_family="offers", breaker_until=now + timedelta(minutes=5))
    NoticeFactory(account=account)
    ApiPause.objects.create(environment="simulator", api="trading", until=now + timedelta(hours=1))
    for client in ("app-1", "app-2"):
        ApiQuota.objects.create(
            environment="simulator", client_id=client, api="browse", daily_limit=5000, made=7, held=3,
            reset_at=now + timedelta(hours=5), held_since=now,
        )  # fmt: skip
    TokenRefreshLog.objects.create(account=account, triggered_by="scheduled", started_at=now, success=False,
                                   error_code="invalid_grant")  # fmt: skip
    snipe = SnipeFactory(account=account, fire_at=now, end_time=now + timedelta(seconds=5))
    AttemptFactory(snipe=snipe, lateness_ms=12.0, latency_ms=80.0)
    SnipeFactory(account=account, status="lost", reason="outbid")


def test_it_says_what_the_tables_say(db, token):
    fill()
    found = gauges()
    exact = {
        'ebay_processes{kind="sniper",name="executor"}': 1,
        'ebay_accounts{environment="simulator"}': 1,
        'ebay_runs_active{family="orders",lane="1",status="queued"}': 1,
        'ebay_runs_last_hour{family="finances",status="error",reason="drift"}': 1,
        'ebay_breakers_open{family="offers"}': 1,
        'ebay_notices_open{kind="needs_reconnect"}': 1,
        'ebay_api_pauses{environment="simulator",api="trading"}': 1,
        'ebay_quota_used{environment="simulator",api="browse"}': 20,
        'ebay_quota_limit{environment="simulator",api="browse"}': 10_000,
        'ebay_token_refreshes_last_hour{result="failed",code="invalid_grant"}': 1,
        'ebay_snipes{status="scheduled",reason=""}': 1,
        'ebay_snipes{status="lost",reason="outbid"}': 1,
        "ebay_snipes_due_next_hour": 1,
        'ebay_snipe_attempts_last_day{no="1",outcome="accepted"}': 1,
        'ebay_snipe_lateness_seconds{quantile="0.99"}': 0.012,
        'ebay_snipe_latency_seconds{quantile="0.5"}': 0.08,
        'ebay_clock_offset_seconds{environment="simulator"}': -1.5,
        'ebay_clock_error_seconds{environment="simulator"}': 0.008,
    }
    assert {name: found.get(name) for name in exact} == exact
    assert 'ebay_processes{kind="cluster",name="core"}' not in found
    assert 600 <= found['ebay_process_heartbeat_age_seconds{kind="cluster",name="core"}'] < 700
    assert 180 <= found['ebay_runs_longest_wait_seconds{lane="1"}'] < 280
    assert 7200 <= found['ebay_worker_oldest_success_seconds{family="orders"}'] < 7300


def test_no_label_names_a_customer_a_machine_or_an_application(db, token):
    fill()
    text = scrape().content.decode()
    for word in ("a-customer", "Secret house", "secret-host", "app-1", "userid", "Organisation", TOKEN):
        assert word not in text


def test_it_only_reads(db, token, django_assert_max_num_queries):
    assert Client().post("/metrics").status_code == 405
    with django_assert_max_num_queries(len(GAUGES)):
        scrape()


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer(token, monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(nobody.getsockname()[1]))
        response = scrape()
        connection.close()
    monkeypatch.undo()
    assert (response.status_code, response.content) == (503, b"the database does not answer\n")


@pytest.mark.parametrize(("given", "problems"), [("", 0), ("short", 1), ("x" * 20, 0)])
def test_a_weak_token_is_refused_at_the_start(settings, given, problems):
    settings.DEBUG, settings.METRICS_TOKEN = False, given
    assert len(metrics_token(None)) == problems
