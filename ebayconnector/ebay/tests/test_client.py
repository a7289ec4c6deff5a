from __future__ import annotations

import json
import threading
from pathlib import Path

import pytest

from ebayconnector.ebay import errors
from ebayconnector.ebay.endpoints import (
    GET_ORDER,
    GET_ORDERS,
    GET_RATE_LIMITS,
    GET_USER,
    TOKEN,
    Endpoint,
    trading_endpoint,
)

from .conftest import ACCESS_TOKEN
from .loopback import answer, cut, json_answer, raw, reset, rest_error

POST = Endpoint("placeBid", "offer", "api", "POST", "/buy/offer/{item}/bid", "bearer", repeatable=False)
EXPIRED = rest_error(401, 1001, "Invalid access token")


def test_a_rest_call_carries_what_ebay_wants(connect):
    connected = connect(json_answer({"orders": []}))
    params = {"filter": "lastmodifieddate:[a..b]", "limit": "200"}
    result = connected.client.call(GET_ORDERS, params=params)
    (request,) = connected.server.requests
    assert request.target == "/sell/fulfillment/v1/order?filter=lastmodifieddate%3A%5Ba..b%5D&limit=200"
    assert request.headers["authorization"] == f"Bearer {ACCESS_TOKEN}"
    assert request.headers["accept"] == "application/json"
    assert request.headers["accept-language"] == "en-US"
    assert request.headers["x-ebay-c-marketplace-id"] == "EBAY_DE"
    assert "content-type" not in request.headers
    assert (result.json(), result.status, result.attempts) == ({"orders": []}, 200, 1)


def test_a_body_is_sent_as_json(connect):
    connected = connect(json_answer({"ok": True}, 201))
    connected.client.call(POST, path={"item": "v1|1|0"}, json={"a": "ü"}, headers={"X-One": "1"})
    (request,) = connected.server.requests
    assert (request.method, request.path) == ("POST", "/buy/offer/v1%7C1%7C0/bid")
    assert json.loads(request.body) == {"a": "ü"}
    assert request.headers["content-type"] == "application/json"
    assert request.headers["x-one"] == "1"


def test_the_caller_and_the_attempt_reach_the_observers(connect):
    connected = connect(rest_error(500, 30500), json_answer({}))
    connected.client.call(GET_ORDERS)
    assert [(call.attempt, call.caller.account_id) for call in connected.watcher.calls] == [(1, 7), (2, 7)]
    call = connected.watcher.calls[0]
    assert (call.environment, call.api, call.endpoint) == ("simulator", "fulfillment", "getOrders")


@pytest.mark.parametrize(
    "refusal",
    [EXPIRED, answer(401, b"", None), answer(401, b"<html>", "text/html"), rest_error(403, 1100)],
    ids=["1001", "bare 401", "html 401", "403 1100"],
)
def test_a_refused_token_is_renewed_once_and_the_call_repeated(connect, refusal):
    connected = connect(refusal, json_answer({"a": 1}))
    result = connected.client.call(GET_ORDERS)
    sent = [request.headers["authorization"] for request in connected.server.requests]
    assert sent == [f"Bearer {ACCESS_TOKEN}", "Bearer renewed-1"]
    assert connected.tokens.rejected == [ACCESS_TOKEN]
    assert (result.json(), result.attempts, connected.waits) == ({"a": 1}, 2, [])


@pytest.mark.parametrize(
    ("refusal", "expected"),
    [(EXPIRED, errors.TokenRejected), (rest_error(403, 1100), errors.ScopeMissing)],
)
def test_a_token_refused_twice_ends_it(connect, refusal, expected):
    connected = connect(refusal, refusal, json_answer({}))
    with pytest.raises(expected):
        connected.client.call(GET_ORDERS)
    assert len(connected.server.requests) == 2
    assert len(connected.tokens.rejected) == 1


