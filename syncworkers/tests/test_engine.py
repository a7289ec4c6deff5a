"""What a run reads: the live part, the gaps, and only the changes afterwards."""

from __future__ import annotations

import threading
from datetime import timedelta
from itertools import accumulate, pairwise

import pytest

from accounts.access import SYSTEM
from ebayconnector.ebay.client import BegunCall, EbayClient
from ebayconnector.ebay.paging import PAGES_AHEAD
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.models import Order, OrderLineItem, SyncState, WorkerLog, WorkerRun
from syncworkers.models.runs import Lane
from syncworkers.ranges import Span, without
from syncworkers.services import history

from .running import (
    GET_ORDERS,
    ORDERS,
    PageClock,
    ago,
    iso,
    let_time_pass,
    no_time,
    rows_written,
    run_orders,
    run_until_quiet,
    seller_account,
    state_of,
    stored,
    truth,
    windows_asked,
)


def test_the_first_run_reads_a_day_and_then_ninety_newest_first(ebay):
    account = seller_account(ebay)
    run = run_orders(account)
    assert (run.status, run.reason, run.more) == ("completed", "", False)
    assert stored(account) == truth(ebay, account)
    assert OrderLineItem.objects.filter(account=account).count() >= Order.objects.count()
    asked = windows_asked(ebay)
    assert abs(asked[0][1] - asked[0][0] - timedelta(hours=24)) < timedelta(seconds=1)
    ends = [to for _, to in asked]
    assert ends == sorted(ends, reverse=True)
    assert abs(asked[-1][0] - ago(days=90)) < timedelta(seconds=20)


def test_the_first_run_covers_all_ninety_days_without_a_hole(ebay):
    account = seller_account(ebay)
    run = run_orders(account)
    (covered,) = state_of(account).covered
    assert abs(covered.start - ago(days=90)) < timedelta(seconds=20)
    assert abs(covered.end - ago(seconds=5)) < timedelta(seconds=20)
    assert (run.window_from, run.window_to) == (covered.start, covered.end)


def test_a_second_run_with_nothing_new_writes_no_row(ebay):
    account = seller_account(ebay)
    run_orders(account)
    before = rows_written()
    let_time_pass(ebay, seconds=60)
    ebay.delete("requests")
    run = run_orders(account)
    assert (run.status, run.rows_stored) == ("completed", 0)
    assert rows_written() == before
    ((start, end),) = windows_asked(ebay)
    assert abs(end - start - timedelta(minutes=31)) < timedelta(seconds=20)


def test_a_later_run_fetches_only_what_changed(ebay):
    account = seller_account(ebay)
    run_orders(account)
    order_id = max(stored(account).items(), key=lambda item: item[1])[0]
    ebay.post("orders", seller=account.username, created_at=iso(ago(seconds=20)))
    ebay.patch(
        f"orders/{order_id}",
        seller=account.username,
        touch=False,
        overrides={"lastModifiedDate": iso(ago(seconds=10)), "orderPaymentStatus": "FULLY_REFUNDED"},
    )
    run = run_orders(account)
    # Besides the two: what changed within the overlap of half an hour.
    assert run.rows_stored == 2
    assert run.rows_fetched <= 5
    assert stored(account) == truth(ebay, account)
    assert Order.objects.get(account=account, order_id=order_id).payment_status == "FULLY_REFUNDED"


def test_windows_stay_within_ebays_limits(ebay):
    account = seller_account(ebay)
    history.want_since(account, ORDERS, ago(days=728), reason="all", by=SYSTEM)
    run = run_orders(account)
    assert run.status == "completed"
    assert stored(account) == ebay.order_ids(account.username)
    for start, end in windows_asked(ebay):
        assert ago(days=730) < start < end < ago(seconds=4)
    assert all(entry["status"] == 200 for entry in ebay.requests(GET_ORDERS))


def test_a_wish_to_read_further_back_reads_only_the_gap(ebay):
    account = seller_account(ebay)
    run_orders(account)
    let_time_pass(ebay)
    ebay.delete("requests")
    history.want_since(account, ORDERS, ago(days=200), reason="audit", by=SYSTEM)
    run_orders(account)
    (live, gap) = windows_asked(ebay)
    assert live[0] > ago(hours=1)
    assert ago(days=201) < gap[0] < ago(days=199)
    assert abs(gap[1] - ago(days=90)) < timedelta(minutes=1)
    assert stored(account) == truth(ebay, account, days=200)


