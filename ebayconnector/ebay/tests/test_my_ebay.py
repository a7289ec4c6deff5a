"""The lists of My eBay: what is on sale, what was bought."""

from __future__ import annotations

import gzip
import tracemalloc

import pytest
from lxml import etree

from ebayconnector.ebay import buying, errors, selling

from .loopback import answer
from .trading_answers import NAMESPACE, TIMESTAMP, envelope, failure, fault, trading_answer

SELLING, BUYING = "GetMyeBaySelling", "GetMyeBayBuying"


def item(number: int, inner: str = "") -> str:
    return f"<Item><ItemID>{number}</ItemID><TimeLeft>P1D</TimeLeft>{inner}</Item>"


def listing(items: str, *, pages: int = 1, total: int = 1, ack: str = "Success", beside: str = ""):
    inner = f"<ItemArray>{items}</ItemArray>{result(pages, total)}"
    return trading_answer(SELLING, f"<ActiveList>{inner}</ActiveList>{beside}", ack=ack)


def result(pages: int, total: int) -> str:
    numbers = f"<TotalNumberOfPages>{pages}</TotalNumberOfPages><TotalNumberOfEntries>{total}"
    return f"<PaginationResult>{numbers}</TotalNumberOfEntries></PaginationResult>"


def active(connected, *, limit: int = 2, start: str | None = None):
    return list(selling.active_listing_pages(connected.client, limit=limit, start=start))


def ids(page) -> list[str]:
    return [record["ItemID"] for record in page.items]


def pages_asked(connected, container: str = "ActiveList") -> list[str]:
    steps = (container, "Pagination", "PageNumber")
    path = "/".join(f"{{{NAMESPACE}}}{name}" for name in steps)
    return [etree.fromstring(request.body).findtext(path) for request in connected.server.requests]


def test_pages_are_read_by_their_number(connect):
    connected = connect(
        listing(item(1) + item(2), pages=2, total=3), listing(item(3), pages=2, total=3)
    )  # fmt: skip
    first, second = active(connected)
    assert (ids(first), first.total, first.offset, first.next_position) == (["1", "2"], 3, 0, "2")
    assert (ids(second), second.total, second.offset, second.next_position) == (["3"], 3, 2, None)
    assert (first.has_next, second.has_next) == (True, False)
    assert pages_asked(connected) == ["1", "2"]


def test_reading_goes_on_at_a_position(connect):
    connected = connect(listing(item(3), pages=2, total=3))
    (page,) = active(connected, start="2")
    assert (ids(page), page.number, page.next_position) == (["3"], 1, None)
    assert pages_asked(connected) == ["2"]


@pytest.mark.parametrize("start", ["", "0", "-1", "x", "1.0", "²", "12345678"])
@pytest.mark.parametrize("source", [selling.active_listing_pages, buying.won_pages])
def test_what_is_no_position_is_refused_at_once(connect, source, start):
    with pytest.raises(ValueError, match="not a position"):
        source(connect().client, start=start)


def test_the_request_asks_for_variations_and_no_other_list(connect):
    connected = connect(listing(item(1)))
    active(connected, limit=200)
    root = etree.fromstring(connected.server.requests[0].body)
    assert [etree.QName(node).localname for node in root][-2:] == ["ActiveList", "HideVariations"]
    assert root.findtext(f"{{{NAMESPACE}}}HideVariations") == "false"
    assert root.findtext(f".//{{{NAMESPACE}}}EntriesPerPage") == "200"


def test_an_item_without_variations_is_one_record(connect):
    ((record,),) = [page.items for page in active(connect(listing(item(1))))]
    assert record == {"ItemID": "1", "TimeLeft": "P1D", "AsOf": TIMESTAMP, "Variation": None}


def test_each_variation_is_a_record_with_what_is_of_all(connect):
    variations = (
        "<Variations><Variation><SKU>a</SKU></Variation><Variation><SKU>b</SKU></Variation></Variations>"
    )
    (page,) = active(connect(listing(item(1, f"<Title>T</Title>{variations}"))))
    assert [(record["Title"], record["Variation"]) for record in page.items] == [
        ("T", {"SKU": "a"}),
        ("T", {"SKU": "b"}),
    ]
    assert all("Variations" not in record for record in page.items)
    assert page.total == 1


