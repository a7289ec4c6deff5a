"""Calls on behalf of one account: authorization, one renewal of the token, retries where they are safe."""

from __future__ import annotations

import copy
import logging
import random
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol
from urllib.parse import quote, urlencode

import msgspec

from .answers import Answer, read_answer
from .classify import http_date
from .clock import ClockOffset
from .documents import parse_json_around
from .endpoints import TRADING_VERSION, Endpoint
from .environments import Environment
from .errors import BadAnswer, EbayError, ScopeMissing, SignatureRefused, TokenRejected, Unavailable
from .signatures import MessageKey, signature_headers
from .transport import Call, Caller, Response, Transport
from .turns import Turns

logger = logging.getLogger(__name__)

Params = Mapping[str, str] | Sequence[tuple[str, str]]

# Waits before the second, third… attempt grow within these bounds; nothing here ever waits longer.
_SHORTEST_WAIT_S = 2.0
_LONGEST_WAIT_S = 10.0
# Of so many calls that were begun ahead eBay has not begun to answer: with another run of the account never
# more than four of its calls.
_UNDER_WAY = 3
# A refused signature is made anew when the answer moved our idea of eBay's clock by more than this.
_CLOCK_MOVED = timedelta(seconds=5)


class TokenSource(Protocol):
    """Where the client gets its access token."""

    def get(self) -> str:
        """The token to try first."""

    def renew(self, rejected: str, *, api: str) -> str:
        """A fresh token instead of the one that this API of eBay's refused; raises when there is none."""


class Signer(Protocol):
    """Where the client gets the key for message signatures."""

    def key(self) -> MessageKey | None:
        """The key in use; None: there is none, and calls go out unsigned."""


@dataclass(frozen=True, slots=True)
class _Request:
    """All of a call except its authorization and the number of the attempt."""

    endpoint: Endpoint
    url: str
    headers: Mapping[str, str] = field(repr=False)
    body: bytes | None = field(repr=False)


_Send = Callable[[_Request, str, int], Callable[[], Response]]
"""Announces an attempt (which may raise anything) and says how to come by its answer."""


@dataclass(frozen=True, slots=True)
class BegunCall:
    """A call that is on its way (`EbayClient.begin`); to be called for its answer.

    `glance`: the JSON of a first answer that has come already, of an endpoint with a `raw_member`; None else.
    `cancel`: nobody wants it; a call that still waits for its turn is not sent.
    """

    _answer: Callable[[], Answer]
    glance: Callable[[], Any] = lambda: None
    cancel: Callable[[], None] = lambda: None

    def __call__(self) -> Answer:
        return self._answer()


