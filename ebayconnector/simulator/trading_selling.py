"""GetMyeBaySelling (03 §3.6): ActiveList and Summary; the other lists are not simulated and never there."""

from collections.abc import Callable
from typing import Any

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.listing_body import Wanted, amount, listing_body, watch_count
from ebayconnector.simulator.listing_book import LiveListing
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.trading_errors import PAGE_OUT_OF_RANGE, SELLER_LIMIT, Problem, TradingFailure
from ebayconnector.simulator.trading_input import Inputs, Page
from ebayconnector.simulator.trading_settings import TradingSettings
from ebayconnector.simulator.trading_xml import Answer, TradingCall
from ebayconnector.simulator.world import World

_PAGE_DEFAULT = 25
_DESCENDING = "Descending"

_Key = Callable[[LiveListing, int], Any]
_SORT_KEYS: dict[str, _Key] = {
    "TimeLeft": lambda live, now_ms: live.end_ms,
    "EndTime": lambda live, now_ms: live.end_ms,
    "StartTime": lambda live, now_ms: live.start_ms,
    "ItemID": lambda live, now_ms: live.item_id,
    "Title": lambda live, now_ms: live.title,
    "Price": lambda live, now_ms: live.price_at(now_ms),
    "Quantity": lambda live, now_ms: live.available + live.sold,
    "QuantityAvailable": lambda live, now_ms: live.available,
    "BidCount": lambda live, now_ms: live.bid_count(now_ms),
    "WatchCount": lambda live, now_ms: watch_count(live, now_ms) or 0,
}
_SORTS = frozenset({*_SORT_KEYS, *(f"{name}{_DESCENDING}" for name in _SORT_KEYS)})


def get_my_ebay_selling(world: World, seller: Seller, call: TradingCall) -> Answer:
    """Raises TradingFailure 21919144 for too many calls of one user, 340 behind the last page."""
    if not world.trading.take_selling_call(seller):
        raise TradingFailure(Problem(SELLER_LIMIT, (seller.username,)))
    inputs = Inputs(call)
    wants_active = inputs.wants("ActiveList")
    sort = inputs.choice("ActiveList/Sort", _SORTS, "TimeLeft")
    page = inputs.page("ActiveList/Pagination", default=_PAGE_DEFAULT)
    notes = inputs.flag("ActiveList/IncludeNotes", False)
    wanted = Wanted(call.at_ms, inputs.flag("HideVariations", False), notes)
    inputs.check()
    book = world.trading.listings_of(seller)
    listings = book.live(call.at_ms)
    body: JsonObject = {}
    if wants_active and listings:
        settings = world.trading.settings
        result = _pagination(settings, len(listings), page)
        reachable = _sorted(listings, sort, call.at_ms)[: settings.active_ceiling]
        chosen = reachable[page.start : page.stop]
        items = [listing_body(book, live, wanted) for live in chosen]
        body["ActiveList"] = {"ItemArray": {"Item": items}, "PaginationResult": result}
        world.trading.page_served("listings", seller)
    body["Summary"] = _summary(seller, listings, call.at_ms)
    return Answer(body)


def _pagination(settings: TradingSettings, total: int, page: Page) -> JsonObject:
    """No page reaches past the ceiling of 25,000 items, whatever the totals say (03 §3.6)."""
    if page.start >= settings.active_ceiling:
        raise TradingFailure(Problem(PAGE_OUT_OF_RANGE, (str(page.number),)))
    capped = settings.ceiling_totals == "capped"
    return page.result(min(total, settings.active_ceiling) if capped else total)


def _sorted(listings: list[LiveListing], sort: str, now_ms: int) -> list[LiveListing]:
    key = _SORT_KEYS[sort.removesuffix(_DESCENDING)]
    return sorted(
        listings, key=lambda live: (key(live, now_ms), live.item_id), reverse=sort.endswith(_DESCENDING)
    )


def _summary(seller: Seller, listings: list[LiveListing], now_ms: int) -> JsonObject:
    """Private sellers have limits, which move with what they list."""
    auctions = [live for live in listings if live.auction]
    summary: JsonObject = {
        "ActiveAuctionCount": len(auctions),
        "AuctionBidCount": sum(live.bid_count(now_ms) for live in auctions),
    }
    if seller.account_type == "INDIVIDUAL":
        listed = sum(live.start_price * live.available for live in listings)
        summary["AmountLimitRemaining"] = amount(max(0, 50_000_000 - listed), seller.site.currency)
        summary["QuantityLimitRemaining"] = max(0, 5_000 - sum(live.available for live in listings))
    return summary
