"""The one path to an access token: when it asks eBay, and what it sends."""

from __future__ import annotations

import base64
import dataclasses
import logging
from datetime import timedelta
from urllib.parse import parse_qs

import pytest
from django.db import transaction
from django.utils import timezone

from accounts.models import EbayAccount
from tests.factories import AccountFactory
from tokens import locks, sealing, wire
from tokens.models import ConnectLog, EbayToken, RefreshTrigger, TokenRefreshLog
from tokens.services import refresh
from tokens.services.refresh import TokenUnavailable, get_access_token, refresh_now
from tokens.status import account_status, binding

from .linked import (
    change_token,
    expired_account,
    linked_account,
    nothing_sent,
    stored,
    stored_access_token,
    stored_refresh_token,
    token_posts,
)

pytestmark = pytest.mark.django_db(transaction=True)


def test_a_live_token_costs_no_call(simulator):
    account = linked_account(simulator)
    assert get_access_token(account.pk) == stored_access_token(account)
    assert nothing_sent(simulator)


def test_one_question_is_enough_while_nothing_is_due(simulator, monkeypatch):
    account = linked_account(simulator)
    change_token(account, refresh_error="server_error: it is tried again")
    monkeypatch.setattr(locks, "read_token", lambda pk: pytest.fail("a second question"))
    assert get_access_token(account.pk) == stored_access_token(account)


@pytest.mark.parametrize("code", ["invalid_grant", "invalid_scope", "account_inactive", "not_connected"])
def test_a_living_token_of_a_refused_or_disconnected_account_is_never_handed_out(simulator, code):
    account = linked_account(simulator)
    match code:
        case "account_inactive":
            EbayAccount.objects.update(is_active=False)
        case "not_connected":
            EbayToken.objects.all().delete()
        case _:
            change_token(account, refresh_error=f"{code}: the owner revoked it")
    with pytest.raises(TokenUnavailable) as failure:
        get_access_token(account.pk)
    assert failure.value.code == code
    assert nothing_sent(simulator)


@pytest.mark.parametrize(("lives", "posts"), [(timedelta(seconds=290), 1), (timedelta(seconds=320), 0)])
def test_below_five_minutes_it_refreshes(simulator, lives, posts):
    get_access_token(linked_account(simulator, lives=lives).pk)
    assert len(token_posts(simulator)) == posts


def test_the_caller_says_how_long_the_token_must_live(simulator):
    account = linked_account(simulator, lives=timedelta(minutes=20))
    get_access_token(account.pk, min_ttl=timedelta(minutes=19))
    assert token_posts(simulator) == []
    get_access_token(account.pk, min_ttl=timedelta(minutes=21))
    assert len(token_posts(simulator)) == 1


def test_an_expired_token_is_refreshed_once_and_stored(simulator):
    account = expired_account(simulator)
    old = stored_access_token(account)
    token = get_access_token(account.pk)
    assert token != old
    assert stored_access_token(account) == token == get_access_token(account.pk)
    assert len(token_posts(simulator)) == 1


def test_a_success_is_recorded(simulator):
    account = expired_account(simulator)
    before = stored(account)
    refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    row, attempt = stored(account), TokenRefreshLog.objects.get()
    assert timedelta(minutes=119) < row.expires_at - timezone.now() <= timedelta(hours=2)
    assert row.last_refreshed_by == "admin"
    assert (row.lease_id, row.lease_until, row.version) == (None, None, before.version + 1)
    assert (attempt.success, attempt.triggered_by, attempt.error_code) == (True, "admin", "")
    assert (attempt.old_expires_at, attempt.new_expires_at) == (before.expires_at, row.expires_at)
    assert attempt.finished_at >= attempt.started_at


def test_a_token_of_unknown_age_is_refreshed(simulator):
    account = linked_account(simulator)
    change_token(account, expires_at=None)
    get_access_token(account.pk)
    assert len(token_posts(simulator)) == 1


