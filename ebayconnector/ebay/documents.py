"""Reading eBay's documents. What cannot be read is a ValueError that never quotes the document."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection
from typing import Any, NoReturn

import msgspec
from lxml import etree

_members = msgspec.json.Decoder(dict[str, msgspec.Raw])
_list = msgspec.json.Decoder(list[msgspec.Raw])


def parse_json(body: bytes | str) -> Any:
    """The JSON value in `body`. ValueError when there is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return _lenient_json(body)


def parse_json_around(body: bytes, member: str, prepare: Callable[[bytes], Any] = bytes) -> Any:
    """The JSON value in `body`, in whose list `member` objects are left as the bytes that came, or what
    `prepare` makes of them. ValueError.

    In an answer that only the lenient reading takes they are objects like any others.
    """
    try:
        # What is skipped over is not looked at closely enough to notice broken UTF-8.
        body.decode()
        members = _members.decode(body)
        return {
            name: _objects_as_bytes(raw, prepare) if name == member else msgspec.json.decode(raw)
            for name, raw in members.items()
        }
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return parse_json(body)


def parse_json_members(body: bytes, names: Collection[str]) -> dict[str, Any]:
    """Of the JSON object in `body` only the members of these names, as far as it has them. ValueError."""
    try:
        members = _members.decode(body)
        return {name: msgspec.json.decode(members[name]) for name in names if name in members}
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        value = parse_json(body)
    if not isinstance(value, dict):
        raise ValueError("not a JSON object")
    return {name: value[name] for name in names if name in value}


def _objects_as_bytes(raw: msgspec.Raw, prepare: Callable[[bytes], Any]) -> Any:
    if not bytes(raw).startswith(b"["):
        return msgspec.json.decode(raw)
    items = map(bytes, _list.decode(raw))
    return [prepare(item) if item.startswith(b"{") else msgspec.json.decode(item) for item in items]


def _lenient_json(body: bytes | str) -> Any:
    """The standard library takes what msgspec refuses, such as lone surrogates and a byte order mark."""
    try:
        return json.loads(body, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"not JSON ({type(error).__name__})") from None


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def parse_xml(body: bytes) -> etree._Element:
    """The root element, namespaces taken off all tags. ValueError when it is no XML or has a DOCTYPE.

    No entities, no DTD, no network, and libxml2's limits against huge documents stay on.
    """
    parser = etree.XMLParser(
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        root = etree.fromstring(body, parser)
    except (etree.XMLSyntaxError, ValueError):
        raise ValueError("not XML") from None
    refuse_doctype(root)
    for element in root.iter(etree.Element):
        element.tag = local_name(element)
    return root


def refuse_doctype(root: etree._Element) -> None:
    """ValueError for a document with any DOCTYPE, with or without declarations."""
    if etree.ElementTree(root).docinfo.internalDTD is not None:
        raise ValueError("XML with a DOCTYPE")


def local_name(element: etree._Element) -> str:
    """The element's name without its namespace."""
    return str(element.tag).rpartition("}")[2]
