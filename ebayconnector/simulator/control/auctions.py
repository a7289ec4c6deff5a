"""Control API: auctions are made, moved and ended, and rivals told to bid."""

from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.auction_body import cents_text
from ebayconnector.simulator.auction_book import ANYBODY, Auction, Rival
from ebayconnector.simulator.auction_errors import REFUSAL_IDS
from ebayconnector.simulator.auction_fill import Wish, background, make_item
from ebayconnector.simulator.auction_settings import ENDED_ITEMS, SAME_MAXIMUM
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.bids import iso_of, name_of
from ebayconnector.simulator.control.body import (
    BadControlCall,
    Fields,
    find_seller,
    json_fields,
    query_fields,
)
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.sites import SITES
from ebayconnector.simulator.times import SECOND_MS
from ebayconnector.simulator.world import World

_MOST_AT_ONCE = 5_000
_SECOND_US = SECOND_MS * 1000
_KINDS = ("auction", "fixed_price", "group")
_RIVAL_FIELDS = ("bidder", "amount", "before_end_s", "at", "least")
_TRAITS = ("adult", "business_only", "whole_amounts", "gone")
_ASKED_FOR = REFUSAL_IDS - {120001, 120017, 120033}  # those follow from the call


# -- Settings ---------------------------------------------------------------------------------------------


async def settings(request: Request) -> Response:
    return json_response(world_of(request).bidding.as_json())


async def change_settings(request: Request) -> Response:
    """What is not named stays; a reset brings the settings back with which the simulator was started."""
    world = world_of(request)
    old = world.bidding
    fields = await json_fields(request, *old.as_json())
    world.bidding = replace(
        old,
        ended_items=fields.maybe_text("ended_items", ENDED_ITEMS) or old.ended_items,  # type: ignore[arg-type]
        same_maximum=fields.maybe_text("same_maximum", SAME_MAXIMUM)  # type: ignore[arg-type]
        or old.same_maximum,
        browse_lag_s=fields.number("browse_lag_s", old.browse_lag_s, least=0),
        bid_limit=fields.whole("bid_limit", old.bid_limit, least=1),
    )
    return json_response(world.bidding.as_json())


async def grant_access(request: Request) -> Response:
    """Gives the keysets the scope of bids, or takes it away; tokens keep the scopes they have."""
    world = world_of(request)
    fields = await json_fields(request, "granted", "client_id")
    granted, client_id = fields.flag("granted", True), fields.maybe_text("client_id")
    if client_id is not None and client_id not in world.applications:
        raise BadControlCall(f"no such application: {client_id}")
    for known in [client_id] if client_id else list(world.applications):
        world.grant_bidding(known, granted)
    return json_response({"granted": granted})


# -- Items ------------------------------------------------------------------------------------------------


async def list_auctions(request: Request) -> Response:
    world = world_of(request)
    fields = query_fields(request, "offset", "limit")
    offset, limit = fields.whole("offset", 0), fields.whole("limit", 1000)
    items = list(world.auctions.items.values())
    shown = [_state(world, auction) for auction in items[offset : offset + limit]]
    return json_response({"total": len(items), "offset": offset, "limit": limit, "auctions": shown})


async def one_auction(request: Request) -> Response:
    world = world_of(request)
    return json_response(_state(world, _auction(request, world)))


async def add_auctions(request: Request) -> Response:
    """`count` alike; each ends `step_s` after the one before it."""
    world = world_of(request)
    fields = await json_fields(
        request, "seller", "site", "kind", "title", "start", "reserve", "buy_it_now", "ends_at", "ends_in_s",
        "count", "step_s", "background", "value", "rivals", "refuse", *_TRAITS,
    )  # fmt: skip
    now_us, wish = world.clock.now_us(), _wish(world, fields)
    count, step_us = fields.whole("count", 1, most=_MOST_AT_ONCE), _micros(fields.number("step_s", 0))
    refusals = _refusals(world, fields)
    traits = {name: fields.flag(name, False) for name in _TRAITS}
    made = []
    for place in range(count):
        rivals = [replace(rival) for rival in wish.rivals]
        own = replace(wish, end_us=wish.end_us + place * step_us, rivals=rivals)
        auction = make_item(world.auctions, world.config.seed, own, now_us)
        auction.refusals = dict(refusals)
        for name, value in traits.items():
            setattr(auction, name, value)
        made.append(auction)
    ids, ends = [one.item_id for one in made], [iso_of(one.end_us) for one in made]
    return json_response({"itemIds": ids, "endsAt": ends})


def _wish(world: World, fields: Fields) -> Wish:
    site = fields.maybe_text("site", SITES) or "US"
    seller = fields.seller(world) if "seller" in fields else None
    return Wish(
        end_us=_end_us(world, fields),
        kind=fields.maybe_text("kind", _KINDS) or "auction",  # type: ignore[arg-type]
        site=SITES[site],
        seller=seller,
        title=fields.maybe_text("title"),
        start=_maybe_cents(fields, "start"),
        reserve=_maybe_cents(fields, "reserve"),
        buy_it_now=_maybe_cents(fields, "buy_it_now"),
        background=fields.whole("background", 0, most=1_000),
        value=_maybe_cents(fields, "value"),
        rivals=_rivals(fields.raw("rivals")),
    )


