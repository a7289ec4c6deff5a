"""A record at fault never holds up the others: it is kept with its evidence, a gap of a millisecond."""

from __future__ import annotations

from datetime import timedelta

import pytest

from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.models import FailedSlice, Order, QuarantinedRecord
from syncworkers.ranges import MILLISECOND, Span

from .running import (
    ago,
    iso,
    let_time_pass,
    run_orders,
    seller_account,
    state_of,
    stored,
    truth,
)


@pytest.fixture
def account(ebay):
    return seller_account(ebay)


def add_order(ebay, account, at, **overrides):
    body = {"seller": account.username, "created_at": iso(at)}
    return ebay.post("orders", **body, overrides=overrides or {"buyerCheckoutNotes": "hello"})["orderIds"][0]


def gap_at(moment) -> Span:
    start = parse_ebay_time(iso(moment))
    return Span(start, start + MILLISECOND)


def patch(ebay, account, order_id, **overrides):
    ebay.patch(f"orders/{order_id}", seller=account.username, touch=False, overrides=overrides)


BAD = {"pricingSummary": {"total": {"value": "a lot", "currency": "USD"}}}
GOOD = {"pricingSummary": {"total": {"value": "12.00", "currency": "USD"}}}


def test_one_bad_order_is_kept_and_all_others_are_stored(ebay, account):
    at = ago(days=3)
    order_id = add_order(ebay, account, at, **BAD)
    run = run_orders(account)
    assert (run.status, run.reason, run.rows_quarantined) == ("partial", "quarantine", 1)
    assert set(stored(account)) == set(truth(ebay, account)) - {order_id}
    record = QuarantinedRecord.objects.get()
    assert (record.record_key, record.error, record.attempts) == (
        order_id, "pricingSummary.total is not an amount", 1,
    )  # fmt: skip
    assert record.evidence["orderId"] == order_id
    assert record.healed_at is None


def test_only_the_millisecond_of_the_bad_order_stays_a_gap(ebay, account):
    at = ago(days=3)
    add_order(ebay, account, at, **BAD)
    run_orders(account)
    failed = FailedSlice.objects.get()
    assert (failed.span, failed.reason, failed.attempts) == (gap_at(at), "quarantine", 1)
    older, newer = state_of(account).covered
    assert (older.end, newer.start) == (gap_at(at).start, gap_at(at).end)


def test_a_bad_order_in_the_live_part_does_not_hold_the_cursor(ebay, account):
    add_order(ebay, account, ago(minutes=10), **BAD)
    run_orders(account)
    assert state_of(account).covered[-1].end > ago(seconds=30)
    for _ in range(3):
        run_orders(account)
    # Read again with the overlap each time, and still one failure at its first pause.
    assert FailedSlice.objects.get().attempts == 1
    assert QuarantinedRecord.objects.get().attempts == 4


def test_the_gap_is_left_alone_until_its_time_and_then_tried_again(ebay, account):
    add_order(ebay, account, ago(days=3), **BAD)
    run_orders(account)
    assert run_orders(account).status == "completed"
    assert FailedSlice.objects.get().attempts == 1
    FailedSlice.objects.update(retry_at=ago(seconds=1))
    assert run_orders(account).status == "partial"
    failed = FailedSlice.objects.get()
    assert failed.attempts == 2
    assert failed.retry_at - failed.failed_at == timedelta(hours=6)


def test_a_healed_order_is_stored_and_leaves_the_quarantine(ebay, account):
    order_id = add_order(ebay, account, ago(days=3), **BAD)
    run_orders(account)
    patch(ebay, account, order_id, **GOOD)
    FailedSlice.objects.update(retry_at=ago(seconds=1))
    assert run_orders(account).status == "completed"
    assert stored(account) == truth(ebay, account)
    assert QuarantinedRecord.objects.get().healed_at is not None
    assert not FailedSlice.objects.exists()
    assert len(state_of(account).covered) == 1


def test_an_order_that_the_database_refuses_is_kept_too(ebay, account):
    order_id = add_order(ebay, account, ago(days=3), salesRecordReference="9" * 101)
    assert run_orders(account).reason == "quarantine"
    record = QuarantinedRecord.objects.get()
    assert record.record_key == order_id
    assert record.error.startswith("the database refuses it: value too long")