class EbayClient:
    """eBay as one account (or the application) sees it. Not tied to a thread.

    `wait` sleeps between attempts, never longer than 10 s; `attempts` is how often a repeatable call is
    tried; `clock` learns eBay's time from the answers. `signer` signs the calls to endpoints that eBay wants
    signed; without a key they go out unsigned, which eBay refuses to sellers in the EU and UK only. An empty
    `marketplace_id` is not sent.
    """

    def __init__(
        self,
        environment: Environment,
        transport: Transport,
        tokens: TokenSource,
        *,
        marketplace_id: str,
        caller: Caller,
        wait: Callable[[float], None] = time.sleep,
        attempts: int = 3,
        clock: ClockOffset | None = None,
        signer: Signer | None = None,
    ) -> None:
        self.environment = environment
        self.marketplace_id = marketplace_id
        self.caller = caller
        self._transport = transport
        self._tokens = tokens
        self._wait = wait
        self._attempts = attempts
        self._clock = clock
        self._signer = signer
        self._prepare: Callable[[bytes], Any] = bytes
        self._turns = Turns(_UNDER_WAY)

    def trying(self, attempts: int) -> EbayClient:
        """The same client with another number of attempts for repeatable calls."""
        other = copy.copy(self)
        other._attempts = attempts
        return other

    def preparing(self, prepare: Callable[[bytes], Any]) -> EbayClient:
        """The same client, which hands out what `prepare` makes of each object of an endpoint's `raw_member`;
        of a call that was begun ahead already in the thread that fetched it."""
        other = copy.copy(self)
        other._prepare = prepare
        return other

    def in_lane(self, lane: int) -> EbayClient:
        """The same client whose calls are more, or less, urgent (`Caller.lane`)."""
        other = copy.copy(self)
        other.caller = replace(self.caller, lane=lane)
        return other

    def ebay_now(self) -> datetime:
        """eBay's time, as far as the client has learned it; aware UTC."""
        return self._clock.now() if self._clock else datetime.now(UTC)

    def call(
        self,
        endpoint: Endpoint,
        *,
        path: Mapping[str, str] | None = None,
        params: Params | None = None,
        json: Any = None,
        xml: bytes | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Makes the call and returns the checked answer.

        A refused token is renewed once and the call repeated once; a signature that was refused while our
        idea of eBay's clock was wrong is made anew once. 5xx, network faults and broken answers are tried
        again. All of it only where the endpoint is repeatable: everything else is sent exactly once. 429 is
        never tried again here. Raises the classes of `errors`, and whatever an observer, the token source or
        the signer raises.
        """
        request = self._request(endpoint, path, params, json, xml, headers or {})
        return self._converse(request, self._token(endpoint), self._sent)

    def begin(self, endpoint: Endpoint, *, params: Params | None = None, urgent: bool = False) -> BegunCall:
        """`call` in two steps, for what will be wanted soon: sends the call now, or when one of three others
        that were begun is answered (an `urgent` one before all others that wait); what comes back waits for
        the answer, and does all else that `call` does. Nobody need ask for it. What refuses the call now is
        not raised here: then it is made when the answer is asked for. Only for repeatable endpoints.
        """
        if not endpoint.repeatable:
            raise ValueError(f"{endpoint.name} is not to be sent on suspicion")
        request = self._request(endpoint, None, params, None, None, {})
        try:
            token = self._token(endpoint)
            pending = self._transport.begin(
                self._announced(request, token, 1),
                deadline_s=endpoint.deadline_s,
                digest=self._digest(endpoint),
                turn=self._turns.turn(urgent=urgent),
            )
        # Token source, signer and observers raise what they like; the answer in hand must not be lost by it.
        except Exception as refusal:
            logger.debug("%s was not sent ahead: %s", endpoint.name, type(refusal).__name__)
            return BegunCall(lambda: self.call(endpoint, params=params))

        def first_or_again(request: _Request, token: str, sent: int) -> Callable[[], Response]:
            return pending if sent == 1 else self._sent(request, token, sent)

        return BegunCall(
            lambda: self._converse(request, token, first_or_again), pending.glance, pending.cancel
        )

    def _digest(self, endpoint: Endpoint) -> Callable[[bytes], Any] | None:
        member, prepare = endpoint.raw_member, self._prepare
        return (lambda body: parse_json_around(body, member, prepare)) if member else None

    def _token(self, endpoint: Endpoint) -> str:
        return self._tokens.get() if endpoint.auth != "none" else ""

    def _converse(self, request: _Request, token: str, send: _Send) -> Answer:
        endpoint = request.endpoint
        renewed, resigned, failures, sent = False, False, 0, 0
        while True:
            sent += 1
            offset = self._offset()
            outcome = self._attempt(request, token, sent, send)
            if isinstance(outcome, Answer):
                return outcome
            if not endpoint.repeatable:
                raise unclear_if_lost(outcome)
            if _token_refused(outcome) and token and not renewed:
                token, renewed = self._tokens.renew(token, api=endpoint.api), True
                continue
            if isinstance(outcome, SignatureRefused) and not resigned and self._clock_moved(offset):
                resigned = True
                continue
            failures += 1
            self._wait_or_raise(outcome, failures)

    def _request(
        self,
        endpoint: Endpoint,
        path: Mapping[str, str] | None,
        params: Params | None,
        json: Any,
        xml: bytes | None,
        headers: Mapping[str, str],
    ) -> _Request:
        if endpoint.kind == "oauth":
            raise ValueError("the token endpoint belongs to the oauth module")
        url = endpoint.url(self.environment, path)
        if params:
            url += f"?{urlencode(params, quote_via=quote, safe='')}"
        body = msgspec.json.encode(json) if json is not None else xml
        own = (
            _trading_headers(endpoint) if endpoint.kind == "trading" else self._rest_headers(json is not None)
        )
        return _Request(endpoint, url, {**own, **dict(endpoint.headers), **headers}, body)

    def _rest_headers(self, has_body: bool) -> dict[str, str]:
        """03 §0b; without `Accept-Language` Inventory answers 25709."""
        headers = {
            "Accept": "application/json",
            "Accept-Language": "en-US",
        }
        if self.marketplace_id:
            headers["X-EBAY-C-MARKETPLACE-ID"] = self.marketplace_id
        return headers | {"Content-Type": "application/json"} if has_body else headers

    def _attempt(self, request: _Request, token: str, sent: int, send: _Send) -> Answer | EbayError:
        answered = send(request, token, sent)
        try:
            response = answered()
            self._learn_time(response)
            return read_answer(request.endpoint, response, attempts=sent, prepare=self._prepare)
        except EbayError as error:
            error.api = request.endpoint.api
            return error

    def _sent(self, request: _Request, token: str, sent: int) -> Callable[[], Response]:
        call = self._announced(request, token, sent)
        return lambda: self._transport.exchange(call, deadline_s=request.endpoint.deadline_s)

    def _announced(self, request: _Request, token: str, sent: int) -> Call:
        endpoint = request.endpoint
        return self._transport.announce(
            Call(
                environment=self.environment.name,
                api=endpoint.api,
                endpoint=endpoint.name,
                method=endpoint.method,
                url=request.url,
                headers={
                    **request.headers,
                    **_authorization(endpoint, token),
                    **self._signature(request),
                },
                body=request.body,
                attempt=sent,
                caller=self.caller,
            )
        )

    def _signature(self, request: _Request) -> dict[str, str]:
        """Made anew for each attempt, because it says when it was made: never later than eBay's clock."""
        key = self._signer.key() if request.endpoint.signed and self._signer else None
        if key is None:
            return {}
        now = self._clock.earliest_now() if self._clock else datetime.now(UTC)
        return signature_headers(
            key,
            method=request.endpoint.method,
            url=request.url,
            body=request.body,
            created=int(now.timestamp()),
        )

    def _offset(self) -> timedelta:
        return self._clock.offset if self._clock else timedelta(0)

    def _clock_moved(self, known: timedelta) -> bool:
        return abs(self._offset() - known) > _CLOCK_MOVED

    def _learn_time(self, response: Response) -> None:
        date = http_date(response.headers.get("Date", ""))
        if self._clock is None or date is None:
            return
        received_at = response.started_at + timedelta(seconds=response.first_byte_s)
        self._clock.observe(date, sent_at=response.started_at, received_at=received_at)

    def _wait_or_raise(self, error: EbayError, failures: int) -> None:
        pause = _pause_s(error, failures)
        if pause is None or failures >= self._attempts:
            raise error
        logger.info("trying again in %.1f s, attempt %d failed: %s", pause, failures, error)
        self._wait(pause)


def unclear_if_lost(error: EbayError) -> EbayError:
    """The error of a call that must not be sent twice: where no clear answer came, it is not retryable."""
    if isinstance(error, Unavailable | BadAnswer):
        error.retryable = False
    return error


def _token_refused(error: EbayError) -> bool:
    """403/1100 counts: some APIs say it of an expired token, and only a fresh one tells (03 §0, 7)."""
    return isinstance(error, TokenRejected | ScopeMissing)


def _pause_s(error: EbayError, failures: int) -> float | None:
    """Seconds to wait before the next attempt; None: there is to be none."""
    if not isinstance(error, Unavailable | BadAnswer):
        return None
    if error.retry_after is not None:
        return error.retry_after if error.retry_after <= _LONGEST_WAIT_S else None
    longest = min(_LONGEST_WAIT_S, _SHORTEST_WAIT_S * 2**failures)
    return random.uniform(max(_SHORTEST_WAIT_S, longest / 2), longest)


def _authorization(endpoint: Endpoint, token: str) -> dict[str, str]:
    """The four forms of 03 §0, 6, less the token endpoint's own."""
    if endpoint.auth == "bearer":
        return {"Authorization": f"Bearer {token}"}
    if endpoint.auth == "iaf":
        return {"Authorization": f"IAF {token}"}
    return {"X-EBAY-API-IAF-TOKEN": token} if endpoint.auth == "trading" else {}


def _trading_headers(endpoint: Endpoint) -> dict[str, str]:
    return {
        "Content-Type": "text/xml",
        "X-EBAY-API-CALL-NAME": endpoint.name,
        "X-EBAY-API-COMPATIBILITY-LEVEL": TRADING_VERSION,
    }