def test_what_the_token_source_raises_reaches_the_caller(connect):
    connected = connect(EXPIRED)

    def nothing(rejected: str, *, api: str) -> str:
        raise LookupError("needs reconnect")

    connected.tokens.renew = nothing
    with pytest.raises(LookupError, match="needs reconnect"):
        connected.client.call(GET_ORDERS)


HTML = answer(200, b"<html>Sorry</html>", "text/html")


@pytest.mark.parametrize(
    "fault",
    [
        rest_error(500, 30500),
        answer(503, b"<html>", "text/html"),
        reset,
        cut(),
        HTML,
        answer(200, b""),
        answer(204, b""),
        answer(200, b'{"orders": ['),
        answer(200, b"[1]"),
        answer(200, b"NaN"),
        answer(200, b"[" * 100_000),
        answer(302, b"", None),
    ],
    ids=[
        "500",
        "503",
        "reset",
        "cut",
        "html",
        "empty",
        "204",
        "malformed",
        "array",
        "NaN",
        "deep",
        "redirect",
    ],
)
def test_a_passing_fault_is_tried_again(connect, fault):
    connected = connect(fault, fault, json_answer({"a": 1}))
    result = connected.client.call(GET_ORDERS)
    assert (result.json(), result.attempts) == ({"a": 1}, 3)
    assert len(connected.waits) == 2
    assert all(2 <= wait <= 10 for wait in connected.waits)


@pytest.mark.parametrize(("fault", "expected"), [(reset, errors.Unavailable), (HTML, errors.BadAnswer)])
def test_a_lasting_fault_is_tried_three_times(connect, fault, expected):
    connected = connect(*[fault] * 4)
    with pytest.raises(expected) as caught:
        connected.client.call(GET_ORDERS)
    assert len(connected.server.requests) == 3
    assert caught.value.retryable
    assert caught.value.endpoint == "getOrders"


def test_waits_grow_but_stay_within_bounds(connect):
    connected = connect(*[rest_error(500, 1)] * 9, attempts=9)
    with pytest.raises(errors.Unavailable):
        connected.client.call(GET_ORDERS)
    assert len(connected.waits) == 8
    assert connected.waits[0] <= 4 < 5 <= min(connected.waits[3:])
    assert max(connected.waits) <= 10


def test_a_renewal_is_no_failed_attempt(connect):
    fault = rest_error(500, 1)
    connected = connect(fault, EXPIRED, fault, json_answer({}))
    assert connected.client.call(GET_ORDERS).attempts == 4


def test_a_short_retry_after_is_obeyed(connect):
    connected = connect(rest_error(503, 1, Retry_After="7"), json_answer({}))
    connected.client.call(GET_ORDERS)
    assert connected.waits == [7.0]


def test_a_long_retry_after_is_reported_not_slept(connect):
    connected = connect(rest_error(503, 1, Retry_After="11"), json_answer({}))
    with pytest.raises(errors.Unavailable) as caught:
        connected.client.call(GET_ORDERS)
    assert (caught.value.retry_after, connected.waits) == (11.0, [])


def test_429_is_never_tried_again_here(connect):
    connected = connect(rest_error(429, 2001, Retry_After="1"), json_answer({}))
    with pytest.raises(errors.RateLimited) as caught:
        connected.client.call(GET_ORDERS)
    assert (len(connected.server.requests), caught.value.retry_after, connected.waits) == (1, 1.0, [])


@pytest.mark.parametrize(
    ("fault", "retryable"),
    [
        (EXPIRED, False),
        (rest_error(500, 1), False),
        (reset, False),
        (cut(), False),
        (rest_error(429, 2001), True),
    ],
    ids=["401", "500", "reset", "cut", "429"],
)
def test_what_must_not_be_repeated_is_sent_once(connect, fault, retryable):
    connected = connect(fault, json_answer({}))
    with pytest.raises(errors.EbayError) as caught:
        connected.client.call(POST, path={"item": "1"}, json={})
    assert len(connected.server.requests) == 1
    assert (connected.tokens.rejected, connected.waits) == ([], [])
    assert caught.value.retryable is retryable


