"""The outermost layer, an ASGI middleware: request log, latency, faults, eBay's headers, compression."""

import asyncio
import gzip
import secrets
import socket
import struct
import time
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from ebayconnector.simulator.api_token import PATH as TOKEN_PATH
from ebayconnector.simulator.api_trading import PATH as TRADING_PATH
from ebayconnector.simulator.api_trading import call_name, read_call
from ebayconnector.simulator.callers import Caller, identify
from ebayconnector.simulator.fault_answers import fault_answer
from ebayconnector.simulator.faults import AFTER_KINDS, Fault
from ebayconnector.simulator.request_log import LoggedRequest
from ebayconnector.simulator.times import iso
from ebayconnector.simulator.world import World

CONTROL_PREFIX = "/_sim"
TRANSPORT_KEY = "simulator.transport"  # set by the server: faults close connections with it

_GZIP_ABOVE = 500
_DRIP_PIECES = 10
_NO_ANSWER = 0


@dataclass(slots=True)
class _Answer:
    status: int
    headers: list[tuple[bytes, bytes]]
    body: bytes


@dataclass(slots=True)
class _Asked:
    """One request, read to its end."""

    scope: Scope
    receive: Receive
    headers: Headers
    body: bytes
    form: dict[str, list[str]] = field(init=False)
    subject: str = field(init=False)

    def __post_init__(self) -> None:
        is_form = self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded")
        self.form = parse_qs(self.body.decode("utf-8", "replace")) if is_form else {}
        self.subject = self._subject()

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    @property
    def query(self) -> str:
        return bytes(self.scope["query_string"]).decode("latin-1")

    def _subject(self) -> str:
        """What the control API's path patterns are searched in: path, decoded query, `#` call or grant."""
        subject = self.path + ("?" + unquote(self.query) if self.query else "")
        if self.path == TRADING_PATH:
            return f"{subject}#{call_name(self.headers)}"
        if self.path == TOKEN_PATH:
            return f"{subject}#{self.form.get('grant_type', [''])[0]}"
        return subject


class ExchangeMiddleware:
    def __init__(self, app: ASGIApp, world: World) -> None:
        self.app = app
        self.world = world

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"].startswith(CONTROL_PREFIX):
            await self.app(scope, receive, send)
            return
        started = time.perf_counter()
        asked = _Asked(scope, receive, Headers(scope=scope), await _read_body(receive))
        caller = identify(self.world, asked.headers, asked.form)
        fault = self.world.faults.strike(scope["method"], asked.subject, caller.seller)
        entry = self._log(asked, caller, fault)
        status = _NO_ANSWER
        try:
            status = await self._answer(asked, fault, caller.seller, send)
        finally:
            entry.status, entry.duration_s = status, round(time.perf_counter() - started, 6)

    async def _answer(self, asked: _Asked, fault: Fault | None, seller: str | None, send: Send) -> int:
        """Do the work, let the fault strike, send what is left; answers the status sent."""
        network_s = self.world.latencies.of(asked.subject)
        await _pause(network_s / 2)
        if fault is not None and fault.kind in AFTER_KINDS and fault.before:
            answer = await self._strike_early(asked, fault)
        elif fault is not None and fault.kind not in AFTER_KINDS:
            answer = await self._error_answer(asked, fault)
        else:
            answer = await self._real_answer(asked)
        if answer is None:
            return _NO_ANSWER
        poison = self.world.faults.poison_in(answer.body, asked.scope["method"], asked.subject, seller)
        if poison is not None:
            answer = await self._error_answer(asked, poison)
        self._finish(asked, answer)
        await _pause(network_s / 2)
        return await _deliver(asked, fault, answer, send)

    async def _strike_early(self, asked: _Asked, fault: Fault) -> _Answer | None:
        """slow, drip, cut or reset before the handler: only slow and drip let it run afterwards."""
        if fault.kind in ("cut", "reset"):
            await _drop_connection(asked, hard=fault.kind == "reset")
            return None
        if fault.kind == "slow":
            await _pause(fault.delay_s)
        return await self._real_answer(asked)

    async def _error_answer(self, asked: _Asked, fault: Fault) -> _Answer:
        """An error kind: the handler does not run, unless `before` is off on purpose."""
        if not fault.before:
            await self._real_answer(asked)
        call = None
        if asked.path == TRADING_PATH:
            call = read_call(asked.headers, asked.body, self.world.clock.now_ms())
        return await _capture(fault_answer(fault, asked.path, call), asked)

    async def _real_answer(self, asked: _Asked) -> _Answer:
        return await _capture(self.app, asked)

    def _finish(self, asked: _Asked, answer: _Answer) -> None:
        """eBay's headers (03 §14.2), compression, length."""
        compressible = len(answer.body) > _GZIP_ABOVE
        if compressible and "gzip" in asked.headers.get("accept-encoding", ""):
            answer.body = gzip.compress(answer.body, compresslevel=1)
            answer.headers.append((b"content-encoding", b"gzip"))
        kept = [pair for pair in answer.headers if pair[0] != b"content-length"]
        if answer.status != 204:
            kept.append((b"content-length", str(len(answer.body)).encode()))
        drawn = secrets.token_hex(28)
        kept += [
            (b"date", self.world.clock.http_date().encode()),
            (b"rlogid", f"t6n%60gz%7Dsq%60ufhb9%3F*{drawn[:24]}".encode()),
            (b"x-ebay-c-request-id", f"ri={drawn[24:40]},rci={drawn[40:]}".encode()),
            (b"x-ebay-c-version", b"1.0.0"),
        ]
        answer.headers = kept

    def _log(self, asked: _Asked, caller: Caller, fault: Fault | None) -> LoggedRequest:
        entry = LoggedRequest(
            seq=self.world.log.next_seq(),
            at=iso(self.world.clock.now_ms()),
            method=asked.scope["method"],
            path=asked.path,
            query=asked.query,
            subject=asked.subject,
            headers=dict(asked.headers),
            body=asked.body.decode("utf-8", "replace"),
            seller=caller.seller,
            application=caller.application,
            token_kind=caller.token_kind,
            fault=fault.kind if fault else None,
        )
        self.world.log.add(entry)
        return entry