@pytest.mark.parametrize("inner", ["<Variations/>", "<Variations><Pictures/></Variations>"])
def test_a_container_without_variations_is_none(connect, inner):
    ((record,),) = [page.items for page in active(connect(listing(item(1, inner))))]
    assert record["Variation"] is None


def test_without_the_list_nothing_is_on_sale(connect):
    (page,) = active(
        connect(trading_answer(SELLING, "<Summary><ActiveAuctionCount>0</ActiveAuctionCount></Summary>"))
    )
    assert (page.items, page.total, page.next_position) == ([], 0, None)


@pytest.mark.parametrize("nothing", ["", "<PaginationResult/>", "<TotalNumberOfPages>x</TotalNumberOfPages>"])
def test_a_list_that_does_not_say_its_length_is_a_bad_answer(connect, nothing):
    broken = trading_answer(SELLING, f"<ActiveList><ItemArray>{item(1)}</ItemArray>{nothing}</ActiveList>")
    with pytest.raises(errors.BadAnswer, match="without its PaginationResult"):
        active(connect(broken))


def test_a_page_that_is_suddenly_out_of_range_ends_a_list_that_has_changed(connect):
    connected = connect(listing(item(1) + item(2), pages=2, total=3), failure(SELLING, "340"))
    first, second = active(connected)
    assert (second.items, second.total, second.next_position) == ([], 0, None)


def test_a_position_behind_the_end_gives_an_empty_page(connect):
    (page,) = active(connect(failure(SELLING, "340")), start="9")
    assert (page.items, page.total) == ([], 0)


def test_the_first_page_out_of_range_is_an_error(connect):
    with pytest.raises(errors.Refused, match="340"):
        active(connect(failure(SELLING, "340")))


def test_an_empty_page_ends_the_list(connect):
    connected = connect(listing(item(1) + item(2), pages=9, total=18), listing("", pages=9, total=18))
    assert [page.has_next for page in active(connected)] == [True, False]


def test_a_server_that_ignores_page_numbers_ends_the_list(connect):
    connected = connect(*[listing(item(1) + item(2), pages=9, total=18)] * 2)
    assert [page.next_position for page in active(connected)] == ["2", None]


def test_a_part_of_the_list_is_not_taken_for_all_of_it(connect):
    part = listing(item(1), ack="PartialFailure", beside=fault("10007"))
    with pytest.raises(errors.BadAnswer, match="PartialFailure 10007"):
        active(connect(part))


@pytest.mark.parametrize(
    ("code", "expected"), [("518", errors.RateLimited), ("21919144", errors.AccountLimited)]
)
def test_limits_are_told_apart(connect, code, expected):
    with pytest.raises(expected):
        active(connect(failure(SELLING, code)))