def without_id(ebay, at, *, times=None, count=1):
    """Every answer to getOrders holds `count` orders without an id, changed at `at`."""
    orders = [{"lastModifiedDate": at, "buyerCheckoutNotes": str(n)} for n in range(count)]
    body = {"total": count, "limit": 200, "offset": 0, "orders": orders}
    ebay.fault("/sell/fulfillment", "replace_body", body=body, count=times)


def test_an_order_without_id_is_kept_and_its_time_stays_a_gap(ebay, account):
    at = ago(minutes=90)
    without_id(ebay, iso(at), times=1, count=2)
    run = run_orders(account)
    assert (run.status, run.reason) == ("partial", "quarantine")
    assert FailedSlice.objects.get().span == gap_at(at)
    records = QuarantinedRecord.objects.all()
    assert len(records) == 2
    assert all(record.record_key.startswith("without key ") for record in records)
    assert {record.error for record in records} == {"orderId is missing"}


def test_an_order_without_id_that_does_not_come_again_is_healed(ebay, account):
    without_id(ebay, iso(ago(minutes=90)), times=1)
    run_orders(account)
    FailedSlice.objects.update(retry_at=ago(seconds=1))
    assert run_orders(account).status == "completed"
    assert QuarantinedRecord.objects.get().healed_at is not None
    assert not FailedSlice.objects.exists()
    assert len(state_of(account).covered) == 1


@pytest.mark.slow
def test_a_record_without_time_is_found_by_halving(ebay, account):
    """The record comes whenever the window holds its moment, but does not say when it was changed."""
    at = ago(hours=5)
    order_id = add_order(ebay, account, at, lastModifiedDate=iso(at))
    body = {"total": 1, "limit": 200, "offset": 0, "orders": [{"orderId": order_id, "lastModifiedDate": "?"}]}
    run_orders(account)
    Order.objects.all().delete()
    state = state_of(account)
    state.covered = []
    state.save()
    ebay.fault("/sell/fulfillment", "replace_body", body=body, count=1)
    run = run_orders(account)
    # The halves are read from the real list, which has no record at fault.
    assert run.status == "completed"
    assert stored(account) == truth(ebay, account)
    assert QuarantinedRecord.objects.get().healed_at is not None


@pytest.mark.slow
def test_a_record_without_time_that_always_comes_leaves_gaps_of_a_second(ebay, account, monkeypatch):
    monkeypatch.setattr("syncworkers.services.slices.SHORTEST_SLICE", timedelta(days=12))
    without_id(ebay, "?", times=None)
    run = run_orders(account)
    assert (run.status, run.reason) == ("partial", "quarantine")
    assert state_of(account).covered == []
    lengths = {failed.span.length for failed in FailedSlice.objects.all()}
    assert max(lengths) <= timedelta(days=12)
    assert sum(lengths, timedelta()) > timedelta(0)


def test_a_change_of_the_bad_order_closes_its_old_gap(ebay, account):
    order_id = add_order(ebay, account, ago(days=3), **BAD)
    run_orders(account)
    ebay.patch(f"orders/{order_id}", seller=account.username, overrides=GOOD)
    let_time_pass(ebay)
    run_orders(account)
    assert QuarantinedRecord.objects.get().healed_at is not None
    assert stored(account) == truth(ebay, account)
    FailedSlice.objects.update(retry_at=ago(seconds=1))
    assert run_orders(account).status == "completed"
    assert len(state_of(account).covered) == 1


def test_a_bad_order_that_shows_late_is_tried_again_like_others(ebay, account):
    run_orders(account)
    let_time_pass(ebay, 600)
    order_id = add_order(ebay, account, ago(minutes=8), **BAD)
    assert run_orders(account).status == "partial"
    place = FailedSlice.objects.get().span
    let_time_pass(ebay, 3600)
    run_orders(account)
    assert FailedSlice.objects.get().span == place
    patch(ebay, account, order_id, **GOOD)
    FailedSlice.objects.update(retry_at=ago(seconds=1))
    assert run_orders(account).status == "completed"
    assert stored(account) == truth(ebay, account)
