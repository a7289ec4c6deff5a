from __future__ import annotations

import gzip
import socket
import threading
import time

import pytest

from ebayconnector.ebay.errors import BadAnswer, DeadlineExceeded, Refused, Unavailable
from ebayconnector.ebay.transport import Call, Caller, Transport

from .conftest import Watcher
from .loopback import answer, cut, drip, kept_alive, raw, reset, silent, silent_in_the_middle


def call_to(url: str, *, headers: dict[str, str] | None = None, body: bytes | None = None) -> Call:
    return Call(
        environment="simulator",
        api="fulfillment",
        endpoint="getOrders",
        method="POST" if body else "GET",
        url=url,
        headers=headers or {},
        body=body,
        attempt=1,
        caller=Caller(account_id=1),
    )


@pytest.fixture
def watcher() -> Watcher:
    return Watcher()


@pytest.fixture
def transport(watcher):
    transport = Transport([watcher], max_bytes=100_000)
    yield transport
    transport.close()


def test_an_answer_comes_back_whole(serve, transport):
    server = serve(answer(201, b'{"a": 1}', X_Odd="yes"))
    response = transport.send(call_to(f"{server.url}/x?y=1%2C2"), deadline_s=5)
    assert (response.status, response.body, response.headers["x-odd"]) == (201, b'{"a": 1}', "yes")
    assert 0 < response.first_byte_s <= response.duration_s < 5
    assert server.requests[0].target == "/x?y=1%2C2"


def test_observers_see_the_headers_that_were_sent(serve, transport, watcher):
    server = serve(answer())
    transport.send(call_to(server.url, headers={"Authorization": "Bearer abc"}, body=b"x=1"), deadline_s=5)
    seen = {name.lower(): value for name, value in watcher.calls[0].headers.items()}
    sent = server.requests[0].headers
    assert seen["authorization"] == sent["authorization"] == "Bearer abc"
    # The rest is HTTP's own.
    assert set(sent) - set(seen) == {"host", "content-length", "connection"} & set(sent)
    assert watcher.exchanges[0].status == 200


def test_a_refusing_observer_stops_the_call_unchanged(serve):
    class Refuser(Watcher):
        def before_call(self, call):
            raise LookupError("not now")

    server = serve(answer())
    refuser = Refuser()
    with pytest.raises(LookupError, match="not now"):
        Transport([refuser]).send(call_to(server.url), deadline_s=5)
    assert (server.connections, refuser.exchanges) == (0, [])


def test_a_failing_observer_is_seen_and_the_answer_kept(serve, caplog, watcher):
    class Broken(Watcher):
        def after_exchange(self, exchange):
            raise RuntimeError("the log is full")

    server = serve(answer(200, b"precious"))
    response = Transport([Broken(), watcher]).send(call_to(server.url), deadline_s=5)
    assert response.body == b"precious"
    assert len(watcher.exchanges) == 1
    (record,) = caplog.records
    assert record.name == "ebayconnector.ebay.transport"
    assert record.levelname == "ERROR"
    assert "the log is full" in caplog.text


DRIPPED_HEADERS = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n" + b"X-Pad: 1\r\n" * 500
DRIPPED_BODY = raw(200, b" " * 5000, "application/json", {}, 5000)
DRIPPED_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"1\r\nx\r\n" * 1000


@pytest.mark.parametrize(
    "behaviour",
    [silent, silent_in_the_middle, drip(DRIPPED_HEADERS), drip(DRIPPED_BODY), drip(DRIPPED_CHUNKS)],
    ids=["silent", "silent in the middle", "dripped headers", "dripped body", "dripped chunks"],
)
def test_the_deadline_holds_for_the_whole_call(serve, transport, watcher, behaviour):
    server = serve(behaviour)
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded) as caught:
        transport.send(call_to(server.url), deadline_s=0.4)
    assert 0.35 < time.monotonic() - started < 4
    assert caught.value.retryable
    assert watcher.exchanges[0].error.startswith("DeadlineExceeded")


