"""Refused for good, or only for now: codes, pauses, and what is still handed out."""

from __future__ import annotations

import logging
from datetime import timedelta

import pytest
from django.utils import timezone

from tokens.models import ConnectLog, RefreshTrigger, TokenRefreshLog
from tokens.services.refresh import TokenUnavailable, get_access_token, refresh_now
from tokens.status import account_status

from .linked import (
    change_token,
    expired_account,
    linked_account,
    nothing_sent,
    stored,
    stored_access_token,
    token_posts,
)

pytestmark = pytest.mark.django_db(transaction=True)

TRANSIENT = [
    ("rate_limited", {}, "rate_limited"),
    ("server_error", {}, "server_error"),
    ("unavailable", {}, "server_error"),
    ("reset", {}, "network_error"),
    ("cut", {}, "server_error"),
    ("malformed_json", {}, "server_error"),
    ("wrong_content_type", {}, "server_error"),
    ("empty_body", {}, "server_error"),
    ("replace_body", {"body": {"expires_in": 7200}}, "server_error"),
    ("status", {"status": 400, "body": {"error": "invalid_request"}}, "exception"),
    ("status", {"status": 401, "body": {"error": "invalid_client"}}, "exception"),
]


@pytest.mark.parametrize(("kind", "more", "code"), TRANSIENT, ids=lambda value: str(value))
def test_a_passing_fault_is_retried_and_never_asks_for_a_reconnect(simulator, kind, more, code):
    account = expired_account(simulator)
    simulator.fault("token", kind, **more)
    with pytest.raises(TokenUnavailable) as failure:
        get_access_token(account.pk)
    assert (failure.value.code, failure.value.needs_reconnect) == (code, False)
    assert failure.value.retry_after > timedelta(0)
    row, attempt = stored(account), TokenRefreshLog.objects.get()
    assert row.refresh_error == f"{code}: {attempt.error_message}"
    assert (attempt.success, attempt.error_code) == (False, code)
    assert row.next_attempt_at > timezone.now()
    assert row.lease_id is None
    account.refresh_from_db()
    assert account_status(account, now=timezone.now()).code == "error"
    assert len(token_posts(simulator)) == 1


PERMANENT = [
    ("expired_token", {}, "invalid_grant"),
    ("status", {"status": 400, "body": {"error": "invalid_scope"}}, "invalid_scope"),
]


@pytest.mark.parametrize(("kind", "more", "code"), PERMANENT, ids=["invalid_grant", "invalid_scope"])
def test_a_refusal_for_good_ends_all_calls(simulator, caplog, kind, more, code):
    # Even a token that would still live is no longer used: the account's workers stop.
    account = linked_account(simulator, lives=timedelta(minutes=4))
    simulator.fault("token", kind, **more)
    for _ in range(2):
        with pytest.raises(TokenUnavailable) as failure:
            get_access_token(account.pk)
        assert (failure.value.code, failure.value.needs_reconnect) == (code, True)
        assert failure.value.retry_after is None
    assert refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED).error_code == code
    assert len(token_posts(simulator)) == 1
    account.refresh_from_db()
    assert account_status(account, now=timezone.now()).code == "needs_reconnect"
    critical = [record.message for record in caplog.records if record.levelno == logging.CRITICAL]
    assert any(account.house_name in line and code in line for line in critical)


def test_a_consent_that_its_owner_revoked_is_a_refusal_for_good(simulator):
    account = expired_account(simulator)
    simulator.post("tokens/revoke", seller=account.username)
    with pytest.raises(TokenUnavailable, match="invalid_grant"):
        get_access_token(account.pk)
    assert stored(account).refresh_error.startswith("invalid_grant: ")


def test_nobody_asks_while_the_pause_lasts_but_a_person(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "unavailable")
    for _ in range(3):
        with pytest.raises(TokenUnavailable, match="server_error"):
            get_access_token(account.pk)
    scheduled = refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED)
    assert (scheduled.success, scheduled.error_code) == (False, "server_error")
    assert len(token_posts(simulator)) == 1
    assert refresh_now(account.pk, trigger=RefreshTrigger.ADMIN).success


def test_after_the_pause_it_is_tried_again(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "unavailable")
    with pytest.raises(TokenUnavailable):
        get_access_token(account.pk)
    change_token(account, next_attempt_at=timezone.now() - timedelta(seconds=1))
    assert get_access_token(account.pk) == stored_access_token(account)


