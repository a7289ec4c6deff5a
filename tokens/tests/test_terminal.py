"""The terminal: what was really sent, from whichever trigger; rows that survive, and losses that are seen."""

from __future__ import annotations

import dataclasses
import logging
from datetime import UTC, datetime

import pytest
from django.db import transaction
from django.test import Client
from django.urls import reverse

from accounts.access import SYSTEM
from accounts.models import AuditEvent, Role
from ebayconnector.doctor import ebay
from ebayconnector.ebay.transport import Call, Caller, Exchange
from tests.factories import AccountFactory, MembershipFactory
from tokens import wire
from tokens.admin.exchanges import went_well
from tokens.models import ConnectLog, RefreshTrigger, TokenRefreshLog
from tokens.services import connect as connecting
from tokens.services.cycle import run_cycle_here
from tokens.services.debug import debug_refresh
from tokens.services.refresh import get_access_token, refresh_now

from .linked import change_token, expired_account, stored_access_token, stored_refresh_token, token_posts
from .test_reconnect import again

pytestmark = pytest.mark.django_db(transaction=True)


def terminal(account, **filters) -> str:
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=Role.ADMIN).user)
    return client.get(reverse("admin:terminal_rows"), filters).content.decode()


def test_all_four_triggers_send_the_same_and_stand_side_by_side(simulator):
    account = expired_account(simulator)
    assert debug_refresh(account, by=SYSTEM)[0].success
    assert refresh_now(account.pk, trigger=RefreshTrigger.ADMIN).success
    for refresh in (lambda: run_cycle_here(), lambda: get_access_token(account.pk)):
        change_token(account, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
        refresh()
    change_token(account, expires_at=datetime(2020, 1, 1, tzinfo=UTC))
    assert refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED).success

    sent = token_posts(simulator)
    headers = ("authorization", "content-type", "accept", "user-agent")
    said = [(post["path"], post["body"], *(post["headers"][name] for name in headers)) for post in sent]
    assert len(said) == 5
    assert len(set(said)) == 1
    rows = ConnectLog.objects.order_by("id")
    assert [(row.action, row.source) for row in rows] == [
        ("token_refresh_debug", "debug"), ("token_refreshed", "admin"), ("token_refreshed", "admin"),
        ("token_refreshed", "on_demand"), ("token_refreshed", "scheduled"),
    ]  # fmt: skip
    assert len({str(row.request) for row in rows}) == 1
    page = terminal(account)
    assert page.count("ec-badge ec-green") == 5
    order = [page.index(f"{word} · simulator") for word in ("scheduled", "on demand", "admin", "debug")]
    assert order == sorted(order)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": "status", "status": 400, "body": {"error": "invalid_grant"}},
        {"kind": "unavailable"},
        {"kind": "reset"},
        {"kind": "malformed_json"},
        {"kind": "replace_body", "body": {"expires_in": 7200}},
    ],
    ids=lambda fault: fault["kind"],
)
def test_what_brought_no_token_is_red(simulator, fault):
    account = expired_account(simulator)
    simulator.fault("token", **fault)
    result, exchange = debug_refresh(account, by=SYSTEM)
    assert not result.success
    assert not went_well(exchange)
    page = terminal(account)
    assert ("ec-badge ec-red" in page, "ec-badge ec-green" in page) == (True, False)


@pytest.mark.parametrize(
    ("values", "well"),
    [
        ({"action": "getUser", "response": {"status": 200, "body": "{}"}}, True),
        ({"action": "getUser", "response": {"status": 401, "body": ""}}, False),
        ({"action": "GetUser", "response": {"status": 200, "body": "<r><Ack>Success</Ack></r>"}}, True),
        ({"action": "GetUser", "response": {"status": 200, "body": "<r><Ack>Failure</Ack></r>"}}, False),
        ({"action": "token_refresh_failed", "error": "decrypt_failed: x"}, False),
    ],
)
def test_the_outcome_counts_not_the_answer_alone(values, well):
    assert went_well(ConnectLog(**values)) is well


# -- Rows survive ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("opens", [True, False])
def test_a_refresh_inside_a_transaction_is_refused_before_anything_that_a_rollback_would_hide(
    simulator, opens
):
    account = expired_account(simulator)
    if not opens:
        change_token(account, refresh_token_sealed="ENC:v1:lost")
    for refresh in (get_access_token, lambda pk: refresh_now(pk, trigger=RefreshTrigger.ADMIN)):
        with pytest.raises(wire.HttpInsideTransaction), transaction.atomic():
            refresh(account.pk)
    assert (token_posts(simulator), TokenRefreshLog.objects.count()) == ([], 0)
    refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    assert ConnectLog.objects.get().action == ("token_refreshed" if opens else "token_refresh_failed")


def test_the_exchanges_survive_when_what_follows_is_rolled_back(simulator, monkeypatch):
    account = expired_account(simulator)

    def failing_in_its_transaction(*arguments):
        raise RuntimeError("after the account was written")

    monkeypatch.setattr(connecting, "_save_token", failing_in_its_transaction)
    with pytest.raises(RuntimeError):
        again(account)
    assert [row.action for row in ConnectLog.objects.order_by("id")] == [
        "code_exchanged",
        "GetUser",
        "getUser",
    ]
    assert AuditEvent.objects.get(action="connect_failed").result.startswith("failed unexpectedly")


# -- What cannot be kept ---------------------------------------------------------------------------------


def test_an_exchange_that_cannot_be_kept_is_seen_and_the_token_is_not_lost(simulator, monkeypatch, caplog):
    account = expired_account(simulator)
    refresh_token = stored_refresh_token(account)

    def wrong_signature(exchange, *, missing):
        raise AssertionError

    monkeypatch.setattr(wire, "_request", wrong_signature)
    assert get_access_token(account.pk) == stored_access_token(account)
    row = ConnectLog.objects.get()
    assert (row.action, row.source, row.account, row.response) == (
        wire.NOT_KEPT, "on_demand", account, {"status": 200},
    )  # fmt: skip
    assert "could not be kept: TypeError" in terminal(account)
    assert not went_well(row)
    assert any(r.levelno == logging.ERROR and "KeepIdentityExchanges" in r.message for r in caplog.records)
    assert refresh_token not in caplog.text
    (finding,) = ebay.terminal()
    assert (finding.level, finding.detail) == ("problem", "1 exchange was not kept since yesterday")


def test_what_postgresql_cannot_store_is_replaced():
    account = AccountFactory()
    call = Call(
        environment="simulator", api="token", endpoint="token", method="POST", url="http://h/", attempt=1,
        headers={"X": "a"}, body=b"{}",
        caller=Caller(account_id=account.pk, source="admin", action="token_refresh"),
    )  # fmt: skip
    exchange = Exchange(
        call=call, status=502, headers={"X-Broken": "b\x00c", "Content-Type": "text/plain"}, body=b"a\x00z",
        started_at=datetime.now(UTC), duration_s=0.1, error=None,
    )  # fmt: skip
    for broken in (exchange, dataclasses.replace(exchange, error="half a pair \ud800")):
        wire.KeepIdentityExchanges().after_exchange(broken)
    kept = ConnectLog.objects.order_by("id").first()
    assert kept.response["body"] == "a\ufffdz"
    assert kept.response["headers"]["X-Broken"] == "b\ufffdc"
    assert not ConnectLog.objects.filter(action=wire.NOT_KEPT).exists()
