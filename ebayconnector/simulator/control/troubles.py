"""Control API: inquiries, cases, returns and payment disputes are opened, moved and patched; what is true."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.api_post_order import SUMMARIES, trouble_view
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.control.body import (
    BadControlCall,
    Fields,
    find_seller,
    json_fields,
    query_fields,
)
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.times import SECOND_MS, iso
from ebayconnector.simulator.trouble_activity import TROUBLE_CHANGES, change_trouble
from ebayconnector.simulator.trouble_body import TroubleView, case_detail, inquiry_detail
from ebayconnector.simulator.trouble_book import Trouble, TroubleBook, TroubleConflict
from ebayconnector.simulator.trouble_dispute_body import (
    dispute_activity,
    dispute_detail,
    dispute_summary,
)
from ebayconnector.simulator.trouble_lives import FAMILIES, Family
from ebayconnector.simulator.trouble_query import horizon_ms
from ebayconnector.simulator.trouble_return_body import return_detail
from ebayconnector.simulator.trouble_settings import (
    EMPTY_DISPUTES,
    ERROR_SHAPES,
    PAGE_OFFSETS,
    TROUBLE_SORTS,
)
from ebayconnector.simulator.trouble_world import TROUBLE_DRIFT_KINDS, TroubleDrift
from ebayconnector.simulator.world import World

_MOST_AT_ONCE = 10_000
_OPENED_BY_HAND: tuple[Family, ...] = ("inquiry", "return", "dispute")  # a case comes of an escalation
_FIXED_FIELDS = frozenset(
    {
        "caseId", "inquiryId", "returnId", "paymentDisputeId", "creationDate", "lastModifiedDate", "openDate",
        "closedDate", "revision", "responseHistory",
    }
)  # fmt: skip

_SUMMARIES = SUMMARIES | {"dispute": dispute_summary}
_DETAILS: dict[Family, Callable[[TroubleView, Trouble], JsonObject]] = {
    "case": case_detail,
    "inquiry": inquiry_detail,
    "return": return_detail,
    "dispute": dispute_detail,
}


async def settings(request: Request) -> Response:
    return json_response(world_of(request).troubles.settings.as_json())


async def change_settings(request: Request) -> Response:
    """What is not named stays; a reset brings the settings back with which the simulator was started."""
    troubles = world_of(request).troubles
    fields, old = await json_fields(request, *troubles.settings.as_json()), troubles.settings
    troubles.settings = replace(
        old,
        error_shape=fields.maybe_text("error_shape", ERROR_SHAPES) or old.error_shape,  # type: ignore[arg-type]
        offset=fields.maybe_text("offset", PAGE_OFFSETS) or old.offset,  # type: ignore[arg-type]
        max_span_days=fields.whole("max_span_days", old.max_span_days, least=1),
        sort=fields.maybe_text("sort", TROUBLE_SORTS) or old.sort,  # type: ignore[arg-type]
        empty_disputes=fields.maybe_text("empty_disputes", EMPTY_DISPUTES)  # type: ignore[arg-type]
        or old.empty_disputes,
    )
    return json_response(troubles.settings.as_json())


RESET_NAMES = ("trouble_share", "trouble_changes_per_minute")


def read_reset(fields: Fields, old: SimulatorConfig) -> dict[str, Any]:
    """What a reset says of the troubles, as fields of the configuration."""
    share = fields.number("trouble_share", old.trouble_share, least=0)
    if share > 1:
        raise BadControlCall("trouble_share must be at most 1")
    per_minute = fields.number("trouble_changes_per_minute", old.trouble_changes_per_minute, least=0)
    return {"trouble_share": share, "trouble_changes_per_minute": per_minute}


def state_of_troubles(world: World) -> JsonObject:
    return {
        "share": world.config.trouble_share,
        "changes_per_minute": world.config.trouble_changes_per_minute,
        "drift": {user_id: drift.per_page for user_id, drift in world.troubles.drifts.items()},
        "settings": world.troubles.settings.as_json(),
    }


def _truth_body(view: TroubleView, trouble: Trouble) -> JsonObject:
    """A record as the API gives it, and what the API does not say: its order, its case."""
    family, escalated = trouble.family, trouble.is_escalated(view.now_ms)
    body: JsonObject = {
        "id": str(trouble.number),
        "orderId": view.order_id(trouble),
        "lineItemId": view.line(trouble).line_item_id,
        "open": not trouble.last(view.now_ms).kind.ends,
        "escalated": escalated,
        "caseId": str(trouble.case.number) if trouble.case is not None and escalated else None,
        "summary": _SUMMARIES[family](view, trouble),
        "detail": _DETAILS[family](view, trouble),
    }
    return body | dispute_activity(view, trouble) if family == "dispute" else body


def _truth(family: Family, name: str) -> Route:
    async def listed(request: Request) -> Response:
        """Every record of the last 18 months, oldest first, also what has left the search."""
        world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
        view = trouble_view(world, fields.seller(world))
        offset, limit = fields.whole("offset", 0), fields.whole("limit", 1000)
        rows = view.book.opened_between(family, horizon_ms(view.now_ms), view.now_ms)
        bodies = [_truth_body(view, row) for row in rows[offset : offset + limit]]
        return json_response({"total": len(rows), "offset": offset, "limit": limit, name: bodies})

    return Route(f"/_sim/truth/{name}", listed, methods=["GET"])


def _summary(view: TroubleView, trouble: Trouble) -> JsonObject:
    last = trouble.seen(view.now_ms)[-1:] or trouble.steps[:1]
    return {
        "id": str(trouble.number),
        "family": trouble.family,
        "orderId": view.order_id(trouble),
        "caseId": str(trouble.case.number) if trouble.case is not None else None,
        "status": last[0].kind.status,
        "opened_at": iso(trouble.opened_ms),
        "changed_at": iso(last[0].at_ms),
    }


def _family(fields: Fields, known: tuple[Family, ...] = FAMILIES) -> Family | None:
    return fields.maybe_text("family", known)  # type: ignore[return-value]


async def open_one(request: Request) -> Response:
    """It stays as it is until somebody moves it, unless `lives`. Without an order it is about the newest."""
    world = world_of(request)
    fields = await json_fields(
        request, "seller", "family", "order_id", "line", "quantity", "opened_at", "lives"
    )
    seller, family = fields.seller(world), _family(fields, _OPENED_BY_HAND)
    activity, view = world.troubles.activity_of(seller), trouble_view(world, seller)
    n, at_ms = _order(view.book, fields.maybe_text("order_id")), fields.maybe_time("opened_at")
    line, quantity = _line(view.book, n, fields)
    if family is None:
        raise BadControlCall("family is missing")
    at_ms = (view.now_ms if at_ms is None else at_ms) // SECOND_MS * SECOND_MS
    lives = fields.flag("lives", False)
    try:
        trouble = view.book.open(
            family, n, at_ms, source=activity.by_hand, line=line, quantity=quantity, goes_on=lives
        )
    except TroubleConflict as conflict:
        raise BadControlCall(str(conflict)) from None
    return json_response(_summary(view, trouble))


def _order(book: TroubleBook, order_id: str | None) -> int:
    if order_id is None:
        if not len(book.orders):
            raise BadControlCall("this seller has no order")
        return book.orders.recent(0)
    n = book.orders.place_of(order_id)
    if n is None:
        raise BadControlCall(f"this seller has no order {order_id}")
    return n


def _line(book: TroubleBook, n: int, fields: Fields) -> tuple[int, int]:
    lines = book.facts(n).lines
    line = fields.whole("line", 0, most=len(lines) - 1) if "line" in fields else 0
    return line, fields.whole("quantity", 1, least=1, most=lines[line].quantity)


async def change_one(request: Request) -> Response:
    """A step, or a patch of its bodies that leaves the dates; afterwards it waits, unless `lives`. Not
    `listed`: it is in no search, and told by its id alone."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "step", "lives", "summary", "detail", "listed")
    seller = fields.seller(world)
    activity, view = world.troubles.activity_of(seller), trouble_view(world, seller)
    trouble = _trouble(view, request.path_params["trouble_id"])
    step, lives = fields.maybe_text("step"), fields.flag("lives", False)
    summary, detail = _patch(fields, "summary"), _patch(fields, "detail")
    if step is not None:
        try:
            view.book.move(trouble, step, view.now_ms, source=activity.by_hand, goes_on=lives)
        except TroubleConflict as conflict:
            raise BadControlCall(str(conflict)) from None
    trouble.patch(summary, detail)
    trouble.listed = fields.flag("listed", trouble.listed)
    return json_response(_summary(view, trouble))