def test_refusals_are_not_tried_again(connect):
    for fault, expected in [(rest_error(400, 30850), errors.Refused), (rest_error(404, 1), errors.NotFound)]:
        connected = connect(fault)
        with pytest.raises(expected) as caught:
            connected.client.call(GET_ORDERS)
        assert len(connected.server.requests) == 1
        assert caught.value.errors[0].message == "No"


def test_an_observers_refusal_is_not_taken_for_a_fault(connect):
    connected = connect(json_answer({}))

    def refuse(call):
        raise errors.Unavailable("switched off")

    connected.watcher.before_call = refuse
    with pytest.raises(errors.Unavailable, match="switched off"):
        connected.client.call(GET_ORDERS)
    assert (connected.waits, connected.server.connections) == ([], 0)


def test_a_call_begun_is_under_way_before_its_answer_is_wanted(connect):
    asked = threading.Event()

    def note_and_answer(connection, stop):
        asked.set()
        json_answer({"a": 1})(connection, stop)

    connected = connect(note_and_answer)
    wait = connected.client.begin(GET_ORDERS, params={"limit": "5"})
    assert asked.wait(10)
    assert connected.watcher.exchanges == []
    assert wait().json() == {"a": 1}
    assert [exchange.status for exchange in connected.watcher.exchanges] == [200]
    assert connected.server.requests[0].params == {"limit": "5"}


def test_of_calls_begun_ebay_has_three_to_answer_and_the_next_when_one_begins_to_come(connect):
    asked = threading.Semaphore(0)
    begins, ends = threading.Event(), threading.Event()

    def held(connection, stop):
        asked.release()
        begins.wait(10)
        connection.sendall(raw(200, b'{"a"', "application/json", {}, 8))
        ends.wait(10)
        connection.sendall(b": 1}")

    connected = connect(*[held] * 5)
    waits = [connected.client.begin(GET_ORDERS) for _ in range(5)]
    assert all(asked.acquire(timeout=10) for _ in range(3))
    assert not asked.acquire(timeout=0.2)
    begins.set()
    assert all(asked.acquire(timeout=10) for _ in range(2))
    ends.set()
    assert [wait().json() for wait in waits] == [{"a": 1}] * 5


def test_a_call_that_nobody_wants_any_more_is_not_sent_when_its_turn_comes(connect):
    asked, ends = threading.Semaphore(0), threading.Event()

    def held(connection, stop):
        asked.release()
        ends.wait(10)
        json_answer({"a": 1})(connection, stop)

    connected = connect(*[held] * 4)
    begun = [connected.client.begin(GET_ORDERS) for _ in range(4)]
    assert all(asked.acquire(timeout=10) for _ in range(3))
    for call in begun:
        call.cancel()
    ends.set()
    for thread in threading.enumerate():
        if thread.name == "ebay-ahead":
            thread.join(10)
    assert len(connected.server.requests) == 3
    assert sorted(str(call.glance()) for call in begun) == ["None", *["{'a': 1}"] * 3]


def orders_answer(*items):
    return json_answer({"total": len(items), "orders": list(items)})


def test_orders_stay_the_bytes_that_ebay_wrote(connect):
    body = b'{"total": 2, "orders": [ {"orderId" : "1"}, {"orderId":"2","n":1.50} ], "next": null}'
    found = connect(answer(200, body, "application/json")).client.call(GET_ORDERS).json()
    assert found == {"total": 2, "orders": [b'{"orderId" : "1"}', b'{"orderId":"2","n":1.50}'], "next": None}


@pytest.mark.parametrize(
    ("body", "orders"),
    [
        (b'{"orders": [{"a": "\\ud800"}]}', [{"a": "\ud800"}]),
        (b'\xef\xbb\xbf{"orders": [{"a": 1}]}', [{"a": 1}]),
        (b'{"orders": null}', None),
        (b'{"orders": {"a": 1}}', {"a": 1}),
        (b'{"orders": [7, {"a": 1}]}', [7, b'{"a": 1}']),
    ],
    ids=["lone surrogate", "byte order mark", "null", "object", "no objects"],
)
def test_odd_lists_of_orders_are_read_all_the_same(connect, body, orders):
    found = connect(answer(200, body, "application/json")).client.call(GET_ORDERS).json()
    assert found["orders"] == orders


