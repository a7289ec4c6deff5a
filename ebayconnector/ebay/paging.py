"""Pages by row offset, overlapping, so that a reader notices when rows shift under it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

from .answers import Answer

_NUMBER = re.compile(r"[0-9]{1,18}")


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `number` counts from 1; `total`, `offset`, `limit` are rows; `has_next` is what eBay says.

    `duration_s` is the last attempt's, `attempts` how often the page was asked for.
    """

    items: list[dict[str, Any]]
    total: int
    offset: int
    limit: int
    has_next: bool
    number: int
    duration_s: float
    attempts: int


def offset_pages(
    fetch: Callable[[int, int], Answer], *, items_key: str, limit: int, overlap: int
) -> Iterator[Page]:
    """Reads `fetch(offset, limit)` page by page; each begins with the last `overlap` rows of the one before.

    Ends when all rows of the total were seen, on an empty page, without a `next`, and on a server that
    repeats itself or never comes to an end. Only the first four are a complete reading: whether the rows
    are all there is for the caller to check, against `total`. `BadAnswer` for pages that are no pages.
    """
    if not 0 <= overlap < limit:
        raise ValueError("the overlap must be smaller than the page")
    return _pages(fetch, items_key, limit, overlap)


def _pages(fetch: Callable[[int, int], Answer], items_key: str, limit: int, overlap: int) -> Iterator[Page]:
    offset, number, last_number = 0, 0, None
    previous: list[dict[str, Any]] = []
    while last_number is None or number < last_number:
        number += 1
        answer = fetch(offset, limit)
        page = _page(answer, items_key, offset, limit, number)
        last_number = last_number or _enough_pages(page, overlap)
        yield page
        if _is_last(page) or not _next_advances(answer, offset) or page.items == previous:
            return
        previous = page.items
        offset += max(page.limit - overlap, 1)


def _enough_pages(first: Page, overlap: int) -> int:
    """Twice what the first total needs and ten: rows may arrive while we read, but not without end."""
    return 2 * (first.total // max(first.limit - overlap, 1) + 1) + 10


def _is_last(page: Page) -> bool:
    return not page.items or not page.has_next or page.offset + len(page.items) >= page.total


def _page(answer: Answer, items_key: str, offset: int, limit: int, number: int) -> Page:
    document = answer.json()
    items = document.get(items_key)
    # 204, no body: "no records" (03 §0, 13).
    total = document.get("total") if answer.body else 0
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise answer.bad("a page without its total")
    if items is None and total <= offset:
        items = []
    if not isinstance(items, list) or not all(isinstance(item, dict) for item in items):
        raise answer.bad(f"a page whose {items_key} is not a list of objects")
    return Page(
        items=items,
        total=total,
        offset=offset,
        limit=_served_limit(document, limit),
        has_next=bool(document.get("next")),
        number=number,
        duration_s=answer.duration_s,
        attempts=answer.attempts,
    )


def _served_limit(document: dict[str, Any], asked: int) -> int:
    """A server may give smaller pages than asked for, and says so."""
    served = document.get("limit")
    usable = isinstance(served, int) and not isinstance(served, bool) and 0 < served < asked
    return int(served) if usable and isinstance(served, int) else asked


def _next_advances(answer: Answer, offset: int) -> bool:
    """Whether `next` leads further than here; one that we cannot read is given the benefit of the doubt."""
    following = answer.json().get("next")
    query = parse_qs(urlsplit(following).query) if isinstance(following, str) else {}
    values = query.get("offset", [])
    return not (values and _NUMBER.fullmatch(values[0])) or int(values[0]) > offset
