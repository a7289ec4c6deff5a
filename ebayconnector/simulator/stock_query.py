"""What all calls of the Inventory API check: language, page and the order of a list (03 §6)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ebayconnector.simulator.config import InventoryOffset, StockSort
from ebayconnector.simulator.randomness import mix
from ebayconnector.simulator.sites import SITES
from ebayconnector.simulator.stock_book import StockBook, StockItem
from ebayconnector.simulator.stock_errors import inventory_error

ITEMS_DEFAULT, ITEMS_MOST = 25, 200
OFFERS_DEFAULT = 100

# Exactly one of these; what a browser sends, with several languages or weights, is refused.
_LOCALES = frozenset({f"{site.language}-{site.country}" for site in SITES.values()}) | frozenset(
    {
        "de-AT", "de-CH", "en-HK", "en-IE", "en-IN", "en-MY", "en-PH", "en-SG", "fr-BE", "fr-CA",
        "nl-BE", "nl-NL", "pl-PL", "th-TH", "vi-VN", "zh-HK", "zh-TW",
    }
)  # fmt: skip
_MARKETPLACES = frozenset(site.marketplace for site in SITES.values()) | frozenset(
    {
        "EBAY_AT", "EBAY_BE", "EBAY_CH", "EBAY_HK", "EBAY_IE", "EBAY_IN", "EBAY_MOTORS_US", "EBAY_MY",
        "EBAY_NL", "EBAY_PH", "EBAY_PL", "EBAY_SG", "EBAY_TH", "EBAY_TW", "EBAY_VN",
    }
)  # fmt: skip


def check_language(headers: Mapping[str, str]) -> None:
    """Raises EbayError 400/25709 without `Accept-Language` or with another value than one locale."""
    if headers.get("accept-language") not in _LOCALES:
        raise inventory_error(25709, "header Accept-Language")


def check_marketplace(marketplace: str | None) -> None:
    if marketplace is not None and marketplace not in _MARKETPLACES:
        raise inventory_error(25709, "marketplace_id")


@dataclass(frozen=True, slots=True)
class Page:
    """A slice of a list; `next` and `prev` are offsets as the API counts them, None without such a page."""

    start: int
    stop: int
    next: int | None
    prev: int | None


@dataclass(frozen=True, slots=True)
class Paging:
    limit: int
    offset: int

    def of(self, total: int, counted_in: InventoryOffset) -> Page:
        """`offset` counts pages, or rows where that is set (03 §6.1)."""
        step = 1 if counted_in == "page" else self.limit
        start = self.offset * self.limit if counted_in == "page" else self.offset
        stop = start + self.limit
        return Page(
            start,
            stop,
            next=self.offset + step if stop < total else None,
            prev=max(0, self.offset - step) if self.offset > 0 else None,
        )


def parse_paging(params: Mapping[str, str], *, default: int, most: int | None = None) -> Paging:
    """`limit` and `offset`. Raises EbayError 400/25706."""
    limit, offset = _whole(params.get("limit", str(default))), _whole(params.get("offset", "0"))
    if limit is None or limit < 1 or (most is not None and limit > most):
        allowed = f"from 1 to {most}" if most else "1 or more"
        raise inventory_error(25706, f"limit must be {allowed}")
    if offset is None:
        raise inventory_error(25706, "offset must be 0 or more")
    return Paging(limit, offset)


def _whole(text: str) -> int | None:
    """A number of at most nine digits; None when the text is none."""
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def sorted_items(book: StockBook, sort: StockSort) -> list[StockItem]:
    """All items; eBay promises no order."""
    items = list(book.items.values())
    match sort:
        case "newest_first":
            items.reverse()
        case "by_sku":
            items.sort(key=lambda item: item.sku)
        case "shuffled":
            items.sort(key=lambda item: mix(book.seed, item.number))
    return items
