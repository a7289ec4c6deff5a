"""Calls that eBay answers only after a long time or never, in runs that have four minutes."""

from __future__ import annotations

import dataclasses
import re
from datetime import timedelta
from types import SimpleNamespace
from urllib.parse import quote

import pytest

from accounts.models import Purpose
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.errors import Unavailable
from syncworkers.models import (
    InventoryItem,
    Offer,
    QuarantinedRecord,
    Return,
    Transaction,
    Trigger,
    WorkerRun,
)
from syncworkers.registry import WORKERS
from syncworkers.services import context as context_module
from syncworkers.services import rechecks, runs

from .running import PageClock, execute, let_time_pass, run_whole, seller_account, state_of
from .trouble import fail_on_three_returns

pytestmark = [pytest.mark.django_db, pytest.mark.slow]

HOUR_S = 3600.0


@pytest.fixture
def account(ebay):
    ebay.reset(orders=300)
    return seller_account(ebay, purpose=Purpose.BOTH)


class Clock:
    now = 1000.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


@pytest.fixture
def clock(monkeypatch):
    """A clock on which a failing call takes 30 s, and another one 0.2."""
    clock, real = Clock(), EbayClient._attempt

    def attempt(self, *args):
        outcome = real(self, *args)
        clock.now += 30.0 if isinstance(outcome, Unavailable) else 0.2
        return outcome

    monkeypatch.setattr(EbayClient, "_attempt", attempt)
    monkeypatch.setattr(context_module, "time", clock)
    return clock


def scheduled(account, family: str) -> int:
    return runs.request_run(account, WORKERS[family], trigger=Trigger.SCHEDULE, by="").run_id


def run_for(clock: Clock, account, family: str, *, seconds: float = 240.0, most: int = 4) -> list[WorkerRun]:
    """A scheduled run and its follow-ups, of so many seconds each."""
    done, run_id = [], scheduled(account, family)
    while len(done) < most:
        done.append(execute(run_id, deadline=lambda: clock.now + seconds, sleep=clock.sleep))
        if not done[-1].more:
            break
        run_id = WorkerRun.objects.get(account=account, status="queued").pk
    return done


def test_neighbours_whose_details_hang_are_set_aside(ebay, account, clock):
    newest = fail_on_three_returns(ebay, account)
    others = Return.objects.exclude(return_id__in=newest)
    done = run_for(clock, account, "returns")
    assert [(run.status, run.reason) for run in done] == [("partial", "ebay_unavailable")] * len(done)
    assert not done[-1].more
    assert not others.filter(detail_at=None).exists()
    assert QuarantinedRecord.objects.filter(healed_at=None).count() == 3


def test_neighbours_whose_offers_hang_are_set_aside(ebay, account, clock):
    run_whole(account, "offers")
    assert Offer.objects.exists()
    before = set(QuarantinedRecord.objects.values_list("record_key", flat=True))
    hanging = [item.sku for item in InventoryItem.objects.order_by("id")[:3]]
    for sku in hanging:
        either = f"{re.escape(sku)}|{re.escape(quote(sku, safe=''))}"
        ebay.fault(rf"/offer\?.*sku=({either})(&|$)", "server_error", count=None)
    done = run_for(clock, account, "offers")
    assert [(run.status, run.reason) for run in done] == [("partial", "ebay_unavailable")] * len(done)
    assert not done[-1].more
    found = set(QuarantinedRecord.objects.filter(healed_at=None).values_list("record_key", flat=True))
    assert found - before == {f"offers of {sku}" for sku in hanging}


def test_a_run_that_begins_late_in_an_outage_is_not_complete(ebay, account, clock):
    ebay.fault("/post-order/v2/", "server_error", count=None)
    (run,) = run_for(clock, account, "returns", seconds=60.0, most=1)
    assert (run.status, run.reason, run.pages) == ("partial", "ebay_unavailable", 0)
    state = state_of(account, "returns")
    assert (state.last_success_at, state.covered) == (None, [])


def test_lists_of_what_is_open_that_hang_hold_up_nothing_for_long(ebay, account, clock):
    run_whole(account, "transactions")
    let_time_pass(ebay, 7 * HOUR_S)
    asked = state_of(account, "transactions").statuses_asked_at
    ebay.fault("transactionStatus", "server_error", count=None)
    done = run_for(clock, account, "transactions")
    assert {run.status for run in done[:2]} == {"partial"}
    assert not done[-1].more
    assert state_of(account, "transactions").statuses_asked_at > asked


@pytest.fixture
def pages(monkeypatch):
    """Three transactions a page, and a clock that counts pages."""
    reads = dataclasses.replace(WORKERS["transactions"].reads, page_limit=3)
    small = dataclasses.replace(WORKERS["transactions"], reads=reads)
    clock = PageClock()

    def begin() -> None:
        monkeypatch.setattr("syncworkers.services.execution.WORKERS", {**WORKERS, "transactions": small})
        monkeypatch.setattr(context_module, "time", clock)

    return SimpleNamespace(begin=begin, clock=clock)


def run_for_pages(clock: PageClock, account, pages: int) -> list[WorkerRun]:
    """A scheduled run and its follow-ups, each of which has time for so many pages."""
    done, run_id = [], scheduled(account, "transactions")
    while len(done) < 60:
        done.append(execute(run_id, deadline=lambda: clock.now + pages))
        if not done[-1].more:
            break
        run_id = WorkerRun.objects.get(account=account, status="queued").pk
    return done


def test_looks_at_more_than_a_run_can_read_come_to_their_end(ebay, account, pages, monkeypatch):
    # A busy seller has some in each hour.
    monkeypatch.setattr(rechecks, "_TOGETHER", timedelta(days=90))
    run_whole(account, "transactions")
    oldest = Transaction.objects.order_by("occurred_at").first().occurred_at
    # As after a payout: all that eBay does not list as open has changed.
    Transaction.objects.update(maturity="open", check_at=oldest)
    assert Transaction.objects.count() > 300
    pages.begin()
    done = run_for_pages(pages.clock, account, 20)
    assert (done[-1].more, {run.status for run in done}) == (False, {"completed"})
    assert len(done) > 3
    assert not Transaction.objects.filter(check_at=oldest).exists()


def test_a_list_of_what_is_open_that_is_too_long_for_a_run_is_said_and_left(ebay, pages):
    ebay.reset(orders=1500)
    account = seller_account(ebay)
    run_whole(account, "transactions")
    assert Transaction.objects.filter(maturity="open").count() > 40
    let_time_pass(ebay, 7 * HOUR_S)
    asked = state_of(account, "transactions").statuses_asked_at
    pages.begin()
    done = run_for_pages(pages.clock, account, 12)
    assert (done[1].status, "could not be listed within one run" in done[1].error) == ("partial", True)
    assert not done[-1].more
    assert state_of(account, "transactions").statuses_asked_at > asked
