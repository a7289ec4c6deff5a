"""The board with families that are read whole, scopes that were not granted, and very many families."""

from __future__ import annotations

import dataclasses
from datetime import timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from accounts.models import EbayAccount
from syncworkers.admin.words import BoardLine
from syncworkers.models import FailedSlice, QuarantinedRecord
from syncworkers.registry import WORKERS
from syncworkers.selectors import worker_board
from tests.api_callers import as_member
from tests.factories import AccountFactory, RunFactory, SnapshotPassFactory, SyncStateFactory, give_token

from .test_admin_workers import board, client_of, line_of, press

pytestmark = pytest.mark.django_db


@pytest.fixture
def account():
    return AccountFactory(house_name="Warehouse-A")


def row_of(account, family):
    fresh = EbayAccount.objects.get(pk=account.pk)
    return next(row for row in worker_board(fresh) if row.worker.key == family)


def words_of(account, family) -> BoardLine:
    return BoardLine(row_of(account, family), timezone.now())


def listing(account, so_many, total, **values):
    """An open pass that has shown so many records in two pages."""
    pass_ = SnapshotPassFactory(account=account, total=total, **values)
    pass_.parts.create(table="inventory_items", row_ids=list(range(so_many - 1)))
    pass_.parts.create(table="inventory_items", row_ids=[so_many])
    return pass_


def test_a_pass_that_lists_says_how_many_of_how_many(account):
    at = timezone.now() - timedelta(minutes=7)
    SyncStateFactory(account=account, api_family="offers", snapshot_at=at)
    listing(account, 1204, 3000)
    words = words_of(account, "offers")
    assert words.passes == f"Last complete pass {at:%H:%M:%S}, present pass: 1,204 of 3,000 listed"
    assert words.pass_percent == 40


def test_a_pass_that_asks_says_how_many_it_asked(account):
    listing(account, 5, 3000, listed=3000, listed_at=timezone.now(), asked=300)
    words = words_of(account, "offers")
    assert words.passes == "No complete pass yet, present pass: 3,000 of 3,000 listed, 300 asked"
    assert words.pass_percent == 10


def test_a_pass_that_just_began_and_one_that_is_not_open(account):
    pass_ = SnapshotPassFactory(account=account)
    assert words_of(account, "offers").passes == "No complete pass yet, present pass: it begins"
    pass_.finished_at = timezone.now()
    pass_.save()
    words = words_of(account, "offers")
    assert (words.passes, words.pass_percent) == ("No complete pass yet", None)


def test_a_list_of_nothing_is_complete_at_once(account):
    SnapshotPassFactory(account=account, total=0, listed=0, listed_at=timezone.now())
    assert words_of(account, "offers").pass_percent == 0


def test_the_page_shows_the_pass_instead_of_a_coverage_strip(account):
    listing(account, 1204, 3000)
    RunFactory(
        account=account, api_family="offers", status="running", started_at=timezone.now(),
        rows_fetched=1300, rows_expected=3000, pages=12,
    )  # fmt: skip
    html = line_of(board(account), "offers")
    assert "present pass: 1,204 of 3,000 listed" in html
    assert "ec-coverage" not in html and 'aria-valuenow="40"' in html
    # Records asked for are fetched too: eBay's total says nothing about them.
    assert "12 pages, 1,300 rows" in html
    assert "ec-coverage" in line_of(board(account), "orders")


def test_a_family_read_whole_is_behind_since_its_last_complete_pass(account):
    SyncStateFactory(
        account=account, api_family="offers", snapshot_at=timezone.now() - timedelta(minutes=30, seconds=9),
        last_success_at=timezone.now(),
    )  # fmt: skip
    html = line_of(board(account), "offers")
    assert "30 min behind" in html and "everything as of" in html and "nothing read yet" not in html


@pytest.mark.parametrize("status", ["skipped", "error", None])
def test_a_scope_that_was_not_granted_is_named_and_is_no_failure(account, status):
    give_token(account, granted_scopes=list(WORKERS["orders"].scopes))
    SyncStateFactory(account=account, api_family="finances")
    if status:
        RunFactory(account=account, api_family="finances", status=status, reason="missing_scope")
    words = words_of(account, "finances")
    assert (words.status, words.tone) == ("held back", "amber")
    html = line_of(board(account), "finances")
    assert "Does not run: The account did not grant sell.finances. An admin must reconnect" in html
    assert row_of(account, "orders").refusal is None