async def _pause(seconds: float) -> None:
    if seconds > 0:
        await asyncio.sleep(seconds)


async def _read_body(receive: Receive) -> bytes:
    chunks = []
    while True:
        message = await receive()
        chunks.append(message.get("body", b""))
        if not message.get("more_body"):
            return b"".join(chunks)


async def _capture(app: ASGIApp | Response, asked: _Asked) -> _Answer:
    """Run an ASGI application and keep what it would have sent."""
    answer = _Answer(500, [], b"")

    async def receive() -> Message:
        return {"type": "http.request", "body": asked.body, "more_body": False}

    async def keep(message: Message) -> None:
        if message["type"] == "http.response.start":
            answer.status = message["status"]
            answer.headers = list(message["headers"])
        else:
            answer.body += message.get("body", b"")

    await app(asked.scope, receive, keep)
    return answer


async def _deliver(asked: _Asked, fault: Fault | None, answer: _Answer, send: Send) -> int:
    kind = fault.kind if fault is not None else None
    if fault is not None and kind == "slow" and not fault.before:
        await _pause(fault.delay_s)
    if kind == "reset":
        await _drop_connection(asked, hard=True)
        return _NO_ANSWER
    await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
    if kind == "cut":
        half = answer.body[: len(answer.body) // 2]
        await send({"type": "http.response.body", "body": half, "more_body": True})
        await _drop_connection(asked, hard=False)
        return answer.status
    if fault is not None and kind == "drip":
        await _drip(answer.body, fault.delay_s, send)
        return answer.status
    await send({"type": "http.response.body", "body": answer.body, "more_body": False})
    return answer.status


async def _drip(body: bytes, delay_s: float, send: Send) -> None:
    size = max(1, -(-len(body) // _DRIP_PIECES))
    for start in range(0, len(body), size):
        await asyncio.sleep(delay_s / _DRIP_PIECES)
        await send({"type": "http.response.body", "body": body[start : start + size], "more_body": True})
    await send({"type": "http.response.body", "body": b"", "more_body": False})


async def _drop_connection(asked: _Asked, *, hard: bool) -> None:
    """Close the client's connection: with a TCP reset, or after what was written has left."""
    transport = asked.scope[TRANSPORT_KEY]
    if hard:
        connection = transport.get_extra_info("socket")
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        transport.abort()
    else:
        transport.close()
    while (await asked.receive())["type"] != "http.disconnect":  # the server must know before we return
        pass
