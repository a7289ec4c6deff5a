"""What is read whole: passes that survive runs, rows that close after two complete misses."""

from __future__ import annotations

import dataclasses

import pytest
import time_machine
from django.db import connection

from syncworkers.models import InventoryItem, Offer, QuarantinedRecord, SnapshotPart, SnapshotPass, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import passes
from syncworkers.services.execution import WORKERS as RUNNING
from tests.factories import RunFactory

from .running import ago, execute, no_time, run_family, seller_account, state_of, whole_truth

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
GET_ITEMS = r"^/sell/inventory/v1/inventory_item"
GET_OFFERS = r"^/sell/inventory/v1/offer"


@pytest.fixture
def account(ebay):
    ebay.reset(stock=25)
    return seller_account(ebay)


@pytest.fixture
def small_lists(monkeypatch):
    """Ten items a page."""
    offers = WORKERS["offers"]
    small = dataclasses.replace(offers, reads=dataclasses.replace(offers.reads, page_limit=10))
    monkeypatch.setattr("syncworkers.services.execution.WORKERS", {**RUNNING, "offers": small})


def stored_items(account):
    return {row.sku: row.payload for row in InventoryItem.objects.filter(account=account, closed_at=None)}


def stored_offers(account):
    return {row.offer_id: row.payload for row in Offer.objects.filter(account=account, closed_at=None)}


def true_items(ebay, account):
    return {item["sku"]: item for item in whole_truth(ebay, "items", account)}


def true_offers(ebay, account):
    return {offer["offerId"]: offer for offer in whole_truth(ebay, "offers", account)}


def known_skus(ebay, account):
    """SKUs that eBay lists, and those of them that getOffers refuses."""
    rows = ebay.get("stock", seller=account.username)["items"]
    return [row["sku"] for row in rows], {row["sku"] for row in rows if row["legacy"]}


def remove(ebay, account, sku):
    ebay.delete("stock", seller=account.username, sku=sku)


def test_a_pass_stores_every_item_and_the_offers_of_every_sku(ebay, account, small_lists):
    run = run_family(account, "offers")
    assert stored_items(account) == true_items(ebay, account)
    assert stored_offers(account) == true_offers(ebay, account)
    assert (run.status, run.reason, run.pages) == ("completed", "", 3 + 25 - run_refused(ebay, account))
    state = state_of(account, "offers")
    assert state.snapshot_at == SnapshotPass.objects.get().started_at
    assert state.cursor_value == state.snapshot_at.isoformat()
    assert SnapshotPass.objects.get().finished_at and not SnapshotPart.objects.exists()


def run_refused(ebay, account):
    return len(known_skus(ebay, account)[1])


@pytest.mark.parametrize("semantics", ["page", "row"])
def test_what_an_offset_counts_does_not_matter(ebay, account, small_lists, semantics):
    ebay.reset(stock=25, inventory_offset=semantics)
    account = seller_account(ebay)
    assert run_family(account, "offers").status == "completed"
    assert stored_items(account) == true_items(ebay, account)


def test_a_second_pass_over_the_same_writes_no_row(ebay, account, small_lists):
    run_family(account, "offers")
    before = dict(InventoryItem.objects.values_list("pk", "changed_at"))
    run = run_family(account, "offers")
    assert (run.rows_stored, run.status) == (0, "completed")
    assert dict(InventoryItem.objects.values_list("pk", "changed_at")) == before


def test_a_refused_sku_is_kept_as_evidence_and_closes_nothing(ebay, account, small_lists):
    _, legacy = known_skus(ebay, account)
    kept = QuarantinedRecord.objects.filter(healed_at=None)
    for _ in range(3):
        assert run_family(account, "offers").status == "completed"
    assert {record.record_key for record in kept} == {f"offers of {sku}" for sku in legacy} != set()
    assert all("25707" in record.error for record in kept)


def test_a_row_is_closed_after_two_complete_misses_and_reopened_when_seen(ebay, account, small_lists):
    run_family(account, "offers")
    skus, legacy = known_skus(ebay, account)
    gone = next(sku for sku in skus if sku not in legacy and Offer.objects.filter(sku=sku).exists())
    item, offers = InventoryItem.objects.get(sku=gone), Offer.objects.filter(sku=gone)
    remove(ebay, account, gone)
    run_family(account, "offers")
    assert InventoryItem.objects.get(pk=item.pk).closed_at is None
    run_family(account, "offers")
    closed = InventoryItem.objects.get(pk=item.pk)
    assert closed.closed_at is not None and closed.changed_at > item.changed_at
    assert all(offer.closed_at is not None for offer in offers)
    assert InventoryItem.objects.exclude(closed_at=None).count() == 1
    ebay.post("stock", seller=account.username, sku=gone)
    run_family(account, "offers")
    assert InventoryItem.objects.get(pk=item.pk).closed_at is None
    assert stored_items(account) == true_items(ebay, account)
    assert stored_offers(account) == true_offers(ebay, account)


