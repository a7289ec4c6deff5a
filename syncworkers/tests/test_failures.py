"""eBay or the token fail: what is stored stays, the cursor stays, the reason is told."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import EbayAccount
from syncworkers.locks import claim_next_run
from syncworkers.models import FailedSlice, Order, SyncState, WorkerLog, WorkerRun
from syncworkers.services import runs
from tests.factories import give_token
from tokens.models import ApiPause, EbayToken, TokenRefreshLog

from .running import (
    GET_ORDERS,
    ORDERS,
    ago,
    execute,
    iso,
    let_time_pass,
    run_family,
    run_orders,
    seller_account,
    state_of,
    stored,
    truth,
)

PATH = "/sell/fulfillment"


@pytest.fixture
def account(ebay):
    return seller_account(ebay)


BROKEN = ["server_error", "unavailable", "malformed_json", "cut", "reset", "empty_body", "wrong_content_type"]


@pytest.mark.parametrize("kind", BROKEN)
def test_answers_that_are_none_are_an_error_and_the_cursor_stays(ebay, account, kind):
    ebay.fault(PATH, kind, count=None)
    run = run_orders(account)
    assert (run.status, run.reason, run.more) == ("error", "ebay_unavailable", False)
    assert "getOrders" in run.error
    assert state_of(account).covered == []
    assert state_of(account).cursor_value == ""
    assert FailedSlice.objects.get().reason == "ebay_unavailable"
    # Three attempts, and one look whether eBay answers at all.
    assert len(ebay.requests(GET_ORDERS)) == 4

    ebay.delete("faults")
    let_time_pass(ebay)
    retry = WorkerRun.objects.get(status="queued")
    assert execute(retry.pk).status == "completed"
    assert stored(account) == truth(ebay, account)
    assert not FailedSlice.objects.exists()


def test_a_failure_in_the_middle_keeps_what_is_stored_and_says_partial(ebay, account, small_pages):
    ebay.post("orders", seller=account.username, count=25, created_at=iso(ago(hours=2)))
    ebay.fault(PATH, "server_error", skip=1, count=None)
    run = run_orders(account)
    assert (run.status, run.reason, run.pages) == ("partial", "ebay_unavailable", 1)
    assert Order.objects.count() == run.rows_stored == 10
    assert state_of(account).covered == []


def test_a_failed_pass_over_known_rows_stored_nothing_and_is_an_error(ebay, account, small_pages):
    ebay.post("orders", seller=account.username, count=25, created_at=iso(ago(hours=2)))
    ebay.fault(PATH, "server_error", skip=1, count=None)
    run_orders(account)
    WorkerRun.objects.filter(status="queued").delete()
    ebay.delete("faults")
    ebay.fault(PATH, "server_error", skip=1, count=None)
    assert run_orders(account).status == "error"


def test_a_failure_in_old_data_keeps_the_live_part_covered(ebay, account):
    ebay.fault(PATH, "server_error", skip=1, count=None)
    run = run_orders(account)
    assert run.status == "partial"
    (covered,) = state_of(account).covered
    assert covered.length < timedelta(hours=25)
    failed = FailedSlice.objects.get()
    assert failed.end_at == covered.start
    assert failed.retry_at - failed.failed_at == timedelta(hours=1)
    assert state_of(account).failed_in_row == 0


def fail_again(account) -> None:
    WorkerRun.objects.filter(status="queued").delete()
    run_orders(account)


def test_what_failed_is_still_tried_when_the_backfill_has_moved_on(ebay, account):
    run_orders(account)
    made = ebay.post(
        "orders", seller=account.username, created_at=iso(ago(days=95)), modified_at=iso(ago(days=95))
    )
    (order_id,) = made["orderIds"]
    FailedSlice.objects.create(
        account=account, api_family="orders", start_at=ago(days=95.5), end_at=ago(days=94.5),
        failed_at=ago(days=6), retry_at=ago(seconds=1), reason="ebay_unavailable",
    )  # fmt: skip
    assert run_orders(account).status == "completed"
    assert Order.objects.filter(order_id=order_id).exists()
    assert not FailedSlice.objects.exists()


def test_a_failing_live_part_is_one_gap_and_never_waits(ebay, account):
    ebay.fault(PATH, "server_error", count=None)
    for _ in range(3):
        fail_again(account)
    failed = FailedSlice.objects.get()
    assert failed.attempts == 1
    assert failed.retry_at == failed.failed_at


def test_failing_old_data_is_one_gap_that_waits_longer_each_time(ebay, account):
    ebay.fault(PATH, "server_error", skip=1, count=None)
    fail_again(account)
    ebay.fault(PATH, "server_error", skip=1, count=None)
    for hours in (6, 24, 24):
        FailedSlice.objects.update(retry_at=ago(seconds=1))
        ebay.delete("faults")
        ebay.fault(PATH, "server_error", skip=1, count=None)
        fail_again(account)
        failed = FailedSlice.objects.get()
        assert failed.retry_at - failed.failed_at == timedelta(hours=hours)
    assert failed.attempts == 4
    WorkerRun.objects.filter(status="queued").delete()
    # Before its time the gap is left alone: only the live part is read.
    ebay.delete("faults")
    let_time_pass(ebay)
    ebay.delete("requests")
    assert run_orders(account).status == "completed"
    assert len(ebay.requests(GET_ORDERS)) == 1


def test_retries_come_after_one_two_and_four_minutes_and_then_end(ebay, account):
    ebay.fault(PATH, "server_error", count=None)
    run = run_orders(account)
    pauses = []
    while (queued := WorkerRun.objects.filter(status="queued").first()) is not None:
        pauses.append(round((queued.not_before - run.finished_at).total_seconds()))
        assert (queued.trigger, queued.requested_by) == ("retry", "olga")
        assert claim_next_run(None) is None
        run = execute(queued.pk)
    assert pauses == [60, 120, 240]
    assert WorkerRun.objects.count() == 4


def test_the_client_waits_between_attempts_with_a_beat_each_second(ebay, account):
    ebay.fault(PATH, "server_error", count=2)
    naps = []

    def nap(seconds: float) -> None:
        naps.append(seconds)
        WorkerRun.objects.update(heartbeat_at=ago(minutes=5))

    run = run_orders(account, sleep=nap)
    assert run.status == "completed"
    assert max(naps) <= 1.0
    assert 4 <= sum(naps) <= 20
    assert WorkerLog.objects.filter(run=run, detail__attempts=3).exists()
    assert timezone.now() - run.heartbeat_at < timedelta(minutes=1)


def test_a_person_may_end_a_run_that_waits(ebay, account):
    ebay.fault(PATH, "server_error", count=None)
    run = run_orders(account, sleep=lambda s: runs.cancel_run(WorkerRun.objects.get(), by="olga") and None)
    assert (run.status, run.reason) == ("cancelled", "cancelled")
    assert len(ebay.requests(GET_ORDERS)) == 1


def test_429_pauses_the_api_and_no_run_is_claimed_until_it_is_over(ebay, account):
    ebay.fault(PATH, "rate_limited", count=None, retry_after=600)
    run = run_orders(account)
    assert (run.status, run.reason) == ("error", "paused")
    assert "Calls go on at" in run.error
    assert len(ebay.requests(GET_ORDERS)) == 1
    pause = ApiPause.objects.get()
    assert (pause.environment, pause.api, pause.account) == ("simulator", "fulfillment", None)
    assert state_of(account).failed_in_row == 0
    WorkerRun.objects.update(not_before=ago(seconds=1))
    assert claim_next_run(None) is None
    refused = runs.request_run(account, ORDERS, trigger="manual", by="olga")
    assert (refused.started, refused.reason) == (False, "paused")
    ApiPause.objects.update(until=ago(seconds=1))
    assert claim_next_run(None) is not None


def test_an_expired_token_is_refreshed_once_and_the_call_repeated(ebay, account):
    ebay.post("tokens/expire", seller=account.username)
    run = run_orders(account)
    assert run.status == "completed"
    assert [entry["status"] for entry in ebay.requests(GET_ORDERS)][:2] == [401, 200]
    assert len(ebay.requests("oauth2/token")) == 1


def test_a_token_that_is_refused_again_ends_the_run(ebay, account):
    ebay.fault(PATH, "expired_token", count=None)
    run = run_orders(account)
    assert (run.status, run.reason) == ("error", "token_unavailable")
    assert len(ebay.requests(GET_ORDERS)) == 2
    assert not FailedSlice.objects.exists()


def test_a_missing_scope_is_said_and_not_retried_at_once(ebay, account):
    seller = account.username
    narrow = ebay.post("tokens", seller=seller, scopes=["https://api.ebay.com/oauth/api_scope"])
    give_token(account, access=narrow["access_token"], refresh=narrow["refresh_token"])
    run = run_orders(account)
    assert (run.status, run.reason) == ("skipped", "missing_scope")
    assert not WorkerRun.objects.filter(status="queued").exists()
    # Its consent says otherwise: the breaker sees to it that eBay is not asked every five minutes.
    assert state_of(account).failed_in_row == 1


def test_a_revoked_consent_needs_a_person_and_is_not_retried(ebay, account):
    ebay.post("tokens/revoke", seller=account.username)
    run = run_orders(account)
    assert (run.status, run.reason) == ("error", "needs_reconnect")
    assert not WorkerRun.objects.filter(status="queued").exists()
    assert state_of(account).failed_in_row == 0
    account = EbayAccount.objects.get()
    assert runs.request_run(account, ORDERS, trigger="manual", by="o").reason == "needs_reconnect"


def test_an_identity_service_that_is_away_is_retried(ebay, account):
    EbayToken.objects.update(expires_at=ago(minutes=1))
    ebay.fault("oauth2/token", "unavailable", count=None)
    run = run_orders(account)
    assert (run.status, run.reason) == ("error", "token_unavailable")
    assert WorkerRun.objects.get(status="queued").trigger == "retry"


def test_what_ebay_refuses_is_not_repeated(ebay, account):
    body = {"errors": [{"errorId": 30700, "domain": "API_FULFILLMENT", "message": "Invalid filter"}]}
    ebay.fault(PATH, "status", status=400, body=body, count=None)
    run = run_orders(account)
    assert (run.status, run.reason) == ("error", "ebay_refused")
    assert "30700" in run.error
    assert not WorkerRun.objects.filter(status="queued").exists()


def test_five_failures_in_a_row_open_the_breaker_and_a_success_closes_it(ebay, account):
    ebay.fault(PATH, "server_error", count=None)
    pauses = []
    for _ in range(9):
        WorkerRun.objects.filter(status="queued").delete()
        SyncState.objects.update(breaker_until=None)
        run_orders(account)
        until = state_of(account).breaker_until
        pauses.append(round((until - timezone.now()).total_seconds() / 60) if until else 0)
    assert pauses == [0, 0, 0, 0, 5, 10, 20, 40, 60]
    WorkerRun.objects.filter(status="queued").delete()
    assert runs.request_run(account, ORDERS, trigger="manual", by="olga").reason == "breaker_open"

    ebay.delete("faults")
    SyncState.objects.update(breaker_until=ago(seconds=1))
    assert run_orders(account).status == "completed"
    state = state_of(account)
    assert (state.failed_in_row, state.breaker_until, state.last_error) == (0, None, "")


def test_a_token_that_cannot_be_had_counts_at_the_token_not_at_each_worker(ebay, account):
    EbayToken.objects.filter(account=account).update(expires_at=ago(minutes=1))
    ebay.fault("/identity/v1/oauth2/token", "server_error", count=1000)
    for family in ("orders", "transactions", "finances", "offers", "orders", "transactions"):
        WorkerRun.objects.filter(status="queued").delete()
        run = run_family(account, family)
        assert (run.status, run.reason) == ("error", "token_unavailable")
    assert set(SyncState.objects.values_list("failed_in_row", "breaker_until")) == {(0, None)}
    # The token's own pause keeps six runs from asking eBay six times.
    assert len(ebay.requests("/identity/v1/oauth2/token", limit=100)) == 1
    assert TokenRefreshLog.objects.filter(account=account, success=False).count() == 1
    ebay.delete("faults")
    EbayToken.objects.filter(account=account).update(next_attempt_at=None)
    WorkerRun.objects.filter(status="queued").delete()
    assert run_family(account, "orders").status == "completed"
