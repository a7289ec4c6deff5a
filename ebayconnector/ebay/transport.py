"""The one seam to the network: one attempt, a total deadline, a size limit, and observers who see it all."""

from __future__ import annotations

import logging
import threading
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import AbstractContextManager, ExitStack, nullcontext
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any, Protocol

import requests
import urllib3
from requests.structures import CaseInsensitiveDict

from .errors import BadAnswer, DeadlineExceeded, EbayError, Refused, Unavailable
from .masking import mask_body, mask_headers, mask_url
from .sockets import DeadlineAdapter, budget_is_over, time_budget

logger = logging.getLogger(__name__)

_CHUNK = 64 * 1024
_OWN_HEADERS = {"User-Agent": "ebayconnector", "Accept-Encoding": "gzip"}


@dataclass(frozen=True, slots=True)
class Caller:
    """Who asks. The client hands it to the observers and reads nothing of it.

    `lane`: how urgent its calls are when eBay's daily quota runs short; 0 is never held back.
    """

    account_id: int | None = None
    source: str = ""
    run_id: int | None = None
    action: str = ""
    lane: int = 1


@dataclass(frozen=True, slots=True, repr=False)
class Call:
    """One attempt at a call, as it will be sent. `attempt` counts from 1; `api` is the quota family."""

    environment: str
    api: str
    endpoint: str
    method: str
    url: str
    headers: Mapping[str, str]
    body: bytes | None
    attempt: int
    caller: Caller

    def __repr__(self) -> str:
        return f"Call({self.environment} {self.endpoint} {self.method} {mask_url(self.url)} #{self.attempt})"


@dataclass(frozen=True, slots=True, repr=False)
class Exchange:
    """What was sent and what came back. Of an answer that broke off, `body` is the part that arrived; of one
    that was digested (`Transport.begin`) it is empty.

    `status`, and with it `body`, is None when there was no answer; `error` then says why. `first_byte_s` is
    the time from the start to the answer's headers.
    """

    call: Call
    status: int | None
    headers: Mapping[str, str]
    body: bytes | None
    started_at: datetime
    duration_s: float
    error: str | None
    first_byte_s: float | None = None

    def __repr__(self) -> str:
        outcome = self.error or str(self.status)
        return f"Exchange({self.call!r} -> {outcome} in {self.duration_s:.3f} s)"

    @property
    def masked_url(self) -> str:
        return mask_url(self.call.url)

    @property
    def masked_request_headers(self) -> dict[str, str]:
        return mask_headers(self.call.headers)

    @property
    def masked_request_body(self) -> str:
        return mask_body(_content_type(self.call.headers), self.call.body)

    @property
    def masked_response_headers(self) -> dict[str, str]:
        return mask_headers(self.headers)

    @property
    def masked_response_body(self) -> str:
        return mask_body(_content_type(self.headers), self.body)


class Observer(Protocol):
    """Somebody who watches all calls: counts, logs, refuses.

    Observers are asked in order; when one refuses, those before it hear no more of that call.
    """

    def before_call(self, call: Call) -> None:
        """May raise anything to refuse: it reaches the caller unchanged and nothing is sent."""

    def after_exchange(self, exchange: Exchange) -> None:
        """Called for every attempt that was made, failed ones included, on the calling thread."""


@dataclass(frozen=True, slots=True)
class Response:
    """A complete answer of whatever status. `headers` ignore case; `body` is decompressed.

    `digest`: what was made of a 200 in the thread that fetched it (`Transport.begin`), instead of its body.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    started_at: datetime
    duration_s: float
    first_byte_s: float = 0.0
    digest: Any = field(default=None, repr=False, compare=False)


@dataclass(slots=True)
class _Progress:
    """What has arrived so far, so that a failed attempt can still be shown."""

    status: int | None = None
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytearray = field(default_factory=bytearray)
    first_byte_s: float | None = None


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What became of one attempt."""

    call: Call
    progress: _Progress
    started_at: datetime
    duration_s: float
    error: EbayError | None
    digest: Any = None


@dataclass(frozen=True, slots=True)
class Pending:
    """A call that was sent in a thread (`Transport.begin`); to be called for its answer, once."""

    _coming: Future[_Outcome]
    _conclude: Callable[[_Outcome], Response]

    def __call__(self) -> Response:
        return self._conclude(self._coming.result())

    def glance(self) -> Any:
        """What `digest` made of the answer, if it has come; else None. Nobody is told."""
        coming = self._coming
        has_come = coming.done() and not coming.cancelled() and coming.exception() is None
        return coming.result().digest if has_come else None

    def cancel(self) -> None:
        """Nobody wants the answer: a call that still waits for its turn is not sent."""
        self._coming.cancel()


