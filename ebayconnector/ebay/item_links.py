"""The item that a link or an id names."""

from __future__ import annotations

import re
from urllib.parse import parse_qsl, unquote, urlsplit

# Legacy ids have twelve digits today; old ones have fewer.
_LEGACY_ID = re.compile(r"[1-9]\d{8,14}", re.ASCII)
_REST_ID = re.compile(r"v1\|([1-9]\d{8,14})\|\d{1,19}", re.ASCII)
# ebay.com, ebay.de, ebay.co.uk, ebay.com.au and all that stands before them (www, m, befr, sandbox).
_HOST = re.compile(r"(?:[a-z0-9-]+\.)*ebay\.(?:com|[a-z]{2}|com?\.[a-z]{2})")
_SCHEME = re.compile(r"https?://", re.IGNORECASE)
_ITEM_FOLDERS = ("itm", "i")
# `iid`: a product page that was opened for one item.
_ITEM_NAMES = ("item", "itemid", "iid")
# Affiliate links carry the page that they lead to.
_TARGET_NAMES = ("mpre", "loc", "u")
_LONGEST = 4_000


def legacy_item_id(text: str) -> str | None:
    """The legacy item id in an id, a RESTful id (`v1|…|0`) or a link to one of eBay's sites.

    None when there is none; short links (`ebay.us/…`) name no item.
    """
    return _item_id(text.strip().strip("<>\"'").strip()[:_LONGEST], depth=2)


def _item_id(text: str, *, depth: int) -> str | None:
    if _LEGACY_ID.fullmatch(text):
        return text
    rest = _REST_ID.fullmatch(unquote(text))
    if rest:
        return rest[1]
    return _from_link(text, depth=depth)


def _from_link(text: str, *, depth: int) -> str | None:
    try:
        parts = urlsplit(text if _SCHEME.match(text) else f"https://{text}")
        host = parts.hostname or ""
    except ValueError:
        return None
    if not _HOST.fullmatch(host):
        return None
    query = [(name.lower(), value.strip()) for name, value in parse_qsl(parts.query)]
    return _from_path(parts.path) or _from_query(query, depth=depth)


def _from_path(path: str) -> str | None:
    """`/itm/123` and `/itm/any-title/123`, also with a language before it."""
    segments = [unquote(segment) for segment in path.split("/") if segment]
    for place, segment in enumerate(segments):
        if segment.lower() in _ITEM_FOLDERS:
            return next((one for one in segments[place + 1 :][:2] if _LEGACY_ID.fullmatch(one)), None)
    return None


def _from_query(query: list[tuple[str, str]], *, depth: int) -> str | None:
    for name, value in query:
        if name in _ITEM_NAMES and (found := _LEGACY_ID.fullmatch(value)):
            return found[0]
    if depth == 0:
        return None
    targets = (_from_link(value, depth=depth - 1) for name, value in query if name in _TARGET_NAMES)
    return next((target for target in targets if target), None)
