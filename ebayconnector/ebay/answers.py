"""Answers that were checked: the right status, type and shape, or the error that fits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from lxml import etree

from .classify import error_for, request_id
from .documents import parse_json, parse_json_around, parse_xml
from .endpoints import Endpoint
from .errors import BadAnswer
from .remote_errors import parse_errors, trading_errors
from .trading_xml import read_records
from .transport import Response

_ACKS = ("Success", "Warning", "PartialFailure", "Failure")


@dataclass(frozen=True, slots=True)
class Answer:
    """A success. `headers` ignore case; `attempts`: how often the call was sent; times are the last one's.

    `records`: those of a Trading answer whose endpoint says where they are; they are not in `xml()` then.
    """

    status: int
    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    started_at: datetime
    duration_s: float
    attempts: int
    endpoint: str = ""
    document: Any = field(default=None, repr=False, compare=False)
    records: list[dict[str, Any]] = field(default_factory=list, repr=False, compare=False)

    def json(self) -> dict[str, Any]:
        """The JSON object; an empty one for an answer that rightly has no body (204).

        Of an endpoint with a `raw_member` the objects in that list are bytes, or what was prepared of them.
        """
        if self.document is None and not self.body:
            return {}
        if not isinstance(self.document, dict):
            raise self.bad("no JSON object")
        return self.document

    def xml(self) -> etree._Element:
        """The root of a Trading answer, its tags without namespaces."""
        if not isinstance(self.document, etree._Element):
            raise self.bad("no XML")
        return self.document

    def bad(self, summary: str) -> BadAnswer:
        """The error for an answer whose content turns out not to be what it should."""
        return BadAnswer(
            summary, endpoint=self.endpoint, status=self.status, request_id=request_id(self.headers)
        )


def read_answer(
    endpoint: Endpoint, response: Response, *, attempts: int, prepare: Callable[[bytes], Any] = bytes
) -> Answer:
    """The checked answer; raises the `EbayError` that fits for everything else.

    `prepare` is given each object of the endpoint's `raw_member`.
    """
    if not 200 <= response.status < 300:
        errors = parse_errors(response.headers.get("Content-Type"), response.body)
        raise error_for(endpoint, response.status, response.headers, errors)
    document, records = _document(endpoint, response, prepare)
    return Answer(
        status=response.status,
        headers=response.headers,
        body=response.body,
        started_at=response.started_at,
        duration_s=response.duration_s,
        attempts=attempts,
        endpoint=endpoint.name,
        document=document,
        records=records,
    )


def _document(
    endpoint: Endpoint, response: Response, prepare: Callable[[bytes], Any]
) -> tuple[Any, list[dict[str, Any]]]:
    """The document, and its records where they are read apart from it."""
    if response.digest is None and not response.body.strip():
        is_change = endpoint.method != "GET" and response.status != 200
        if endpoint.empty_ok and (response.status == 204 or is_change):
            return None, []
        raise _bad(endpoint, response, "an empty body")
    if endpoint.kind == "trading":
        return _trading_document(endpoint, response)
    return _json_document(endpoint, response, prepare), []


def _json_document(endpoint: Endpoint, response: Response, prepare: Callable[[bytes], Any]) -> dict[str, Any]:
    _check_type(endpoint, response, "json")
    try:
        if response.digest is not None:
            document = response.digest
        elif endpoint.raw_member:
            document = parse_json_around(response.body, endpoint.raw_member, prepare)
        else:
            document = parse_json(response.body)
    except ValueError as error:
        raise _bad(endpoint, response, str(error)) from None
    if not isinstance(document, dict):
        raise _bad(endpoint, response, "JSON, but no object")
    return document


def _trading_document(endpoint: Endpoint, response: Response) -> tuple[etree._Element, list[dict[str, Any]]]:
    """The root of `<Name>Response`; `Ack` decides, not the status (03 §3.1)."""
    _check_type(endpoint, response, "xml")
    records: list[dict[str, Any]] = []
    try:
        if endpoint.records is None:
            root = parse_xml(response.body)
        else:
            root, records = read_records(response.body, endpoint.records)
    except ValueError as error:
        raise _bad(endpoint, response, str(error)) from None
    ack = root.findtext("Ack", "").strip()
    if ack not in _ACKS:
        raise _bad(endpoint, response, "XML without an Ack")
    if ack == "Failure":
        raise error_for(endpoint, response.status, response.headers, trading_errors(root))
    if root.tag != f"{endpoint.name}Response":
        raise _bad(endpoint, response, "the answer to another call")
    return root, records


def _check_type(endpoint: Endpoint, response: Response, wanted: str) -> None:
    declared = response.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    # "application/json", "application/problem+json", "text/xml"; no type at all is left to the parser.
    if declared and declared.rpartition("/")[2].rpartition("+")[2] != wanted:
        raise _bad(endpoint, response, f"{declared[:60]} where {wanted.upper()} is due")


def _bad(endpoint: Endpoint, response: Response, summary: str) -> BadAnswer:
    return BadAnswer(
        summary, endpoint=endpoint.name, status=response.status, request_id=request_id(response.headers)
    )
