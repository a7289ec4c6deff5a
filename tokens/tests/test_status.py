"""The status of an account: the first that fits wins."""

from __future__ import annotations

import base64
import dataclasses
from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import EbayAccount
from tests.factories import REFRESH_TOKEN, AccountFactory
from tokens import sealing
from tokens.status import account_status, binding

from .linked import change_token

pytestmark = pytest.mark.django_db

NOW = timezone.now()
SOON, LATER, PAST = (
    NOW + timedelta(minutes=15),
    NOW + timedelta(minutes=15, seconds=1),
    NOW - timedelta(seconds=1),
)
TRANSIENT = "server_error: eBay answered HTTP 500"


def status_of(account: EbayAccount):
    return account_status(EbayAccount.objects.get(pk=account.pk), now=NOW)


def sealed(account: EbayAccount, value: str, **elsewhere: object) -> str:
    return sealing.key_ring().seal(value, dataclasses.replace(binding(account, "refresh_token"), **elsewhere))


@pytest.mark.parametrize(
    ("values", "code"),
    [
        ({"expires_at": LATER}, "healthy"),
        ({"expires_at": SOON}, "expiring_soon"),
        ({"expires_at": NOW}, "expired"),
        ({"expires_at": None}, "unknown"),
        ({"expires_at": LATER, "refresh_error": TRANSIENT}, "error"),
        ({"expires_at": PAST, "refresh_error": TRANSIENT}, "error"),
        ({"expires_at": None, "refresh_error": TRANSIENT}, "error"),
        ({"expires_at": LATER, "refresh_error": "invalid_grant: revoked"}, "needs_reconnect"),
        ({"expires_at": LATER, "refresh_error": "invalid_scope: gone"}, "needs_reconnect"),
        ({"expires_at": LATER, "refresh_token_expires_at": NOW}, "needs_reconnect"),
        ({"expires_at": LATER, "refresh_error": TRANSIENT, "refresh_token_sealed": ""}, "needs_reconnect"),
        ({"refresh_token_sealed": "", "access_token_sealed": ""}, "not_connected"),
        (
            {
                "refresh_token_sealed": "",
                "access_token_sealed": "",
                "refresh_error": "invalid_grant: revoked",
            },
            "not_connected",
        ),
    ],
)
def test_the_first_match_wins(values, code):
    account = AccountFactory()
    change_token(account, **values)
    assert status_of(account).code == code


def test_an_account_without_a_token_row_is_not_connected():
    assert status_of(AccountFactory(token=False)).code == "not_connected"


def test_the_reason_quotes_the_refresh_error():
    account = AccountFactory()
    change_token(account, refresh_error=TRANSIENT)
    assert TRANSIENT in status_of(account).reason


@pytest.mark.parametrize("code", ["needs_reconnect", "not_connected"])
def test_some_need_a_person(code):
    account = AccountFactory()
    lost = {"refresh_token_sealed": ""} | ({"access_token_sealed": ""} if code == "not_connected" else {})
    change_token(account, **lost)
    assert status_of(account).code == code
    assert status_of(account).needs_person


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda account: "", "no_refresh_token"),
        (lambda account: REFRESH_TOKEN, "decrypt_failed"),
        (lambda account: f"ENC:v1:{REFRESH_TOKEN}", "decrypt_failed"),
        (lambda account: sealed(account, sealed(account, REFRESH_TOKEN)), "decrypt_failed"),
        (lambda account: sealed(account, "something else"), "decrypt_failed"),
        (lambda account: sealed(account, "v^ not quite"), "decrypt_failed"),
        (lambda account: sealed(account, REFRESH_TOKEN, account_id=0), "decrypt_failed"),
        (lambda account: sealed(account, REFRESH_TOKEN, environment="production"), "decrypt_failed"),
    ],
    ids=["empty", "plain", "legacy", "twice", "not-v^", "blank", "other-account", "other-environment"],
)
def test_a_refresh_token_that_cannot_be_used_needs_a_reconnect(make, reason):
    account = AccountFactory()
    change_token(account, refresh_token_sealed=make(account), expires_at=LATER)
    status = status_of(account)
    assert (status.code, status.reason.split(":")[0]) == ("needs_reconnect", reason)


def test_it_heals_when_the_key_is_back(settings):
    account = AccountFactory()
    keys = settings.TOKEN_ENCRYPTION_KEYS
    settings.TOKEN_ENCRYPTION_KEYS = [base64.b64encode(bytes(range(100, 132))).decode()]
    assert "not in TOKEN_ENCRYPTION_KEYS" in status_of(account).reason
    settings.TOKEN_ENCRYPTION_KEYS = []
    assert "cannot be used" in status_of(account).reason
    settings.TOKEN_ENCRYPTION_KEYS = keys
    assert status_of(account).code == "healthy"


def test_the_status_does_not_depend_on_who_looks_or_on_being_active():
    account = AccountFactory(is_active=False)
    change_token(account, expires_at=LATER)
    assert status_of(account).code == "healthy"
