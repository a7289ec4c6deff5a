"""Buy Offer: bids on auctions (03 §9). Kept lean: five hundred bids may come at one instant."""

import json
import re
import time
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.auction_body import bidding_body, proxy_bid_id
from ebayconnector.simulator.auction_book import ANYBODY, Auction, LoggedPost
from ebayconnector.simulator.auction_errors import OfferError, offer_error
from ebayconnector.simulator.auction_settings import MARKETPLACES, RATES
from ebayconnector.simulator.callers import authorize_seller, world_of
from ebayconnector.simulator.ebay_errors import EbayError
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BUY_OFFER_AUCTION
from ebayconnector.simulator.sellers import Seller

RECEIVED_KEY = "simulator.received_ns"  # set by the server: when a request's first bytes were read

_REST_ID = re.compile(r"v1\|(\d{9,15})\|0", re.ASCII)
_AMOUNT = re.compile(r"\d{1,12}(?:\.\d{1,2})?", re.ASCII)
_HIGHEST = 100_000_000_00
_SCOPES = frozenset({BUY_OFFER_AUCTION})


async def get_bidding(request: Request) -> Response:
    bidder, _ = authorize_seller(request, api="buy_offer", any_of=_SCOPES)
    _check_marketplace(request)
    now_us = world_of(request).clock.now_us()
    auction = _auction(request, now_us)
    if auction.book.maximum_of(bidder.user_id) is None:
        raise offer_error(120033, itemId=auction.rest_id)
    return json_response(bidding_body(auction, bidder.user_id, now_us))


async def place_proxy_bid(request: Request) -> Response:
    """Judged by the simulator's clock at this moment; written to the log of bids whatever comes of it."""
    entry = _log(request)
    try:
        bidder, _ = authorize_seller(request, api="buy_offer", any_of=_SCOPES)
        _check_marketplace(request)
        response = _bid(request, await request.body(), bidder, entry)
    except EbayError as error:
        entry.status = error.status
        entry.error_id = error.error_id if isinstance(error, OfferError) else _first_id(error)
        raise
    entry.status = 200
    return response


def _first_id(error: EbayError) -> int | None:
    return error.body["errors"][0]["errorId"] if error.body else None


def _log(request: Request) -> LoggedPost:
    """Who bids is best knowledge: the log of requests has it too."""
    world = world_of(request)
    now_us, now_ns = world.clock.now_us(), time.time_ns()
    waited_us = (now_ns - request.scope.get(RECEIVED_KEY, now_ns)) // 1000
    token = world.tokens.access.get(request.headers.get("authorization", "").partition(" ")[2])
    seller = world.seller_of(token.user_id) if token and token.user_id else None
    entry = LoggedPost(
        seq=len(world.auctions.posts) + 1,
        received_us=now_us - waited_us,
        judged_us=now_us,
        item_id=_legacy_id(request) or "",
        token_kind=token.kind if token else None,
        application=token.client_id if token else None,
        seller=seller.username if seller else None,
    )
    world.auctions.posts.append(entry)
    return entry


def _check_marketplace(request: Request) -> None:
    marketplace = request.headers.get("x-ebay-c-marketplace-id")
    if not marketplace:
        raise offer_error(120015)
    if marketplace not in MARKETPLACES:
        allowed = ",".join(MARKETPLACES)
        raise offer_error(120017, marketplaceId=marketplace, allowedMarketplaces=allowed)


def _legacy_id(request: Request) -> str | None:
    match = _REST_ID.fullmatch(request.path_params["item_id"])
    return match[1] if match else None


def _auction(request: Request, now_us: int) -> Auction:
    world, legacy_id = world_of(request), _legacy_id(request)
    if legacy_id is None:
        raise EbayError(404, None)
    auction = world.auctions.find(legacy_id, now_us)
    if auction is not None and auction.gone:
        raise EbayError(404, None)
    if auction is None or auction.kind != "auction":
        raise offer_error(120001, itemId=request.path_params["item_id"])
    return auction


def _bid(request: Request, body: bytes, bidder: Seller, entry: LoggedPost) -> Response:
    world, auction = world_of(request), _auction(request, entry.judged_us)
    bid = _read(body)
    maximum = _maximum(bid, auction, entry, world.bidding.bid_limit)
    _check_bidder(bid, auction, bidder)
    _check_time(auction, maximum, entry.judged_us)
    takes_same = world.bidding.same_maximum == "accepted"
    refused = auction.book.refusal(bidder.user_id, maximum, takes_same=takes_same)
    entry.before = entry.after = auction.book.maximum_of(bidder.user_id)
    if refused is not None:
        raise offer_error(refused)
    placed = auction.book.place(bidder.user_id, maximum, entry.judged_us)
    entry.after = auction.book.maximum_of(bidder.user_id)
    return json_response({"proxyBidId": proxy_bid_id(auction, placed.number)})


def _read(body: bytes) -> dict[str, Any]:
    try:
        bid = json.loads(body)
    except ValueError:
        raise offer_error(120013) from None
    if not isinstance(bid, dict):
        raise offer_error(120013)
    return bid


def _maximum(bid: dict[str, Any], auction: Auction, entry: LoggedPost, limit: int) -> int:
    """The maximum in cents."""
    amount = bid.get("maxAmount")
    if not isinstance(amount, dict):
        raise offer_error(120016)
    value, currency = amount.get("value"), amount.get("currency")
    entry.amount, entry.currency = str(value)[:40], str(currency)[:10]
    if not isinstance(value, str) or not _AMOUNT.fullmatch(value):
        raise offer_error(120013)
    if currency not in RATES:
        raise offer_error(120014)
    if currency != auction.currency:
        raise offer_error(120009)
    whole, _, fraction = value.partition(".")
    maximum = int(whole) * 100 + int(fraction.ljust(2, "0") or 0)
    if maximum == 0:
        raise offer_error(120013)
    if auction.whole_amounts and maximum % 100:
        raise offer_error(120018)
    if maximum > _HIGHEST:
        raise offer_error(120007)
    if maximum > limit * 100:
        raise offer_error(120011)
    return maximum


def _check_bidder(bid: dict[str, Any], auction: Auction, bidder: Seller) -> None:
    refused = auction.refusals.get(bidder.user_id) or auction.refusals.get(ANYBODY)
    if refused:
        raise offer_error(refused, itemId=auction.rest_id)
    if auction.seller is bidder:
        raise offer_error(120003)
    consent = bid.get("userConsent")
    if auction.adult and not (isinstance(consent, dict) and consent.get("adultOnlyItem") is True):
        raise offer_error(120032)
    if auction.business_only and bidder.account_type != "BUSINESS":
        raise offer_error(120023)


def _check_time(auction: Auction, maximum: int, now_us: int) -> None:
    if auction.is_over(now_us):
        raise offer_error(120002 if auction.ended_by == "buy_it_now" else 120012)
    if auction.buy_it_now_open and maximum > (auction.buy_it_now or 0):
        raise offer_error(120005)


_ITEM = "/buy/offer/v1_beta/bidding/{item_id}"

routes = [
    Route(_ITEM, get_bidding, methods=["GET"]),
    Route(f"{_ITEM}/place_proxy_bid", place_proxy_bid, methods=["POST"]),
]
