from __future__ import annotations

from urllib.parse import parse_qsl, urlsplit

import pytest

from ebayconnector.ebay import errors, inventory

from .loopback import answer, json_answer, rest_error

HOST = "https://api.ebay.com/sell/inventory/v1/inventory_item"


def items(*skus: str) -> list[dict]:
    return [{"sku": sku} for sku in skus]


def page(skus: str, total: int, following: str | None = None, **more):
    return json_answer({"inventoryItems": items(*skus), "total": total, "next": following, **more})


def offers(count: int, total: int, first: int = 1, following: str | None = None):
    rows = [{"offerId": str(number)} for number in range(first, first + count)]
    return json_answer({"offers": rows, "total": total, "next": following})


def read(connected, **options) -> list:
    return list(inventory.item_pages(connected.client, **options))


def asked(connected) -> list[tuple[str, str]]:
    return [(request.params["limit"], request.params["offset"]) for request in connected.server.requests]


def skus_of(pages: list) -> str:
    return "".join(item["sku"] for found in pages for item in found.items)


@pytest.mark.parametrize(
    "offsets", [("1", "2"), ("2", "4"), ("3", "7")], ids=["page numbers", "row numbers", "whatever"]
)
def test_next_is_followed_whatever_its_offset_counts(connect, offsets):
    connected = connect(
        page("ab", 5, f"{HOST}?limit=2&offset={offsets[0]}"),
        page("cd", 5, f"{HOST}?limit=2&offset={offsets[1]}"),
        page("e", 5),
    )
    pages = read(connected, limit=2)
    assert skus_of(pages) == "abcde"
    assert asked(connected) == [("2", "0"), ("2", offsets[0]), ("2", offsets[1])]
    assert [(found.number, found.offset, found.total) for found in pages] == [(1, 0, 5), (2, 2, 5), (3, 4, 5)]


def test_a_later_reading_goes_on_where_a_page_said(connect):
    connected = connect(page("ab", 5, f"{HOST}?limit=2&offset=1"), page("cd", 5, "/?limit=2&offset=2"))
    first = next(inventory.item_pages(connected.client, limit=2))
    second = next(inventory.item_pages(connected.client, start=first.next_position))
    assert skus_of([first, second]) == "abcd"
    assert asked(connected) == [("2", "0"), ("2", "1")]
    assert second.next_position != first.next_position


def test_only_the_last_page_has_no_next_position(connect):
    connected = connect(page("ab", 3, f"{HOST}?limit=2&offset=1"), page("c", 3))
    first, last = read(connected, limit=2)
    assert first.next_position
    assert last.next_position is None
    assert not last.has_next


def test_a_next_on_another_host_does_not_lead_there(connect):
    connected = connect(page("ab", 3, "https://evil.example/steal?limit=2&offset=1&sku=x"), page("c", 3))
    assert skus_of(read(connected, limit=2)) == "abc"
    assert connected.server.requests[1].target == "/sell/inventory/v1/inventory_item?limit=2&offset=1"


def test_a_next_without_limit_keeps_ours(connect):
    connected = connect(page("ab", 3, "?offset=2"), page("c", 3))
    read(connected, limit=2)
    assert asked(connected) == [("2", "0"), ("2", "2")]


@pytest.mark.parametrize(
    ("script", "found"),
    [
        ([page("ab", 9, "?offset=1"), page("ab", 9, "?offset=2")], "abab"),
        ([page("ab", 9, "?offset=0")], "ab"),
        ([page("ab", 9, "?offset=1"), page("cd", 9, "?offset=0")], "abcd"),
        ([page("ab", 9, "?offset=1"), page("", 9, "?offset=2")], "ab"),
    ],
    ids=["the same rows", "itself", "a circle", "an empty page"],
)
def test_a_server_that_leads_nowhere_is_left_and_says_there_is_more(connect, script, found):
    connected = connect(*script)
    pages = read(connected, limit=2)
    assert skus_of(pages) == found
    assert len(connected.server.requests) == len(script)
    assert pages[-1].next_position is None
    assert pages[-1].has_next


def test_a_server_without_end_is_left(connect):
    connected = connect(*[page(chr(200 + n), 9, f"?offset={n + 1}") for n in range(100)])
    assert 10 < len(read(connected, limit=1)) < 50


def test_pages_smaller_than_asked_for_are_read_to_their_end(connect):
    script = [page(chr(200 + n), 40, f"?offset={n + 1}") for n in range(39)] + [page("z", 40)]
    assert len(read(connect(*script), limit=200)) == 40


