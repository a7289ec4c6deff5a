import pytest

from ebayconnector.simulator.activity import start_activity
from ebayconnector.simulator.order_body import View, order_body, order_bytes
from ebayconnector.simulator.order_book import FULFILLED, OrderBook
from ebayconnector.simulator.responses import json_bytes
from ebayconnector.simulator.sellers import default_sellers
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, parse_iso

from .conftest import SELLER

NOW = "2026-11-21T12:00:00.000Z"


def book_of(seed=1, size=50, seller_number=2):
    book = OrderBook(seed=seed, seller_number=seller_number)
    book.fill(size=size, epoch_ms=parse_iso(NOW))
    return book


def state(book):
    return [
        (
            book.order_id(n),
            book.created[n],
            book.modified[n],
            book.fulfilment[n],
            book.payment[n],
            book.cancel[n],
        )
        for n in range(len(book.created))
    ]


def test_same_seed_same_history():
    assert state(book_of()) == state(book_of())
    assert state(book_of()) != state(book_of(seed=2))


def test_order_ids_differ_between_orders_and_sellers():
    ids = {book_of(seller_number=s).order_id(n) for s in (1, 2, 3) for n in range(50)}
    assert len(ids) == 150


def test_place_is_found_by_id_only_in_its_own_book():
    mine, other = book_of(), book_of(seller_number=3)
    assert [mine.place_of(mine.order_id(n)) for n in range(50)] == list(range(50))
    assert other.place_of(mine.order_id(7)) is None
    assert mine.place_of("not-an-id") is None


def test_what_happened_does_not_depend_on_who_looked_when():
    start = parse_iso(NOW)
    often, once = (
        start_activity(book_of(), arrivals_per_minute=2, changes_per_minute=3, start_ms=start)
        for _ in range(2)
    )
    for minute in range(1, 61):
        often.catch_up(start + minute * HOUR_MS // 60)
    once.catch_up(start + HOUR_MS)
    assert state(often.book) == state(once.book)
    assert len(once.book) == 50 + 120


def test_event_dates_survive_later_changes():
    book = book_of()
    book.change(3, payment=1, modified_ms=1_000)
    book.change(3, modified_ms=2_000)
    assert (book.refund_ms(3), book.modified[3]) == (1_000, 2_000)


def test_refund_of_the_history_keeps_its_date_when_the_order_changes():
    book = book_of(size=300)
    n = next(n for n in range(300) if book.payment[n])
    refunded_ms = book.modified[n]
    book.change(n, modified_ms=parse_iso(NOW))
    assert book.refund_ms(n) == refunded_ms < book.modified[n]


def test_orders_arrive_and_change_with_the_clock(sim):
    sim.control("POST", "/reset", {"arrivals_per_minute": 6, "changes_per_minute": 12})
    sim.freeze()
    before = dict(sim.control("GET", f"/truth/orders/ids?seller={SELLER}"))
    sim.control("POST", "/clock", {"advance_s": 600})
    after = dict(sim.control("GET", f"/truth/orders/ids?seller={SELLER}"))
    assert len(after) - len(before) == pytest.approx(60, abs=2)
    assert sum(after[order_id] != modified for order_id, modified in before.items()) > 20
    assert max(after.values()) <= sim.now()


def test_changed_order_is_found_by_its_change_date(sim):
    since = sim.freeze()
    sim.control("POST", "/clock", {"advance_s": 5})
    changed = sim.control("POST", "/orders/change", {"seller": SELLER, "count": 7})["orderIds"]
    page = sim.orders(filter=f"lastmodifieddate:[{since}..]").json()
    assert sorted(row["orderId"] for row in page["orders"]) == sorted(changed)
    assert {row["lastModifiedDate"] for row in page["orders"]} == {sim.now()}


def test_shipping_shows(sim):
    order_id = sim.new_order()
    for _ in range(2):  # one in ten is shipped in two parts
        sim.control("POST", "/orders/change", {"seller": SELLER, "count": 121, "kind": "ship"})
    row = sim.orders(orderIds=order_id).json()["orders"][0]
    assert row["orderFulfillmentStatus"] == "FULFILLED"
    assert order_id in row["fulfillmentHrefs"][0]


@pytest.mark.parametrize(("kind", "grown"), [("create", 4), ("modify", 0), ("mixed", 2)])
def test_drift_after_each_page(sim, kind, grown):
    token, since = sim.mint(), sim.freeze()
    sim.control("POST", "/clock", {"advance_s": 5})
    sim.control("POST", "/drift", {"seller": SELLER, "per_page": 4, "kind": kind})
    assert sim.orders(token, filter=f"lastmodifieddate:[{since}..]").json()["total"] == 0
    assert len(sim.truth()) == 120 + grown
    assert sim.orders(token, filter=f"lastmodifieddate:[{since}..]").json()["total"] == 4


def test_drift_shifts_rows_between_pages(sim):
    token = sim.mint()
    first = sim.orders(token, limit=50).json()
    sim.control("POST", "/drift", {"per_page": 3, "kind": "create"})
    again = sim.orders(token, limit=50).json()
    second = sim.orders(token, limit=50, offset=50).json()
    assert again["orders"] == first["orders"]
    repeated = {row["orderId"] for row in again["orders"]} & {row["orderId"] for row in second["orders"]}
    assert len(repeated) == 3


def test_drift_ends_by_pages_and_by_zero(sim):
    token = sim.mint()
    sim.control("POST", "/drift", {"seller": SELLER, "per_page": 1, "kind": "create", "pages": 2})
    for _ in range(4):
        sim.orders(token)
    assert len(sim.truth()) == 122
    sim.control("POST", "/drift", {"per_page": 5, "kind": "create"})
    sim.control("POST", "/drift", {"per_page": 0})
    sim.orders(token)
    assert len(sim.truth()) == 122


def test_frozen_clock_stands_and_runs_on(sim):
    at = sim.freeze()
    assert sim.now() == at
    assert sim.control("POST", "/clock", {"now": NOW})["now"] == NOW
    sim.control("POST", "/clock", {"frozen": False})
    assert parse_iso(NOW) <= parse_iso(sim.now()) < parse_iso(NOW) + 60_000


def test_offset_is_against_real_time(sim):
    sim.control("POST", "/clock", {"offset_s": 3600})
    ahead = parse_iso(sim.now())
    sim.control("POST", "/clock", {"offset_s": 0})
    assert ahead - parse_iso(sim.now()) == pytest.approx(HOUR_MS, abs=10_000)


@pytest.mark.parametrize("kept", [1_000, 3])
def test_bodies_that_are_kept_are_those_that_would_be_made(kept):
    """Also of orders that changed, or grew so old that eBay withholds something."""
    seller = default_sellers(0)[0]
    book = book_of(seller_number=seller.number)
    for days in (0, 0, 15, 80):
        view = View(parse_iso(NOW) + days * DAY_MS, "http://ebay.test")
        for n in range(50):
            made = json_bytes(order_body(book, n, seller, view))
            assert order_bytes(book, n, seller, view, kept=kept) == made
            assert order_bytes(book, n, seller, view, kept=kept) == made
        assert 0 < len(book.written) <= kept
        book.change(days % 50, fulfilment=FULFILLED, patch={"buyerCheckoutNotes": f"{days}"})
