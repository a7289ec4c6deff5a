"""The lists of My eBay: pages by number, from 1, with PaginationResult (03 §3.1)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

from .answers import Answer
from .errors import Refused
from .paging import Page

_BEYOND_END = "340"
_POSITION = re.compile(r"[1-9][0-9]{0,6}", re.ASCII)

Fetch = Callable[[int], Answer]
"""Asks for the page of a number."""

Flatten = Callable[[Answer], list[dict[str, Any]]]
"""The records that are kept of a page."""


class Pagination(NamedTuple):
    pages: int
    entries: int


def is_beyond_end(refused: Refused) -> bool:
    """Whether Trading refused a page number behind the last one (340)."""
    return any(error.error_id == _BEYOND_END for error in refused.errors)


def page_number(start: str | None) -> int:
    """The page that a position means, 1 for None. ValueError for what is no position."""
    if start is None:
        return 1
    if not _POSITION.fullmatch(start):
        raise ValueError(f"not a position in pages: {start[:40]!r}")
    return int(start)


def pagination(answer: Answer, container: str) -> Pagination:
    """How long the list is; zeros where eBay leaves out the whole list, which it does for an empty one.

    `BadAnswer` for a list that does not say it.
    """
    root = answer.xml()
    if root.find(container) is None and not answer.records:
        return Pagination(0, 0)
    names = ("TotalNumberOfPages", "TotalNumberOfEntries")
    pages, entries = ((root.findtext(f"{container}/PaginationResult/{name}") or "").strip() for name in names)
    if not pages.isdecimal() or not entries.isdecimal():
        raise answer.bad(f"a {container} without its PaginationResult")
    return Pagination(int(pages), int(entries))


def numbered_pages(
    fetch: Fetch, *, container: str, flatten: Flatten, limit: int, number: int
) -> Iterator[Page]:
    """Reads page `number` and those after it to the last one.

    A page's `total` is eBay's TotalNumberOfEntries, its `next_position` the next page's number. A page that
    was promised and then is out of range (340) ends the list with an empty one whose total is 0: the list
    has changed. Ends as well on a page without records, or with the same ones as the page before.
    """
    rows_before, previous = 0, None
    for count in range(1, 1_000_000):
        try:
            answer = fetch(number)
        except Refused as refused:
            if number == 1 or not is_beyond_end(refused):
                raise
            yield _empty_page(rows_before, limit, count)
            return
        found = pagination(answer, container)
        items = flatten(answer)
        repeats = bool(answer.records) and answer.records == previous
        has_next = number < found.pages and bool(answer.records) and not repeats
        yield Page(
            items=items,
            total=found.entries,
            offset=rows_before,
            limit=limit,
            has_next=has_next,
            number=count,
            duration_s=answer.duration_s,
            attempts=answer.attempts,
            next_position=str(number + 1) if has_next else None,
        )
        if not has_next:
            return
        number, rows_before, previous = number + 1, rows_before + len(items), answer.records


def _empty_page(offset: int, limit: int, count: int) -> Page:
    return Page([], 0, offset, limit, has_next=False, number=count, duration_s=0.0, attempts=1)