@pytest.mark.parametrize("total", [25_000, 31_000])
@pytest.mark.parametrize("start", ["125", "126"])
def test_a_list_that_goes_on_beyond_ebays_end_is_cut_there(connect, total, start):
    connected = connect(listing(item(1), pages=-(-total // 200), total=total))
    (page,) = active(connected, limit=200, start=start)
    assert (ids(page), page.cut, page.has_next, page.next_position) == (["1"], True, False, None)
    assert len(connected.server.requests) == 1


def test_a_list_just_below_ebays_end_ends_as_others_do(connect):
    connected = connect(listing(item(1), pages=125, total=24_999))
    (page,) = active(connected, limit=200, start="125")
    assert (page.next_position, page.cut) == (None, False)


def test_an_answer_of_100_megabytes_is_refused_before_it_is_read(connect):
    items = "<Item><ItemID>1</ItemID></Item>" * 3_300_000
    body = envelope(SELLING, f"<ActiveList><ItemArray>{items}</ItemArray></ActiveList>")
    assert len(body) > 100_000_000
    packed = gzip.compress(body, 1)
    connected = connect(answer(200, packed, "text/xml", Content_Encoding="gzip"))
    tracemalloc.start()
    try:
        with pytest.raises(errors.BadAnswer, match="more than 20971520 bytes"):
            list(selling.active_listing_pages(connected.client.trying(1)))
        assert tracemalloc.get_traced_memory()[1] < 80_000_000
    finally:
        tracemalloc.stop()


# -- bought


def bought(number: int, transaction: str = "0", line: str | None = "own") -> str:
    line_id = f"<OrderLineItemID>{number}-{transaction}</OrderLineItemID>" if line else ""
    return (
        f"<Transaction><TransactionID>{transaction}</TransactionID>{line_id}<Item><ItemID>{number}</ItemID></Item>"
        "</Transaction>"
    )


def single(number: int) -> str:
    return f"<OrderTransaction>{bought(number)}</OrderTransaction>"


def combined(order_id: str, *numbers: int) -> str:
    inside = "".join(bought(number, "5") for number in numbers)
    order = f'<OrderID>{order_id}</OrderID><Subtotal currencyID="USD">9.0</Subtotal>'
    array = f"<TransactionArray>{inside}</TransactionArray>"
    return f"<OrderTransaction><Order>{order}{array}</Order></OrderTransaction>"


def won_list(entries: str, *, pages: int = 1, total: int = 1):
    array = f"<OrderTransactionArray>{entries}</OrderTransactionArray>" if entries else ""
    return trading_answer(BUYING, f"<WonList>{array}{result(pages, total)}</WonList>")


def won(connected, **options):
    return list(buying.won_pages(connected.client, **options))


def keys(page) -> list[str]:
    return [buying.purchase_key(record) for record in page.items]


def test_single_and_combined_purchases_are_records_of_their_own(connect):
    (page,) = won(connect(won_list(single(1) + combined("O-1", 2, 3), total=2)))
    assert keys(page) == ["1-0", "2-5", "3-5"]
    assert page.total == 2
    assert "Order" not in page.items[0]
    assert page.items[1]["Order"] == {"OrderID": "O-1", "Subtotal": {"value": "9.0", "currency": "USD"}}
    assert [buying.entry_of(record) for record in page.items] == ["line 1-0", "order O-1", "order O-1"]


@pytest.mark.parametrize("counted", [2, 3])
def test_whatever_the_total_counts_a_list_of_one_page_counts_orders(connect, counted):
    (page,) = won(connect(won_list(single(1) + combined("O-1", 2, 3), total=counted)))
    assert page.total == len({buying.entry_of(record) for record in page.items}) == 2


def test_a_total_that_is_neither_stays_as_it_is(connect):
    (page,) = won(connect(won_list(single(1) + combined("O-1", 2, 3), total=4)))
    assert page.total == 4


def test_purchases_are_asked_for_sixty_days_back(connect):
    connected = connect(won_list(single(1), pages=2, total=2), won_list(single(2), pages=2, total=2))
    assert [keys(page) for page in won(connected, limit=1)] == [["1-0"], ["2-0"]]
    root = etree.fromstring(connected.server.requests[0].body)
    assert root.findtext(f".//{{{NAMESPACE}}}DurationInDays") == "60"
    assert pages_asked(connected, "WonList") == ["1", "2"]


@pytest.mark.parametrize("empty", [won_list("", pages=0, total=0), trading_answer(BUYING, "")])
def test_nothing_was_bought(connect, empty):
    (page,) = won(connect(empty))
    assert (page.items, page.total) == ([], 0)


def test_a_purchase_without_its_line_id_is_named_by_item_and_transaction(connect):
    (page,) = won(connect(won_list(f"<OrderTransaction>{bought(7, line=None)}</OrderTransaction>")))
    assert keys(page) == ["7-0"]


@pytest.mark.parametrize("record", [{}, {"Item": "x"}, {"Item": {}}, {"TransactionID": "1"}])
def test_a_purchase_of_nothing_has_no_key(record):
    assert buying.purchase_key(record) == ""
