"""Trading's XML as plain values (03 §3).

An element with text only becomes a text, one with children an object of them, one with attributes an object
of its `value` and them (`currencyID` is called `currency`, as in eBay's JSON). What may repeat is always a
list, however often it came. An empty element is left out: it says as much as one that is absent.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from typing import Any

from lxml import etree

from .documents import local_name, refuse_doctype

_ATTRIBUTES = {"currencyID": "currency"}
_SCHEMA_INSTANCE = "{http://www.w3.org/2001/XMLSchema-instance}"


@dataclass(frozen=True, slots=True)
class Records:
    """Where an answer keeps its records (`path`, below the root), and which elements in them may repeat."""

    path: tuple[str, ...]
    repeating: frozenset[str] = frozenset()


def read_records(body: bytes, records: Records) -> tuple[etree._Element, list[dict[str, Any]]]:
    """The root without its records, tags without namespaces, and the records as plain objects.

    Each record is turned into plain values when it has ended and then let go: no more of them are there as
    elements than the parser reads at once (32 KB). No entities, no DTD, no network, libxml2's limits stay on;
    ValueError, which never quotes the document, for what is no XML or has a DOCTYPE. A record that is no
    object is `{}`.
    """
    found: list[dict[str, Any]] = []
    parser = etree.iterparse(
        BytesIO(body),
        events=("end",),
        tag=f"{{*}}{records.path[-1]}",
        resolve_entities=False,
        no_network=True,
        load_dtd=False,
        dtd_validation=False,
        huge_tree=False,
        remove_comments=True,
        remove_pis=True,
    )
    try:
        for _, element in parser:
            if _path_of(element) == records.path:
                found.append(_record(element, records.repeating))
                _let_go(element)
    except (etree.XMLSyntaxError, ValueError):
        raise ValueError("not XML") from None
    root = parser.root
    if root is None:
        raise ValueError("not XML")
    refuse_doctype(root)
    for element in root.iter(etree.Element):
        element.tag = local_name(element)
    return root, found


def _path_of(element: etree._Element) -> tuple[str, ...]:
    """The names from below the root down to the element."""
    names = [local_name(element), *(local_name(above) for above in element.iterancestors())]
    return tuple(reversed(names[:-1]))


def _let_go(element: etree._Element) -> None:
    """Empty the element and forget those before it; it stays itself, because the parser stands on it."""
    element.clear()
    parent = element.getparent()
    while parent is not None and element.getprevious() is not None:
        del parent[0]


def _record(element: etree._Element, repeating: frozenset[str]) -> dict[str, Any]:
    value = plain(element, repeating)
    return value if isinstance(value, dict) else {}


def plain(element: etree._Element, repeating: frozenset[str]) -> dict[str, Any] | str | None:
    """The element as plain values; None when it is empty.

    What repeats without being expected to becomes a list as well, so that nothing is lost.
    """
    members: dict[str, Any] = {}
    for child in element:
        # Most elements hold a text and nothing else: those are not worth a call of this function.
        value = plain(child, repeating) if len(child) else _leaf(child)
        if value is not None:
            _put(members, _name(child.tag), value, repeating)
    if not members:
        return _leaf(element)
    attributes = element.items()
    return _own(attributes) | members if attributes else members


def _leaf(element: etree._Element) -> dict[str, Any] | str | None:
    """An element of which nothing below it counts."""
    text = element.text
    attributes = element.items()
    if attributes and (own := _own(attributes)):
        return {"value": text or "", **own}
    return text if text and not text.isspace() else None


@lru_cache(maxsize=4096)
def _name(tag: Any) -> str:
    """A tag without its namespace."""
    return str(tag).rpartition("}")[2]


def _put(members: dict[str, Any], name: str, value: Any, repeating: frozenset[str]) -> None:
    if name in repeating:
        members.setdefault(name, []).append(value)
    elif name not in members:
        members[name] = value
    elif isinstance(members[name], list):
        members[name].append(value)
    else:
        members[name] = [members[name], value]


def _own(attributes: Sequence[tuple[Any, Any]]) -> dict[str, Any]:
    """The attributes that say something."""
    return {
        _ATTRIBUTES.get(name, name): value
        for name, value in attributes
        if not name.startswith(_SCHEMA_INSTANCE)
    }
