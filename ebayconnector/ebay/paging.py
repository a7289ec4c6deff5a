"""Two ways through pages: by row offset, overlapping, so that a reader notices when rows shift under it; and
by `next`, where nobody says what an offset counts."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol
from urllib.parse import parse_qs, urlsplit

from .answers import Answer

_NUMBER = re.compile(r"[0-9]{1,18}")
# What JSON has beside objects, which may come as dicts, as bytes, or as what was prepared of these.
_NO_OBJECT = frozenset({list, str, bool, int, float, type(None)})


@dataclass(frozen=True, slots=True)
class Page:
    """One page. `number` counts from 1; `total`, `offset`, `limit` are rows; `has_next` is what eBay says.

    `items`: objects, or their bytes (or what was prepared of these) where the endpoint has a `raw_member`.

    `duration_s` is the last attempt's, `attempts` how often the page was asked for. `next_position` is where
    a later reading can go on after this page (`position_pages`); None when this is the last one to be read.
    `cut`: it is the last one that eBay gives although its list goes on.
    """

    items: list[Any]
    total: int
    offset: int
    limit: int
    has_next: bool
    number: int
    duration_s: float
    attempts: int
    next_position: str | None = None
    cut: bool = False


Fetch = Callable[[int, int], Answer]
"""Asks for the page at an offset, with a limit."""


class Coming(Protocol):
    """A page that was asked for."""

    def __call__(self) -> Answer:
        """Waits for it."""

    def glance(self) -> Any:
        """Its document, if it has come; None before, and of what is no page."""

    def cancel(self) -> None:
        """Nobody wants it any more: it need not be sent."""


Begin = Callable[[int, int], Coming]
"""The same in two steps: the call is sent at once, and the answer waited for later."""

# So many pages are asked for, or have come, while others are worked on. Only orders are; how many are on
# their way at once is for the client to say.
PAGES_AHEAD = 12
# Whoever finds that there are more looks at the first page only.
PAGES_READ_ON = 15


class OffsetPages(Iterator[Page]):
    """The pages of `offset_pages`, some of which may be asked for before anybody reads them."""

    def __init__(
        self, fetch: Fetch, *, items_key: str, limit: int, overlap: int, begin: Begin | None = None
    ) -> None:
        if not 0 <= overlap < limit:
            raise ValueError("the overlap must be smaller than the page")
        self.limit = limit
        self.begun = 0
        self._begin = begin
        self._step = max(limit - overlap, 1)
        self._coming: dict[int, Coming] = {}
        self._pages = _pages(fetch, items_key, limit, overlap, begin, self._coming)

    def ask_ahead(self, rows: float) -> bool:
        """Send the call for the next page that was not asked for, if of so many `rows` some are on it. False:
        there is none, or these pages are not read ahead. Only before the first page is read."""
        offset = self.begun * self._step
        if self._begin is None or (self.begun and offset >= rows):
            return False
        self._coming[offset] = self._begin(offset, self.limit)
        self.begun += 1
        return True

    def known_total(self) -> int | None:
        """The total that the first page gives, once that has come; only before it is read."""
        first = self._coming.get(0)
        document = first.glance() if first else None
        total = document.get("total") if isinstance(document, dict) else None
        return total if isinstance(total, int) and not isinstance(total, bool) else None

    def cancel(self) -> None:
        """Nobody reads on: what was asked for ahead and is not under way is not sent."""
        while self._coming:
            self._coming.popitem()[1].cancel()

    def __next__(self) -> Page:
        return next(self._pages)


def offset_pages(
    fetch: Fetch, *, items_key: str, limit: int, overlap: int, begin: Begin | None = None
) -> OffsetPages:
    """Reads `fetch(offset, limit)` page by page; each begins with the last `overlap` rows of the one before.

    With `begin` the next pages are on their way while one is worked on; of more than `PAGES_READ_ON` pages
    from the second one on: whoever comes back for that one reads to the end.

    Ends when all rows of the total were seen, on an empty page, without a `next`, and on a server that
    repeats itself or never comes to an end. Only the first four are a complete reading: whether the rows
    are all there is for the caller to check, against `total`. `BadAnswer` for pages that are no pages.
    """
    return OffsetPages(fetch, items_key=items_key, limit=limit, overlap=overlap, begin=begin)


def _pages(
    fetch: Fetch,
    items_key: str,
    limit: int,
    overlap: int,
    begin: Begin | None,
    coming: dict[int, Coming],
) -> Iterator[Page]:
    offset, number, last_number = 0, 0, None
    previous: list[Any] = []
    while last_number is None or number < last_number:
        number += 1
        answer = coming.pop(offset)() if offset in coming else fetch(offset, limit)
        page = _page(answer, items_key, offset, limit, number)
        last_number = last_number or _enough_pages(page, overlap)
        reads_on = number > 1 or page.total <= PAGES_READ_ON * (page.limit - overlap)
        if begin is not None and reads_on and not _is_last(page):
            wanted = _offsets_after(page, overlap)
            for place in coming.keys() - wanted:
                coming.pop(place).cancel()
            for place in wanted:
                coming[place] = coming.get(place) or begin(place, limit)
        yield page
        if _is_last(page) or not _next_advances(answer, offset) or page.items == previous:
            return
        previous = page.items
        offset += max(page.limit - overlap, 1)


def position_pages(fetch: Fetch, *, items_key: str, limit: int, start: str | None = None) -> Iterator[Page]:
    """Reads from `start` (a `next_position`; None: the beginning) on, wherever each page's `next` points.

    Of `next` only the query's `offset` and `limit` are taken: the call, its host and its other parameters
    stay ours. Here `Page.offset` is the number of rows that this reading has seen before the page.

    Ends on a page without `next`, on an empty page, and on a server that repeats itself or never comes to an
    end. Whether the rows are all there is for the caller to check, against `total`. `BadAnswer` for pages
    that are no pages and for a `next` that cannot be read; ValueError for a `start` that is no position.
    """
    first = (0, limit) if start is None else _parsed_position(start)
    if first is None:
        raise ValueError(f"not a position in pages: {str(start)[:40]!r}")
    return _followed(fetch, items_key, *first, resumed=start is not None)


def every_item(fetch: Fetch, *, items_key: str, id_keys: Sequence[str], limit: int) -> list[dict[str, Any]]:
    """All there is, each once, in one list, by `position_pages`: for what is short by nature.

    `id_keys` name the fields that tell items apart; one without any of them counts by itself. `BadAnswer`
    when eBay counts more than it gives.
    """
    items: list[dict[str, Any]] = []
    seen: set[tuple[Any, ...]] = set()
    answers: list[Answer] = []
    total = 0

    def fetch_and_keep(offset: int, page_limit: int) -> Answer:
        answers[:] = [fetch(offset, page_limit)]
        return answers[0]

    for page in position_pages(fetch_and_keep, items_key=items_key, limit=limit):
        for item in page.items:
            identity = tuple(str(item.get(key) or "") for key in id_keys)
            if identity not in seen:
                items.append(item)
            if any(identity):
                seen.add(identity)
        # A last answer that counts less than the first one does not make them whole.
        total = max(total, page.total)
        if len(items) >= total:
            return items
    raise answers[0].bad(f"{len(items)} {items_key} where the total says {total}")


def _followed(fetch: Fetch, items_key: str, offset: int, limit: int, *, resumed: bool) -> Iterator[Page]:
    rows_before, number, last_number = 0, 0, None
    asked: set[tuple[int, int]] = set()
    previous: list[dict[str, Any]] = []
    while True:
        number += 1
        asked.add((offset, limit))
        answer = fetch(offset, limit)
        # What a resumed reading was to go on with may be gone: that is an empty page, no broken one.
        page = _page(answer, items_key, rows_before, limit, number, may_lack_items=resumed and number == 1)
        last_number = last_number or 2 * (page.total // max(len(page.items), 1) + 1) + 10
        following = _following(answer, limit)
        repeats = page.items == previous or following in asked
        if following is None or not page.items or repeats or number >= last_number:
            yield page
            return
        yield replace(page, next_position=_position(*following))
        previous = page.items
        rows_before += len(page.items)
        offset, limit = following


def _following(answer: Answer, limit: int) -> tuple[int, int] | None:
    """(offset, limit) of `next`; None without one."""
    following = answer.json().get("next")
    if not following:
        return None
    place = _parsed_position(_query(following), limit)
    if place is None:
        raise answer.bad("a next that cannot be followed")
    return place


def _position(offset: int, limit: int) -> str:
    return f"limit={limit}&offset={offset}"


def _parsed_position(query: str, limit: int = 0) -> tuple[int, int] | None:
    """(offset, limit) of a query; `limit` where it names none. None when it is no place among pages."""
    values = parse_qs(query)
    offset, page_limit = values.get("offset", [""])[0], values.get("limit", [str(limit)])[0]
    if not _NUMBER.fullmatch(offset) or not _NUMBER.fullmatch(page_limit) or int(page_limit) == 0:
        return None
    return int(offset), int(page_limit)


def _offsets_after(page: Page, overlap: int) -> list[int]:
    """Where the next pages begin, if the total holds."""
    step = max(page.limit - overlap, 1)
    places = [page.offset + step * number for number in range(1, PAGES_AHEAD + 1)]
    return [place for place in places if place + overlap < page.total]


def _enough_pages(first: Page, overlap: int) -> int:
    """Twice what the first total needs and ten: rows may arrive while we read, but not without end."""
    return 2 * (first.total // max(first.limit - overlap, 1) + 1) + 10


def _is_last(page: Page) -> bool:
    return not page.items or not page.has_next or page.offset + len(page.items) >= page.total


def _page(
    answer: Answer, items_key: str, offset: int, limit: int, number: int, *, may_lack_items: bool = False
) -> Page:
    document = answer.json()
    items = document.get(items_key)
    # 204, no body: "no records" (03 §0, 13).
    total = document.get("total") if answer.document is not None else 0
    if isinstance(total, bool) or not isinstance(total, int) or total < 0:
        raise answer.bad("a page without its total")
    if items is None and (may_lack_items or total <= offset):
        items = []
    if not isinstance(items, list) or not _NO_OBJECT.isdisjoint(map(type, items)):
        raise answer.bad(f"a page whose {items_key} is not a list of objects")
    if document.get("errors") or (not items and _failed_inside(document.get("warnings"))):
        raise answer.bad("a page with errors")
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


def _failed_inside(warnings: Any) -> bool:
    """Whether eBay says of a success that something failed on its side (03 §0b: category APPLICATION)."""
    listed = warnings if isinstance(warnings, list) else []
    return any(isinstance(each, dict) and each.get("category") == "APPLICATION" for each in listed)


def _served_limit(document: dict[str, Any], asked: int) -> int:
    """A server may give smaller pages than asked for, and says so."""
    served = document.get("limit")
    usable = isinstance(served, int) and not isinstance(served, bool) and 0 < served < asked
    return int(served) if usable and isinstance(served, int) else asked


def _next_advances(answer: Answer, offset: int) -> bool:
    """Whether `next` leads further than here; one that we cannot read is given the benefit of the doubt."""
    following = answer.json().get("next")
    values = parse_qs(_query(following)).get("offset", [])
    return not (values and _NUMBER.fullmatch(values[0])) or int(values[0]) > offset


def _query(address: Any) -> str:
    """The query of an address; '' when it is none."""
    try:
        return urlsplit(address).query if isinstance(address, str) else ""
    except ValueError:
        # "http://[": what urlsplit takes for a broken IPv6 address.
        return ""
