"""Letters, listings, purchases and trouble through the engine, against the simulator."""

from __future__ import annotations

import dataclasses
import time
from datetime import timedelta
from decimal import Decimal
from urllib.parse import parse_qs

import pytest
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import Purpose
from ebayconnector.ebay import messages, selling
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.models import (
    ActiveListing,
    Case,
    Inquiry,
    Message,
    MessageBody,
    PaymentDispute,
    PaymentDisputeDetail,
    Purchase,
    QuarantinedRecord,
    Return,
    ReturnDetail,
    SnapshotPass,
    SyncState,
    Trigger,
    WorkerLog,
    WorkerRun,
)
from syncworkers.registry import WORKERS
from syncworkers.registry.cases import CASES, DISPUTES
from syncworkers.registry.declarations import Details
from syncworkers.registry.inquiries import INQUIRIES
from syncworkers.registry.returns import RETURNS
from syncworkers.services import history, rechecks, runs
from syncworkers.services.context import GaveWay
from tests.factories import ActiveListingFactory

from .running import ago, execute, let_time_pass, run_family, seller_account, state_of, whole_truth

pytestmark = pytest.mark.django_db

TRADING = r"^/ws/api\.dll"
NOT_KNOWN = {"errorMessage": {"error": [{"errorId": 1301, "domain": "returnErrorDomain", "message": "None"}]}}
DAY_S = 86_400.0
MARKS = ("flagged", "read", "replied")


@pytest.fixture
def account(ebay):
    messages.forget_folders()
    ebay.reset(orders=300)
    yield seller_account(ebay, purpose=Purpose.BOTH)
    messages.forget_folders()


def run_whole(account, family: str) -> WorkerRun:
    run = run_family(account, family)
    while run.more:
        run = execute(WorkerRun.objects.get(account=account, status="queued").pk)
    assert (run.status, run.error) == ("completed", "")
    return run


def calls(ebay, path: str) -> int:
    return len(ebay.requests(path, limit=10_000))


def true_letters(ebay, account, *, days: float = 89.9) -> set[str]:
    everything = whole_truth(ebay, "messages", account)
    return {each["MessageID"] for each in everything if parse_ebay_time(each["ReceiveDate"]) > ago(days=days)}


def letters() -> set[str]:
    return set(Message.objects.values_list("message_id", flat=True))


def test_all_letters_come_with_their_texts(ebay, account):
    run_whole(account, "messages")
    assert true_letters(ebay, account) <= letters()
    assert set(MessageBody.objects.values_list("message_id", flat=True)) == letters()
    assert {"0", "1"} < set(Message.objects.values_list("folder_id", flat=True))
    before = calls(ebay, TRADING)
    run_whole(account, "messages")
    # Inbox, sent, and the two folders of the user's own; no text twice.
    assert calls(ebay, TRADING) - before == 4


def test_a_folder_that_was_made_a_moment_ago_is_read_for_old_letters(ebay, account):
    """What is older than a day is read once."""
    messages._known_folders["simulator", account.pk] = (time.monotonic(), None, ())
    run_whole(account, "messages")
    whole = whole_truth(ebay, "messages", account)
    old = {each["MessageID"] for each in whole if parse_ebay_time(each["ReceiveDate"]) < ago(days=1.1)}
    assert letters() & old == true_letters(ebay, account) & old
    assert {"6", "11"} & set(Message.objects.filter(message_id__in=old).values_list("folder_id", flat=True))
    before = calls(ebay, TRADING)
    run_whole(account, "messages")
    assert calls(ebay, TRADING) - before == 4


def an_hour_later(model) -> None:
    """For what is asked again after a pause."""
    waiting = model.objects.exclude(detail_retry_at=None)
    assert waiting.update(detail_retry_at=timezone.now() - timedelta(seconds=1))


def test_a_text_that_is_not_there_yet_is_asked_for_again(ebay, account, monkeypatch):
    """Of ten letters eBay leaves one out."""
    real, late = messages.message_bodies, []

    def leaves_one_out(client, ids):
        late[:] = late or ids[:1]
        return [each for each in real(client, ids) if each["MessageID"] not in late]

    monkeypatch.setattr(messages, "message_bodies", leaves_one_out)
    run_whole(account, "messages")
    assert letters() - set(MessageBody.objects.values_list("message_id", flat=True)) == set(late)
    monkeypatch.undo()
    an_hour_later(Message)
    run_whole(account, "messages")
    assert set(MessageBody.objects.values_list("message_id", flat=True)) == letters()


def test_a_letter_without_a_text_is_asked_about_twice(ebay, account, monkeypatch):
    monkeypatch.setattr(messages, "message_bodies", lambda client, ids: [])
    run_whole(account, "messages")
    an_hour_later(Message)
    run_whole(account, "messages")
    assert not Message.objects.filter(detail_at=None).exists()


