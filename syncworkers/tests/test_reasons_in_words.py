"""Every reason reads well wherever the console shows it: what happened, where, what to do."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from accounts.models import EbayAccount, Role
from syncworkers.admin.words import ADVICE, advice
from syncworkers.models import FailedSlice, Reason, SyncState, SyncSwitch
from tests.api_callers import as_member
from tests.factories import AccountFactory, RunFactory, SyncStateFactory, give_token
from tokens.models import ApiPause

from .running import ago
from .test_admin_workers import board, client_of, line_of

pytestmark = pytest.mark.django_db

WHAT_EBAY_SAID = "getOrders: eBay answered HTTP 503"


@pytest.fixture
def account() -> EbayAccount:
    account = AccountFactory(house_name="Warehouse-A")
    SyncStateFactory(account=account)
    return account


def page(account: EbayAccount, name: str, *args) -> str:
    answer = client_of(account, Role.VIEWER).get(reverse(f"admin:{name}", args=args))
    assert answer.status_code == 200
    return " ".join(answer.content.decode().split())


def in_words(reason: Reason) -> str:
    return str(escape(f"{reason.label}. {ADVICE[reason]}"))


@pytest.mark.parametrize("reason", Reason)
def test_the_run_page_says_what_happened_and_what_to_do(account, reason):
    run = RunFactory(account=account, status="error", reason=reason, error=WHAT_EBAY_SAID)
    html = page(account, "run", run.pk)
    assert in_words(reason) in html
    assert WHAT_EBAY_SAID in html and "Orders of" in html and "Warehouse-A" in html


@pytest.mark.parametrize("reason", Reason)
def test_the_list_of_runs_says_the_reason(account, reason):
    RunFactory(account=account, status="partial", reason=reason)
    rows = page(account, "syncworkers_workerrun_changelist").partition("<tbody")[2]
    assert str(escape(reason.label)) in rows


ENDS = [
    Reason.SILENT, Reason.DRIFT, Reason.QUARANTINE, Reason.EBAY_UNAVAILABLE, Reason.EBAY_REFUSED,
    Reason.SIGNATURE_REFUSED, Reason.TOKEN_UNAVAILABLE, Reason.BAD_CURSOR, Reason.INTERNAL_ERROR,
    Reason.MISSING_SCOPE, Reason.PAUSED, Reason.NEEDS_RECONNECT,
]  # fmt: skip


@pytest.mark.parametrize("reason", ENDS)
def test_the_board_says_how_the_last_run_failed_and_what_to_do(account, reason):
    SyncState.objects.update(last_error=WHAT_EBAY_SAID)
    RunFactory(account=account, status="error", reason=reason)
    assert f"{WHAT_EBAY_SAID}. {escape(ADVICE[reason])}" in line_of(board(account), "orders")


def not_connected(account: EbayAccount) -> None:
    account.token.delete()


def revoked(account: EbayAccount) -> None:
    give_token(account, refresh_error="invalid_grant: revoked")


def narrow(account: EbayAccount) -> None:
    give_token(account, granted_scopes=["https://api.ebay.com/oauth/api_scope"])


def paused(account: EbayAccount) -> None:
    ApiPause.objects.create(environment="simulator", api="fulfillment", until=ago(minutes=-5))


def all_off(account: EbayAccount) -> None:
    EbayAccount.objects.update(workers_enabled=False)


def red_button(account: EbayAccount) -> None:
    SyncSwitch.objects.create(organization=account.organization, enabled=False)


def elsewhere(account: EbayAccount) -> None:
    EbayAccount.objects.update(environment="nowhere")


HELD_BACK = [
    (not_connected, Reason.NOT_CONNECTED), (revoked, Reason.NEEDS_RECONNECT), (narrow, Reason.MISSING_SCOPE),
    (paused, Reason.PAUSED), (all_off, Reason.WORKERS_DISABLED), (red_button, Reason.WORKERS_DISABLED),
    (elsewhere, Reason.NOT_IN_ENVIRONMENT),
]  # fmt: skip


@pytest.mark.parametrize(("hold", "reason"), HELD_BACK)
def test_the_board_says_what_holds_a_worker_back_and_what_to_do(
    account, hold: Callable[[EbayAccount], None], reason
):
    hold(account)
    html = line_of(board(account), "orders")
    assert "Does not run: " in html
    assert str(escape(ADVICE[reason])) in html.partition("Does not run: ")[2]


def test_a_breaker_that_is_open_keeps_saying_the_cause(account):
    """Also after a run that was skipped because of it."""
    SyncState.objects.update(last_error=WHAT_EBAY_SAID, failed_in_row=5, breaker_until=ago(minutes=-4))
    RunFactory(account=account, status="skipped", reason=Reason.BREAKER_OPEN)
    html = line_of(board(account), "orders")
    assert "Paused after 5 failed runs in a row until" in html and ">Try now</button>" in html
    assert WHAT_EBAY_SAID in html


def test_a_retry_that_waits_says_that_nothing_is_to_do(account):
    SyncState.objects.update(last_error=WHAT_EBAY_SAID)
    RunFactory(account=account, trigger="retry", attempt=2, not_before=ago(minutes=-1))
    html = line_of(board(account), "orders")
    assert f"{WHAT_EBAY_SAID}. It is tried again by itself." in html
    assert "try 2" in html


@pytest.mark.parametrize("reason", [Reason.DRIFT, Reason.QUARANTINE, Reason.EBAY_UNAVAILABLE])
def test_a_part_that_failed_says_why_in_the_list_of_gaps(account, reason):
    now = timezone.now()
    FailedSlice.objects.create(
        account=account, api_family="orders", start_at=now - timedelta(days=2), end_at=now, reason=reason,
        evidence=WHAT_EBAY_SAID, failed_at=now, retry_at=now + timedelta(hours=1),
    )  # fmt: skip
    html = page(account, "syncworkers_failedslice_changelist")
    assert in_words(reason) in html


def test_of_a_part_that_ebay_no_longer_gives_no_next_try_is_promised(account):
    now = timezone.now()
    for days, family in ((800, "orders"), (100, "orders"), (100, "unheard of")):
        FailedSlice.objects.create(
            account=account, api_family=family, start_at=now - timedelta(days=days),
            end_at=now - timedelta(days=days - 1), reason=Reason.DRIFT, failed_at=now, retry_at=now,
        )  # fmt: skip
    assert page(account, "syncworkers_failedslice_changelist").count("eBay no longer gives this time") == 1


def test_a_reason_of_another_release_is_shown_without_advice():
    assert advice("unheard of") == ""


def test_in_the_sandbox_post_order_is_said_to_be_missing():
    account = AccountFactory(environment="sandbox", token=False)
    html = board(account)
    for family in ("cases", "inquiries", "returns"):
        assert "Does not run: Not available in sandbox: eBay does not offer this API" in line_of(html, family)
        body = {"account_id": account.pk, "api": family}
        operator = as_member("operator", account.organization)
        said = operator.post("/api/ebay/workers/run", body, format="json").json()
        assert (said["status"], said["reason"]) == ("skipped", "not_in_environment")
        assert said["reason_text"].startswith("Not available in sandbox")
    assert "Not available in sandbox" not in line_of(html, "orders")