def test_the_deadline_holds_while_sending(serve, transport):
    # A body larger than the socket buffers, to a server that does not read it.
    listener = socket.create_server(("127.0.0.1", 0), backlog=1)
    with listener, pytest.raises(DeadlineExceeded):
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        transport.send(call_to(url, body=b"x" * 30_000_000), deadline_s=0.4)


def test_a_call_after_a_deadline_has_its_own_time(serve, transport):
    server = serve(silent, answer())
    with pytest.raises(DeadlineExceeded):
        transport.send(call_to(server.url), deadline_s=0.2)
    assert transport.send(call_to(server.url), deadline_s=5).status == 200


def test_a_body_that_breaks_off_is_a_bad_answer_and_its_part_is_shown(serve, transport, watcher):
    server = serve(cut(b'{"orders": ['))
    with pytest.raises(BadAnswer, match="broke off after 12 bytes"):
        transport.send(call_to(server.url), deadline_s=5)
    assert (watcher.exchanges[0].status, watcher.exchanges[0].body) == (200, b'{"orders": [')


def test_broken_chunks_are_a_bad_answer(serve, transport):
    head = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    server = serve(lambda connection, stop: connection.sendall(head + b"5\r\nab"))
    with pytest.raises(BadAnswer):
        transport.send(call_to(server.url), deadline_s=5)


def test_a_reset_is_unavailable_and_tells_no_body(serve, transport, watcher):
    server = serve(reset)
    with pytest.raises(Unavailable, match="network: ") as caught:
        transport.send(call_to(server.url), deadline_s=5)
    assert caught.value.status is None
    assert (watcher.exchanges[0].status, watcher.exchanges[0].body) == (None, None)


def test_nobody_listening_is_unavailable(transport):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Unavailable, match="refused"):
        transport.send(call_to(f"http://127.0.0.1:{port}/"), deadline_s=5)


def test_an_unknown_host_is_unavailable(transport):
    with pytest.raises(Unavailable, match="name was not found|name was not resolved|no connection"):
        transport.send(call_to("http://nowhere.invalid/"), deadline_s=5)


def test_a_connection_that_does_not_come_about_ends_in_time(transport):
    with socket.socket() as full:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        # The queue of one is taken; the next connection stays open-ended.
        taken = [socket.socket() for _ in range(3)]
        for waiting in taken:
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        started = time.monotonic()
        with pytest.raises(Unavailable, match="no connection in time"):
            transport.send(
                call_to(f"http://127.0.0.1:{full.getsockname()[1]}/"), deadline_s=30, connect_s=0.3
            )
        assert time.monotonic() - started < 4
        for waiting in taken:
            waiting.close()


def test_a_slow_name_server_does_not_hold_the_call(transport, monkeypatch):
    released = threading.Event()
    monkeypatch.setattr(socket, "getaddrinfo", lambda *args, **kwargs: released.wait(10) and [])
    started = time.monotonic()
    with pytest.raises(Unavailable):
        transport.send(call_to("http://slow.example/"), deadline_s=30, connect_s=0.3)
    assert time.monotonic() - started < 4
    released.set()


def test_too_much_is_refused_without_reading_it_all(serve, transport):
    server = serve(answer(200, b"x" * 5_000_000))
    with pytest.raises(BadAnswer, match="more than 100000 bytes"):
        transport.send(call_to(server.url), deadline_s=5)


def test_the_limit_counts_unpacked_bytes(serve, transport, watcher):
    bomb = gzip.compress(b"0" * 50_000_000)
    server = serve(answer(200, bomb, Content_Encoding="gzip"))
    with pytest.raises(BadAnswer, match="more than 100000 bytes"):
        transport.send(call_to(server.url), deadline_s=5)
    assert len(watcher.exchanges[0].body) == 100_001