@pytest.mark.slow
def test_letters_that_do_not_fit_on_a_page_come_all(ebay):
    messages.forget_folders()
    ebay.reset(orders=100, messages=900)
    account = seller_account(ebay)
    ebay.post("messages/drift", per_page=1)
    run_whole(account, "messages")
    assert true_letters(ebay, account) <= letters()


def marks(row: Message) -> tuple[bool | None, ...]:
    row.refresh_from_db()
    return (row.is_flagged, row.is_read, row.is_replied)


@pytest.mark.slow
def test_marks_are_seen_at_once_on_new_letters_and_later_on_old_ones(ebay, account):
    run_whole(account, "messages")
    unmarked = {"is_flagged": False, "is_read": False, "is_replied": False}
    for row in Message.objects.filter(folder_id="0", occurred_at__gt=ago(days=8)):
        ebay.patch(f"messages/{row.message_id}", seller=account.username, **dict.fromkeys(MARKS, False))
    Message.objects.update(**unmarked)
    inbox = Message.objects.filter(folder_id="0", occurred_at__lt=ago(hours=1))
    newest = inbox.filter(occurred_at__gt=ago(hours=20)).first()
    old = inbox.filter(occurred_at__lt=ago(days=5)).first()
    for row in (newest, old):
        marked = dict.fromkeys(MARKS, True)
        ebay.patch(f"messages/{row.message_id}", seller=account.username, folder=6, **marked)
    run_whole(account, "messages")
    assert (marks(newest), newest.folder_id, marks(old)) == ((True,) * 3, "6", (False,) * 3)
    let_time_pass(ebay, 35 * DAY_S)
    for _ in range(3):
        run_whole(account, "messages")
    assert marks(old) == (True,) * 3


@pytest.mark.slow
def test_looks_at_old_letters_are_taken_together(ebay, account):
    run_whole(account, "messages")
    due = Message.objects.filter(check_at__lte=ago(minutes=1))
    Message.objects.update(check_at=ago(minutes=2))
    before = calls(ebay, TRADING)
    run_whole(account, "messages")
    assert calls(ebay, TRADING) - before == 4
    assert due.exists()
    let_time_pass(ebay, 6.1 * 3600)
    for _ in range(5):
        run_whole(account, "messages")
    assert not due.exists()


def true_items(ebay, account) -> set[str]:
    return {item["ItemID"] for item in whole_truth(ebay, "listings", account)}


def test_listings_are_rows_by_variation_and_end_after_two_passes(ebay, account):
    run_whole(account, "active_inventory")
    assert set(ActiveListing.objects.values_list("item_id", flat=True)) == true_items(ebay, account)
    assert ActiveListing.objects.exclude(variation_key="").exists()
    assert run_whole(account, "active_inventory").rows_stored == 0
    ended = ActiveListing.objects.first().item_id
    ebay.delete(f"listings/{ended}", seller=account.username)
    for _ in range(2):
        assert not ActiveListing.objects.filter(item_id=ended).exclude(closed_at=None).exists()
        run_whole(account, "active_inventory")
    open_ = ActiveListing.objects.filter(closed_at=None)
    assert set(open_.values_list("item_id", flat=True)) == true_items(ebay, account)


def test_listings_that_move_while_they_are_read_are_all_there(ebay):
    ebay.reset(orders=100, listings=900)
    account = seller_account(ebay)
    ebay.post("listings/drift", per_page=1, pages=3)
    run_whole(account, "active_inventory")
    assert true_items(ebay, account) <= set(ActiveListing.objects.values_list("item_id", flat=True))


@pytest.fixture
def account_with_a_cut_list(ebay, monkeypatch):
    """eBay's end of the list is at 60 of 90 items, in pages of 20."""
    ebay.reset(orders=60, listings=90)
    ebay.post("trading", active_ceiling=60, ceiling_totals="capped")
    monkeypatch.setattr(selling, "_CEILING", 60)
    object.__setattr__(WORKERS["active_inventory"].reads, "page_limit", 20)
    yield seller_account(ebay)
    object.__setattr__(WORKERS["active_inventory"].reads, "page_limit", 200)
    ebay.post("trading", active_ceiling=25_000, ceiling_totals="all")


def test_of_a_list_that_ebay_cuts_off_the_part_is_said_and_nothing_closed(ebay, account_with_a_cut_list):
    account = account_with_a_cut_list
    ended = ActiveListingFactory(account=account, item_id="1").pk
    done = [run_family(account, "active_inventory") for _ in range(3)]
    assert {(run.status, run.reason) for run in done} == {("partial", "list_cut")}
    assert "eBay lists 60 and no more" in done[-1].error
    assert ActiveListing.objects.exclude(pk=ended).values("item_id").distinct().count() == 60
    assert not ActiveListing.objects.exclude(closed_at=None).exists()
    state = SyncState.objects.get(account=account, api_family="active_inventory")
    assert (state.snapshot_at, state.failed_in_row) == (None, 0)