def test_a_row_that_comes_back_as_it_was_is_reopened_and_counts_as_changed(ebay, account, small_lists):
    run_family(account, "offers")
    closed = InventoryItem.objects.filter(sku=known_skus(ebay, account)[0][0])
    closed.update(closed_at=ago(days=2), changed_at=ago(days=2))
    assert run_family(account, "offers").rows_stored == 0
    assert closed.get().closed_at is None
    assert closed.get().changed_at > ago(days=1)


def test_one_miss_between_two_sightings_does_not_count(ebay, account, small_lists):
    run_family(account, "offers")
    sku = known_skus(ebay, account)[0][0]
    for _ in range(2):
        remove(ebay, account, sku)
        run_family(account, "offers")
        ebay.post("stock", seller=account.username, sku=sku)
        run_family(account, "offers")
    assert InventoryItem.objects.get(sku=sku).closed_at is None
    # Its offers are there all the same, and are asked about by its SKU.
    assert stored_offers(account) == true_offers(ebay, account)


def test_a_pass_that_is_cut_off_goes_on_where_it_was(ebay, account, small_lists):
    done = [run_family(account, "offers", deadline=no_time)]
    while done[-1].more:
        assert len(done) < 100
        waiting = WorkerRun.objects.get(account=account, status="queued")
        done.append(execute(waiting.pk, deadline=no_time))
    assert len(done) > 10 and done[-1].status == "completed"
    assert stored_items(account) == true_items(ebay, account)
    assert stored_offers(account) == true_offers(ebay, account)
    assert SnapshotPass.objects.count() == 1
    # Nothing was asked twice: three pages and each SKU once.
    skus, _ = known_skus(ebay, account)
    assert len(ebay.requests(GET_ITEMS, limit=1000)) == 3
    assert len(ebay.requests(GET_OFFERS, limit=1000)) == len(skus)


def go_on(account):
    return execute(WorkerRun.objects.get(account=account, status="queued").pk)


def test_a_place_that_ebay_no_longer_takes_begins_the_list_anew(ebay, account, small_lists):
    assert run_family(account, "offers", deadline=no_time).more
    # eBay takes at most 200.
    SnapshotPass.objects.update(position="limit=201&offset=1")
    assert go_on(account).status == "completed"
    assert stored_items(account) == true_items(ebay, account)


def test_a_list_begun_long_ago_is_not_finished_with_the_rest_of_today_but_begun_anew(
    ebay, account, small_lists
):
    assert run_family(account, "offers", deadline=no_time).more
    SnapshotPass.objects.update(started_at=ago(hours=25))
    assert go_on(account).status == "completed"
    assert SnapshotPass.objects.get().started_at > ago(hours=1)
    # The one page of then, and all three.
    assert len(ebay.requests(GET_ITEMS, limit=1000)) == 1 + 3


def test_a_list_that_moves_is_read_again_and_closes_nothing(ebay, account, small_lists):
    run_family(account, "offers")
    ebay.post("stock/drift", seller=account.username, per_page=1, kind="delete")
    run = run_family(account, "offers")
    assert (run.status, run.reason) == ("partial", "drift")
    assert not InventoryItem.objects.exclude(closed_at=None).exists()
    ebay.post("stock/drift", seller=account.username, per_page=0)
    assert [run_family(account, "offers").status for _ in range(3)] == ["completed"] * 3
    assert stored_items(account) == true_items(ebay, account)
    assert stored_offers(account) == true_offers(ebay, account)


def test_one_sku_that_ebay_fails_on_does_not_stop_the_others(ebay, account, small_lists):
    run_family(account, "offers")
    skus, legacy = known_skus(ebay, account)
    broken = next(s for s in skus if s.isascii() and s.replace("-", "").isalnum() and s not in legacy)
    ebay.fault(rf"/offer\?sku={broken}&", "server_error", count=1000)
    for _ in range(3):
        run = run_family(account, "offers")
        assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert not Offer.objects.exclude(closed_at=None).exists()
    assert QuarantinedRecord.objects.get(record_key=f"offers of {broken}").attempts == 3
    ebay.delete("faults")
    assert run_family(account, "offers").status == "completed"
    assert QuarantinedRecord.objects.get(record_key=f"offers of {broken}").healed_at is not None


def test_an_outage_ends_the_run_and_the_pass_goes_on_later(ebay, account, small_lists):
    ebay.fault(GET_OFFERS, "server_error", count=1000)
    run = run_family(account, "offers")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    asked = SnapshotPass.objects.get(finished_at=None).asked
    assert asked < 5
    ebay.delete("faults")
    WorkerRun.objects.filter(status="queued").delete()
    assert run_family(account, "offers").status == "completed"
    assert stored_offers(account) == true_offers(ebay, account)