def test_long_windows_are_cut_into_slices_of_fifteen_pages(ebay, small_pages):
    ebay.reset(orders=400)
    account = seller_account(ebay)
    run = run_orders(account)
    assert run.status == "completed"
    assert stored(account) == truth(ebay, account)
    slices: dict[tuple[str, str], int] = {}
    for line in WorkerLog.objects.filter(run=run, event="page"):
        key = tuple(line.detail["slice"])
        slices[key] = slices.get(key, 0) + 1
    assert len(slices) > 3
    assert max(slices.values()) <= 15
    spans = [Span(*map(parse_iso, key)) for key in slices]
    assert without([Span(run.window_from, run.window_to)], spans) == []


def test_no_page_is_asked_for_twice_and_ebay_never_has_more_than_four_to_answer(ebay, small_pages):
    ebay.reset(orders=400)
    account = seller_account(ebay)
    ebay.post("latency", path="/sell/fulfillment/v1/order", seconds=0.1)
    run = run_orders(account)
    ebay.post("latency", path="/sell/fulfillment/v1/order", seconds=0)
    asked = ebay.requests(GET_ORDERS)
    pages = [request["query"] for request in asked]
    assert len(set(pages)) == len(pages)
    assert run.pages <= len(pages) <= run.pages + 2
    assert stored(account) == truth(ebay, account)
    assert 1 <= max(others_under_way(request, asked) for request in asked) < 4


def others_under_way(request, asked) -> int:
    """How many other requests eBay was thinking about when this one came."""
    at = parse_iso(request["at"])
    return sum(
        other is not request
        and parse_iso(other["at"]) <= at < parse_iso(other["at"]) + timedelta(seconds=other["duration_s"])
        for other in asked
    )


def parse_iso(text: str):
    from datetime import datetime

    return datetime.fromisoformat(text)


def test_pages_overlap_by_one_row(ebay, small_pages):
    account = seller_account(ebay)
    run_orders(account)
    offsets = {int(entry["query"].rsplit("offset=", 1)[1]) for entry in ebay.requests(GET_ORDERS)}
    assert {0, 9, 18} <= offsets


def test_out_of_time_the_rest_follows_in_the_lane_of_history(ebay, small_pages):
    account = seller_account(ebay)
    first = run_orders(account, deadline=no_time)
    assert (first.status, first.more) == ("completed", True)
    follow_up = WorkerRun.objects.get(account=account, status="queued")
    assert (follow_up.trigger, follow_up.requested_by) == ("follow_up", "olga")


def test_a_chain_of_runs_out_of_time_ends_complete_and_true(ebay, small_pages, monkeypatch):
    clock = PageClock()
    monkeypatch.setattr("syncworkers.services.context.time", clock)
    monkeypatch.setattr("syncworkers.windows.PAGES_PER_SLICE", 1)
    ebay.reset(orders=150)
    account = seller_account(ebay)
    done = run_until_quiet(account, deadline=clock.after_three_pages)
    assert len(done) > 5
    assert {run.status for run in done} == {"completed"}
    assert {run.lane for run in done[1:]} == {Lane.HISTORY}
    assert max(run.pages for run in done) == 3
    assert stored(account) == truth(ebay, account)
    assert len(state_of(account).covered) == 1
    assert not WorkerRun.objects.filter(status="queued").exists()


def test_a_run_out_of_time_in_its_live_part_keeps_its_lane(ebay, small_pages):
    ebay.post("orders", seller=ebay.sellers()[0]["username"], count=30, created_at=iso(ago(hours=2)))
    account = seller_account(ebay)
    run_orders(account, deadline=no_time)
    assert WorkerRun.objects.get(status="queued").lane == Lane.MANUAL
    assert state_of(account).covered == []


def test_old_data_is_read_in_the_lane_of_history_whoever_asked(ebay):
    account = seller_account(ebay)
    run = run_orders(account)
    assert run.lane == Lane.HISTORY
    assert run_orders(account).lane == Lane.MANUAL


def test_old_data_waits_when_only_one_worker_is_left(ebay, settings):
    settings.Q_WORKERS = 1
    other = seller_account(ebay, 1)
    WorkerRun.objects.create(
        account=other, api_family="orders", api="fulfillment", status="running", lane=3, trigger="follow_up",
        queued_at=ago(minutes=1), not_before=ago(minutes=1), heartbeat_at=ago(seconds=1),
    )  # fmt: skip
    account = seller_account(ebay)
    run = run_orders(account)
    assert (run.status, run.more, run.lane) == ("completed", True, Lane.MANUAL)
    assert state_of(account).covered[0].length < timedelta(hours=25)
    assert WorkerRun.objects.get(account=account, status="queued").lane == Lane.HISTORY


