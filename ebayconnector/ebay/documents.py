"""Reading eBay's documents. What cannot be read is a ValueError that never quotes the document."""

from __future__ import annotations

import json
from typing import Any, NoReturn

import msgspec
from lxml import etree


def parse_json(body: bytes) -> Any:
    """The JSON value in `body`. ValueError when there is none."""
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, RecursionError):
        return _lenient_json(body)


def _lenient_json(body: bytes) -> Any:
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
