from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from ebayconnector.ebay import errors, fulfillment
from ebayconnector.ebay.answers import Answer
from ebayconnector.ebay.client import BegunCall
from ebayconnector.ebay.paging import PAGES_AHEAD, PAGES_READ_ON, offset_pages

from .loopback import answer, json_answer, rest_error

START = datetime(2026, 11, 1, tzinfo=UTC)
END = START + timedelta(days=1, microseconds=511_999)


def orders(first: int, count: int) -> list[dict]:
    return [{"orderId": str(number)} for number in range(first, first + count)]


def page(items: list, total: int, following: str | None = "https://api.ebay.com/x?offset=9999", **more):
    return json_answer({"orders": items, "total": total, "next": following, **more})


def read(connected, **options) -> list:
    return list(fulfillment.order_pages(connected.client, modified_from=START, modified_to=END, **options))


def offsets(connected) -> list[int]:
    return [int(request.params["offset"]) for request in connected.server.requests]


def test_pages_overlap_by_one_row_and_end_at_the_total(connect, monkeypatch):
    # Of two that are asked for at once either may come first, and the script answers in turn.
    monkeypatch.setattr("ebayconnector.ebay.paging.PAGES_AHEAD", 1)
    connected = connect(page(orders(0, 5), 11), page(orders(4, 5), 11), page(orders(8, 3), 11))
    pages = read(connected, limit=5)
    assert offsets(connected) == [0, 4, 8]
    assert [json.loads(item)["orderId"] for found in pages for item in found.items] == [
        *"01234",
        *"45678",
        "8",
        "9",
        "10",
    ]
    assert [(found.number, found.offset, found.limit, found.total) for found in pages] == [
        (1, 0, 5, 11),
        (2, 4, 5, 11),
        (3, 8, 5, 11),
    ]


def test_the_window_is_asked_for_in_milliseconds(connect):
    connected = connect(page([], 0))
    read(connected)
    assert connected.server.requests[0].params == {
        "filter": "lastmodifieddate:[2026-11-01T00:00:00.000Z..2026-11-02T00:00:00.511Z]",
        "limit": "200",
        "offset": "0",
    }


def test_of_many_pages_only_the_first_is_asked_for(connect):
    connected = connect(page(orders(0, 5), 100), page(orders(4, 5), 100))
    pages = fulfillment.order_pages(connected.client, modified_from=START, modified_to=END, limit=5)
    assert next(pages).number == 1
    assert len(connected.server.requests) == 1


@pytest.mark.parametrize(
    "last",
    [
        page([], 11),
        page(orders(4, 5), 11, None),
        page(orders(4, 7), 11),
        answer(200, b'{"total": 4, "next": "x"}'),
    ],
    ids=["empty", "no next", "total reached", "no list"],
)
def test_it_ends_where_ebay_ends(connect, last):
    connected = connect(page(orders(0, 5), 100), last)
    assert len(read(connected, limit=5)) == 2
    assert offsets(connected) == [0, 4]


def test_a_smaller_page_than_asked_for_skips_no_row(connect):
    connected = connect(page(orders(0, 3), 5, limit=3), page(orders(2, 3), 5, limit=3))
    pages = read(connected, limit=200)
    assert offsets(connected) == [0, 2]
    assert pages[0].limit == 3


def test_a_server_that_repeats_itself_is_left(connect):
    connected = connect(*[page(orders(0, 5), 100)] * 5)
    assert len(read(connected, limit=5)) == 2


def test_a_next_that_does_not_advance_is_not_followed(connect):
    connected = connect(page(orders(0, 5), 100, "https://api.ebay.com/x?limit=5&offset=0"))
    pages = read(connected, limit=5)
    assert len(pages) == 1
    assert pages[0].has_next


def test_a_server_without_end_is_left(connect):
    connected = connect(*[page(orders(4 * n, 5), 4 * n + 50) for n in range(100)])
    assert 10 < len(read(connected, limit=5)) < 50


@pytest.mark.parametrize(
    "body",
    [
        b'{"orders": [], "next": null}',
        b'{"orders": [], "total": "5"}',
        b'{"orders": [], "total": -1}',
        b'{"orders": [], "total": true}',
        b'{"orders": {"a": 1}, "total": 5}',
        b'{"orders": ["x"], "total": 5}',
        b'{"orders": [null], "total": 5}',
        b'{"total": 5}',
        b"{}",
    ],
)
def test_what_is_no_page_is_a_bad_answer(connect, body):
    connected = connect(answer(200, body))
    with pytest.raises(errors.BadAnswer, match="getOrders: a page"):
        read(connected)