def test_history_gives_way_to_a_person_at_the_next_page(ebay, small_pages):
    account = seller_account(ebay)
    other = seller_account(ebay, 1)

    def somebody_asks(run: WorkerRun) -> None:
        if run.pages >= 2 and not WorkerRun.objects.filter(account=other).exists():
            WorkerRun.objects.create(
                account=other, api_family="orders", api="fulfillment", lane=1, trigger="manual",
                queued_at=ago(seconds=1), not_before=ago(seconds=1),
            )  # fmt: skip

    run = run_orders(account, on_page=somebody_asks)
    assert (run.status, run.more) == ("completed", True)
    # The other writer has a page in hand, and may have taken another one before.
    assert 3 <= run.pages <= 5
    assert "a person asked" in run.logs.last().message


def test_in_the_foreground_a_run_gives_way_to_nobody(ebay, small_pages):
    account = seller_account(ebay)
    other = seller_account(ebay, 1)
    WorkerRun.objects.create(
        account=other, api_family="orders", api="fulfillment", lane=1, trigger="manual",
        queued_at=ago(seconds=1), not_before=ago(seconds=1),
    )  # fmt: skip
    run = run_orders(account, in_worker=False)
    assert (run.more, run.lane) == (False, Lane.MANUAL)
    assert stored(account) == truth(ebay, account)


def test_two_accounts_of_one_ebay_user_keep_their_own_rows(ebay):
    one, other = seller_account(ebay), seller_account(ebay)
    run_orders(one)
    assert stored(other) == {}
    run_orders(other)
    assert stored(one) == stored(other) == truth(ebay, one)


def test_orders_that_arrive_later_are_found_by_the_next_run(ebay):
    account = seller_account(ebay)
    run_orders(account)
    ebay.post("orders", seller=account.username, count=3)
    ebay.post("orders/change", seller=account.username, count=5)
    let_time_pass(ebay)
    run = run_orders(account)
    assert 3 <= run.rows_stored <= 8
    assert stored(account) == truth(ebay, account)


def test_counters_and_lines_tell_what_happened(ebay, small_pages):
    account = seller_account(ebay)
    run = run_orders(account)
    lines = WorkerLog.objects.filter(run=run)
    pages = lines.filter(event="page")
    assert run.pages == pages.count()
    assert run.rows_fetched == run.rows_stored == run.rows_expected == len(truth(ebay, account))
    assert run.summary_json == {
        "pages": run.pages, "fetched": run.rows_fetched, "stored": run.rows_stored, "unchanged": 0,
        "quarantined": 0, "calls": {"fulfillment": run.pages},
    }  # fmt: skip
    assert [lines.first().event, lines.last().event] == ["started", "finished"]
    assert all(line.detail["duration_ms"] >= 0 for line in pages)
    state = SyncState.objects.get()
    assert state.last_run_at is not None
    assert state.last_success_at is not None


@pytest.mark.parametrize("sort", ["newest_first", "oldest_first", "by_id"])
def test_the_order_of_ebays_list_does_not_matter(ebay, small_pages, sort):
    ebay.reset(sort=sort, orders=120)
    account = seller_account(ebay)
    assert run_orders(account).status == "completed"
    assert stored(account) == truth(ebay, account)
    assert max(map(parse_ebay_time, stored(account).values())) > ago(days=10)


def test_the_next_slices_first_page_is_on_its_way_before_this_one_is_read(ebay, small_pages, monkeypatch):
    """Nothing is asked for in vain, and no more than is kept."""
    events: list[tuple[str, tuple[str, int]]] = []
    begin = EbayClient.begin

    def noted(client, endpoint, *, params, urgent):
        place = (params["filter"], int(params["offset"]))
        assert urgent == (place[1] == 0)
        answer = begin(client, endpoint, params=params, urgent=urgent)
        events.append(("asked", place))

        def wait():
            events.append(("read", place))
            return answer()

        return BegunCall(wait, answer.glance)

    monkeypatch.setattr(EbayClient, "begin", noted)
    ebay.reset(orders=400)
    account = seller_account(ebay)
    run_until_quiet(account)
    assert stored(account) == truth(ebay, account)
    asked, read = ([place for what, place in events if what == kind] for kind in ("asked", "read"))
    assert sorted(asked) == sorted(read)
    pages_of = {window: [place for place in read if place[0] == window] for window, _ in read}
    # Of a slice that is too long one page is read: where it is cut is not known before.
    pairs = [(one, other) for one, other in pairwise(pages_of) if len(pages_of[one]) > 1]
    assert len(pairs) >= 3
    for one, other in pairs:
        assert events.index(("asked", (other, 0))) < events.index(("read", pages_of[one][0]))
    on_their_way = accumulate(1 if what == "asked" else -1 for what, _ in events)
    assert max(on_their_way) <= PAGES_AHEAD + 3