@pytest.mark.parametrize(
    "body", [b'{"orders": [{"a": "\xff"}]}', b'{"orders": [{"a": nul}]}', b'{"orders": [{"a"']
)
def test_what_is_broken_within_an_order_is_a_broken_answer(connect, body):
    connected = connect(answer(200, body, "application/json"))
    with pytest.raises(errors.BadAnswer, match="not JSON"):
        connected.client.trying(1).call(GET_ORDERS)


def test_a_call_begun_is_prepared_by_the_thread_that_fetched_it(connect):
    threads = []

    def prepare(raw):
        threads.append(threading.current_thread().name)
        return raw.decode()

    client = connect(orders_answer({"a": 1}), orders_answer({"a": 2})).client.preparing(prepare)
    assert client.begin(GET_ORDERS)().json()["orders"] == ['{"a": 1}']
    assert client.call(GET_ORDERS).json()["orders"] == ['{"a": 2}']
    assert threads == ["ebay-ahead", threading.current_thread().name]


def test_a_broken_answer_to_a_call_begun_is_asked_for_again(connect):
    connected = connect(answer(200, b'{"orders": [{"a"', "application/json"), orders_answer({"a": 2}))
    answered = connected.client.begin(GET_ORDERS)()
    assert (len(answered.json()["orders"]), answered.attempts) == (1, 2)


def test_what_goes_wrong_with_a_call_begun_is_mended_as_ever(connect):
    connected = connect(EXPIRED, rest_error(503, 1), json_answer({"a": 1}))
    answered = connected.client.begin(GET_ORDERS)()
    assert (answered.json(), answered.attempts) == ({"a": 1}, 3)
    assert connected.tokens.rejected == [ACCESS_TOKEN]
    assert [call.attempt for call in connected.watcher.calls] == [1, 2, 3]


def test_a_call_that_is_refused_ahead_is_made_when_it_is_wanted(connect):
    connected = connect(json_answer({"a": 1}))
    let_pass = connected.watcher.before_call

    def refuse(call):
        raise errors.Unavailable("not now")

    connected.watcher.before_call = refuse
    wait = connected.client.begin(GET_ORDERS)
    with pytest.raises(errors.Unavailable, match="not now"):
        wait()
    connected.watcher.before_call = let_pass
    assert (wait().json(), len(connected.server.requests)) == ({"a": 1}, 1)


def test_what_must_not_be_repeated_is_not_sent_on_suspicion(connect):
    connected = connect(json_answer({}))
    with pytest.raises(ValueError, match="suspicion"):
        connected.client.begin(POST)
    assert connected.server.requests == []


def test_nothing_to_show_is_an_empty_object_where_allowed(connect):
    connected = connect(answer(204, b"", None), answer(200, b""), answer(204, b""))
    assert connected.client.call(GET_RATE_LIMITS).json() == {}
    # 200 without a body is a fault even there.
    assert connected.client.call(GET_RATE_LIMITS).attempts == 2


@pytest.mark.parametrize("status", [200, 201, 202, 206])
def test_only_a_204_says_that_there_is_nothing_to_read(connect, status):
    connected = connect(answer(status, b""), answer(status, b""), answer(status, b""))
    with pytest.raises(errors.BadAnswer, match="an empty body"):
        connected.client.call(GET_RATE_LIMITS)


def test_odd_but_readable_json_is_read(connect):
    connected = connect(answer(200, b'\xef\xbb\xbf{"a": "\\ud800"}', "application/json; charset=UTF-8"))
    assert connected.client.call(GET_USER).json() == {"a": "\ud800"}