def test_an_access_token_that_does_not_open_is_replaced(simulator):
    account = linked_account(simulator)
    change_token(account, access_token_sealed="ENC:v1:whatever")
    assert get_access_token(account.pk) == stored_access_token(account)
    assert len(token_posts(simulator)) == 1


# -- The refresh token ---------------------------------------------------------------------------------


def test_a_refresh_without_a_refresh_token_keeps_the_stored_one(simulator):
    account = expired_account(simulator)
    before, token = stored(account), stored_refresh_token(account)
    get_access_token(account.pk)
    assert stored_refresh_token(account) == token
    assert stored(account).refresh_token_expires_at == before.refresh_token_expires_at


def test_a_refresh_token_that_comes_replaces_the_stored_one(simulator):
    account = expired_account(simulator)
    came = "v^1.1#i^1#a-new-refresh-token"
    answer = {
        "access_token": "v^1.1#i^1#a-new-access-token", "expires_in": 7200, "refresh_token": came,
        "refresh_token_expires_in": 86_400, "token_type": "User Access Token",
    }  # fmt: skip
    simulator.fault("token", "replace_body", body=answer)
    assert get_access_token(account.pk) == "v^1.1#i^1#a-new-access-token"
    assert stored_refresh_token(account) == came
    assert stored(account).refresh_token_expires_at - timezone.now() <= timedelta(days=1)


# -- What is sent --------------------------------------------------------------------------------------


def test_the_opened_token_is_sent_as_it_is(simulator):
    account = expired_account(simulator)
    token = stored_refresh_token(account)
    get_access_token(account.pk)
    (sent,) = token_posts(simulator)
    assert parse_qs(sent["body"], strict_parsing=True) == {
        "grant_type": ["refresh_token"],
        "refresh_token": [token],
    }
    assert token.startswith("v^1.1#")


def test_every_trigger_sends_the_same_bytes(simulator):
    account = expired_account(simulator)
    get_access_token(account.pk)
    for trigger in (RefreshTrigger.SCHEDULED, RefreshTrigger.ADMIN, RefreshTrigger.DEBUG):
        assert refresh_now(account.pk, trigger=trigger).success
    sent = {
        (post["method"], post["path"], post["query"], post["body"], tuple(sorted(post["headers"].items())))
        for post in token_posts(simulator)
    }
    assert len(token_posts(simulator)) == 4
    assert len(sent) == 1


def seal(account, value, ring=None, **elsewhere):
    place = dataclasses.replace(binding(account, "refresh_token"), **elsewhere)
    return (ring or sealing.key_ring()).seal(value, place)


UNUSABLE = {
    "empty": lambda account, token: "",
    "plain": lambda account, token: token,
    "legacy": lambda account, token: f"ENC:v1:{token}",
    "twice-sealed": lambda account, token: seal(account, seal(account, token)),
    "foreign-key": lambda account, token: seal(account, token, sealing.KeyRing([bytes(range(9, 41))])),
    "other-account": lambda account, token: seal(account, token, account_id=account.pk + 1),
    "other-field": lambda account, token: seal(account, token, field="access_token"),
    "not-v^": lambda account, token: seal(account, f"ENC:{token}"),
    "blanks": lambda account, token: seal(account, f"{token} {token}"),
    "damaged": lambda account, token: seal(account, token)[:-8],
}


@pytest.mark.parametrize("case", UNUSABLE)
def test_what_is_no_refresh_token_is_never_sent(simulator, case):
    account = expired_account(simulator)
    token = stored_refresh_token(account)
    code = "no_refresh_token" if case == "empty" else "decrypt_failed"
    change_token(account, refresh_token_sealed=UNUSABLE[case](account, token))
    with pytest.raises(TokenUnavailable) as failure:
        get_access_token(account.pk)
    assert nothing_sent(simulator)
    assert (failure.value.code, failure.value.needs_reconnect) == (code, True)
    attempt, exchange = TokenRefreshLog.objects.get(), ConnectLog.objects.get()
    assert (attempt.success, attempt.error_code) == (False, code)
    assert exchange.error == f"{code}: {attempt.error_message}"
    assert (exchange.action, exchange.source, exchange.response) == ("token_refresh_failed", "on_demand", {})
    account.refresh_from_db()
    status = account_status(account, now=timezone.now())
    assert (status.code, status.reason.split(":")[0]) == ("needs_reconnect", code)
    assert stored(account).refresh_error == ""
    assert token not in exchange.error + str(exchange.request) + attempt.error_message