def _trouble(view: TroubleView, text: str) -> Trouble:
    found = (view.book.find(family, text, view.now_ms) for family in FAMILIES)
    trouble = next((one for one in found if one is not None), None)
    if trouble is None:
        raise BadControlCall(f"this seller has no inquiry, case, return or dispute {text}")
    return trouble


def _patch(fields: Fields, name: str) -> JsonObject:
    patch = fields.object(name)
    fixed = sorted(_FIXED_FIELDS & set(patch))
    if fixed:
        raise BadControlCall(f"cannot be overridden: {', '.join(fixed)}")
    return patch


async def change_some(request: Request) -> Response:
    """Likely changes, or new ones; what is changed lives on."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "count", "kind", "family")
    seller, count = fields.seller(world), fields.whole("count", 1, most=_MOST_AT_ONCE)
    kind, family = fields.maybe_text("kind", TROUBLE_CHANGES), _family(fields)
    activity, view = world.troubles.activity_of(seller), trouble_view(world, seller)
    changed = [
        change_trouble(view.book, activity.by_hand, view.now_ms, kind=kind, family=family)  # type: ignore[arg-type]
        for _ in range(count)
    ]
    return json_response({"changed": [_summary(view, one) for one in changed if one is not None]})


async def drift(request: Request) -> Response:
    """Rows that move while somebody pages; without `seller` for all sellers."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "per_page", "kind", "pages", "family")
    per_page, pages = fields.whole("per_page", most=1_000), fields.maybe_whole("pages", least=1)
    kind, family = fields.maybe_text("kind", TROUBLE_DRIFT_KINDS) or "mixed", _family(fields)
    username = fields.maybe_text("seller")
    for seller in [find_seller(world, username)] if username else world.sellers:
        world.troubles.drifts.pop(seller.user_id, None)
        if per_page:
            world.troubles.drifts[seller.user_id] = TroubleDrift(per_page, kind, pages, family)  # type: ignore[arg-type]
    return json_response({"per_page": per_page, "kind": kind, "pages": pages, "family": family})


routes = [
    Route("/_sim/post_order", settings, methods=["GET"]),
    Route("/_sim/post_order", change_settings, methods=["POST"]),
    Route("/_sim/troubles", open_one, methods=["POST"]),
    Route("/_sim/troubles/change", change_some, methods=["POST"]),
    Route("/_sim/troubles/drift", drift, methods=["POST"]),
    Route("/_sim/troubles/{trouble_id}", change_one, methods=["PATCH"]),
    _truth("case", "cases"),
    _truth("inquiry", "inquiries"),
    _truth("return", "returns"),
    _truth("dispute", "disputes"),
]