def test_two_scopes_of_which_one_suffices_are_both_named(account):
    give_token(account, granted_scopes=["https://api.ebay.com/oauth/api_scope"])
    assert "did not grant sell.inventory or sell.inventory.readonly" in _sorted_names(
        words_of(account, "offers").held_back
    )


def _sorted_names(text: str) -> str:
    head, _, rest = text.partition("grant ")
    names, dot, tail = rest.partition(". ")
    return f"{head}grant {' or '.join(sorted(names.split(' or ')))}{dot}{tail}"


def test_run_now_without_the_scope_names_it(account):
    give_token(account, granted_scopes=["https://api.ebay.com/oauth/api_scope"])
    answer = press(client_of(account, "operator"), "run_worker", account.pk, "transactions")
    assert "The account did not grant sell.finances. An admin must reconnect" in answer.json()["message"]
    said = as_member("operator", account.organization).post(
        "/api/ebay/workers/run", {"account_id": account.pk, "api": "transactions"}, format="json"
    )
    assert (said.json()["reason"], said.json()["reason_text"]) == (
        "missing_scope", "The account did not grant sell.finances"
    )  # fmt: skip


def test_what_ebay_refused_for_a_scope_that_we_think_is_granted_is_skipped(account):
    SyncStateFactory(account=account, api_family="offers")
    RunFactory(account=account, api_family="offers", status="skipped", reason="missing_scope")
    words = words_of(account, "offers")
    assert (words.status, words.tone) == ("skipped", "amber")


def test_the_api_tells_of_the_open_pass(account):
    listing(account, 4, 10)
    client = as_member("viewer", account.organization)
    rows = client.get(f"/api/ebay/workers/config?account_id={account.pk}").json()["rows"]
    passes = {row["api_family"]: row["present_pass"] for row in rows}
    assert {key: passes["offers"][key] for key in ("total", "listed", "asked")} == {
        "total": 10, "listed": 4, "asked": 0,
    }  # fmt: skip
    assert [passes[family] for family in ("orders", "finances")] == [None, None]


@pytest.mark.parametrize("value", [{"value": "2026-01-01"}])
def test_a_family_without_a_cursor_says_so(account, value):
    client = as_member("operator", account.organization)
    body = {"account_id": account.pk, "api_family": "offers", "reason": "x", **value}
    answer = client.post("/api/ebay/workers/cursor", body, format="json")
    assert answer.status_code == 400
    assert answer.json()["error"] == {
        "code": "unusable_cursor",
        "message": "offers are read whole each time: there is no further back",
        "details": {},
    }


def test_a_gap_of_a_family_without_gaps_cannot_be_healed(account):
    answer = press(
        client_of(account, "operator"), "heal_gap", account.pk, "offers",
        span="2026-01-01T00:00:00Z/2026-01-02T00:00:00Z",
    )  # fmt: skip
    assert answer.status_code == 400
    assert "offers are read whole each time: there are no gaps" in answer.json()["message"]


def test_many_families_take_no_more_queries_than_few(account, monkeypatch):
    few = _queries(account)
    many = dict(WORKERS)
    for number in range(12):
        for key in ("orders", "offers"):
            worker = dataclasses.replace(WORKERS[key], key=f"{key}-{number}")
            many[worker.key] = worker
            _something_of_everything(account, worker.key)
    monkeypatch.setattr("syncworkers.selectors.WORKERS", many)
    assert len(worker_board(account)) == len(WORKERS) + 24
    assert _queries(account) == few


def _something_of_everything(account, family) -> None:
    now = timezone.now()
    SyncStateFactory(account=account, api_family=family)
    RunFactory(account=account, api_family=family, status="error")
    SnapshotPassFactory(account=account, api_family=family, total=9)
    FailedSlice.objects.create(
        account=account, api_family=family, start_at=now - timedelta(hours=2),
        end_at=now - timedelta(hours=1), reason="drift", failed_at=now, retry_at=now,
    )  # fmt: skip
    QuarantinedRecord.objects.create(
        account=account, api_family=family, record_key="1", evidence={}, error="x", last_seen_at=now
    )


def _queries(account) -> int:
    with CaptureQueriesContext(
        connection,
    ) as queries:
        worker_board(account)
    return len(queries)
