"""A record on which eBay fails: the rest is stored, the gap is small, visible, tried again, and heals."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncworkers.models import FailedSlice, Order, WorkerLog

from .running import ago, iso, let_time_pass, run_orders, seller_account, state_of, stored, truth

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]


@pytest.fixture
def account(ebay):
    ebay.reset(orders=700)
    return seller_account(ebay)


def poison(ebay, *order_ids: str) -> None:
    for order_id in order_ids:
        ebay.fault("/sell/fulfillment", "poison", contains=order_id, count=None)


def old_orders(ebay, account, *places: int) -> list[str]:
    """Orders of the history, far from each other."""
    oldest_first = sorted(truth(ebay, account).items(), key=lambda pair: pair[1])
    return [oldest_first[place][0] for place in places]


@pytest.mark.parametrize("places", [(40,), (40, 300, 500)])
def test_records_that_ebay_fails_on_are_the_only_ones_missing(ebay, account, places):
    bad = old_orders(ebay, account, *places)
    poison(ebay, *bad)
    run = run_orders(account)

    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert set(truth(ebay, account)) - order_ids(account) == set(bad)
    failed = FailedSlice.objects.all()
    assert len(failed) == len(bad)
    assert all(part.end_at - part.start_at <= timedelta(seconds=1) for part in failed)
    assert all("500" in part.evidence for part in failed)
    assert WorkerLog.objects.filter(run=run, event="slice_failed").count() == len(bad)
    assert len(state_of(account).covered) == len(bad) + 1

    ebay.delete("faults")
    FailedSlice.objects.update(retry_at=ago(seconds=1))
    let_time_pass(ebay)
    assert run_orders(account).status == "completed"
    assert stored(account) == truth(ebay, account)
    assert not FailedSlice.objects.exists()
    assert len(state_of(account).covered) == 1


def order_ids(account) -> set[str]:
    return set(Order.objects.filter(account=account).values_list("order_id", flat=True))


def test_a_page_that_always_fails_at_its_place_is_read_in_other_slices(ebay, account):
    """Page 3 of any slice: smaller slices have no page 3."""
    ebay.fault(r"getOrders|offset=398\b", "server_error", count=None)
    run = run_orders(account)
    assert run.status == "completed"
    assert stored(account) == truth(ebay, account)


def test_what_fails_in_time_that_was_read_before_stays_a_gap(ebay, account):
    run_orders(account)
    let_time_pass(ebay, 600)
    at = iso(ago(minutes=8))
    (late,) = ebay.post("orders", seller=account.username, created_at=at, modified_at=at)["orderIds"]
    poison(ebay, late)
    assert run_orders(account).status == "partial"
    let_time_pass(ebay, 7200)
    run_orders(account)
    assert FailedSlice.objects.count() == 1
    ebay.delete("faults")
    FailedSlice.objects.update(retry_at=ago(seconds=1))
    assert run_orders(account).status == "completed"
    assert stored(account) == truth(ebay, account)
