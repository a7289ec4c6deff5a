"""What a user has on sale now: ActiveList of GetMyeBaySelling (03 §3.6)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from .answers import Answer
from .client import EbayClient
from .endpoints import GET_MY_EBAY_SELLING
from .paging import Page
from .trading import read_whole
from .trading_lists import numbered_pages, page_number

_LARGEST_PAGE = 200
# eBay lists no more, and counts no more either: of longer lists the totals say 25,000 (or the truth).
_CEILING = 25_000


def active_listing_pages(
    client: EbayClient, *, limit: int = _LARGEST_PAGE, start: str | None = None
) -> Iterator[Page]:
    """The account's active listings from page `start` (None: the first) on, one record for each variation.

    A record is the Item without its `Variations`, with `Variation`, one of them or None, and `AsOf`, the time
    of the answer that TimeLeft and WatchCount belong to. `total` counts items, not variations. There is no
    filter and no change time: only a reading from the first to the last page whose distinct items equal
    `total` shows everything. `limit` is at most 200; a position keeps its meaning with the same limit only.

    eBay ends this list at 25,000 items. Of a longer one the last page that can be read is `cut`: who is not
    on it has not ended. ValueError for a `start` that is no position.
    """
    return _pages(client, limit, page_number(start))


def _pages(client: EbayClient, limit: int, number: int) -> Iterator[Page]:
    last_number = _CEILING // limit

    def fetch(page: int) -> Answer:
        return read_whole(client, GET_MY_EBAY_SELLING, _request(page, limit))

    pages = numbered_pages(fetch, container="ActiveList", flatten=_flat, limit=limit, number=number)
    for read_before, page in enumerate(pages):
        is_last = page.next_position is None or number + read_before >= last_number
        if is_last and page.total >= _CEILING:
            yield replace(page, has_next=False, next_position=None, cut=True)
            return
        yield page


def _request(page: int, limit: int) -> bytes:
    return (
        "<ActiveList><Include>true</Include><Sort>TimeLeft</Sort><IncludeNotes>true</IncludeNotes>"
        f"<Pagination><EntriesPerPage>{limit}</EntriesPerPage><PageNumber>{page}</PageNumber></Pagination>"
        "</ActiveList><HideVariations>false</HideVariations>"
    ).encode()


def _flat(answer: Answer) -> list[dict[str, Any]]:
    as_of = answer.xml().findtext("Timestamp") or ""
    return [record for item in answer.records for record in _of_item(item, as_of)]


def _of_item(item: dict[str, Any], as_of: str) -> list[dict[str, Any]]:
    """One record for each variation; one for an item without."""
    of_all = {name: value for name, value in item.items() if name != "Variations"} | {"AsOf": as_of}
    inside = item.get("Variations")
    variations = inside.get("Variation") if isinstance(inside, dict) else None
    return [{**of_all, "Variation": variation} for variation in variations or [None]]