def test_the_pauses_grow(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "server_error", count=None)
    pauses = []
    for _ in range(4):
        refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
        pauses.append(stored(account).next_attempt_at - timezone.now())
    assert pauses == sorted(pauses)
    assert timedelta(seconds=10) < pauses[0] < timedelta(seconds=20)
    assert pauses[-1] > 4 * pauses[0]


def test_the_pauses_end_growing(simulator):
    account = expired_account(simulator)
    now = timezone.now()
    TokenRefreshLog.objects.bulk_create(
        TokenRefreshLog(account=account, triggered_by="scheduled", success=False, started_at=now)
        for _ in range(50)
    )
    simulator.fault("token", "server_error")
    refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    assert timedelta(minutes=11) < stored(account).next_attempt_at - timezone.now() < timedelta(minutes=19)


@pytest.mark.parametrize(("asked", "kept"), [(1234, 1234), (999_999_999, 3600)])
def test_ebays_own_word_on_the_pause_counts_up_to_an_hour(simulator, asked, kept):
    account = expired_account(simulator)
    simulator.fault("token", "rate_limited", retry_after=asked)
    refresh_now(account.pk, trigger=RefreshTrigger.ADMIN)
    pause = stored(account).next_attempt_at - timezone.now()
    assert timedelta(seconds=kept - 10) < pause <= timedelta(seconds=kept)


def test_a_live_token_is_handed_out_while_refreshing_fails(simulator):
    account = linked_account(simulator, lives=timedelta(minutes=4))
    simulator.fault("token", "unavailable")
    live = stored_access_token(account)
    assert [get_access_token(account.pk) for _ in range(3)] == [live] * 3
    assert len(token_posts(simulator)) == 1
    account.refresh_from_db()
    assert account_status(account, now=timezone.now()).code == "error"


def test_a_rejected_token_is_not_handed_out_again_while_refreshing_fails(simulator):
    account = linked_account(simulator)
    simulator.fault("token", "unavailable")
    for _ in range(2):
        with pytest.raises(TokenUnavailable, match="server_error"):
            get_access_token(account.pk, rejected=stored_access_token(account))


def test_a_keyset_that_is_gone_is_no_fault_of_the_account(simulator, settings):
    account = expired_account(simulator)
    settings.EBAY_APPLICATIONS = {"simulator": {"client_id": "", "client_secret": "", "runame": ""}}
    with pytest.raises(TokenUnavailable, match="exception: not configured") as failure:
        get_access_token(account.pk)
    assert not failure.value.needs_reconnect
    assert nothing_sent(simulator)


@pytest.mark.parametrize(
    ("kind", "action"),
    [
        ("expired_token", "token_refresh_failed"),
        ("rate_limited", "token_refresh_error"),
        ("unavailable", "token_refresh_error"),
        ("reset", "token_refresh_error"),
        ("cut", "token_refresh_error"),
        ("malformed_json", "token_refresh_error"),
        (None, "token_refreshed"),
    ],
)
def test_the_terminal_tells_what_became_of_the_exchange(simulator, kind, action):
    account = expired_account(simulator)
    if kind:
        simulator.fault("token", kind)
    refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED)
    row = ConnectLog.objects.get()
    assert (row.action, row.source, row.environment) == (action, "scheduled", "simulator")
    assert (row.account, row.organization) == (account, account.organization)


def test_the_terminal_shows_what_was_sent_masked(simulator):
    account = expired_account(simulator)
    refresh_now(account.pk, trigger=RefreshTrigger.DEBUG)
    row = ConnectLog.objects.get()
    (sent,) = token_posts(simulator)
    assert (row.action, row.source) == ("token_refresh_debug", "debug")
    assert row.request["method"] == "POST"
    assert row.request["url"].endswith(sent["path"])
    assert row.request["headers"]["Authorization"] == "***REDACTED***"
    assert "grant_type=refresh_token" in row.request["body"]
    assert "refresh_token=v%5E…" in row.request["body"]
    assert (row.response["status"], row.error) == (200, "")
    assert '"expires_in":7200' in row.response["body"].replace(" ", "")
    assert row.response["duration_ms"] >= 0