class Transport:
    """Sends calls. Safe to share between threads, not across a fork; `close()` ends its connections.

    Follows no redirects, keeps no cookies, takes no proxy or password from the environment.
    `max_bytes` bounds the decompressed body; `ca_bundle` is a file of certificates to trust.
    """

    def __init__(
        self,
        observers: Sequence[Observer] = (),
        *,
        pool_size: int = 10,
        max_bytes: int = 20 * 2**20,
        ca_bundle: str | None = None,
    ) -> None:
        self._observers = tuple(observers)
        self._max_bytes = max_bytes
        self._verify: str | bool = ca_bundle or True
        self._adapter = DeadlineAdapter(pool_size=pool_size)

    def send(self, call: Call, *, deadline_s: float, connect_s: float = 5.0) -> Response:
        """One attempt: `announce`, then `exchange`."""
        return self.exchange(self.announce(call), deadline_s=deadline_s, connect_s=connect_s)

    def announce(self, call: Call) -> Call:
        """The call with all its headers, once every observer let it pass; what one raises passes through."""
        complete = replace(call, headers={**_OWN_HEADERS, **call.headers})
        _check_headers(complete)
        for observer in self._observers:
            observer.before_call(complete)
        return complete

    def exchange(self, call: Call, *, deadline_s: float, connect_s: float = 5.0) -> Response:
        """Sends an announced call once and returns the answer, whatever its status.

        `deadline_s` bounds everything from the look-up of the name to the last byte. Raises `Unavailable` (no
        answer), `DeadlineExceeded`, `BadAnswer` (cut, too large, of a coding that we did not ask for).
        """
        return self._concluded(self._performed(call, deadline_s, connect_s))

    def begin(
        self,
        call: Call,
        *,
        deadline_s: float,
        connect_s: float = 5.0,
        digest: Callable[[bytes], Any] | None = None,
        turn: AbstractContextManager[object] | None = None,
    ) -> Pending:
        """`exchange` in two steps: sends the announced call now, in a thread; what comes back waits for the
        answer. Only that second step, on its caller's thread, tells the observers.

        `turn` is held until eBay begins to answer. `digest` makes something of the body of a 200, already in
        that thread; a ValueError of it is no loss.
        """
        coming: Future[_Outcome] = Future()

        def perform() -> None:
            try:
                with ExitStack() as waiting:
                    waiting.enter_context(turn or nullcontext())
                    if not coming.set_running_or_notify_cancel():
                        return
                    outcome = self._performed(call, deadline_s, connect_s, answered=waiting.close)
                coming.set_result(_digested(outcome, digest))
            # Whatever it is belongs to the one who waits, or he would wait for ever.
            except BaseException as failure:
                coming.set_exception(failure)

        threading.Thread(target=perform, name="ebay-ahead", daemon=True).start()
        return Pending(coming, self._concluded)

    def _performed(
        self, call: Call, deadline_s: float, connect_s: float, *, answered: Callable[[], None] = lambda: None
    ) -> _Outcome:
        started_at, started = datetime.now(UTC), time.monotonic()
        progress = _Progress()
        error: EbayError | None = None
        with time_budget(deadline_s=deadline_s, connect_s=connect_s):
            try:
                self._attempt(call, progress, started, answered)
            except EbayError as failure:
                error = failure
            except (requests.RequestException, urllib3.exceptions.HTTPError, OSError) as failure:
                error = _network_error(call, progress, failure, started)
        return _Outcome(call, progress, started_at, time.monotonic() - started, error)

    def _concluded(self, outcome: _Outcome) -> Response:
        progress = outcome.progress
        self._report(outcome)
        if outcome.error is not None or progress.status is None:
            raise outcome.error or Unavailable("no answer", endpoint=outcome.call.endpoint)
        return Response(
            status=progress.status,
            headers=progress.headers,
            body=bytes(progress.body),
            started_at=outcome.started_at,
            duration_s=outcome.duration_s,
            first_byte_s=progress.first_byte_s or outcome.duration_s,
            digest=outcome.digest,
        )

    def close(self) -> None:
        self._adapter.close()

    def _attempt(self, call: Call, progress: _Progress, started: float, answered: Callable[[], None]) -> None:
        answer = self._adapter.send(_prepared(call), stream=True, verify=self._verify, proxies={})
        try:
            answered()
            progress.first_byte_s = time.monotonic() - started
            progress.status = answer.status_code
            progress.headers = CaseInsensitiveDict(answer.headers)
            self._read_body(call, answer, progress)
        except BaseException:
            # Half-read: the connection cannot serve another call.
            answer.raw.close()
            raise
        answer.raw.release_conn()

    def _read_body(self, call: Call, answer: requests.Response, progress: _Progress) -> None:
        body = progress.body
        decoder = _decoder(call, progress)
        try:
            for chunk in answer.raw.stream(_CHUNK, decode_content=False):
                body += decoder.decompress(chunk, self._max_bytes + 1 - len(body))
                if len(body) > self._max_bytes:
                    raise _bad(call, progress, f"an answer of more than {self._max_bytes} bytes")
        except zlib.error:
            raise _bad(call, progress, "an answer with broken compression") from None
        if body and not decoder.eof:
            raise _bad(call, progress, "an answer whose compression ends early")

    def _report(self, outcome: _Outcome) -> None:
        progress, error = outcome.progress, outcome.error
        exchange = Exchange(
            call=outcome.call,
            status=progress.status,
            headers=progress.headers,
            body=None if progress.status is None else bytes(progress.body),
            started_at=outcome.started_at,
            duration_s=outcome.duration_s,
            error=None if error is None else f"{type(error).__name__}: {error.summary}",
            first_byte_s=progress.first_byte_s,
        )
        for observer in self._observers:
            try:
                observer.after_exchange(exchange)
            # The fault must be seen, but eBay's answer must not be lost: the call may be unrepeatable.
            except Exception:
                logger.exception("observer %s failed after %r", type(observer).__name__, exchange)


