"""The searches of Post-Order: what they share, and how more than a page of them is read (03 §7).

Whether `offset` counts rows or pages is not certain: eBay's type page says rows, others have seen pages.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from .answers import Answer
from .client import EbayClient
from .endpoints import Endpoint
from .errors import Refused
from .paging import PAGES_READ_ON, Page
from .timefmt import ebay_time

_IDS = ("caseId", "inquiryId", "returnId", "itemId", "transactionId", "orderId")
# A window that readers cut no further is read page by page.
_SHORTEST = timedelta(seconds=1)
_MOST_PAGES = 200


@dataclass(frozen=True, slots=True)
class Search:
    """How one of the searches is asked. `total` has the count where paginationOutput lacks it."""

    endpoint: Endpoint
    id_key: str
    created_from: str
    created_to: str
    status: str
    total: str
    fixed: tuple[tuple[str, str], ...] = ()


Filters = tuple[tuple[str, str], ...]

# The offset to go on with, from the number of pages and of records that are there, by what it may count.
_READINGS_OF_OFFSET: tuple[Callable[[int, int], int], ...] = (
    lambda pages, rows: rows,
    # Pages from 1, where 0 is the first one too; then pages from 0.
    lambda pages, rows: pages + 1,
    lambda pages, rows: pages,
)


def window(client: EbayClient, search: Search, start: datetime, end: datetime, limit: int) -> Iterator[Page]:
    """What was created in the window, as one page.

    With more than `limit` records it has the first of them, `has_next`, and a `total` of so many times
    their number as a slice may have pages, so that its reader asks for windows that fit on one; one of a
    second or less is read to its end.
    """
    filters = _created(search, start, end)
    if end - start <= _SHORTEST:
        yield _everything(client, search, filters, limit).page(limit)
        return
    found = _Found(search)
    found.take(_ask(client, search, filters, limit, 0))
    yield found.page(limit, cut=not found.is_complete)


def in_status(
    client: EbayClient, search: Search, status: str, start: datetime, end: datetime, limit: int
) -> Iterator[Page]:
    """What was created in the window and is in a status now, all on one page."""
    filters = ((search.status, status), *_created(search, start, end))
    yield _everything(client, search, filters, limit).page(limit)


def with_text_ids(record: dict[str, Any]) -> dict[str, Any]:
    """The record with the ids at its top as texts."""
    numbers = {name: str(record[name]) for name in _IDS if type(record.get(name)) is int}
    return {**record, **numbers}


@dataclass(frozen=True, slots=True)
class _Part:
    members: list[dict[str, Any]]
    total: int
    duration_s: float
    attempts: int


@dataclass
class _Found:
    """The records so far, each once, and the total that eBay gave last."""

    search: Search
    by_id: dict[Any, dict[str, Any]] = field(default_factory=dict)
    total: int = 0
    duration_s: float = 0.0
    attempts: int = 0

    def take(self, part: _Part) -> None:
        for member in part.members:
            self.by_id.setdefault(member.get(self.search.id_key) or len(self.by_id), member)
        self.total = part.total
        self.duration_s += part.duration_s
        self.attempts += part.attempts

    @property
    def is_complete(self) -> bool:
        return len(self.by_id) >= self.total

    def page(self, limit: int, *, cut: bool = False) -> Page:
        return Page(
            items=list(self.by_id.values()),
            total=self.total * PAGES_READ_ON if cut else self.total,
            offset=0,
            limit=limit if cut else max(limit, len(self.by_id)),
            has_next=cut,
            number=1,
            duration_s=self.duration_s,
            attempts=self.attempts,
        )


def _everything(client: EbayClient, search: Search, filters: Filters, limit: int) -> _Found:
    """All records: by one reading of `offset`, and by the next one where that ends too early: on an empty
    page, or on the same one again. None asks for more pages than the total needs.

    What shifts meanwhile is not noticed unless the total tells.
    """
    found = _Found(search)
    first = _ask(client, search, filters, limit, 0)
    found.take(first)
    needed = -(-first.total // max(len(first.members), 1))
    for offset_of in _READINGS_OF_OFFSET:
        before = first
        for pages in range(1, min(needed + 1, _MOST_PAGES)):
            if found.is_complete:
                return found
            part = _try(client, search, filters, limit, offset_of(pages, len(found.by_id)))
            if part is None or not part.members or part.members == before.members:
                break
            # A page that another reading has brought before is no end.
            found.take(part)
            before = part
    return found


def _try(client: EbayClient, search: Search, filters: Filters, limit: int, offset: int) -> _Part | None:
    """None where eBay does not take this offset."""
    try:
        return _ask(client, search, filters, limit, offset)
    except Refused:
        return None


def _ask(client: EbayClient, search: Search, filters: Filters, limit: int, offset: int) -> _Part:
    params = [*search.fixed, *filters, ("limit", str(limit)), ("offset", str(offset))]
    return _part(client.call(search.endpoint, params=params), search)


def _created(search: Search, start: datetime, end: datetime) -> Filters:
    """Both ends: with the first alone eBay's window ends 90 days later (03 §7)."""
    return ((search.created_from, ebay_time(start)), (search.created_to, ebay_time(end)))


def _part(answer: Answer, search: Search) -> _Part:
    """`BadAnswer` for what is no page."""
    document = answer.json()
    output = document.get("paginationOutput")
    total = output.get("totalEntries") if isinstance(output, dict) else None
    total = document.get(search.total) if total is None else total
    if not isinstance(total, int) or isinstance(total, bool) or total < 0:
        raise answer.bad("a page without its total")
    members = document.get("members")
    if members is None and total == 0:
        members = []
    if not isinstance(members, list) or not all(isinstance(member, dict) for member in members):
        raise answer.bad("a page whose members is not a list of objects")
    return _Part([with_text_ids(member) for member in members], total, answer.duration_s, answer.attempts)
