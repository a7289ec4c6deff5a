"""GetMyeBayBuying (03 §3.7): WonList, BidList and LostList; the other lists are never there."""

from collections.abc import Callable
from typing import Any

from ebayconnector.simulator.auction_lists import bid_item
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.purchase_body import bid_body, won_body
from ebayconnector.simulator.purchase_book import WonEntry
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS
from ebayconnector.simulator.trading_input import Inputs, Page
from ebayconnector.simulator.trading_xml import Answer, TradingCall
from ebayconnector.simulator.world import World

DAYS_MOST = 60

_DAYS_DEFAULT = 31  # unverified
_PAGE_DEFAULT = 200
_DESCENDING = "Descending"

_SORT_KEYS: dict[str, Callable[[WonEntry], Any]] = {
    "EndTime": lambda entry: entry.bought_ms,
    "StartTime": lambda entry: entry.bought_ms,
    "ItemID": lambda entry: entry.purchases[0].item.item_id,
    "Title": lambda entry: entry.purchases[0].item.title,
    "Price": lambda entry: entry.purchases[0].price,
}
_SORTS = frozenset({*_SORT_KEYS, *(f"{name}{_DESCENDING}" for name in _SORT_KEYS)})


def get_my_ebay_buying(world: World, seller: Seller, call: TradingCall) -> Answer:
    """Raises TradingFailure 340 behind the last page."""
    inputs = Inputs(call)
    wants_won, wants_bids = inputs.wants("WonList"), inputs.wants("BidList")
    wants_lost = inputs.wants("LostList")
    days = inputs.whole("WonList/DurationInDays", _DAYS_DEFAULT, least=0, most=DAYS_MOST)
    sort = inputs.choice("WonList/Sort", _SORTS, "EndTimeDescending")
    page = inputs.page("WonList/Pagination", default=_PAGE_DEFAULT)
    inputs.check()
    body: JsonObject = {}
    if wants_won:
        entries = world.trading.purchases_of(seller).won(call.at_ms, call.at_ms - days * DAY_MS)
        body["WonList"] = _won_list(_sorted(entries, sort), page, call.at_ms)
        world.trading.page_served("purchases", seller)
    if wants_bids:
        bids = world.trading.purchases_of(seller).bids(call.at_ms)
        items = [bid_body(one, seller.username, call.at_ms) for one in bids]
        items += _auctions(world, seller, over=False)
        body |= {"BidList": {"ItemArray": {"Item": items}}} if items else {}
    if wants_lost:
        lost = _auctions(world, seller, over=True)
        body |= {"LostList": {"ItemArray": {"Item": lost}}} if lost else {}
    return Answer(body)


def _auctions(world: World, bidder: Seller, *, over: bool) -> list[JsonObject]:
    """Those that still run, or those that are over and were not won."""
    now_us = world.clock.now_us()
    return [
        bid_item(auction, bidder, now_us)
        for auction in world.auctions.bid_on_by(bidder.user_id, now_us)
        if auction.is_over(now_us) is over and auction.winner != bidder.user_id
    ]


def _won_list(entries: list[WonEntry], page: Page, now_ms: int) -> JsonObject:
    """Without purchases the list is there with zeros and no array, unlike ActiveList (unverified)."""
    result = page.result(len(entries))
    bodies = [won_body(entry, now_ms) for entry in entries[page.start : page.stop]]
    array: JsonObject = {"OrderTransactionArray": {"OrderTransaction": bodies}} if bodies else {}
    return array | {"PaginationResult": result}


def _sorted(entries: list[WonEntry], sort: str) -> list[WonEntry]:
    key = _SORT_KEYS[sort.removesuffix(_DESCENDING)]
    return sorted(
        entries,
        key=lambda entry: (key(entry), entry.purchases[0].place),
        reverse=sort.endswith(_DESCENDING),
    )
