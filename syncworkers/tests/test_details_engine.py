"""What eBay tells of a record by its id alone: through the engine, against the simulator."""

from __future__ import annotations

import dataclasses

import pytest

from accounts.models import Purpose
from ebayconnector.ebay import disputes
from syncworkers.models import (
    Case,
    Inquiry,
    PaymentDispute,
    PaymentDisputeDetail,
    QuarantinedRecord,
    Return,
    ReturnDetail,
    WorkerRun,
)
from syncworkers.registry import WORKERS
from syncworkers.registry.cases import CASES, DISPUTES
from syncworkers.registry.declarations import Details
from syncworkers.registry.inquiries import INQUIRIES
from syncworkers.registry.returns import RETURNS

from .running import ago, calls, let_time_pass, run_family, run_whole, seller_account, whole_truth
from .trouble import (
    DAY_S,
    NOT_KNOWN,
    an_hour_at_ebay,
    an_hour_later,
    fail_on_three_returns,
    old_case,
    trouble,
    unlist,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def account(ebay):
    ebay.reset(orders=300)
    return seller_account(ebay, purpose=Purpose.BOTH)


@pytest.mark.parametrize("offset", ["row", "page"])
@pytest.mark.parametrize(("family", "model"), [("cases", Case), ("inquiries", Inquiry), ("returns", Return)])
def test_trouble_comes_with_its_details(ebay, account, family, model, offset):
    ebay.post("post_order", offset=offset)
    run_whole(account, family)
    rows = model.objects.all()
    assert rows.exists()
    assert not rows.filter(detail_at=None).exists()
    details = WORKERS[family].steps[1].into.model
    assert details.objects.count() == rows.count()


def test_what_left_the_search_is_told_by_its_details_while_it_is_open_and_when_it_ends(ebay, account):
    key = old_case(ebay, account)
    assert Case.objects.get(case_id=key).respond_by_at is not None
    unlist(ebay, account, key, step="to_cs")
    an_hour_at_ebay(ebay, account, "cases")
    row = Case.objects.get(case_id=key)
    assert (row.case_status, row.maturity, row.check_at is None) == ("WAITING_CS", "open", False)
    changed = row.changed_at
    an_hour_at_ebay(ebay, account, "cases")
    assert Case.objects.get(case_id=key).changed_at == changed
    Case.objects.filter(case_id=key).update(respond_by_at=ago(days=1))
    ebay.patch(f"troubles/{key}", seller=account.username, step="cs_close")
    an_hour_at_ebay(ebay, account, "cases")
    row.refresh_from_db()
    assert (row.case_status, row.maturity, row.check_at) == ("CS_CLOSED", "final", None)
    assert row.respond_by_at is None


def test_of_a_return_that_left_the_search_its_own_summary_tells_all(ebay, account):
    key = trouble(ebay, account, "return")
    let_time_pass(ebay, 40 * DAY_S)
    run_whole(account, "returns")
    row = Return.objects.get(return_id=key)
    assert (row.activity_due, row.refund_actual) == ("SELLER_APPROVE_REQUEST", None)
    for step in ("approve", "ship", "deliver"):
        ebay.patch(f"troubles/{key}", seller=account.username, step=step)
    unlist(ebay, account, key, step="refund")
    an_hour_at_ebay(ebay, account, "returns")
    row.refresh_from_db()
    assert (row.state, row.status, row.maturity, row.check_at) == ("CLOSED", "CLOSED", "final", None)
    assert (row.activity_due, row.respond_by_at) == ("", None)
    assert row.refund_actual is not None


def test_a_dispute_that_left_the_list_is_told_by_its_details(ebay, account):
    key = trouble(ebay, account, "dispute")
    run_whole(account, "cases")
    row = PaymentDispute.objects.get(payment_dispute_id=key)
    assert (row.dispute_status, row.ended_at, row.respond_by_at is None) == ("ACTION_NEEDED", None, False)
    for step in ("contest", "evidence", "defend"):
        ebay.patch(f"troubles/{key}", seller=account.username, step=step)
    unlist(ebay, account, key, step="lose")
    let_time_pass(ebay)
    run_whole(account, "cases")
    row.refresh_from_db()
    assert (row.outcome, row.dispute_status, row.respond_by_at) == ("SELLER_LOST", "CLOSED", None)
    assert row.ended_at is not None and row.closed_at is None
    asked = calls(ebay, f"/payment_dispute/{key}")
    run_whole(account, "cases")
    assert calls(ebay, f"/payment_dispute/{key}") == asked
    # As it was, but for those who look at the list.
    ebay.patch(f"troubles/{key}", seller=account.username, listed=True)
    run_whole(account, "cases")
    row.refresh_from_db()
    (true,) = [each["summary"] for each in whole_truth(ebay, "disputes", account) if each["id"] == key]
    assert row.payload == true


@pytest.mark.parametrize("reason", ["x" * 101, "a\x00b"])
def test_details_that_cannot_be_stored_stop_nothing(ebay, account, reason):
    """Too long for its column, or with what PostgreSQL cannot hold."""
    run_whole(account, "cases")
    row = Case.objects.latest("pk")
    ebay.patch(f"troubles/{row.case_id}", seller=account.username, detail={"escalateReason": reason})
    Case.objects.filter(pk=row.pk).update(detail_at=None)
    run_whole(account, "cases")
    is_bad = len(reason) > 100
    bad = QuarantinedRecord.objects.filter(record_key=f"case_details {row.case_id}", healed_at=None)
    assert bad.exists() == is_bad
    told = Case.objects.get(pk=row.pk)
    assert told.detail_at is not None
    assert told.escalate_reason == (row.escalate_reason if is_bad else "a\ufffdb")


@pytest.mark.parametrize(
    ("family", "model", "a_time"), [("cases", Case, 1), ("inquiries", Inquiry, 1), ("returns", Return, 2)]
)
def test_what_is_open_is_asked_about_again_each_day(ebay, account, family, model, a_time):
    """Deadlines, tracking and what either side writes do not show in the search."""
    key = trouble(ebay, account, "return" if family == "returns" else "inquiry")
    if family == "cases":
        key = ebay.patch(f"troubles/{key}", seller=account.username, step="escalate")["caseId"]
        let_time_pass(ebay)
    run_whole(account, family)
    details = WORKERS[family].steps[1].into.model
    name = WORKERS[family].table.natural_key[0]
    path = rf"/post-order/v2/.*/{key}(\?|$)"
    before = calls(ebay, path)
    run_whole(account, family)
    assert calls(ebay, path) == before
    model.objects.update(detail_at=ago(hours=25), first_seen_at=ago(days=60), changed_at=ago(days=45))
    details.objects.all().delete()
    run_whole(account, family)
    assert calls(ebay, path) == before + a_time
    asked_again = set(details.objects.values_list(name, flat=True))
    assert asked_again == set(model.objects.exclude(maturity="final").values_list(name, flat=True)) != set()


@pytest.mark.parametrize(
    ("family", "model", "table"),
    [
        ("cases", Case, CASES),
        ("inquiries", Inquiry, INQUIRIES),
        ("returns", Return, RETURNS),
        ("cases", PaymentDispute, DISPUTES),
    ],
)
def test_what_has_ended_is_asked_about_a_day_a_week_and_a_month_later(ebay, account, family, model, table):
    """eBay posts refunds after the end, and tells of them in the details alone."""
    run_whole(account, family)
    ended = {"dispute_status": "CLOSED"} if table is DISPUTES else {"maturity": "final"}
    row = model.objects.filter(**ended).first()
    model.objects.exclude(pk=row.pk).delete()
    path = rf"/{getattr(row, table.natural_key[0])}(\?|$)"

    def is_asked(**changes) -> bool:
        """Whether a run asks about it now; once."""
        model.objects.filter(pk=row.pk).update(**changes)
        before = calls(ebay, path)
        run_whole(account, family)
        asked = calls(ebay, path)
        run_whole(account, family)
        assert calls(ebay, path) == asked
        return asked > before

    seen = {"first_seen_at": ago(days=50), "changed_at": ago(days=40)}
    assert not is_asked(**seen, detail_at=ago(days=9))
    # So long after its end it was asked about, and again; its end is 40 days ago.
    due = [is_asked(**seen, detail_at=ago(days=40 - age)) for age in (0, 0.9, 1.1, 6.9, 7.1, 29.9, 30.1)]
    assert due == [True, True, True, True, True, True, False]
    # What was old when it came is as it will stay.
    column = {"cases": "ebay_modified_at", "inquiries": "ebay_modified_at", "returns": "last_activity_at"}
    ebays = {column.get(table.key, "ended_at"): ago(days=90)}
    assert not is_asked(first_seen_at=ago(days=8), changed_at=ago(days=8), detail_at=ago(days=8), **ebays)
    # Its details came days later, which is no end.
    assert not is_asked(first_seen_at=ago(days=8), changed_at=ago(days=5), detail_at=ago(days=5), **ebays)
    ebays = dict.fromkeys(ebays, ago(days=9))
    assert is_asked(first_seen_at=ago(days=8), changed_at=ago(days=8), detail_at=ago(days=8), **ebays)


def test_what_left_the_search_has_ended_when_its_details_tell_it(ebay, account):
    """The list told of it for the last time weeks before: that was no end."""
    run_whole(account, "inquiries")
    row = Inquiry.objects.filter(maturity="final").first()
    Inquiry.objects.exclude(pk=row.pk).delete()
    changes = {"ebay_modified_at": ago(days=60), "first_seen_at": ago(days=50), "content_hash": b""}
    path = rf"/{row.inquiry_id}(\?|$)"
    for told_before, asked in ((0.5, 0), (2, 1)):
        ended = ago(days=told_before)
        Inquiry.objects.filter(pk=row.pk).update(changed_at=ended, detail_at=ended, check_at=None, **changes)
        before = calls(ebay, path)
        run_whole(account, "inquiries")
        assert calls(ebay, path) - before == asked


def test_what_ended_without_a_word_of_its_own_is_asked_about_after_its_end(ebay, account):
    """We saw it within a day of the last that it told; it changed for the last time two days ago."""
    run_whole(account, "returns")
    row = Return.objects.filter(maturity="final").first()
    Return.objects.exclude(pk=row.pk).delete()
    Return.objects.filter(pk=row.pk).update(
        last_activity_at=ago(days=50, hours=1), first_seen_at=ago(days=50),
        changed_at=ago(days=2), detail_at=ago(days=2),
    )  # fmt: skip
    path = rf"/{row.return_id}(\?|$)"
    before = calls(ebay, path)
    run_whole(account, "returns")
    assert calls(ebay, path) > before


def test_a_dispute_at_fault_hides_no_other_that_left_the_list(ebay, account, monkeypatch):
    key = trouble(ebay, account, "dispute")
    run_whole(account, "cases")
    of_fault = PaymentDispute.objects.exclude(payment_dispute_id=key).first()
    real = disputes.every_dispute

    def one_at_fault(client, **options):
        return [
            {**each, "amount": "nonsense"}
            if each["paymentDisputeId"] == of_fault.payment_dispute_id
            else each
            for each in real(client, **options)
        ]

    monkeypatch.setattr(disputes, "every_dispute", one_at_fault)
    lose_unlisted(ebay, account, key)
    run_family(account, "cases")
    assert PaymentDispute.objects.get(payment_dispute_id=key).dispute_status == "CLOSED"
    of_fault.refresh_from_db()
    assert bytes(of_fault.content_hash) != b""
    assert QuarantinedRecord.objects.filter(healed_at=None).count() == 1


def lose_unlisted(ebay, account, key: str) -> None:
    for step in ("contest", "evidence", "defend"):
        ebay.patch(f"troubles/{key}", seller=account.username, step=step)
    unlist(ebay, account, key, step="lose")
    let_time_pass(ebay, 7 * 3600)


def test_details_of_an_unlisted_record_that_make_no_sense_for_it_are_set_aside(ebay, account, monkeypatch):
    key = trouble(ebay, account, "dispute")
    run_whole(account, "cases")
    lose_unlisted(ebay, account, key)
    real = disputes.get_dispute
    amount = {"value": "n/a", "currency": "USD"}
    with monkeypatch.context() as patched:
        patched.setattr(
            disputes, "get_dispute", lambda client, each: {**real(client, each), "amount": amount}
        )
        run_whole(account, "cases")
    bad = QuarantinedRecord.objects.get(record_key=f"details of payment_disputes {key}")
    assert (bad.healed_at, "amount" in bad.error) == (None, True)
    PaymentDispute.objects.update(detail_at=ago(hours=7))
    run_whole(account, "cases")
    bad.refresh_from_db()
    assert bad.healed_at is not None
    assert PaymentDispute.objects.get(payment_dispute_id=key).dispute_status == "CLOSED"


def test_details_that_are_not_there_yet_are_asked_for_again(ebay, account):
    key = trouble(ebay, account, "return")
    ebay.fault(rf"/post-order/v2/return/{key}", "status", status=404, body=NOT_KNOWN, count=1)
    run_whole(account, "returns")
    assert not ReturnDetail.objects.filter(return_id=key).exists()
    an_hour_later(Return)
    run_whole(account, "returns")
    assert ReturnDetail.objects.filter(return_id=key).exists()
    row = Return.objects.get(return_id=key)
    assert (row.detail_at is None, row.detail_retry_at) == (False, None)


def test_only_what_is_news_in_the_details_counts_as_a_change_of_the_return(ebay, account):
    run_whole(account, "returns")
    row = Return.objects.latest("pk")
    before, told = ago(days=2), row.last_activity_at
    assert told is not None
    Return.objects.filter(pk=row.pk).update(detail_at=None, changed_at=before)
    run_whole(account, "returns")
    row.refresh_from_db()
    assert (row.detail_at is None, row.changed_at) == (False, before)
    Return.objects.filter(pk=row.pk).update(detail_at=None, last_activity_at=before)
    run_whole(account, "returns")
    row.refresh_from_db()
    assert row.last_activity_at == told
    assert row.changed_at > ago(days=1)


def test_details_of_an_older_version_do_not_count_for_the_newer_one(ebay, account):
    run_whole(account, "returns")
    first, second = Return.objects.order_by("-pk")[:2]
    Return.objects.filter(pk__in=(first.pk, second.pk)).update(detail_at=None)

    def change_the_second_after_the_first(run: WorkerRun) -> None:
        if Return.objects.filter(pk=first.pk, detail_at__isnull=False).exists():
            Return.objects.filter(pk=second.pk).update(content_hash=b"a newer version")

    run_family(account, "returns", on_page=change_the_second_after_the_first)
    second.refresh_from_db()
    assert second.detail_at is None
    run_whole(account, "returns")
    second.refresh_from_db()
    assert second.detail_at is not None


def test_disputes_come_with_their_revision_and_do_not_close_by_leaving(ebay, account):
    run_whole(account, "cases")
    assert set(PaymentDispute.objects.values_list("payment_dispute_id", flat=True)) == {
        each["id"] for each in whole_truth(ebay, "disputes", account)
    }
    assert not PaymentDispute.objects.filter(revision=None).exists()
    assert PaymentDisputeDetail.objects.count() == PaymentDispute.objects.count()
    # One that eBay no longer lists.
    unlist(ebay, account, PaymentDispute.objects.first().payment_dispute_id)
    run_whole(account, "cases")
    assert not PaymentDispute.objects.exclude(closed_at=None).exists()


def test_what_closes_between_list_and_details_is_stored_as_it_ended(ebay, account):
    key = trouble(ebay, account, "return")
    run_whole(account, "returns")
    let_time_pass(ebay, 31 * DAY_S)
    run_whole(account, "returns")
    ebay.patch(f"troubles/{key}", seller=account.username, step="approve")
    let_time_pass(ebay, 3700)

    closed = []

    def close_after_the_list(run: WorkerRun) -> None:
        listed = Return.objects.filter(return_id=key, status="READY_FOR_SHIPPING", detail_at=None)
        if listed.exists() and not closed:
            closed.append(key)
            ebay.patch(f"troubles/{key}", seller=account.username, step="close")

    run_family(account, "returns", on_page=close_after_the_list)
    row = Return.objects.get(return_id=key)
    assert (row.payload["status"], row.close_reason != "") == ("READY_FOR_SHIPPING", True)
    let_time_pass(ebay, 3700)
    run_whole(account, "returns")
    row.refresh_from_db()
    (true,) = [each["summary"] for each in whole_truth(ebay, "returns", account) if each["id"] == key]
    assert (row.payload, row.maturity, row.check_at) == (true, "final", None)


def test_three_neighbours_without_details_are_no_outage(ebay, account):
    newest = fail_on_three_returns(ebay, account)
    others = Return.objects.exclude(return_id__in=newest)
    run = run_family(account, "returns")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert not others.filter(detail_at=None).exists()
    assert Return.objects.filter(return_id__in=newest, detail_retry_at__isnull=False).count() == 3
    assert QuarantinedRecord.objects.filter(healed_at=None).count() == 3


def test_a_gateway_that_knows_nothing_is_an_outage(ebay, account):
    """It answers for each record that it has none; eBay for none."""
    run_whole(account, "returns")
    Return.objects.update(detail_at=None)
    body = {"status": 404, "error": "Not Found"}
    ebay.fault(r"/post-order/v2/return/\d", "status", status=404, body=body, count=None)
    run = run_family(account, "returns")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert not QuarantinedRecord.objects.exists()
    assert not Return.objects.exclude(detail_retry_at=None).exists()


def test_when_no_details_come_at_all_nothing_is_set_aside(ebay, account):
    run_whole(account, "returns")
    Return.objects.update(detail_at=None)
    ebay.fault(r"/post-order/v2/return/\d", "server_error", count=None)
    run = run_family(account, "returns")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert not QuarantinedRecord.objects.exists()
    assert not Return.objects.exclude(detail_retry_at=None).exists()


def test_what_left_the_search_is_not_gone_for_a_404_after_a_failure(ebay, account):
    key = old_case(ebay, account)
    by_id = f"/post-order/v2/casemanagement/{key}"
    unlist(ebay, account, key)
    for status, body in ((503, None), (404, NOT_KNOWN), (404, NOT_KNOWN)):
        assert Case.objects.get(case_id=key).closed_at is None
        ebay.delete("faults")
        ebay.fault(by_id, "status", status=status, body=body, count=None)
        let_time_pass(ebay, 3700)
        run_family(account, "cases")
        Case.objects.exclude(detail_retry_at=None).update(detail_retry_at=ago(seconds=1))
    assert Case.objects.get(case_id=key).closed_at is not None


@pytest.mark.parametrize(
    "body",
    [
        "<h1>No route</h1>",
        {"status": 404, "error": "Not Found", "path": "/post-order/v2/casemanagement/1"},
        {"error": {"code": 404, "message": "Not Found"}},
    ],
)
def test_a_404_that_is_not_ebays_own_says_nothing_of_a_record(ebay, account, body):
    key = old_case(ebay, account)
    unlist(ebay, account, key)
    ebay.fault(f"/post-order/v2/casemanagement/{key}", "status", status=404, body=body, count=None)
    for _ in range(3):
        let_time_pass(ebay, 3700)
        assert run_family(account, "cases").status == "partial"
        an_hour_later(Case)
    assert Case.objects.get(case_id=key).closed_at is None


def test_details_do_not_bring_back_who_was_erased(ebay, account):
    key = trouble(ebay, account, "return")
    run_whole(account, "returns")
    unlist(ebay, account, key)
    Return.objects.filter(return_id=key).update(
        buyer="", erased_at=ago(hours=1), content_hash=b"", detail_at=None
    )
    run_whole(account, "returns")
    row = Return.objects.get(return_id=key)
    assert (row.detail_at is None, row.buyer) == (False, "")


def test_what_details_tell_and_does_not_fit_into_the_record_stops_nothing(ebay, account, monkeypatch):
    key = trouble(ebay, account, "return")
    details = next(step for step in WORKERS["returns"].steps if isinstance(step, Details))
    told = dataclasses.replace(details, learn=lambda records, listed: {"reason": "x" * 500})
    steps = tuple(told if step is details else step for step in WORKERS["returns"].steps)
    returns = dataclasses.replace(WORKERS["returns"], steps=steps)
    monkeypatch.setattr("syncworkers.services.execution.WORKERS", {**WORKERS, "returns": returns})
    run_whole(account, "returns")
    assert Return.objects.get(return_id=key).detail_at is not None
    found = QuarantinedRecord.objects.get(record_key=f"details of returns {key}")
    assert (found.healed_at, "database refuses" in found.error) == (None, True)
