"""Answers read from sockets of one's own, and what they say about a bid."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from requests.structures import CaseInsensitiveDict

from .bid_reasons import BidReason, bid_reason, is_no_activity
from .bidding import Bidding, read_bidding
from .classify import http_date, request_id
from .documents import parse_json
from .errors import BadAnswer
from .remote_errors import RemoteError, parse_errors

_LARGEST = 1024 * 1024
_HEAD_END = b"\r\n\r\n"


@dataclass(frozen=True, slots=True)
class RawAnswer:
    """A complete answer. `headers` ignore case; `keeps_open`: its connection can serve another call."""

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    keeps_open: bool = True

    @property
    def date_at(self) -> datetime | None:
        """eBay's `Date`, whole seconds; None when it sent none."""
        return http_date(self.headers.get("Date", ""))

    @property
    def request_id(self) -> str | None:
        return request_id(self.headers)


class AnswerReader:
    """Reads one HTTP/1.1 answer from the pieces in which it arrives; one reader for each call.

    `has_body` is false for the answer to HEAD.
    """

    def __init__(self, *, has_body: bool = True) -> None:
        self._has_body = has_body
        self._data = bytearray()

    def feed(self, piece: bytes) -> RawAnswer | None:
        """The answer once it is complete, else None; an empty piece says that the connection was closed.

        Raises BadAnswer for what is no answer, was cut, or is too large; the reader is of no use after that.
        """
        self._data += piece
        if len(self._data) > _LARGEST:
            raise BadAnswer("a raw answer that is too large")
        answer = self._answer(closed=not piece)
        if answer is None and not piece:
            raise BadAnswer(f"the connection was closed after {len(self._data)} bytes of the answer")
        return answer

    def _answer(self, *, closed: bool) -> RawAnswer | None:
        while (end := self._data.find(_HEAD_END)) >= 0:
            status, headers, is_old = _head(bytes(self._data[:end]))
            if 100 <= status < 200:
                del self._data[: end + len(_HEAD_END)]
                continue
            body = self._body(status, headers, bytes(self._data[end + len(_HEAD_END) :]), closed=closed)
            if body is None:
                return None
            ends_with_close = closed or is_old or headers.get("Connection", "").lower() == "close"
            return RawAnswer(status, headers, body, keeps_open=not ends_with_close)
        return None

    def _body(self, status: int, headers: Mapping[str, str], rest: bytes, *, closed: bool) -> bytes | None:
        """None while it is not complete."""
        if not self._has_body or status in (204, 304):
            return b""
        if headers.get("Transfer-Encoding", "").strip().lower() == "chunked":
            return _chunked(rest)
        if "Content-Length" not in headers:
            return rest if closed else None
        length = _number(headers["Content-Length"], base=10)
        return rest[:length] if len(rest) >= length else None


def _head(head: bytes) -> tuple[int, CaseInsensitiveDict[str], bool]:
    """Status, headers, and whether it is HTTP/1.0, which closes after each answer."""
    first, *lines = head.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    status = rest[:3]
    if not version.startswith("HTTP/1.") or not (status.isascii() and status.isdigit() and len(status) == 3):
        raise BadAnswer("no HTTP/1 answer")
    headers: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for line in lines:
        name, _, value = line.partition(":")
        headers[name.strip()] = value.strip()
    return int(status), headers, version == "HTTP/1.0"


def _chunked(rest: bytes) -> bytes | None:
    """The body without its framing; None while the last chunk is missing."""
    body, at = b"", 0
    while (end := rest.find(b"\r\n", at)) >= 0:
        size = _number(rest[at:end].partition(b";")[0].decode("latin-1"), base=16)
        start = end + 2
        if size == 0:
            # Trailers, if any, end with an empty line.
            return body if rest[end : end + 4] == _HEAD_END or _HEAD_END in rest[end:] else None
        if len(rest) < start + size + 2:
            return None
        body, at = body + rest[start : start + size], start + size + 2
    return None


def _number(text: str, *, base: int) -> int:
    text = text.strip()
    if not text.isalnum() or not text.isascii():
        raise BadAnswer("a length that is no number")
    try:
        return int(text, base)
    except ValueError:
        raise BadAnswer("a length that is no number") from None


@dataclass(frozen=True, slots=True)
class BidAnswer:
    """What eBay said to a bid. `reason` is None when it took the bid; `errors` are eBay's words, masked."""

    status: int
    reason: BidReason | None
    proxy_bid_id: str = ""
    errors: tuple[RemoteError, ...] = ()
    request_id: str | None = None

    @property
    def accepted(self) -> bool:
        return self.reason is None


def bid_answer(answer: RawAnswer) -> BidAnswer:
    """The answer to `prepare_bid`. Never raises: what cannot be read leaves the outcome UNCLEAR."""
    if not 200 <= answer.status < 300:
        errors = parse_errors(answer.headers.get("Content-Type"), answer.body)
        return BidAnswer(answer.status, bid_reason(answer.status, errors), "", errors, answer.request_id)
    proxy_bid_id = _object(answer.body).get("proxyBidId")
    if not isinstance(proxy_bid_id, str) or not proxy_bid_id:
        return BidAnswer(answer.status, BidReason.UNCLEAR, request_id=answer.request_id)
    return BidAnswer(answer.status, None, proxy_bid_id, request_id=answer.request_id)


@dataclass(frozen=True, slots=True)
class BiddingAnswer:
    """What eBay said to `prepare_bidding_read`.

    `is_clear`: it said how this bidder stands; `bidding` is None then when it knows no bid of this user.
    """

    status: int
    is_clear: bool
    bidding: Bidding | None = None
    errors: tuple[RemoteError, ...] = ()
    request_id: str | None = None


def bidding_answer(answer: RawAnswer) -> BiddingAnswer:
    """The answer to `prepare_bidding_read`. Never raises."""
    if 200 <= answer.status < 300:
        try:
            bidding = read_bidding(_object(answer.body))
        except ValueError:
            return BiddingAnswer(answer.status, False, request_id=answer.request_id)
        return BiddingAnswer(answer.status, True, bidding, request_id=answer.request_id)
    errors = parse_errors(answer.headers.get("Content-Type"), answer.body)
    no_bid = 400 <= answer.status < 500 and is_no_activity(errors)
    return BiddingAnswer(answer.status, no_bid, None, errors, answer.request_id)


def _object(body: bytes) -> dict[str, Any]:
    try:
        document = parse_json(body)
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}