def test_exactly_the_limit_is_allowed(serve, transport):
    server = serve(
        answer(200, b"x" * 100_000), answer(200, gzip.compress(b"x" * 100_000), Content_Encoding="gzip")
    )
    assert len(transport.send(call_to(server.url), deadline_s=5).body) == 100_000
    assert len(transport.send(call_to(server.url), deadline_s=5).body) == 100_000


def test_gzip_is_asked_for_and_unpacked(serve, transport):
    server = serve(answer(200, gzip.compress(b'{"a": 1}'), Content_Encoding="gzip"))
    assert transport.send(call_to(server.url), deadline_s=5).body == b'{"a": 1}'
    assert server.requests[0].headers["accept-encoding"] == "gzip"


@pytest.mark.parametrize(
    ("body", "coding"),
    [(b"no gzip at all", "gzip"), (gzip.compress(b"x" * 500)[:-9], "gzip"), (b"abc", "br")],
    ids=["broken", "cut", "not asked for"],
)
def test_odd_compression_is_a_bad_answer(serve, transport, body, coding):
    server = serve(answer(200, body, Content_Encoding=coding))
    with pytest.raises(BadAnswer):
        transport.send(call_to(server.url), deadline_s=5)


def test_redirects_are_not_followed(serve, transport):
    server = serve(answer(302, b"", None, Location="/elsewhere"))
    assert transport.send(call_to(server.url), deadline_s=5).status == 302
    assert len(server.requests) == 1


def test_connections_are_used_again_and_cookies_are_not(serve, transport):
    server = serve(kept_alive(), kept_alive())
    transport.send(call_to(server.url), deadline_s=5)
    transport.send(call_to(server.url), deadline_s=5)
    assert server.connections == 1

    cookies = serve(answer(Set_Cookie="a=b; Path=/"), answer())
    transport.send(call_to(cookies.url), deadline_s=5)
    transport.send(call_to(cookies.url), deadline_s=5)
    assert "cookie" not in cookies.requests[1].headers


def test_the_environment_gives_no_proxy(serve, transport, monkeypatch):
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    server = serve(answer())
    assert transport.send(call_to(server.url), deadline_s=5).status == 200


def test_threads_share_a_transport(serve, transport):
    server = serve(*[answer(200, b'{"n": 1}') for _ in range(40)])
    statuses: list[int] = []

    def work() -> None:
        for _ in range(10):
            statuses.append(transport.send(call_to(server.url), deadline_s=10).status)

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert statuses == [200] * 40


@pytest.mark.parametrize("token", ["canary-token\r\nX-Evil: 1", "canary-tökén", " canary-token"])
def test_a_token_that_is_no_header_is_refused_without_being_quoted(serve, transport, token):
    server = serve(answer())
    with pytest.raises(Refused) as caught:
        transport.send(call_to(server.url, headers={"Authorization": token}), deadline_s=5)
    assert "canary" not in f"{caught.value!r} {caught.value}"
    assert server.connections == 0


def test_reprs_and_exchanges_are_masked(serve, transport, watcher):
    secret = "v^1.1#i^1#canary-canary-canary"
    server = serve(answer(200, f'{{"access_token": "{secret}"}}'.encode()))
    url = f"{server.url}/?code=canary-canary-canary"
    response = transport.send(
        call_to(url, headers={"Authorization": f"Bearer {secret}"}, body=b"code=" + secret.encode()),
        deadline_s=5,
    )
    (exchange,) = watcher.exchanges
    shown = [repr(exchange), repr(exchange.call), repr(response), exchange.masked_url]
    shown += [exchange.masked_request_body, str(exchange.masked_request_headers)]
    shown += [exchange.masked_response_body, str(exchange.masked_response_headers)]
    assert not [text for text in shown if "canary-canary" in text]
    assert exchange.masked_request_headers["Authorization"] == "***REDACTED***"