def _digested(outcome: _Outcome, digest: Callable[[bytes], Any] | None) -> _Outcome:
    if digest is None or outcome.error is not None or outcome.progress.status != 200:
        return outcome
    try:
        digested = replace(outcome, digest=digest(bytes(outcome.progress.body)))
    except ValueError:
        # Whoever reads the answer will find the same, and has the words for it.
        return outcome
    # Pages wait for their reader: each once in memory, not twice.
    outcome.progress.body = bytearray()
    return digested


def _prepared(call: Call) -> requests.PreparedRequest:
    prepared = requests.PreparedRequest()
    # Exactly the address that the observers saw, not the library's spelling of it.
    prepared.method, prepared.url = call.method, call.url
    prepared.prepare_headers(call.headers)
    prepared.prepare_body(call.body, None)
    return prepared


def _check_headers(call: Call) -> None:
    """The library's own complaint would quote the value, which may be a token."""
    for name, value in call.headers.items():
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise Refused(f"header {name} has a value that cannot be sent", endpoint=call.endpoint)


class _Decoder(Protocol):
    """The part of zlib's decompressor that we use."""

    @property
    def eof(self) -> bool: ...

    def decompress(self, data: bytes, max_length: int, /) -> bytes: ...


class _Plain:
    eof = True

    def decompress(self, data: bytes, max_length: int, /) -> bytes:
        return data[:max_length]


def _decoder(call: Call, progress: _Progress) -> _Decoder:
    coding = progress.headers.get("Content-Encoding", "identity").strip().lower()
    if coding in ("", "identity"):
        return _Plain()
    if coding in ("gzip", "x-gzip"):
        return zlib.decompressobj(wbits=31)
    raise _bad(call, progress, f"an answer coded as {coding[:40]!r}, which we did not ask for")


def _bad(call: Call, progress: _Progress, summary: str) -> BadAnswer:
    return BadAnswer(summary, endpoint=call.endpoint, status=progress.status)


def _network_error(call: Call, progress: _Progress, failure: Exception, started: float) -> EbayError:
    """Our word for the library's exception, whose own text may quote addresses and headers."""
    if budget_is_over() or _is_read_timeout(failure):
        summary = f"no complete answer in {time.monotonic() - started:.1f} s"
        return DeadlineExceeded(summary, endpoint=call.endpoint, status=progress.status)
    if progress.status is not None:
        return _bad(call, progress, f"the answer broke off after {len(progress.body)} bytes")
    return Unavailable(_network_reason(failure), endpoint=call.endpoint)


def _is_read_timeout(failure: Exception) -> bool:
    return isinstance(failure, requests.ReadTimeout | urllib3.exceptions.ReadTimeoutError | TimeoutError)


def _network_reason(failure: BaseException) -> str:
    causes = _causes(failure)
    kinds = tuple(type(cause) for cause in causes)
    if urllib3.exceptions.NameResolutionError in kinds:
        return "the host name was not found"
    if urllib3.exceptions.ConnectTimeoutError in kinds:
        return "no connection in time"
    for cause in reversed(causes):
        if isinstance(cause, OSError) and cause.strerror:
            return f"network: {cause.strerror}"
    return f"network: {type(causes[-1]).__name__}"


def _causes(failure: BaseException) -> list[BaseException]:
    """The exception and what it was made of, outermost first; the libraries also hide causes in `args`."""
    found: list[BaseException] = []
    pending: list[Any] = [failure]
    while pending and len(found) < 20:
        current = pending.pop(0)
        # `reason` is an exception of urllib3's and a word of ssl's.
        if not isinstance(current, BaseException) or current in found:
            continue
        found.append(current)
        pending += [current.__cause__, current.__context__, getattr(current, "reason", None)]
        pending += current.args
    return found


def _content_type(headers: Mapping[str, str]) -> str | None:
    return next((value for name, value in headers.items() if name.lower() == "content-type"), None)