@pytest.mark.parametrize("number", ["9" * 5000, "-1", "x", ""])
def test_an_odd_next_does_no_harm(connect, number):
    connected = connect(page(orders(0, 5), 9, f"https://x/?offset={number}"), page(orders(4, 5), 9))
    assert len(read(connected, limit=5)) == 2


def test_a_page_tells_how_often_it_was_asked_for(connect):
    connected = connect(rest_error(500, 1), page(orders(0, 1), 1))
    (found,) = read(connected)
    assert found.attempts == 2
    assert found.duration_s > 0


def test_wrong_questions_are_refused_at_once(connect):
    client = connect().client
    naive = datetime(2026, 11, 1)
    with pytest.raises(ValueError, match="time zone"):
        fulfillment.order_pages(client, modified_from=naive, modified_to=END)
    with pytest.raises(ValueError, match="overlap"):
        fulfillment.order_pages(client, modified_from=START, modified_to=END, limit=1, overlap=1)


def test_one_order(connect):
    connected = connect(json_answer({"orderId": "12-34567-89012"}), rest_error(404, 1))
    assert fulfillment.get_order(connected.client, "12-34567-89012") == {"orderId": "12-34567-89012"}
    assert connected.server.requests[0].target == "/sell/fulfillment/v1/order/12-34567-89012"
    with pytest.raises(errors.NotFound):
        fulfillment.get_order(connected.client, "1")


class Shelf:
    """Forty rows in pages; notes when a page is asked for, and when its answer is waited for."""

    def __init__(self, rows: int = 40) -> None:
        self.rows = rows
        self.events: list[tuple[str, int]] = []
        self.come: set[int] = set()

    def answer(self, offset: int, limit: int) -> Answer:
        last = min(offset + limit, self.rows)
        document = {"orders": orders(offset, last - offset), "total": self.rows, "next": f"?offset={last}"}
        return Answer(200, {}, b"{}", START, 0.1, 1, document=document)

    def fetch(self, offset: int, limit: int) -> Answer:
        self.events.append(("fetched", offset))
        return self.answer(offset, limit)

    def begin(self, offset: int, limit: int) -> BegunCall:
        self.events.append(("begun", offset))

        def wait() -> Answer:
            self.events.append(("awaited", offset))
            return self.answer(offset, limit)

        return BegunCall(
            wait,
            lambda: self.answer(offset, limit).document if offset in self.come else None,
            lambda: self.events.append(("cancelled", offset)),
        )


def begun(first: int, last: int) -> list[tuple[str, int]]:
    """Pages of a shelf by number, from 0."""
    return [("begun", number * 8) for number in range(first, last + 1)]


def test_the_next_pages_are_on_their_way_while_one_is_worked_on():
    shelf = Shelf((PAGES_AHEAD + 2) * 8)
    pages = offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin)
    next(pages)
    assert shelf.events == [("fetched", 0), *begun(1, PAGES_AHEAD)]
    next(pages)
    assert shelf.events[PAGES_AHEAD + 1 :] == [("awaited", 8), *begun(PAGES_AHEAD + 1, PAGES_AHEAD + 1)]
    rest = [number * 8 for number in range(2, PAGES_AHEAD + 2)]
    assert [page.offset for page in pages] == rest
    assert shelf.events[PAGES_AHEAD + 3 :] == [("awaited", offset) for offset in rest]


def test_pages_that_were_asked_for_before_they_are_read_are_not_asked_for_again():
    shelf = Shelf()
    pages = offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin)
    assert [pages.ask_ahead(rows=17) for _ in range(4)] == [True, True, True, False]
    assert shelf.events == [("begun", 0), ("begun", 8), ("begun", 16)]
    assert [page.offset for page in pages] == [0, 8, 16, 24, 32]
    assert shelf.events[3:6] == [("awaited", 0), ("begun", 24), ("begun", 32)]


def test_of_fewer_rows_than_thought_what_was_asked_for_in_vain_is_left():
    shelf = Shelf(9)
    pages = offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin)
    assert pages.ask_ahead(rows=40)
    assert pages.ask_ahead(rows=40)
    assert [page.offset for page in pages] == [0]
    assert shelf.events == [("begun", 0), ("begun", 8), ("awaited", 0)]


