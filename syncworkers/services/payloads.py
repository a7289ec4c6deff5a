"""What happens to a record before it is stored: cleaning, hashing, keeping what eBay now withholds."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import msgspec

from ebayconnector.ebay.documents import parse_json, parse_json_members

# PostgreSQL's text and jsonb cannot hold U+0000; UTF-8 cannot hold lone surrogates.
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
_REPLACEMENT = "\ufffd"
# What an object that is an address has, and one that says who lives there, and where (03 §4.1).
_OF_ADDRESSES = frozenset({"addressLine1", "countryCode"})
_NAME, _HOME = "fullName", "contactAddress"

Path = Sequence[str]
Lasting = Callable[[dict[str, Any]], Any]


@dataclass
class Document:
    """A payload as it is stored: `encoded` is its JSON, `digest` 16 bytes over what eBay says lastingly,
    `replaced` how many characters PostgreSQL could not have stored."""

    encoded: bytes
    digest: bytes
    replaced: int = 0
    value: dict[str, Any] | None = None

    @cached_property
    def payload(self) -> dict[str, Any]:
        payload: dict[str, Any] = parse_json(self.encoded) if self.value is None else self.value
        return payload

    def members(self, names: Collection[str]) -> dict[str, Any]:
        """Of the payload only the members of these names, as far as it has them."""
        if self.value is None:
            return parse_json_members(self.encoded, names)
        return {name: self.value[name] for name in names if name in self.value}


def document(
    payload: dict[str, Any] | bytes, volatile_paths: Sequence[Path], lasting: Lasting | None = None
) -> Document:
    """The payload with characters replaced that PostgreSQL cannot store, encoded once for all uses.

    An object's bytes (of a table without volatile paths) are stored and hashed as they are: only the same
    bytes have the same digest. Of a dict it is the JSON with sorted keys, hashed less its volatile parts
    and with what `lasting` makes of it, which may raise what it likes.
    """
    if isinstance(payload, bytes):
        if b"\\u0000" not in payload:
            return Document(payload, _hash(payload))
        payload = value_of(payload)
    return _document(payload, volatile_paths, lasting)


def value_of(item: Any) -> Any:
    """A record as a value, whether it came as one or as its bytes."""
    return parse_json(item) if isinstance(item, bytes) else item


def _document(payload: Any, volatile_paths: Sequence[Path], lasting: Lasting | None) -> Document:
    replaced = 0
    try:
        encoded = _encoded(payload)
        storable = b"\\u0000" not in encoded
    except UnicodeEncodeError:
        storable = False
    if not storable:
        payload, replaced = _cleaned(payload)
        encoded = _encoded(payload)
    return Document(encoded, _digest(payload, encoded, volatile_paths, lasting), replaced, payload)


def _digest(
    payload: dict[str, Any], encoded: bytes, volatile_paths: Sequence[Path], lasting: Lasting | None
) -> bytes:
    hashed: Any = payload
    for path in volatile_paths:
        hashed = _less(hashed, path)
    if lasting is not None:
        hashed = [hashed, lasting(payload)]
    return _hash(encoded if hashed is payload else _encoded(hashed))


def _encoded(value: Any) -> bytes:
    return msgspec.json.encode(value, order="sorted")


def _hash(encoded: bytes) -> bytes:
    return hashlib.blake2b(encoded, digest_size=16).digest()


def evidence_hash(value: Any) -> str:
    """What tells a record without a key from others, in hexadecimal."""
    return _hash(_encoded({"": storable_evidence(value)})).hex()


def _cleaned(value: Any) -> tuple[Any, int]:
    count = 0

    def clean(value: Any) -> Any:
        nonlocal count
        if isinstance(value, str):
            value, found = _UNSTORABLE.subn(_REPLACEMENT, value)
            count += found
            return value
        if isinstance(value, dict):
            return {clean(key): clean(item) for key, item in value.items()}
        return [clean(item) for item in value] if isinstance(value, list) else value

    return clean(value), count


def storable_evidence(value: Any) -> Any:
    """Anything that came from eBay as JSON, as PostgreSQL stores it (a number beyond all bounds is null)."""
    return json.loads(msgspec.json.encode(_cleaned(value)[0]))


def _less(value: Any, path: Path) -> Any:
    """A copy of `value` without what is at `path` (`*` = every element of a list)."""
    head, *rest = path
    if isinstance(value, list) and head == "*":
        return [_less(item, rest) for item in value]
    if not isinstance(value, dict) or head not in value:
        return value
    if not rest:
        return {key: item for key, item in value.items() if key != head}
    return {**value, head: _less(value[head], rest)}


def with_withheld(new: dict[str, Any], stored: dict[str, Any], paths: Sequence[Path]) -> dict[str, Any]:
    """`new` itself, or with values filled in from `stored` where eBay no longer gives them."""
    result: Any = new
    for path in paths:
        result = _filled(result, stored, path)
    return result  # type: ignore[no-any-return]


def _filled(new: Any, stored: Any, path: Path) -> Any:
    if not path:
        return _merged(new, stored)
    head, *rest = path
    if head == "*":
        return _filled_list(new, stored, rest)
    if not isinstance(stored, dict) or head not in stored or not isinstance(new, dict | None):
        return new
    before = new or {}
    value = _filled(before.get(head), stored[head], rest)
    return new if value is None or value is before.get(head) else {**before, head: value}


def _filled_list(new: Any, stored: Any, rest: Path) -> Any:
    """By position; lists of different lengths are not compared: nobody knows what belongs together."""
    if not isinstance(stored, list):
        return new
    if new is None or (new == [] and stored):
        return stored
    if not isinstance(new, list) or len(new) != len(stored):
        return new
    filled = [_filled(a, b, rest) for a, b in zip(new, stored, strict=True)]
    return new if all(a is b for a, b in zip(new, filled, strict=True)) else filled


def _merged(new: Any, stored: Any) -> Any:
    """Deep: a value that is missing, null or empty in `new` is taken from `stored`, unless that is about
    another address or person."""
    if new == stored:
        return new
    if _is_empty(new):
        return stored
    if not isinstance(new, dict) or not isinstance(stored, dict):
        return new
    if _is_another(new, stored):
        return new
    return {**stored, **{key: _merged(value, stored.get(key, value)) for key, value in new.items()}}


def _is_another(new: dict[str, Any], stored: dict[str, Any]) -> bool:
    """An address of which something changed is another one, not the old one with a part withheld; so is a
    person with another name and with an address."""
    changed = {key for key, value in new.items() if _has_changed(value, stored.get(key))}
    is_address = not _OF_ADDRESSES.isdisjoint(stored)
    return (is_address and bool(changed)) or (_NAME in changed and not _is_empty(new.get(_HOME)))


def _has_changed(new: Any, stored: Any) -> bool:
    """From one value to another: who withholds only takes values away."""
    return not _is_empty(new) and not _is_empty(stored) and new != stored


def _is_empty(value: Any) -> bool:
    return value is None or value in ("", {}, [])
