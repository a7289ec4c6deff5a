"""Buy Browse: one listing as everybody sees it, with an application token (03 §8)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from .answers import Answer
from .client import EbayClient
from .endpoints import GET_ITEM_BY_LEGACY_ID
from .errors import EbayError, NotFound
from .money import Money, original_money
from .timefmt import parse_ebay_time


class ItemTrouble(StrEnum):
    """Why there is no item behind an id (03 §8.1)."""

    NOT_FOUND = "not_found"
    IS_GROUP = "is_group"
    NOT_AVAILABLE = "not_available"
    MARKETPLACE = "marketplace"


_TROUBLES = {
    "11001": ItemTrouble.NOT_FOUND,
    "11003": ItemTrouble.NOT_FOUND,
    "11004": ItemTrouble.NOT_AVAILABLE,
    "11006": ItemTrouble.IS_GROUP,
    "11011": ItemTrouble.MARKETPLACE,
}


@dataclass(frozen=True, slots=True)
class Item:
    """A listing. Prices are in `currency`, the seller's own, in which bids are made, never the converted one.

    `item_id` is the RESTful id. What eBay left out is empty or None. `current_price` and `minimum_bid` are an
    auction's; `buy_it_now` is None without that option. `ends_at` is eBay's; only auctions have it.
    `reserve_met` is None where there is no reserve price. `seller` may be a name or an immutable id
    (03 §0, 23). Data may be minutes old.
    """

    item_id: str
    legacy_item_id: str
    title: str
    image_url: str
    web_url: str
    seller: str
    marketplace_id: str
    buying_options: frozenset[str]
    currency: str
    current_price: Money | None
    minimum_bid: Money | None
    buy_it_now: Money | None
    bid_count: int
    reserve_met: bool | None
    ends_at: datetime | None
    adult_only: bool

    @property
    def is_auction(self) -> bool:
        return "AUCTION" in self.buying_options

    def is_open(self, ebay_now: datetime) -> bool:
        """Whether bids are taken at that moment of eBay's clock."""
        return self.is_auction and self.ends_at is not None and self.ends_at > ebay_now


def get_item(client: EbayClient, legacy_item_id: str) -> Item:
    """The listing with that id, as the client's marketplace shows it.

    Raises the classes of `errors`; `item_trouble` says of `NotFound` and `Refused` what they mean.
    `BadAnswer` when eBay does not say which item it is.
    """
    answer = client.call(GET_ITEM_BY_LEGACY_ID, params={"legacy_item_id": legacy_item_id})
    return _item(answer, answer.json())


def item_trouble(error: EbayError) -> ItemTrouble | None:
    """What eBay's refusal says about the item; None: it says nothing about it."""
    for remote in error.errors:
        if remote.error_id in _TROUBLES:
            return _TROUBLES[remote.error_id]
    return ItemTrouble.NOT_FOUND if isinstance(error, NotFound) else None


def _item(answer: Answer, document: dict[str, Any]) -> Item:
    item_id = _text(document, "itemId")
    if not item_id:
        raise answer.bad("no itemId")
    current = original_money(document.get("currentBidPrice"))
    minimum = original_money(document.get("minimumPriceToBid"))
    price = original_money(document.get("price"))
    options = _texts(document, "buyingOptions")
    known = current or minimum or price
    return Item(
        item_id=item_id,
        legacy_item_id=_text(document, "legacyItemId") or _middle(item_id),
        title=_text(document, "title"),
        image_url=_text(_object(document, "image"), "imageUrl"),
        web_url=_text(document, "itemWebUrl"),
        seller=_text(_object(document, "seller"), "username"),
        marketplace_id=_text(document, "listingMarketplaceId"),
        buying_options=options,
        currency=known.currency if known else "",
        current_price=current,
        minimum_bid=minimum,
        buy_it_now=price if "FIXED_PRICE" in options else None,
        bid_count=_whole(document, "bidCount"),
        reserve_met=_flag(document, "reservePriceMet"),
        ends_at=_time(answer, document, "itemEndDate"),
        adult_only=_flag(document, "adultOnly") or False,
    )


def _middle(item_id: str) -> str:
    """The legacy id inside `v1|…|0`."""
    return item_id.split("|")[1] if item_id.count("|") == 2 else ""


def _time(answer: Answer, document: dict[str, Any], name: str) -> datetime | None:
    value = _text(document, name)
    if not value:
        return None
    try:
        return parse_ebay_time(value)
    except ValueError:
        raise answer.bad(f"{name} is no time") from None


def _object(document: dict[str, Any], name: str) -> dict[str, Any]:
    value = document.get(name)
    return value if isinstance(value, dict) else {}


def _text(document: dict[str, Any], name: str) -> str:
    value = document.get(name)
    return value if isinstance(value, str) else ""


def _texts(document: dict[str, Any], name: str) -> frozenset[str]:
    value = document.get(name)
    return frozenset(one for one in value if isinstance(one, str)) if isinstance(value, list) else frozenset()


def _whole(document: dict[str, Any], name: str) -> int:
    value = document.get(name)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0


def _flag(document: dict[str, Any], name: str) -> bool | None:
    value = document.get(name)
    return value if isinstance(value, bool) else None