def test_the_total_is_known_when_the_first_page_has_come_and_before_it_is_read():
    shelf = Shelf()
    pages = offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin)
    assert pages.known_total() is None
    pages.ask_ahead(rows=40)
    assert pages.known_total() is None
    shelf.come.add(0)
    assert pages.known_total() == 40
    assert shelf.events == [("begun", 0)]


def test_what_nobody_reads_any_more_is_cancelled():
    shelf = Shelf(48)
    pages = offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin)
    next(pages)
    next(pages)
    shelf.events.clear()
    pages.cancel()
    assert sorted(shelf.events) == [("cancelled", offset) for offset in (16, 24, 32, 40)]
    pages.cancel()
    assert len(shelf.events) == 4


@pytest.mark.parametrize("document", [None, [], {}, {"total": "40"}, {"total": True}, {"total": None}])
def test_of_what_is_no_page_no_total_is_known(document):
    coming = BegunCall(lambda: pytest.fail("waited"), lambda: document)
    pages = offset_pages(
        lambda offset, limit: pytest.fail("fetched"), items_key="orders", limit=9, overlap=1,
        begin=lambda offset, limit: coming,
    )  # fmt: skip
    assert pages.ask_ahead(rows=40)
    assert pages.known_total() is None


def test_pages_that_are_not_read_ahead_are_not_asked_for():
    shelf = Shelf()
    pages = offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1)
    assert not pages.ask_ahead(rows=40)
    assert shelf.events == []


def test_of_more_pages_than_are_read_on_none_is_asked_for_in_vain():
    rows = PAGES_READ_ON * 8 + 1
    shelf = Shelf(rows)
    pages = offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin)
    next(pages)
    assert shelf.events == [("fetched", 0)]
    next(pages)
    assert shelf.events[1:] == [("fetched", 8), *begun(2, PAGES_AHEAD + 1)]
    shelf = Shelf(rows - 1)
    next(offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin))
    assert shelf.events == [("fetched", 0), *begun(1, PAGES_AHEAD)]


@pytest.mark.parametrize("rows", [0, 1, 9, 10, 17, 18, 25, 26, 41])
def test_pages_asked_for_ahead_are_the_same_pages(rows):
    plain, ahead = Shelf(rows), Shelf(rows)
    expected = list(offset_pages(plain.fetch, items_key="orders", limit=9, overlap=1))
    found = list(offset_pages(ahead.fetch, items_key="orders", limit=9, overlap=1, begin=ahead.begin))
    assert found == expected
    asked = sorted(offset for event, offset in ahead.events if event == "begun")
    assert asked == sorted(offset for event, offset in ahead.events if event == "awaited")


def test_a_server_that_gives_smaller_pages_than_before_is_asked_anew():
    shelf = Shelf()
    whole = shelf.answer

    def smaller_later(offset: int, limit: int) -> Answer:
        answer = whole(offset, limit if offset < 16 else 5)
        answer.document["limit"] = limit if offset < 16 else 5
        return answer

    shelf.answer = smaller_later
    pages = list(offset_pages(shelf.fetch, items_key="orders", limit=9, overlap=1, begin=shelf.begin))
    seen = {item["orderId"] for page in pages for item in page.items}
    assert seen == {str(number) for number in range(40)}
    assert [page.offset for page in pages][:4] == [0, 8, 16, 20]


APPLICATION = {"errorId": 30500, "category": "APPLICATION", "message": "System error"}
REQUEST = {"errorId": 30800, "category": "REQUEST", "message": "Not all filters were used"}


@pytest.mark.parametrize(
    ("more", "items"),
    [({"warnings": [APPLICATION]}, []), ({"errors": [REQUEST]}, []), ({"errors": [REQUEST]}, ["a"])],
)
def test_a_page_that_speaks_of_a_failure_does_not_say_that_there_is_nothing(connect, more, items):
    with pytest.raises(errors.BadAnswer, match="a page with errors"):
        read(connect(page([{"orderId": item} for item in items], len(items), None, **more)))


@pytest.mark.parametrize("warnings", [[], [REQUEST], None, "none", [1]])
def test_other_warnings_do_not_matter(connect, warnings):
    (only,) = read(connect(page([], 0, None, warnings=warnings)))
    assert only.items == []
