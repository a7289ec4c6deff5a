"""Payment disputes are of another API than cases: what holds them back does not hold cases back."""

from __future__ import annotations

from datetime import datetime

import pytest
from django.utils import timezone

from accounts.models import Purpose
from ebayconnector.ebay.endpoints import SCOPE_PAYMENT_DISPUTE
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers import selectors
from syncworkers.models import Case, PaymentDispute, WorkerLog, WorkerRun
from tests.api_callers import as_member
from tokens.models import ApiPause

from .running import ago, execute, run_family, seller_account, whole_truth
from .test_board_of_families import board, line_of

pytestmark = pytest.mark.django_db

DISPUTES = r"payment_dispute"
RECONNECT = "Payment disputes are not read: reconnect to grant sell.payment.dispute."
NOT_GRANTED = '{"errors":[{"errorId":1100}]}'


@pytest.fixture
def account(ebay):
    ebay.reset(orders=300)
    return seller_account(ebay, purpose=Purpose.BOTH)


def run_cases(account) -> WorkerRun:
    run = run_family(account, "cases")
    while run.more:
        run = execute(WorkerRun.objects.get(account=account, status="queued").pk)
    return run


def calls(ebay) -> int:
    return len(ebay.requests(DISPUTES, limit=10_000))


def held(account) -> list[tuple[str, str]]:
    row = next(row for row in selectors.worker_board(account) if row.worker.key == "cases")
    assert row.refusal is None
    return [(each.part.key, each.reason.value) for each in row.held_parts]


def test_without_the_scope_for_disputes_cases_go_on_and_console_and_api_say_reconnect(ebay, account):
    account.token.granted_scopes.remove(SCOPE_PAYMENT_DISPUTE)
    account.token.save()
    run = run_cases(account)
    assert (run.status, run.error, calls(ebay)) == ("completed", "", 0)
    assert Case.objects.exists()
    assert RECONNECT in line_of(board(account), "cases")
    viewer = as_member("viewer", account.organization)
    rows = viewer.get(f"/api/ebay/workers/config?account_id={account.pk}").json()["rows"]
    said = {row["api_family"]: row["held_back_parts"] for row in rows}
    part = {"part": "payment_disputes", "reason": "missing_scope", "reason_text": RECONNECT}
    assert said["cases"] == [part]
    assert said["orders"] == []


def test_a_scope_that_ebay_refuses_in_spite_of_the_consent_is_asked_for_again_after_a_new_one(ebay, account):
    ebay.fault("/payment_dispute_summary", "status", status=403, body=NOT_GRANTED, count=2)
    assert (run_cases(account).status, held(account)) == (
        "completed",
        [("payment_disputes", "missing_scope")],
    )
    asked = calls(ebay)
    run = run_cases(account)
    assert calls(ebay) == asked == 2
    assert WorkerLog.objects.filter(run_id=run.pk, event="part_held_back").count() == 1
    account.token.consented_at = timezone.now()
    account.token.save()
    run_cases(account)
    assert held(account) == []
    assert PaymentDispute.objects.exists()


def test_a_scope_that_ebay_refused_yesterday_is_tried_again(ebay, account):
    run_cases(account)
    account.token.consented_at = ago(days=9)
    account.token.save()
    states = account.sync_states.filter(api_family="cases")
    for hours, expected in ((23, [("payment_disputes", "missing_scope")]), (25, [])):
        states.update(refused_parts={"payment_disputes": ago(hours=hours).isoformat()})
        assert held(account) == expected
    run_cases(account)
    assert states.get().refused_parts is None


def test_a_rate_limit_of_disputes_pauses_their_api_and_not_that_of_cases(ebay, account):
    ebay.fault("/payment_dispute_summary", "status", status=429, body="{}", count=1)
    run = run_cases(account)
    assert (run.status, run.reason) == ("partial", "paused")
    assert "Payment disputes are not read: eBay asked us to pause this API." in run.error
    assert set(ApiPause.objects.values_list("api", flat=True)) == {"payment_dispute"}
    assert Case.objects.exists()
    assert held(account) == [("payment_disputes", "paused")]
    asked = calls(ebay)
    assert (run_cases(account).status, calls(ebay)) == ("partial", asked)
    ApiPause.objects.update(until=ago(seconds=1))
    assert run_cases(account).status == "completed"
    assert PaymentDispute.objects.exists()


def test_a_rate_limit_of_the_workers_own_api_pauses_that(ebay, account):
    ebay.fault("/post-order/v2/casemanagement", "status", status=429, body="{}", count=1)
    assert run_cases(account).reason == "paused"
    assert set(ApiPause.objects.values_list("api", flat=True)) == {"postorder.case"}


def test_an_outage_of_disputes_is_said_and_cases_are_read_to_their_end(ebay, account):
    ebay.fault("/payment_dispute_summary", "status", status=503, body="{}", count=3)
    run = run_cases(account)
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert "Payment disputes are not read: eBay did not answer properly." in run.error
    truth = [each for each in whole_truth(ebay, "cases", account) if opened(each) > ago(days=89.9)]
    assert {each["id"] for each in truth} <= set(Case.objects.values_list("case_id", flat=True))
    assert run_cases(account).status == "completed"
    assert PaymentDispute.objects.exists()


def opened(case) -> datetime:
    return parse_ebay_time(case["summary"]["creationDate"]["value"])