def test_the_schedule_reads_a_list_that_is_cut_off_four_times_a_day(ebay, account_with_a_cut_list):
    account = account_with_a_cut_list

    def scheduled() -> int:
        before = calls(ebay, TRADING)
        run = execute(
            runs.request_run(account, WORKERS["active_inventory"], trigger=Trigger.SCHEDULE, by="").run_id
        )
        assert (run.status, run.reason) == ("partial", "list_cut")
        return calls(ebay, TRADING) - before

    assert [scheduled(), scheduled()] == [3, 0]
    SnapshotPass.objects.update(finished_at=ago(hours=7))
    assert scheduled() == 3


def test_what_a_cut_list_missed_is_not_closed_by_one_complete_pass(ebay, account_with_a_cut_list):
    account = account_with_a_cut_list
    ActiveListingFactory(account=account, item_id="1")
    run_family(account, "active_inventory")
    ebay.post("trading", active_ceiling=25_000, ceiling_totals="all")
    selling._CEILING = 25_000
    run_whole(account, "active_inventory")
    assert not ActiveListing.objects.exclude(closed_at=None).exists()
    run_whole(account, "active_inventory")
    assert ActiveListing.objects.exclude(closed_at=None).get().item_id == "1"


def test_purchases_stay_when_they_leave_the_list(ebay, account):
    run_whole(account, "buyer")
    lines = {line for entry in whole_truth(ebay, "purchases", account) for line in entry["ids"]}
    assert set(Purchase.objects.values_list("order_line_item_id", flat=True)) == lines != set()
    let_time_pass(ebay, 61 * DAY_S)
    for _ in range(3):
        run_whole(account, "buyer")
    assert not Purchase.objects.exclude(closed_at=None).exists()


def trouble(ebay, account, family: str) -> str:
    made = ebay.post("troubles", seller=account.username, family=family)
    let_time_pass(ebay)
    return made["id"]


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


def old_case(ebay, account) -> str:
    """Open, stored, older than what every run reads anew, and by its age not to be looked at for long."""
    inquiry = trouble(ebay, account, "inquiry")
    key = ebay.patch(f"troubles/{inquiry}", seller=account.username, step="escalate")["caseId"]
    let_time_pass(ebay, 40 * DAY_S)
    run_whole(account, "cases")
    assert Case.objects.get(case_id=key).maturity == "open"
    Case.objects.exclude(case_id=key).delete()
    Case.objects.update(check_at=ago(days=-60))
    return key


def unlist(ebay, account, key: str, **changes) -> None:
    """It is in no search any more; eBay tells of it by its id."""
    ebay.patch(f"troubles/{key}", seller=account.username, listed=False, **changes)


def an_hour_at_ebay(ebay, account, family: str) -> None:
    let_time_pass(ebay, 3700)
    run_whole(account, family)


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


@pytest.mark.parametrize("unknown", ["partial", "omitted"])
def test_a_letter_that_was_deleted_is_gone(ebay, account, unknown):
    ebay.post("trading", unknown_message=unknown)
    run_whole(account, "messages")
    kept, deleted = Message.objects.filter(folder_id="0", occurred_at__gt=ago(days=8))[:2]
    ebay.delete(f"messages/{deleted.message_id}", seller=account.username)
    for row in (kept, deleted):
        Message.objects.filter(pk=row.pk).update(check_at=row.occurred_at)
    let_time_pass(ebay, 7 * 3600)
    run_whole(account, "messages")
    assert not Message.objects.exclude(closed_at=None).exists()
    an_hour_later(Message)
    run_whole(account, "messages")
    assert Message.objects.exclude(closed_at=None).get() == deleted
    assert MessageBody.objects.filter(message_id=deleted.message_id).exists()


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
    ebay.post("troubles", seller=account.username, family="return")
    run_whole(account, "returns")
    newest = [row.return_id for row in Return.objects.order_by("-id")[:3]]
    others = Return.objects.exclude(return_id__in=newest)
    assert others.exists()
    Return.objects.update(detail_at=None)
    for return_id in newest:
        ebay.fault(rf"/return/{return_id}", "server_error", count=None)
    run = run_family(account, "returns")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert not others.filter(detail_at=None).exists()
    assert Return.objects.filter(return_id__in=newest, detail_retry_at__isnull=False).count() == 3
    assert QuarantinedRecord.objects.filter(healed_at=None).count() == 3


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


def test_a_404_that_is_not_ebays_own_says_nothing_of_a_record(ebay, account):
    key = old_case(ebay, account)
    unlist(ebay, account, key)
    ebay.fault(
        f"/post-order/v2/casemanagement/{key}", "status", status=404, body="<h1>No route</h1>", count=None
    )
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