def test_an_unknown_key_is_a_loud_fault_of_this_process_that_heals(simulator, settings, caplog):
    account = expired_account(simulator)
    keys = settings.TOKEN_ENCRYPTION_KEYS
    settings.TOKEN_ENCRYPTION_KEYS = [base64.b64encode(bytes(range(9, 41))).decode()]
    with pytest.raises(TokenUnavailable):
        get_access_token(account.pk)
    assert any(
        record.levelno == logging.CRITICAL and "TOKEN_ENCRYPTION_KEYS" in record.message
        for record in caplog.records
    )
    settings.TOKEN_ENCRYPTION_KEYS = keys
    assert get_access_token(account.pk) == stored_access_token(account)


def test_without_any_usable_key_nothing_is_sent(simulator, settings):
    account = linked_account(simulator)
    settings.TOKEN_ENCRYPTION_KEYS = ["weak"]
    with pytest.raises(TokenUnavailable, match="decrypt_failed"):
        get_access_token(account.pk)
    assert nothing_sent(simulator)


# -- Who may not -----------------------------------------------------------------------------------------


def test_a_deactivated_account_is_left_alone(simulator):
    account = expired_account(simulator, is_active=False)
    with pytest.raises(TokenUnavailable, match="account_inactive"):
        get_access_token(account.pk)
    assert refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED).error_code == "account_inactive"
    assert nothing_sent(simulator)


@pytest.mark.parametrize("how", ["never", "blanked", "unknown"])
def test_without_a_token_there_is_nothing_to_refresh(simulator, how):
    account = AccountFactory(token=how == "blanked")
    change_token(account, access_token_sealed="", refresh_token_sealed="")
    with pytest.raises(TokenUnavailable) as failure:
        get_access_token(0 if how == "unknown" else account.pk)
    assert (failure.value.code, failure.value.needs_reconnect) == ("not_connected", True)
    assert nothing_sent(simulator)


def test_a_rejected_token_is_replaced_though_it_looks_alive(simulator):
    account = linked_account(simulator)
    old = stored_access_token(account)
    new = get_access_token(account.pk, rejected=old)
    assert new != old
    assert get_access_token(account.pk, rejected=old) == new
    assert len(token_posts(simulator)) == 1


def test_no_call_inside_a_transaction(simulator):
    account = expired_account(simulator)
    with pytest.raises(wire.HttpInsideTransaction), transaction.atomic():
        get_access_token(account.pk)
    assert nothing_sent(simulator)


def test_the_log_names_caller_and_masked_prefixes(simulator, caplog):
    caplog.set_level(logging.INFO)
    account = expired_account(simulator)
    token = stored_refresh_token(account)
    refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED)
    (line,) = [record.message for record in caplog.records if "token_refresh_path" in record.message]
    assert "caller=scheduled" in line
    assert f"account={account.pk}" in line
    assert "stored=enc:…" in line
    assert f"sent=v^1.…{token[-4:]} ({len(token)})" in line
    assert token not in caplog.text


def test_a_success_ends_the_failures_in_row(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "server_error", count=2)
    for _ in range(2):
        refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    assert refresh.failures_in_row(account.pk) == 2
    assert refresh_now(account.pk, trigger=RefreshTrigger.ADMIN).success
    assert refresh.failures_in_row(account.pk) == 0
    assert stored(account).refresh_error == ""
    assert stored(account).next_attempt_at is None
