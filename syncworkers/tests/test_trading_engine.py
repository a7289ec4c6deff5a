"""Letters, listings and purchases through the engine, against the simulator."""

from __future__ import annotations

import time

import pytest

from accounts.models import Purpose
from ebayconnector.ebay import messages, selling
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.models import ActiveListing, Message, MessageBody, Purchase, SnapshotPass, SyncState, Trigger
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from tests.factories import ActiveListingFactory

from .running import ago, calls, execute, let_time_pass, run_family, run_whole, seller_account, whole_truth
from .trouble import DAY_S, an_hour_later

pytestmark = pytest.mark.django_db

TRADING = r"^/ws/api\.dll"
MARKS = ("flagged", "read", "replied")


@pytest.fixture
def account(ebay):
    messages.forget_folders()
    ebay.reset(orders=300)
    yield seller_account(ebay, purpose=Purpose.BOTH)
    messages.forget_folders()


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