def test_a_run_that_must_ask_for_old_data_first_does_not_ask_ebay_for_it(ebay, small_pages, monkeypatch):
    monkeypatch.setattr("syncworkers.services.context.move_to_history", lambda run_id: False)
    account = seller_account(ebay)
    run = run_orders(account)
    assert run.more
    asked = windows_asked(ebay)
    assert asked
    assert min(start for start, _ in asked) > ago(days=2)


def test_a_run_for_old_data_asks_for_it_while_it_reads_what_is_new(ebay, small_pages, monkeypatch):
    account = seller_account(ebay)
    run_orders(account, in_worker=False)
    (_, second), *_ = sorted(windows_asked(ebay)[:2])
    assert second < ago(hours=23)
    assert stored(account) == truth(ebay, account)


def test_a_run_that_is_stopped_sends_nothing_more(ebay, small_pages):
    """But for the three calls that are under way."""
    ebay.reset(orders=0)
    seller = ebay.sellers()[0]["username"]
    ebay.post("orders", seller=seller, count=120, created_at=iso(ago(hours=2)))
    account = seller_account(ebay)

    def stop(run) -> None:
        WorkerRun.objects.filter(pk=run.pk).update(cancel_requested_at=ago(seconds=0))

    ebay.post("latency", path="/sell/fulfillment/v1/order", seconds=0.2)
    run = run_orders(account, on_page=stop, in_worker=False)
    sent = len(ebay.requests(GET_ORDERS, limit=1000))
    assert (run.status, run.reason) == ("cancelled", "cancelled")
    for thread in threading.enumerate():
        if thread.name == "ebay-ahead":
            thread.join(10)
    ebay.post("latency", path="/sell/fulfillment/v1/order", seconds=0)
    assert len(ebay.requests(GET_ORDERS, limit=1000)) - sent <= 3


def test_an_overlap_of_which_only_the_newer_slices_were_read_is_read_later(ebay, small_pages):
    account = seller_account(ebay)
    run_until_quiet(account)
    let_time_pass(ebay, 3 * 3600)
    now = parse_ebay_time(ebay.get("clock")["now"])
    for hours in (0.5, 1.5, 2.5):
        at = iso(now - timedelta(hours=hours))
        ebay.post("orders", seller=account.username, count=80, created_at=at, modified_at=at)
    # It shows only now, as eBay's lists lag behind.
    late = iso(now - timedelta(hours=3, minutes=10))
    ebay.post("orders", seller=account.username, created_at=late, modified_at=late)

    def cancel(run):
        if state_of(account).covered[-1].end > now - timedelta(hours=1):
            WorkerRun.objects.filter(pk=run.pk).update(cancel_requested_at=ago(seconds=0))

    assert run_orders(account, on_page=cancel).status == "cancelled"
    run_until_quiet(account)
    assert stored(account) == truth(ebay, account)
    assert len(state_of(account).covered) == 1


def test_a_run_that_gives_way_tells_what_it_could_not_read(ebay, small_pages, monkeypatch):
    account = seller_account(ebay)
    order_id = min(
        truth(ebay, account).items(), key=lambda pair: abs(parse_ebay_time(pair[1]) - ago(days=3))
    )[0]
    ebay.patch(f"orders/{order_id}", seller=account.username, touch=False,
               overrides={"pricingSummary": {"total": {"value": "a lot", "currency": "USD"}}})  # fmt: skip
    clock = PageClock()
    monkeypatch.setattr("syncworkers.services.context.time", clock)
    monkeypatch.setattr("syncworkers.windows.PAGES_PER_SLICE", 1)
    done = run_until_quiet(account, deadline=clock.after_three_pages)
    assert done[-1].status == "completed"
    found = [run for run in done if run.rows_quarantined]
    assert [(run.status, run.reason, run.more) for run in found] == [("partial", "quarantine", True)]
