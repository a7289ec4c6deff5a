"""Buy Browse: getItemByLegacyId (03 §8.1)."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.auction_body import item_body
from ebayconnector.simulator.auction_book import Auction
from ebayconnector.simulator.auction_errors import browse_error
from ebayconnector.simulator.auction_settings import MARKETPLACES
from ebayconnector.simulator.callers import authorize, world_of
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.times import SECOND_MS

PATH = "/buy/browse/v1/item/get_item_by_legacy_id"


async def get_item_by_legacy_id(request: Request) -> Response:
    """An application token, or a user's, with the base scope."""
    authorize(request, api="browse", any_of=frozenset({BASE}))
    marketplace = request.headers.get("x-ebay-c-marketplace-id", "EBAY_US")
    if marketplace not in MARKETPLACES:
        allowed = ",".join(MARKETPLACES)
        raise browse_error(11011, marketplaceId=marketplace, allowedMarketplaces=allowed)
    auction = _wanted(request)
    world = world_of(request)
    lag_us = int(world.bidding.browse_lag_s * SECOND_MS) * 1000
    book = auction.book.as_of(world.clock.now_us() - lag_us) if lag_us else auction.book
    return json_response(item_body(auction, book, marketplace))


def _wanted(request: Request) -> Auction:
    world, params = world_of(request), request.query_params
    if "legacy_variation_sku" in params:
        raise browse_error(11010 if "legacy_variation_id" in params else 11009)
    item_id, now_us = params.get("legacy_item_id", ""), world.clock.now_us()
    auction = world.auctions.find(item_id, now_us)
    if auction is None:
        raise browse_error(11001)
    if auction.kind == "group":
        base = str(request.base_url)
        href = f"{base}buy/browse/v1/item/get_items_by_item_group?item_group_id={item_id}"
        raise browse_error(11006, itemGroupHref=href)
    is_shown = world.bidding.ended_items == "data" or not auction.is_over(now_us)
    if auction.gone or not is_shown:
        raise browse_error(11001)
    return auction


routes = [Route(PATH, get_item_by_legacy_id, methods=["GET"])]
