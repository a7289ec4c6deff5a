"""Records that move while pages are read: none is lost, or the gap is seen."""

from __future__ import annotations

import random

import pytest

from ebayconnector.ebay.fulfillment import order_pages
from syncworkers.models import FailedSlice, Order, WorkerLog
from syncworkers.ranges import Span
from syncworkers.services import coverage, runs
from syncworkers.services.store import upsert_page
from tests.seeds import seeds
from tokens.services.clients import client_for

from .running import (
    ORDERS,
    ago,
    covered_but_not_true,
    iso,
    let_time_pass,
    run_orders,
    run_until_quiet,
    seller_account,
    state_of,
    stored,
    truth,
)

pytestmark = pytest.mark.slow


def quiet_pass(ebay, account):
    ebay.post("drift", per_page=0)
    let_time_pass(ebay)
    return run_until_quiet(account)[-1]


@pytest.mark.parametrize("seed", seeds(6))
def test_no_order_is_lost_while_orders_move(ebay, small_pages, seed):
    """Any rate, kind and order of rows: `SOAK_SEED=n` replays one."""
    dice = random.Random(seed)
    ebay.reset(seed=seed, orders=150, sort=dice.choice(["newest_first", "oldest_first", "by_id"]))
    account = seller_account(ebay)
    kind = dice.choice(["mixed", "modify", "create"])
    ebay.post("drift", seller=account.username, per_page=dice.randint(1, 6), kind=kind, pages=40)
    run = run_orders(account)
    assert run.status == "completed" or (run.status == "partial" and FailedSlice.objects.exists())
    assert covered_but_not_true(ebay, account) == {}
    assert quiet_pass(ebay, account).status == "completed"
    assert stored(account) == truth(ebay, account)


def test_a_slice_that_moves_is_read_again_and_says_so(ebay, small_pages):
    ebay.reset(orders=60)
    account = seller_account(ebay)
    ebay.post("drift", seller=account.username, per_page=2, kind="modify", pages=3)
    run = run_orders(account)
    assert run.status == "completed"
    assert WorkerLog.objects.filter(run=run, event="drift", level="warning").exists()
    assert covered_but_not_true(ebay, account) == {}


def test_an_order_that_goes_while_another_comes_is_noticed_although_the_totals_agree(
    ebay, small_pages, monkeypatch
):
    """Only that a page begins with the last order of the one before tells of it."""
    # Else all pages would be asked for before anything has happened.
    monkeypatch.setattr("ebayconnector.ebay.paging.PAGES_AHEAD", 1)
    ebay.reset(orders=0, sort="oldest_first")
    account = seller_account(ebay)

    def add(minutes: int) -> str:
        at = iso(ago(minutes=minutes))
        made = ebay.post("orders", seller=account.username, created_at=at, modified_at=at)
        return made["orderIds"][0]

    first, *_ = [add(minutes) for minutes in range(600, 120, -8)]

    def swap(run) -> None:
        if run.pages == 1:
            add(60)
            ebay.patch(f"orders/{first}", seller=account.username, overrides={})

    run = run_orders(account, on_page=swap)
    assert WorkerLog.objects.filter(run=run, event="drift").exists()
    assert covered_but_not_true(ebay, account) == {}


@pytest.mark.slow
def test_a_slice_that_never_rests_is_read_in_slices_of_one_page(ebay, small_pages):
    ebay.reset(orders=150)
    account = seller_account(ebay)
    ebay.post("drift", seller=account.username, per_page=1, kind="modify")
    run = run_orders(account)
    assert run.status == "completed"
    assert covered_but_not_true(ebay, account) == {}
    quiet_pass(ebay, account)
    assert stored(account) == truth(ebay, account)


@pytest.mark.slow
def test_what_cannot_be_read_at_rest_stays_a_visible_gap(ebay, small_pages):
    ebay.reset(orders=0)
    account = seller_account(ebay)
    moment = ago(hours=2).replace(microsecond=500_000)
    ebay.post("orders", seller=account.username, count=300, created_at=iso(moment))
    ebay.post("drift", seller=account.username, per_page=1, kind="modify")
    run = run_orders(account)
    assert (run.status, run.reason) == ("partial", "drift")
    assert run.rows_stored > 0
    (failed,) = FailedSlice.objects.all()
    assert (failed.reason, failed.attempts) == ("drift", 1)
    assert failed.start_at <= moment < failed.end_at
    assert not any(failed.span.overlaps(span) for span in state_of(account).covered)
    assert covered_but_not_true(ebay, account) == {}

    FailedSlice.objects.update(retry_at=ago(seconds=1))
    assert quiet_pass(ebay, account).status == "completed"
    assert stored(account) == truth(ebay, account)
    assert not FailedSlice.objects.exists()


def plain_paging(account) -> None:
    """What everybody writes first: page after page by offset, and all of it counts as read."""
    state = runs.ensure_state(account, ORDERS)
    span = Span(ago(days=90), ago(seconds=5))
    client = client_for(account, source="test")
    for page in order_pages(client, modified_from=span.start, modified_to=span.end, limit=10, overlap=0):
        upsert_page(ORDERS.table, account, page.items)
    coverage.add_coverage(account.pk, state.api_family, [span])


def test_plain_paging_loses_orders_in_the_same_setting(ebay):
    lost = 0
    for seed in range(1, 7):
        ebay.reset(seed=seed, orders=150)
        account = seller_account(ebay)
        ebay.post("drift", seller=account.username, per_page=1 + seed % 3, kind="mixed", pages=40)
        plain_paging(account)
        lost += len(covered_but_not_true(ebay, account))
        Order.objects.all().delete()
    assert lost > 0
