"""Bids: through the client, and as bytes for sockets of one's own."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ebayconnector.ebay import bidding, errors
from ebayconnector.ebay.bid_reasons import BidReason, Reaction, reason_of
from ebayconnector.ebay.environments import environment_named
from ebayconnector.ebay.money import Money
from ebayconnector.ebay.prepared import prepare_bid, prepare_bidding_read, prepare_probe
from ebayconnector.ebay.raw_answers import AnswerReader, RawAnswer, bid_answer, bidding_answer

from .conftest import ACCESS_TOKEN
from .loopback import cut, json_answer, reset, rest_error

ITEM = "v1|110012345678|0"
PATH = "/buy/offer/v1_beta/bidding/v1%7C110012345678%7C0"
MAXIMUM = Money(Decimal("25.00"), "USD")
PRODUCTION = environment_named("production", simulator_url="")

LIVE = {
    "itemId": ITEM,
    "auctionStatus": "LIVE",
    "auctionEndDate": "2026-11-22T18:03:11.000Z",
    "bidCount": 5,
    "currentPrice": {"value": "12.50", "currency": "USD"},
    "currentProxyBid": {"proxyBidId": "77", "maxAmount": {"value": "25.00", "currency": "USD"}},
    "highBidder": True,
    "suggestedBidAmounts": [{"value": "13.00", "currency": "USD"}],
}


def place(connected) -> str:
    return bidding.place_proxy_bid(connected.client, ITEM, maximum=MAXIMUM)


def test_a_bid_is_one_post_in_the_first_lane(connect):
    connected = connect(json_answer({"proxyBidId": "77"}))
    assert place(connected) == "77"
    (request,) = connected.server.requests
    assert (request.method, request.target) == ("POST", f"{PATH}/place_proxy_bid")
    assert json.loads(request.body) == {
        "maxAmount": {"value": "25.00", "currency": "USD"},
        "userConsent": {"adultOnlyItem": False},
    }
    assert request.headers["x-ebay-c-marketplace-id"] == "EBAY_DE"
    (call,) = connected.watcher.calls
    assert (call.api, call.caller.lane, call.caller.account_id) == ("buy_offer", 0, 7)


@pytest.mark.parametrize(
    "fault",
    [
        reset,
        cut(),
        rest_error(500, 120000),
        rest_error(503, 1),
        rest_error(401, 1001),
        rest_error(429, 2001),
        json_answer({}),
    ],
    ids=["reset", "cut", "500", "503", "401", "429", "no id"],
)
def test_a_bid_is_never_sent_twice(connect, fault):
    connected = connect(fault, json_answer({"proxyBidId": "77"}))
    with pytest.raises(errors.EbayError) as caught:
        place(connected)
    assert len(connected.server.requests) == 1
    assert connected.waits == []
    assert not caught.value.retryable or isinstance(caught.value, errors.RateLimited)


REASONS = [
    (400, 120001, BidReason.ITEM_NOT_FOUND, Reaction.REQUEST),
    (400, 120032, BidReason.ADULT_CONSENT_MISSING, Reaction.REQUEST),
    (400, 120007, BidReason.TOO_HIGH, Reaction.TELL),
    (409, 120008, BidReason.TOO_LOW, Reaction.OUTBID),
    (409, 120012, BidReason.AUCTION_ENDED, Reaction.ENDED),
    (409, 120002, BidReason.BOUGHT_NOW, Reaction.ENDED),
    (409, 120005, BidReason.ABOVE_BUY_IT_NOW, Reaction.TELL),
    (409, 120010, BidReason.CANNOT_LOWER, Reaction.RESOLVE),
    (409, 120003, BidReason.IS_SELLER, Reaction.INELIGIBLE),
    (409, 120031, BidReason.CARD_VERIFICATION, Reaction.INELIGIBLE),
    (404, 0, BidReason.ITEM_GONE, Reaction.ENDED),
    (401, 1001, BidReason.TOKEN_REJECTED, Reaction.RECONNECT),
    (403, 1100, BidReason.ACCESS_NOT_GRANTED, Reaction.RECONNECT),
    (429, 2001, BidReason.QUOTA, Reaction.WAIT),
    (400, 999, BidReason.REFUSED, Reaction.REQUEST),
    (500, 120000, BidReason.SYSTEM_ERROR, Reaction.RESOLVE),
    (500, 120012, BidReason.UNCLEAR, Reaction.RESOLVE),
    (502, 0, BidReason.UNCLEAR, Reaction.RESOLVE),
]


@pytest.mark.parametrize(("status", "error_id", "reason", "reaction"), REASONS)
def test_a_refusal_has_a_reason_and_a_reaction(connect, status, error_id, reason, reaction):
    with pytest.raises(errors.EbayError) as caught:
        place(connect(rest_error(status, error_id)))
    assert (reason_of(caught.value), reason_of(caught.value).reaction) == (reason, reaction)
    body = json.dumps({"errors": [{"errorId": error_id, "message": "No"}]}).encode()
    raw = bid_answer(RawAnswer(status, {"Content-Type": "application/json"}, body))
    assert (raw.reason, raw.accepted) == (reason, False)


@pytest.mark.parametrize("fault", [reset, cut(), json_answer({})])
def test_without_a_clear_answer_the_outcome_is_unknown(connect, fault):
    with pytest.raises(errors.EbayError) as caught:
        place(connect(fault))
    assert reason_of(caught.value).reaction is Reaction.RESOLVE


def test_every_reason_has_a_reaction():
    assert {reason.reaction for reason in BidReason} == set(Reaction)


def test_the_bidding_is_what_proves_a_bid(connect):
    connected = connect(json_answer(LIVE))
    found = bidding.get_bidding(connected.client, ITEM, deadline_s=0.9)
    assert found.holds(MAXIMUM)
    assert not found.holds(Money(Decimal("25.01"), "USD"))
    assert not found.holds(Money(Decimal("25.00"), "EUR"))
    assert (found.ends_at, found.current_price) == (
        datetime(2026, 11, 22, 18, 3, 11, tzinfo=UTC),
        Money(Decimal("12.50"), "USD"),
    )
    assert (found.is_over, found.is_won, found.suggested) == (False, False, (Money(Decimal("13.00"), "USD"),))
    assert connected.watcher.calls[0].caller.lane == 0


@pytest.mark.parametrize(
    ("changes", "won"),
    [
        ({"auctionStatus": "ENDED"}, True),
        ({"auctionStatus": "ENDED", "highBidder": False}, False),
        ({"auctionStatus": "ENDED", "reservePriceMet": False}, False),
        ({"auctionStatus": "ENDED", "reservePriceMet": True}, True),
        ({}, False),
    ],
)
def test_won_is_ended_and_leading_with_the_reserve_met(changes, won):
    assert bidding.read_bidding(LIVE | changes).is_won is won


def test_no_bid_of_this_user(connect):
    assert bidding.get_bidding(connect(rest_error(400, 120033)).client, ITEM) is None
    with pytest.raises(errors.NotFound):
        bidding.get_bidding(connect(rest_error(404, 0)).client, ITEM)


@pytest.mark.parametrize("changes", [{"auctionStatus": "PAUSED"}, {"highBidder": None}])
def test_a_bidding_that_does_not_say_how_it_stands_proves_nothing(connect, changes):
    with pytest.raises(errors.BadAnswer):
        bidding.get_bidding(connect(json_answer(LIVE | changes)).client, ITEM)
    answer = RawAnswer(200, {}, json.dumps(LIVE | changes).encode())
    assert bidding_answer(answer).is_clear is False


# As bytes


def prepared(**changes: str):
    fields = {"access_token": ACCESS_TOKEN, "item_id": ITEM, "marketplace_id": "EBAY_US"} | changes
    return prepare_bid(PRODUCTION, maximum=MAXIMUM, **fields)


def test_a_prepared_bid_is_the_request_that_the_client_sends(connect):
    connected = connect(json_answer({"proxyBidId": "77"}))
    place(connected)
    (sent,) = connected.server.requests
    call = prepare_bid(
        connected.client.environment,
        access_token=ACCESS_TOKEN,
        item_id=ITEM,
        maximum=MAXIMUM,
        marketplace_id="EBAY_DE",
    )
    head, _, body = call.request.partition(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): value for name, value in (line.split(": ", 1) for line in lines)}
    assert first == f"POST {sent.target} HTTP/1.1"
    assert body == sent.body
    assert headers.pop("accept-encoding") == "identity"
    assert headers == {name: value for name, value in sent.headers.items() if name in headers}
    assert headers["authorization"] == f"Bearer {ACCESS_TOKEN}"


def test_a_prepared_bid_knows_where_to_go_and_hides_its_token():
    call = prepared()
    assert (call.host, call.port, call.tls) == ("api.ebay.com", 443, True)
    assert b"\r\nHost: api.ebay.com\r\n" in call.request
    assert "canary" not in repr(call)


@pytest.mark.parametrize(
    "changes",
    [{"access_token": "canary\r\nX: 1"}, {"access_token": ""}, {"marketplace_id": ""}, {"item_id": ""}]
    + [{"marketplace_id": "EBAY_ÜS"}, {"access_token": "canary "}],
)
def test_what_cannot_stand_in_a_request_is_refused_without_quoting_it(changes):
    with pytest.raises(ValueError) as caught:
        prepared(**changes)
    assert "canary" not in str(caught.value)


def test_a_read_and_a_probe_as_bytes():
    read = prepare_bidding_read(
        PRODUCTION, access_token=ACCESS_TOKEN, item_id=ITEM, marketplace_id="EBAY_US"
    ).request
    assert read.startswith(f"GET {PATH} HTTP/1.1\r\n".encode()) and read.endswith(b"\r\n\r\n")
    assert prepare_probe(PRODUCTION).request.startswith(b"HEAD / HTTP/1.1\r\nHost: api.ebay.com\r\n")


ACCEPTED = b'{"proxyBidId":"77"}'
PLAIN = b"HTTP/1.1 200 OK\r\nDate: Sun, 22 Nov 2026 18:03:06 GMT\r\nContent-Length: 19\r\n\r\n" + ACCEPTED
CHUNKED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nrlogid: t6\r\n\r\n"
    b"5;a=b\r\n" + ACCEPTED[:5] + b"\r\nE\r\n" + ACCEPTED[5:] + b"\r\n0\r\nX-Trailer: 1\r\n\r\n"
)
AFTER_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n" + PLAIN
EMPTY = b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n"


def pieces(data: bytes, cuts: list[int]) -> list[bytes]:
    places = [0, *sorted({cut % len(data) for cut in cuts} - {0}), len(data)]
    return [data[start:end] for start, end in zip(places, places[1:], strict=False)]


@given(st.sampled_from([PLAIN, CHUNKED, AFTER_CONTINUE, EMPTY]), st.lists(st.integers(0, 500), max_size=12))
@settings(max_examples=150)
def test_an_answer_is_complete_with_its_last_byte_however_it_is_cut(data, cuts):
    reader, *rest = AnswerReader(), *pieces(data, cuts)
    results = [reader.feed(piece) for piece in rest]
    assert results[:-1] == [None] * (len(rest) - 1)
    assert results[-1].body == (b"" if data is EMPTY else ACCEPTED)
    assert results[-1].keeps_open is (data is not EMPTY)


@given(st.sampled_from([PLAIN, CHUNKED, AFTER_CONTINUE]), st.integers(0, 500))
@settings(max_examples=100)
def test_an_answer_that_is_cut_is_a_bad_one(data, length):
    reader = AnswerReader()
    part = data[: length % len(data)]
    assert not part or reader.feed(part) is None
    with pytest.raises(errors.BadAnswer):
        reader.feed(b"")


def test_an_answer_without_a_length_ends_with_its_connection():
    reader = AnswerReader()
    assert reader.feed(b"HTTP/1.0 200 OK\r\n\r\n" + ACCEPTED) is None
    found = reader.feed(b"")
    assert (found.body, found.keeps_open) == (ACCEPTED, False)


@pytest.mark.parametrize(
    "data",
    [
        b"SSH-2.0-OpenSSH\r\n\r\n",
        b"HTTP/2 200\r\n\r\n",
        b"HTTP/1.1 2x0 OK\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n" + b"x" * 1_100_000,
    ],
)
def test_what_is_no_answer_is_a_bad_one(data):
    with pytest.raises(errors.BadAnswer):
        AnswerReader().feed(data)


def test_the_answer_to_a_probe_has_a_date_and_no_body():
    head = PLAIN.partition(ACCEPTED)[0]
    found = AnswerReader(has_body=False).feed(head)
    assert found.date_at == datetime(2026, 11, 22, 18, 3, 6, tzinfo=UTC)


def test_raw_answers_say_what_became_of_the_bid():
    accepted = bid_answer(RawAnswer(200, {"rlogid": "t6"}, ACCEPTED))
    assert (accepted.accepted, accepted.proxy_bid_id, accepted.request_id) == (True, "77", "t6")
    assert bid_answer(RawAnswer(200, {}, b"<html>")).reason is BidReason.UNCLEAR
    assert bidding_answer(RawAnswer(200, {}, json.dumps(LIVE).encode())).bidding.holds(MAXIMUM)
    none = bidding_answer(RawAnswer(400, {}, b'{"errors":[{"errorId":120033}]}'))
    assert (none.is_clear, none.bidding) == (True, None)
    assert bidding_answer(RawAnswer(500, {}, b'{"errors":[{"errorId":120033}]}')).is_clear is False
    assert bidding_answer(RawAnswer(401, {}, b'{"errors":[{"errorId":1001}]}')).is_clear is False