def test_a_missing_content_type_is_left_to_the_parser(connect):
    connected = connect(answer(200, b'{"a": 1}', None))
    assert connected.client.call(GET_USER).json() == {"a": 1}


def test_the_request_id_is_kept_for_support(connect):
    connected = connect(rest_error(400, 1, X_EBAY_C_REQUEST_ID="ri=1,rci=2"))
    with pytest.raises(errors.Refused, match="ri=1,rci=2"):
        connected.client.call(GET_ORDERS)


def test_no_secret_is_in_what_an_error_says(connect):
    connected = connect(rest_error(400, 1, f"bad header Bearer {ACCESS_TOKEN}"))
    with pytest.raises(errors.Refused) as caught:
        connected.client.call(GET_ORDERS)
    assert "canary" not in f"{caught.value} {caught.value!r} {caught.value.__dict__}"


def test_the_clock_learns_from_answers(connect):
    connected = connect(json_answer({}, Date="Sat, 21 Nov 2026 10:00:00 GMT"))
    assert connected.clock.uncertainty is None
    connected.client.call(GET_ORDERS)
    assert 0.4 < connected.clock.uncertainty.total_seconds() < 2
    assert abs(connected.clock.now().timestamp() - 1795255200.5) < 3


@pytest.mark.parametrize("order_id", ["", ".", ".."])
def test_a_path_value_cannot_lead_elsewhere(connect, order_id):
    connected = connect()
    with pytest.raises(ValueError, match="order_id"):
        connected.client.call(GET_ORDER, path={"order_id": order_id})
    assert connected.server.connections == 0


def test_path_values_are_encoded_and_checked(connect):
    connected = connect(json_answer({}))
    connected.client.call(GET_ORDER, path={"order_id": "../a?b#c"})
    assert connected.server.requests[0].target == "/sell/fulfillment/v1/order/..%2Fa%3Fb%23c"
    with pytest.raises(ValueError, match="no place for"):
        connected.client.call(GET_ORDERS, path={"order_id": "1"})


def test_the_token_endpoint_has_its_own_builder(connect):
    with pytest.raises(ValueError, match="oauth"):
        connect().client.call(TOKEN)


def test_iaf_endpoints_use_their_own_word(connect):
    connected = connect(json_answer({}))
    endpoint = Endpoint("search", "returns", "api", "GET", "/post-order/v2/return/search", "iaf", True)
    connected.client.call(endpoint)
    assert connected.server.requests[0].headers["authorization"] == f"IAF {ACCESS_TOKEN}"


def test_trading_reads_are_repeatable_and_the_rest_is_not():
    assert trading_endpoint("GetMyMessages").repeatable
    assert not trading_endpoint("ReviseMyMessages").repeatable


CONTRACTS = Path(__file__).resolve().parents[3].parent / "shared" / "contracts"


@pytest.mark.skipif(not CONTRACTS.is_dir(), reason="eBay's contracts are not on this machine")
@pytest.mark.parametrize(
    ("endpoint", "contract"),
    [
        (GET_ORDERS, "sell_fulfillment_v1_oas3.json"),
        (GET_ORDER, "sell_fulfillment_v1_oas3.json"),
        (GET_USER, "commerce_identity_v1_oas3.json"),
        (GET_RATE_LIMITS, "developer_analytics_v1_beta_oas3.json"),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_endpoints_fit_ebays_contracts(endpoint, contract):
    document = json.loads((CONTRACTS / contract).read_text())
    (base,) = {server["variables"]["basePath"]["default"] for server in document["servers"]}
    hosts = {server["url"].split("//")[1].split(".")[0] for server in document["servers"]}
    paths = {f"{base}{path}".replace("orderId", "order_id"): item for path, item in document["paths"].items()}
    operation = paths[endpoint.path][endpoint.method.lower()]
    allowed = {scope for entry in operation["security"] for scopes in entry.values() for scope in scopes}
    assert endpoint.host in hosts
    assert set(endpoint.scopes) <= allowed
    assert endpoint.empty_ok == ("204" in operation["responses"])