def test_an_item_that_breaks_the_mapper_is_shown_and_not_closed(ebay, account, small_lists):
    run_family(account, "offers")
    sku = known_skus(ebay, account)[0][0]
    ebay.patch("stock", seller=account.username, sku=sku, overrides={"availability": "none"})
    for _ in range(3):
        run_family(account, "offers")
    record = QuarantinedRecord.objects.get(record_key=f"inventory_items {sku}")
    assert (record.healed_at, record.start_at) == (None, None)
    assert InventoryItem.objects.get(sku=sku).closed_at is None
    # Its offers are there all the same, and are asked about by its SKU.
    assert stored_offers(account) == true_offers(ebay, account)
    ebay.patch("stock", seller=account.username, sku=sku, overrides={"availability": None})
    run_family(account, "offers")
    record.refresh_from_db()
    assert record.healed_at is not None


def usual_skus(ebay, account):
    skus, legacy = known_skus(ebay, account)
    return [sku for sku in skus if sku.isascii() and sku.replace("-", "").isalnum() and sku not in legacy]


def test_three_neighbours_that_ebay_fails_on_are_no_outage(ebay, account, small_lists):
    run_family(account, "offers")
    shown = InventoryItem.objects.filter(account=account).order_by("id").values_list("sku", flat=True)
    usual = set(usual_skus(ebay, account))
    broken = next(list(shown[n : n + 3]) for n in range(len(shown)) if usual.issuperset(shown[n : n + 3]))
    for sku in broken:
        ebay.fault(rf"/offer\?sku={sku}&", "server_error", count=1000)
    other = next(sku for sku in reversed(list(shown)) if sku in usual and sku not in broken)
    remove(ebay, account, other)
    for _ in range(2):
        run = run_family(account, "offers")
        assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert InventoryItem.objects.get(sku=other).closed_at is not None
    names = {f"offers of {sku}" for sku in broken}
    assert names <= set(QuarantinedRecord.objects.values_list("record_key", flat=True))


def test_a_404_from_somebody_on_the_way_closes_no_offers(ebay, account, small_lists):
    run_family(account, "offers")
    ebay.fault(GET_OFFERS, "status", status=404, count=None)
    for _ in range(2):
        WorkerRun.objects.filter(status="queued").delete()
        assert run_family(account, "offers").status == "partial"
    assert not Offer.objects.exclude(closed_at=None).exists()


def test_asking_one_by_one_may_take_longer_than_a_day(ebay, account, small_lists):
    ebay.fault(GET_OFFERS, "server_error", skip=8, count=1000)
    run_family(account, "offers")
    SnapshotPass.objects.update(started_at=ago(hours=30))
    pass_ = SnapshotPass.objects.get()
    assert pass_.asked >= 5
    ebay.delete("faults")
    ebay.delete("requests")
    WorkerRun.objects.filter(status="queued").delete()
    assert run_family(account, "offers").status == "completed"
    pass_.refresh_from_db()
    assert pass_.finished_at is not None
    assert ebay.requests(GET_ITEMS) == []


def test_a_long_pass_waits_for_its_lane_when_that_is_full(ebay, account, small_lists, settings, monkeypatch):
    monkeypatch.setattr("syncworkers.services.passes._LONG", 5)
    settings.Q_WORKERS = 1
    RunFactory(status="running", lane=3, heartbeat_at=ago(seconds=1))
    run = run_family(account, "offers")
    assert (run.status, run.more) == ("completed", True)
    assert WorkerRun.objects.get(account=account, status="queued").lane == 3


def test_what_was_set_aside_by_a_slow_clock_is_not_taken_for_healed(ebay, account, small_lists):
    _, legacy = known_skus(ebay, account)
    with time_machine.travel(ago(minutes=3)):
        run_family(account, "offers")
    open_ = QuarantinedRecord.objects.filter(healed_at=None).values_list("record_key", flat=True)
    assert set(open_) == {f"offers of {sku}" for sku in legacy}


def test_a_long_list_is_compared_by_a_join(ebay, account):
    """What is looked up in a list that fits no hash takes hours, and the pass never ends."""
    pass_ = SnapshotPass.objects.create(account=account, api_family="offers")
    pass_.parts.create(table="inventory_items", row_ids=list(range(20_000)), bad_keys=["x"])
    parameters = passes._of_pass(account.pk, WORKERS["offers"].table, pass_.pk)
    with connection.cursor() as cursor:
        cursor.execute("SET LOCAL work_mem = '64kB'")
        cursor.execute("ANALYZE syncworkers_snapshotpart")
        for sql in passes._statements(WORKERS["offers"].table):
            cursor.execute(f"EXPLAIN {sql}", parameters)
            assert "SubPlan" not in str(cursor.fetchall())
