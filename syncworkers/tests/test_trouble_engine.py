"""Cases, inquiries, returns and disputes in the lists of the simulator, late, never or with statuses."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import pytest

from accounts.access import SYSTEM
from accounts.models import Purpose
from ebayconnector.ebay import post_order, post_order_search
from ebayconnector.ebay.errors import Unavailable
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.models import Case, Inquiry, QuarantinedRecord, Return, SyncState, WorkerLog, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import history, rechecks, runs
from syncworkers.services.context import GaveWay
from syncworkers.services.slices import read_slice

from .running import (
    ago,
    calls,
    execute,
    let_time_pass,
    run_family,
    run_whole,
    seller_account,
    state_of,
    whole_truth,
)
from .trouble import DAY_S, NOT_KNOWN, an_hour_at_ebay, an_hour_later, old_case, trouble, unlist

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(ebay):
    ebay.reset(orders=300)
    return seller_account(ebay, purpose=Purpose.BOTH)


def test_trouble_is_read_18_months_back_in_windows_of_90_days(ebay, account):
    truth = whole_truth(ebay, "returns", account)
    created = [parse_ebay_time(each["summary"]["creationInfo"]["creationDate"]["value"]) for each in truth]
    assert min(created) < ago(days=180)
    runs.ensure_state(account, WORKERS["returns"])
    SyncState.objects.filter(api_family="returns").update(wanted_from=ago(days=1000))
    run_whole(account, "returns")
    reach = ago(days=539)
    expected = {each["id"] for each, at in zip(truth, created, strict=True) if at > reach}
    assert set(Return.objects.values_list("return_id", flat=True)) == expected
    spans = [
        [parse_ebay_time(query[f"creation_date_range_{end}"][0]) for end in ("from", "to")]
        for entry in ebay.requests(r"^/post-order/v2/return/search", limit=10_000)
        for query in [parse_qs(entry["query"])]
    ]
    assert max(end - start for start, end in spans) <= timedelta(days=90)
    assert ago(days=541) < min(start for start, _ in spans) < reach


@pytest.mark.parametrize(
    ("family", "kind", "model"), [("inquiries", "inquiry", Inquiry), ("returns", "return", Return)]
)
def test_what_is_open_is_read_again_until_it_is_closed(ebay, account, family, kind, model):
    key = trouble(ebay, account, kind)
    run_whole(account, family)
    name = WORKERS[family].table.natural_key[0]
    row = model.objects.get(**{name: key})
    assert (row.maturity, row.check_at is None) == ("open", False)
    ebay.patch(f"troubles/{key}", seller=account.username, step="close")
    let_time_pass(ebay, 3700)
    run_whole(account, family)
    row.refresh_from_db()
    assert (row.maturity, row.check_at) == ("final", None)


@pytest.mark.parametrize(("family", "model"), [("cases", Case), ("inquiries", Inquiry), ("returns", Return)])
def test_what_ebay_closes_is_seen_within_the_hour_however_far_its_next_look(ebay, account, family, model):
    key = trouble(ebay, account, "return" if family == "returns" else "inquiry")
    if family == "cases":
        key = ebay.patch(f"troubles/{key}", seller=account.username, step="escalate")["caseId"]
    # Older than what every run reads anew.
    let_time_pass(ebay, 31 * DAY_S)
    run_whole(account, family)
    row = model.objects.get(**{WORKERS[family].table.natural_key[0]: key})
    assert row.maturity == "open"
    model.objects.filter(pk=row.pk).update(check_at=ago(days=-60))
    ebay.patch(f"troubles/{key}", seller=account.username, step="close")
    let_time_pass(ebay, 3700)
    run_whole(account, family)
    row.refresh_from_db()
    assert (row.maturity, row.check_at) == ("final", None)


@pytest.mark.parametrize(
    ("refused", "answer", "reason"),
    [
        ("OPEN", {"status": 400, "count": 1}, "ebay_refused"),
        ("WAITING_CS", {"status": 400, "count": 1}, "ebay_refused"),
        ("ON_HOLD", {"status": 500, "count": None}, "ebay_unavailable"),
    ],
)
def test_a_status_that_ebay_does_not_list_is_said_and_what_was_open_is_read_all_the_same(
    ebay, account, refused, answer, reason
):
    key = old_case(ebay, account)
    ebay.patch(f"troubles/{key}", seller=account.username, step="close")
    let_time_pass(ebay, 3700)
    ebay.fault(f"case_status_filter={refused}", "status", **answer)
    run = run_family(account, "cases")
    assert (run.status, run.reason) == ("partial", reason)
    assert f"did not list what is {refused}" in run.error
    row = Case.objects.get(case_id=key)
    assert (row.maturity, row.check_at) == ("final", None)


def test_what_ebay_neither_lists_nor_knows_is_gone_until_it_is_listed_again(ebay, account):
    """It says so twice, an hour apart."""
    key = old_case(ebay, account)
    by_id = f"/post-order/v2/casemanagement/{key}"
    unlist(ebay, account, key)
    ebay.fault(by_id, "status", status=404, body=NOT_KNOWN, count=None)
    an_hour_at_ebay(ebay, account, "cases")
    assert Case.objects.get(case_id=key).closed_at is None
    an_hour_later(Case)
    an_hour_at_ebay(ebay, account, "cases")
    row = Case.objects.get(case_id=key)
    assert row.closed_at is not None and row.check_at is None
    assert WorkerLog.objects.filter(event="gone", message__contains=key).count() == 1
    asked = calls(ebay, by_id)
    an_hour_at_ebay(ebay, account, "cases")
    assert calls(ebay, by_id) == asked
    ebay.delete("faults")
    ebay.patch(f"troubles/{key}", seller=account.username, listed=True)
    state = SyncState.objects.get(account=account, api_family="cases")
    SyncState.objects.filter(pk=state.pk).update(covered=[])
    run_whole(account, "cases")
    row = Case.objects.get(case_id=key)
    assert (row.closed_at, row.maturity, row.check_at is None) == (None, "open", False)


@pytest.mark.parametrize(("family", "model"), [("cases", Case), ("inquiries", Inquiry), ("returns", Return)])
def test_what_becomes_visible_long_after_its_date_is_read_within_the_hour(ebay, account, family, model):
    key = trouble(ebay, account, "return" if family == "returns" else "inquiry")
    if family == "cases":
        key = ebay.patch(f"troubles/{key}", seller=account.username, step="escalate")["caseId"]
    unlist(ebay, account, key)
    let_time_pass(ebay, 20 * DAY_S)
    run_whole(account, family)
    name = WORKERS[family].table.natural_key[0]
    assert not model.objects.filter(**{name: key}).exists()
    ebay.patch(f"troubles/{key}", seller=account.username, listed=True)
    search = r"^/post-order/v2/\w+/search\?(?!.*(status_filter|inquiry_status|return_state)=)"
    before = calls(ebay, search)
    let_time_pass(ebay, 3700)
    assert run_whole(account, family).rows_stored >= 1
    assert model.objects.filter(**{name: key}).exists()
    # What is new, and the last days.
    assert calls(ebay, search) == before + 2
    assert run_whole(account, family).rows_stored == 0
    assert calls(ebay, search) == before + 3


def seen_after(ebay, account, days: float) -> str:
    """An inquiry that is shown an hour late, and ends after so many days in which nobody asks."""
    key = trouble(ebay, account, "inquiry")
    unlist(ebay, account, key)
    let_time_pass(ebay, 3700)
    run_whole(account, "inquiries")
    assert not Inquiry.objects.filter(inquiry_id=key).exists()
    ebay.patch(f"troubles/{key}", seller=account.username, listed=True)
    let_time_pass(ebay, days * DAY_S)
    ebay.patch(f"troubles/{key}", seller=account.username, step="close")
    return key


def test_what_became_visible_during_a_long_pause_is_read_after_it(ebay, account):
    key = seen_after(ebay, account, 35)
    an_hour_at_ebay(ebay, account, "inquiries")
    assert Inquiry.objects.filter(inquiry_id=key).exists()


def fails_on_weeks(context, span, **options):
    if span.length > timedelta(days=20):
        raise Unavailable("no answer", endpoint="searchInquiries")
    return read_slice(context, span, **options)


def test_what_became_visible_while_ebay_was_down_is_read_when_it_is_back(ebay, account, monkeypatch):
    key = seen_after(ebay, account, 3)
    with monkeypatch.context() as patched:
        patched.setattr(rechecks, "read_slice", fails_on_weeks)
        patched.setattr(rechecks, "answers_at_all", lambda context: False)
        for _ in range(4):
            let_time_pass(ebay, 9 * DAY_S)
            assert run_family(account, "inquiries").status == "partial"
    assert not Inquiry.objects.filter(inquiry_id=key).exists()
    an_hour_at_ebay(ebay, account, "inquiries")
    assert Inquiry.objects.filter(inquiry_id=key).exists()


def test_a_first_look_for_what_is_late_that_failed_is_made_later(ebay, account, monkeypatch):
    key = seen_after(ebay, account, 3)
    SyncState.objects.update(late_read_at=None)
    with monkeypatch.context() as patched:
        patched.setattr(rechecks, "read_slice", fails_on_weeks)
        patched.setattr(rechecks, "answers_at_all", lambda context: False)
        for _ in range(4):
            let_time_pass(ebay, 9 * DAY_S)
            run_family(account, "inquiries")
    an_hour_at_ebay(ebay, account, "inquiries")
    assert Inquiry.objects.filter(inquiry_id=key).exists()


def test_a_look_for_what_is_late_that_ebay_fails_on_is_made_as_for_a_gap(ebay, account, monkeypatch):
    key = seen_after(ebay, account, 3)
    until = state_of(account, "inquiries").complete_until
    monkeypatch.setattr(rechecks, "read_slice", fails_on_weeks)
    run = run_family(account, "inquiries")
    assert run.status == "partial"
    assert WorkerLog.objects.filter(run=run, event="uncovered").exists()
    assert state_of(account, "inquiries").complete_until >= until
    run_family(account, "inquiries")
    assert Inquiry.objects.filter(inquiry_id=key).exists()
    assert len(state_of(account, "inquiries").covered) == 1


def test_a_record_that_ebay_fails_on_holds_up_no_other_that_is_due(ebay, account, monkeypatch):
    key = trouble(ebay, account, "return")
    let_time_pass(ebay, DAY_S)
    at_fault = trouble(ebay, account, "return")
    run_whole(account, "returns")
    let_time_pass(ebay, 2 * DAY_S)
    run_whole(account, "returns")
    at = Return.objects.get(return_id=at_fault).occurred_at
    real = post_order_search.window

    def window(client, search, start, end, limit):
        if start <= at <= end:
            raise Unavailable("no answer", endpoint="searchReturns")
        yield from real(client, search, start, end, limit)

    monkeypatch.setattr(post_order, "window", window)
    ebay.patch(f"troubles/{key}", seller=account.username, step="close")
    let_time_pass(ebay, 3700)
    assert run_family(account, "returns").status == "partial"
    assert Return.objects.get(return_id=key).maturity == "final"


def test_an_open_case_older_than_the_search_goes_back_is_told_by_its_details(ebay, account):
    inquiry = trouble(ebay, account, "inquiry")
    key = ebay.patch(f"troubles/{inquiry}", seller=account.username, step="escalate")["caseId"]
    let_time_pass(ebay)
    run_whole(account, "cases")
    let_time_pass(ebay, 541 * DAY_S)
    ebay.patch(f"troubles/{key}", seller=account.username, step="close")
    an_hour_at_ebay(ebay, account, "cases")
    assert Case.objects.get(case_id=key).maturity == "final"


@pytest.mark.parametrize("status", [400, 403, 404])
def test_disputes_that_ebay_refuses_to_list_hold_up_nothing_else(ebay, account, status):
    error = {"errorId": 33001, "domain": "API_FULFILLMENT", "category": "REQUEST", "message": "Invalid"}
    ebay.fault("/payment_dispute_summary", "status", status=status, count=None, body={"errors": [error]})
    run = run_family(account, "cases")
    assert (run.status, run.reason) == ("partial", "ebay_refused")
    while run.more:
        run = execute(WorkerRun.objects.get(account=account, status="queued").pk)
    created = [
        parse_ebay_time(each["summary"]["creationDate"]["value"])
        for each in whole_truth(ebay, "cases", account)
    ]
    assert Case.objects.count() == sum(at > ago(days=89.9) for at in created) > 1
    assert not Case.objects.filter(detail_at=None).exists()


def unlisted_case(ebay, account) -> str:
    """A return names it; the search does not show it, and the time of both was read."""
    of_return = trouble(ebay, account, "return")
    key = ebay.patch(f"troubles/{of_return}", seller=account.username, step="escalate")["caseId"]
    unlist(ebay, account, key)
    let_time_pass(ebay)
    run_whole(account, "returns")
    run_whole(account, "cases")
    assert not Case.objects.filter(case_id=key).exists()
    return key


def test_a_case_that_only_its_return_names_is_asked_for_by_its_id(ebay, account):
    key = unlisted_case(ebay, account)
    an_hour_at_ebay(ebay, account, "cases")
    row = Case.objects.get(case_id=key)
    (true,) = [each["summary"] for each in whole_truth(ebay, "cases", account) if each["id"] == key]
    assert (row.case_status, row.maturity, row.case_type) == ("OPEN", "open", "RETURN")
    assert (row.item_id, row.claim_amount) == (
        str(true["itemId"]),
        Decimal(str(true["claimAmount"]["value"])),
    )
    ebay.patch(f"troubles/{key}", seller=account.username, step="close")
    an_hour_at_ebay(ebay, account, "cases")
    row.refresh_from_db()
    assert (row.case_status, row.maturity) == ("CLOSED", "final")


def test_a_case_that_a_return_names_and_ebay_does_not_know_is_said_once_a_day(ebay, account):
    key = unlisted_case(ebay, account)
    by_id = f"/post-order/v2/casemanagement/{key}"
    ebay.fault(by_id, "status", status=404, body=NOT_KNOWN, count=None)
    for _ in range(2):
        an_hour_at_ebay(ebay, account, "cases")
    assert calls(ebay, by_id) == 1
    assert QuarantinedRecord.objects.filter(record_key=key, healed_at=None).exists()
    ebay.delete("faults")
    QuarantinedRecord.objects.update(last_seen_at=ago(days=1.1))
    an_hour_at_ebay(ebay, account, "cases")
    assert Case.objects.filter(case_id=key).exists()
    assert not QuarantinedRecord.objects.filter(healed_at=None).exists()


def test_an_escalated_inquiry_ends_and_lives_on_as_a_case(ebay, account):
    key = trouble(ebay, account, "inquiry")
    run_whole(account, "inquiries")
    ebay.patch(f"troubles/{key}", seller=account.username, step="escalate")
    let_time_pass(ebay, 3700)
    run_whole(account, "inquiries")
    row = Inquiry.objects.get(inquiry_id=key)
    assert (row.inquiry_status, row.maturity, row.check_at) == ("CLOSED_WITH_ESCALATION", "final", None)
    assert row.escalated_at is not None
    run_whole(account, "cases")
    case = Case.objects.get(item_id=row.item_id, transaction_id=row.transaction_id)
    row.refresh_from_db()
    assert (case.case_type, row.case_id) == ("ITEM_NOT_RECEIVED", case.case_id)


def test_an_escalated_return_is_open_until_its_case_is_closed(ebay, account):
    key = trouble(ebay, account, "return")
    ebay.patch(f"troubles/{key}", seller=account.username, step="escalate")
    let_time_pass(ebay)
    run_whole(account, "returns")
    run_whole(account, "cases")
    row = Return.objects.get(return_id=key)
    case = Case.objects.get(return_id=key)
    assert (row.case_id, row.maturity, case.order_id) == (case.case_id, "open", row.order_id)
    assert row.order_id != ""
    ebay.patch(f"troubles/{case.case_id}", seller=account.username, step="close")
    let_time_pass(ebay, 3700)
    for family in ("cases", "returns"):
        run_whole(account, family)
    row.refresh_from_db()
    case.refresh_from_db()
    assert [(each.maturity, each.check_at) for each in (row, case)] == [("final", None)] * 2


def test_a_look_for_what_is_late_that_did_not_come_to_its_end_is_done_by_the_next_run(
    ebay, account, monkeypatch
):
    run_whole(account, "returns")
    let_time_pass(ebay, 3700)

    def no_time(context, step):
        raise GaveWay("its time was up")

    with monkeypatch.context() as patched:
        patched.setattr(rechecks, "_read_late", no_time)
        assert run_family(account, "returns").more
    asked = state_of(account, "returns").statuses_asked_at
    run = execute(WorkerRun.objects.get(account=account, status="queued").pk)
    assert run.status == "completed"
    assert state_of(account, "returns").statuses_asked_at > asked


def test_what_is_late_is_looked_for_as_far_back_as_somebody_wants(ebay, account):
    runs.ensure_state(account, WORKERS["returns"])
    history.want_since(account, WORKERS["returns"], ago(days=2), reason="two days do", by=SYSTEM)
    run_whole(account, "returns")
    assert Return.objects.exists() == Return.objects.filter(occurred_at__gte=ago(days=2, minutes=1)).exists()
    assert not Return.objects.filter(occurred_at__lt=ago(days=2, minutes=1)).exists()
