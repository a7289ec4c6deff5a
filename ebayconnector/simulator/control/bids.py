"""Control API: what is true of bids, and every POST of one."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.auction_body import cents_text
from ebayconnector.simulator.auction_book import LoggedPost
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, Fields, query_fields
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.times import iso
from ebayconnector.simulator.world import World


async def true_bids(request: Request) -> Response:
    """Every bid that was taken, oldest first, with the maximum before and after."""
    world = world_of(request)
    item_id = query_fields(request, "item_id").text("item_id")
    auction = world.auctions.find(item_id, world.clock.now_us())
    if auction is None:
        raise BadControlCall(f"no such item: {item_id}")
    bids = [
        {
            "bidder": name_of(world, bid.bidder),
            "at_us": bid.at_us,
            "at": iso_of(bid.at_us),
            "before_end_us": auction.end_us - bid.at_us,
            "maximum": cents_text(bid.maximum),
            "before": None if bid.before is None else cents_text(bid.before),
            "price": cents_text(bid.price),
            "leader": name_of(world, bid.leader),
        }
        for bid in auction.book.bids
    ]
    return json_response({"itemId": item_id, "bids": bids})


async def posts(request: Request) -> Response:
    """Every POST of a bid, refused ones too, oldest first."""
    world = world_of(request)
    found = _posts(world, query_fields(request, "item_id", "seller", "after"))
    return json_response({"total": len(world.auctions.posts), "posts": [_post(world, one) for one in found]})


async def raises(request: Request) -> Response:
    """For each item and account: how many POSTs came, and how often they raised the maximum."""
    world = world_of(request)
    found = _posts(world, query_fields(request, "item_id", "seller", "after"))
    by_bidder: dict[tuple[str, str | None], JsonObject] = {}
    for one in found:
        row = by_bidder.setdefault(
            (one.item_id, one.seller),
            {"itemId": one.item_id, "seller": one.seller, "posts": 0, "accepted": 0, "raises": 0},
        )
        row["posts"] += 1
        row["accepted"] += one.status == 200
        row["raises"] += one.raised
        row["maximum"] = row.get("maximum") if one.after is None else cents_text(one.after)
    return json_response({"raises": list(by_bidder.values())})


async def forget_posts(request: Request) -> Response:
    """The log begins anew; bids stay."""
    log = world_of(request).auctions.posts
    forgotten = len(log)
    log.clear()
    return json_response({"forgotten": forgotten})


def _posts(world: World, fields: Fields) -> list[LoggedPost]:
    item_id, seller = fields.maybe_text("item_id"), fields.maybe_text("seller")
    after = fields.maybe_whole("after") or 0
    return [
        one
        for one in world.auctions.posts
        if one.seq > after and item_id in (None, one.item_id) and seller in (None, one.seller)
    ]


def _post(world: World, one: LoggedPost) -> JsonObject:
    """`before_end_us`: how long before the auction's end, as it is now, eBay decided."""
    auction = world.auctions.items.get(one.item_id)
    return {
        "seq": one.seq,
        "received_at_us": one.received_us,
        "judged_at_us": one.judged_us,
        "judged_at": iso_of(one.judged_us),
        "before_end_us": auction.end_us - one.judged_us if auction else None,
        "itemId": one.item_id,
        "token_kind": one.token_kind,
        "application": one.application,
        "seller": one.seller,
        "amount": one.amount,
        "currency": one.currency,
        "status": one.status,
        "error_id": one.error_id,
        "before": None if one.before is None else cents_text(one.before),
        "after": None if one.after is None else cents_text(one.after),
        "raised": one.raised,
    }


def name_of(world: World, bidder: str | None) -> str | None:
    """An account's username, a stranger's own word."""
    seller = world.seller_of(bidder) if bidder else None
    return bidder if seller is None else seller.username


def iso_of(at_us: int) -> str:
    """Of microseconds."""
    return iso(at_us // 1000)


routes = [
    Route("/_sim/truth/bids", true_bids, methods=["GET"]),
    Route("/_sim/posts", posts, methods=["GET"]),
    Route("/_sim/posts", forget_posts, methods=["DELETE"]),
    Route("/_sim/posts/raises", raises, methods=["GET"]),
]