def test_an_account_without_items_is_one_empty_page(connect):
    (found,) = read(connect(answer(200, b'{"total": 0, "size": 0}')))
    assert (found.items, found.total, found.next_position) == ([], 0, None)


def test_a_position_that_is_gone_is_an_empty_page_but_a_broken_beginning_is_not(connect):
    gone = answer(200, b'{"total": 9, "size": 0}')
    (found,) = read(connect(gone), start="limit=2&offset=7")
    assert (found.items, found.total) == ([], 9)
    with pytest.raises(errors.BadAnswer, match="inventoryItems is not a list"):
        read(connect(gone))


@pytest.mark.parametrize(
    "following", ["?limit=2", "?offset=-1", "?offset=x", "http://[?offset=1", f"?offset={'9' * 20}", 7]
)
def test_a_next_that_cannot_be_read_is_a_bad_answer_not_the_end(connect, following):
    connected = connect(page("ab", 9, following))
    with pytest.raises(errors.BadAnswer, match="getInventoryItems: a next that cannot be followed"):
        read(connected, limit=2)


@pytest.mark.parametrize("start", ["", "2", "offset=2", "limit=0&offset=2", "limit=2&offset=-2"])
def test_what_is_no_position_is_refused_at_once(connect, start):
    with pytest.raises(ValueError, match="not a position"):
        inventory.item_pages(connect().client, start=start)


def test_the_language_is_always_sent(connect):
    connected = connect(page("a", 1))
    read(connected)
    assert connected.server.requests[0].headers["accept-language"] == "en-US"
    assert asked(connected) == [("200", "0")]


@pytest.mark.parametrize(
    "sku", ["ABC-1", "a b", "a/b", "a+b", "a&sku=b", "100%", "a%2Fb", "größe #1", "'\"?"]
)
def test_a_sku_arrives_as_it_is(connect, sku):
    connected = connect(offers(1, 1))
    assert inventory.offers_of(connected.client, sku) == [{"offerId": "1"}]
    request = connected.server.requests[0]
    assert request.path == "/sell/inventory/v1/offer"
    assert parse_qsl(urlsplit(request.target).query)[0] == ("sku", sku)
    assert "+" not in request.target


@pytest.mark.parametrize(
    ("status", "error_id", "domain"),
    [
        (404, 25713, "API_INVENTORY"),
        (404, 25702, "API_INVENTORY"),
        (404, 1, "API_INVENTORY"),
        (404, 25713, ""),
        (400, 25713, ""),
        (400, 25702, ""),
    ],
)
def test_a_sku_without_offer_has_none(connect, status, error_id, domain):
    assert inventory.offers_of(connect(rest_error(status, error_id, domain=domain)).client, "A") == []


@pytest.mark.parametrize(
    "answered",
    [answer(404, b""), answer(404, b"<html>no route</html>"), rest_error(404, 2002, domain="ACCESS")],
)
def test_a_404_that_is_not_about_offers_says_nothing_of_them(connect, answered):
    with pytest.raises(errors.BadAnswer, match="getOffers: HTTP 404 that does not say"):
        inventory.offers_of(connect(answered).client, "A")


@pytest.mark.parametrize("error_id", [25707, 25706, 25709])
def test_a_sku_that_ebay_does_not_take_is_refused(connect, error_id):
    with pytest.raises(errors.Refused, match=str(error_id)):
        inventory.offers_of(connect(rest_error(400, error_id)).client, "A")


def test_offers_on_several_pages_come_together_each_once(connect):
    connected = connect(
        offers(2, 3, following="https://x/?sku=other&limit=2&offset=1"), offers(2, 3, first=2)
    )
    assert [offer["offerId"] for offer in inventory.offers_of(connected.client, "A")] == ["1", "2", "3"]
    assert connected.server.requests[1].params == {"sku": "A", "limit": "2", "offset": "1"}


def test_fewer_offers_than_counted_are_a_bad_answer(connect):
    with pytest.raises(errors.BadAnswer, match="1 offers where the total says 2"):
        inventory.offers_of(connect(offers(1, 2)).client, "A")


def test_offers_without_an_id_are_handed_on_to_be_judged(connect):
    nameless = json_answer({"offers": [{"sku": "A"}, {"sku": "A"}], "total": 2})
    assert inventory.offers_of(connect(nameless).client, "A") == [{"sku": "A"}, {"sku": "A"}]
