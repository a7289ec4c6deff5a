"""Refreshing through the API, with eBay's identity service on the other side."""

import json

import pytest

from accounts.models import AuditEvent
from tests.api_callers import as_member
from tests.factories import REFRESH_TOKEN, AccountFactory
from tokens.models import EbayToken, TokenRefreshLog

pytestmark = pytest.mark.django_db(transaction=True)
DEBUG = "/api/admin/ebay/token/refresh-debug"


@pytest.fixture
def account(simulator):
    # The simulator has never granted this refresh token: it answers invalid_grant.
    return AccountFactory()


@pytest.fixture
def admin(account):
    return as_member("admin", account.organization)


def test_a_refusal_of_ebay_is_told_and_logged(admin, account):
    response = admin.post(f"/api/ebay-accounts/{account.pk}/refresh-token")
    assert response.status_code == 200
    body = response.json()
    assert (body["success"], body["error_code"]) == (False, "invalid_grant")
    assert TokenRefreshLog.objects.get().triggered_by == "admin"
    assert AuditEvent.objects.get(action="token_refresh").result.startswith("invalid_grant")
    row = admin.get(f"/api/ebay-accounts/{account.pk}/").json()
    assert row["status"] == "needs_reconnect"


def test_debug_shows_the_very_exchange_masked(admin, account):
    body = admin.post(DEBUG, {"ebay_account_id": account.pk}, format="json").json()
    assert set(body) == {
        "account", "environment", "success", "error", "error_description", "request", "response",
    }  # fmt: skip
    assert (body["success"], body["error"], body["environment"]) == (False, "invalid_grant", "simulator")
    assert body["account"] == {"id": account.pk, "house_name": account.house_name}
    assert body["response"]["status"] == 400
    assert "grant_type=refresh_token" in str(body["request"]["body"])
    text = json.dumps(body)
    assert REFRESH_TOKEN not in text and "canary-refresh" not in text
    terminal = admin.get("/api/admin/ebay/tokens/terminal-logs").json()["results"]
    assert terminal[0]["request"] == body["request"]
    assert (terminal[0]["source"], terminal[0]["action"]) == ("debug", "token_refresh_debug")


def test_debug_without_an_exchange_says_so(admin, account):
    EbayToken.objects.update(access_token_sealed="", refresh_token_sealed="")
    body = admin.post(DEBUG, {"ebay_account_id": account.pk}, format="json").json()
    assert (body["success"], body["error"], body["request"], body["response"]) == (
        False,
        "not_connected",
        {},
        {},
    )