def _end_us(world: World, fields: Fields) -> int:
    """Whole milliseconds, as eBay can write it."""
    at_ms = fields.maybe_time("ends_at")
    if at_ms is None:
        at_ms = world.clock.now_ms() + int(fields.number("ends_in_s", 3_600) * SECOND_MS)
    return at_ms * 1000


def _rivals(raw: Any) -> list[Rival]:
    if raw is None:
        return []
    if not isinstance(raw, list) or not all(isinstance(one, dict) for one in raw):
        raise BadControlCall("rivals must be a list of objects")
    return [_rival(Fields(one, _RIVAL_FIELDS)) for one in raw]


def _rival(fields: Fields) -> Rival:
    at_ms = fields.maybe_time("at")
    before_us = _micros(fields.number("before_end_s", least=0)) if "before_end_s" in fields else None
    if (at_ms is None) == (before_us is None):
        raise BadControlCall("a rival bids either at a time or before_end_s")
    maximum = _maybe_cents(fields, "amount")
    if not maximum:
        raise BadControlCall("amount is missing")
    return Rival(
        bidder=fields.maybe_text("bidder") or "r***7",
        maximum=maximum,
        before_end_us=before_us,
        at_us=None if at_ms is None else at_ms * 1000,
        least=fields.flag("least", False),
    )


def _refusals(world: World, fields: Fields) -> dict[str, int]:
    """`refuse`: an error id for anybody, or an object of them by username; null takes them away."""
    raw = fields.raw("refuse")
    by_name = {ANYBODY: raw} if isinstance(raw, int) else raw or {}
    if not isinstance(by_name, dict) or not all(error_id in _ASKED_FOR for error_id in by_name.values()):
        raise BadControlCall(f"refuse must be one of {', '.join(map(str, sorted(_ASKED_FOR)))}")
    return {
        name if name == ANYBODY else find_seller(world, name).user_id: error_id
        for name, error_id in by_name.items()
    }


async def change_auction(request: Request) -> Response:
    """The end moves, traits change, rivals are added; `end` ends it now, by `seller` or `buy_it_now`."""
    world = world_of(request)
    fields = await json_fields(
        request, "ends_at", "ends_in_s", "end", "rivals", "background", "value", "refuse", "title", *_TRAITS
    )
    auction, now_us = _auction(request, world), world.clock.now_us()
    ends = fields.maybe_text("end", ("seller", "buy_it_now"))
    rivals, refusals = _rivals(fields.raw("rivals")), _refusals(world, fields)
    value, count = _maybe_cents(fields, "value"), fields.whole("background", 0, most=1_000)
    if "ends_at" in fields or "ends_in_s" in fields:
        auction.end_us = _end_us(world, fields)
        auction.ended_by = None
    for name in _TRAITS:
        setattr(auction, name, fields.flag(name, getattr(auction, name)))
    auction.title = fields.maybe_text("title") or auction.title
    auction.rivals += rivals
    if count:
        source = rng(world.config.seed, int(auction.item_id), now_us)
        auction.rivals += background(source, now_us, auction.end_us, value or auction.book.minimum * 2, count)
    if "refuse" in fields or fields.is_null("refuse"):
        auction.refusals = refusals
    if ends:
        auction.end(ends, now_us)  # type: ignore[arg-type]
    return json_response(_state(world, auction))


def _auction(request: Request, world: World) -> Auction:
    item_id = request.path_params["item_id"]
    auction = world.auctions.find(item_id, world.clock.now_us())
    if auction is None:
        raise BadControlCall(f"no such item: {item_id}")
    return auction


def _maybe_cents(fields: Fields, name: str) -> int | None:
    return round(fields.number(name, least=0) * 100) if name in fields else None


def _micros(seconds: float) -> int:
    return int(seconds * _SECOND_US)


def _state(world: World, auction: Auction) -> JsonObject:
    now_us, book = world.clock.now_us(), auction.book
    auction.catch_up(now_us)
    return {
        "itemId": auction.item_id,
        "restId": auction.rest_id,
        "kind": auction.kind,
        "title": auction.title,
        "seller": auction.seller_name,
        "site": auction.site.key,
        "currency": auction.currency,
        "ends_at": iso_of(auction.end_us),
        "over": auction.is_over(now_us),
        "ended_by": auction.ended_by,
        "price": cents_text(book.price),
        "minimum": cents_text(book.minimum),
        "bids": len(book.bids),
        "leader": name_of(world, book.leader),
        "winner": name_of(world, auction.winner),
        "reserve_met": book.reserve_met,
        "rivals_to_come": len(auction.rivals),
        "maxima": {name_of(world, one): cents_text(maximum) for one, (maximum, _) in book.maxima.items()},
    }


routes = [
    Route("/_sim/bidding", settings, methods=["GET"]),
    Route("/_sim/bidding", change_settings, methods=["POST"]),
    Route("/_sim/bidding/access", grant_access, methods=["POST"]),
    Route("/_sim/auctions", list_auctions, methods=["GET"]),
    Route("/_sim/auctions", add_auctions, methods=["POST"]),
    Route("/_sim/auctions/{item_id}", one_auction, methods=["GET"]),
    Route("/_sim/auctions/{item_id}", change_auction, methods=["PATCH"]),
]
