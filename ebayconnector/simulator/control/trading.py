"""Control API: how the Trading API behaves, which problems its next calls report, how large its books are."""

import re
from collections.abc import Awaitable, Callable, Collection
from dataclasses import asdict, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.control.body import BadControlCall, Fields, find_seller, json_fields
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.trading_errors import Problem
from ebayconnector.simulator.trading_settings import (
    BEYOND_END_RULES,
    CEILING_TOTALS,
    MAIL_SORTS,
    UNKNOWN_MESSAGE_RULES,
    TradingSettings,
)
from ebayconnector.simulator.trading_world import ListName, Mover, PageDrift, PlannedProblems

MOST_AT_ONCE = 100_000

_ACKS = ("Warning", "PartialFailure", "Failure")
_ELEMENT_NAME = re.compile(r"[A-Za-z][A-Za-z0-9]{0,60}")
_NOT_IN_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")

_SIZE_NAMES = ("messages", "listings", "purchases")
_RATE_NAMES = ("messages_per_minute", "listing_changes_per_minute", "purchases_per_minute")
SIZES = (*_SIZE_NAMES, *_RATE_NAMES)


def read_sizes(fields: Fields, old: SimulatorConfig) -> dict[str, Any]:
    """The settings of a reset that concern the Trading API."""
    sizes = {name: fields.whole(name, getattr(old, name), most=100_000) for name in _SIZE_NAMES}
    return sizes | {name: fields.number(name, getattr(old, name), least=0) for name in _RATE_NAMES}


def overrides(fields: Fields, *fixed: str) -> JsonObject:
    """A patch of an XML body: names must be element names, texts must be possible in XML."""
    patch = fields.object("overrides")
    named = sorted(set(patch) & set(fixed))
    if named:
        raise BadControlCall(f"cannot be overridden: {', '.join(named)}")
    _check_xml(patch)
    return patch


def _check_xml(value: Any) -> None:
    if isinstance(value, dict):
        for name, below in value.items():
            if not _ELEMENT_NAME.fullmatch(name):
                raise BadControlCall(f"no name of an element: {name}")
            _check_xml(below)
        if "currencyID" in value and not (isinstance(value.get("value"), str) and len(value) == 2):
            raise BadControlCall("an amount has value and currencyID, both texts")
    elif isinstance(value, list):
        for below in value:
            _check_xml(below)
    elif isinstance(value, str) and _NOT_IN_XML.search(value):
        raise BadControlCall("a text has a character that XML cannot hold")


def paged(fields: Fields, name: str, items: list[Any], body: Callable[[Any], JsonObject]) -> Response:
    """A page of what is true, with the bodies of the API."""
    offset, limit = fields.whole("offset", 0), fields.whole("limit", 1000)
    bodies = [body(item) for item in items[offset : offset + limit]]
    return json_response({"total": len(items), "offset": offset, "limit": limit, name: bodies})


def drift_endpoint(
    name: ListName, kinds: Collection[str], move: Mover
) -> Callable[[Request], Awaitable[Response]]:
    """What happens after each page of a list; without `seller` for all sellers, `per_page` 0 ends it."""

    async def drift(request: Request) -> Response:
        world = world_of(request)
        fields = await json_fields(request, "seller", "per_page", "kind", "pages")
        per_page, pages = fields.whole("per_page", most=10_000), fields.maybe_whole("pages", least=1)
        kind, username = fields.maybe_text("kind", kinds) or "mixed", fields.maybe_text("seller")
        for seller in [find_seller(world, username)] if username else world.sellers:
            world.trading.drifts.pop((name, seller.user_id), None)
            if per_page:
                world.trading.drifts[name, seller.user_id] = PageDrift(per_page, kind, pages, move)
        return json_response({"per_page": per_page, "kind": kind, "pages": pages})

    return drift


async def settings(request: Request) -> Response:
    return json_response(asdict(world_of(request).trading.settings))


async def change_settings(request: Request) -> Response:
    """What is not named stays; a reset brings the settings back with which the simulator was started."""
    trading = world_of(request).trading
    old = trading.settings
    fields = await json_fields(request, *asdict(old))
    chosen: dict[str, Any] = {}
    for name, known in _CHOICES.items():
        chosen[name] = fields.maybe_text(name, known) or getattr(old, name)
    for name in ("active_ceiling", "selling_calls"):
        chosen[name] = fields.whole(name, getattr(old, name))
    trading.settings = replace(old, **chosen)
    return json_response(asdict(trading.settings))


_CHOICES = {
    "unknown_message": UNKNOWN_MESSAGE_RULES,
    "messages_beyond_end": BEYOND_END_RULES,
    "messages_sort": MAIL_SORTS,
    "ceiling_totals": CEILING_TOTALS,
}
assert {*_CHOICES, "active_ceiling", "selling_calls"} == set(asdict(TradingSettings()))


async def plan_problems(request: Request) -> Response:
    """The next `count` calls report these codes, in one `Errors` element each."""
    world = world_of(request)
    fields = await json_fields(request, "codes", "ack", "count", "call", "seller")
    codes, ack = fields.raw("codes"), fields.maybe_text("ack", _ACKS) or "Failure"
    if not isinstance(codes, list) or not codes or not all(type(code) is int for code in codes):
        raise BadControlCall("codes must be a list of numbers")
    username = fields.maybe_text("seller")
    plan = PlannedProblems(
        problems=tuple(Problem(code, warning=ack == "Warning") for code in codes),
        fails=ack == "Failure",
        remaining=fields.whole("count", 1, least=1),
        call=fields.maybe_text("call"),
        seller=find_seller(world, username).username if username else None,
    )
    world.trading.planned.append(plan)
    return json_response({"planned": len(world.trading.planned)})


routes = [
    Route("/_sim/trading", settings, methods=["GET"]),
    Route("/_sim/trading", change_settings, methods=["POST"]),
    Route("/_sim/trading/problems", plan_problems, methods=["POST"]),
]
