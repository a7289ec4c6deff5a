"""Post-Order: search and detail of cases, inquiries and returns (03 §7)."""

import re
from collections.abc import Callable
from functools import partial

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import authorize_iaf, world_of
from ebayconnector.simulator.ebay_errors import EbayError
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.trouble_body import (
    TroubleView,
    case_detail,
    case_summary,
    inquiry_detail,
    inquiry_summary,
)
from ebayconnector.simulator.trouble_book import Trouble
from ebayconnector.simulator.trouble_errors import (
    BAD_VALUE,
    MISSING,
    NO_RETURN,
    NO_USER,
    NOT_A_PARTY,
    NOT_ALLOWED,
    Refusals,
)
from ebayconnector.simulator.trouble_lives import Family
from ebayconnector.simulator.trouble_query import (
    NAMES,
    first_row,
    is_in_return_state,
    matching,
    parse_page,
    parse_search,
)
from ebayconnector.simulator.trouble_return_body import return_detail, return_summary
from ebayconnector.simulator.world import World

PATH = "/post-order/v2"

# No contract names a scope: the base scope is reported to do, some clients ask for these (03 §7).
_SCOPES = frozenset({BASE, f"{BASE}/sell.fulfillment", f"{BASE}/sell.fulfillment.readonly"})
_MARKETPLACE = re.compile(r"EBAY[_-][A-Z_-]{2,15}")
_COUNTED = ("ALL_OPEN", "ALL_OPEN_RETURN", "CLOSED", "ITEM_DELIVERED", "ITEM_SHIPPED", "RETURN_STARTED")

SUMMARIES: dict[Family, Callable[[TroubleView, Trouble], JsonObject]] = {
    "case": case_summary,
    "inquiry": inquiry_summary,
    "return": return_summary,
}


def trouble_view(world: World, seller: Seller) -> TroubleView:
    return TroubleView(world.troubles.of(seller), seller, world.clock.now_ms())


def _caller(request: Request, family: Family) -> tuple[Seller, Refusals]:
    """Who calls, the headers checked. Raises EbayError as `authorize_iaf`; 400/1102 without marketplace."""
    refuse = Refusals(family, world_of(request).troubles.settings.error_shape)

    def refused(status: int) -> EbayError:
        return refuse(NO_USER if status == 401 else NOT_ALLOWED, status=status)

    seller = authorize_iaf(request, api=f"postorder.{family}", any_of=_SCOPES, refuse=refused)
    marketplace = request.headers.get("x-ebay-c-marketplace-id", "")
    if not _MARKETPLACE.fullmatch(marketplace):
        raise refuse(MISSING, name="X-EBAY-C-MARKETPLACE-ID", value=marketplace)
    return seller, refuse


async def search(request: Request, family: Family) -> Response:
    seller, refuse = _caller(request, family)
    world, params = world_of(request), request.query_params
    settings, view = world.troubles.settings, trouble_view(world, seller)
    limit, offset = parse_page(params, refuse)
    query = parse_search(params, family, settings, refuse, view.now_ms)
    rows = matching(view, family, query, settings)
    start = first_row(settings, limit, offset)
    body: JsonObject = {"members": [SUMMARIES[family](view, row) for row in rows[start : start + limit]]}
    body["paginationOutput"] = {
        "limit": limit,
        "offset": offset,
        "totalEntries": len(rows),
        "totalPages": -(-len(rows) // limit),
    }
    body[NAMES[family].total] = len(rows)
    if family == "return":
        body["countSummary"] = _counts(rows, view.now_ms)
    world.troubles.page_served(seller, family)
    return json_response(body)


def _counts(rows: list[Trouble], now_ms: int) -> list[JsonObject]:
    return [
        {"type": name, "count": sum(is_in_return_state(row, name, now_ms) for row in rows)}
        for name in _COUNTED
    ]


async def detail(request: Request, family: Family) -> Response:
    """An id of nobody and an id of somebody else get the same 404; its id is unverified but for returns."""
    seller, refuse = _caller(request, family)
    view, text = trouble_view(world_of(request), seller), request.path_params["trouble_id"]
    trouble = view.book.find(family, text, view.now_ms)
    if trouble is None:
        error_id = NO_RETURN if family == "return" else NOT_A_PARTY
        raise refuse(error_id, status=404, name=f"{family}Id", value=text)
    return json_response(_detail_body(request, view, trouble, refuse))


def _detail_body(request: Request, view: TroubleView, trouble: Trouble, refuse: Refusals) -> JsonObject:
    if trouble.family == "case":
        return case_detail(view, trouble)
    if trouble.family == "inquiry":
        return inquiry_detail(view, trouble)
    match request.query_params.get("fieldgroups", "FULL"):
        case "FULL":
            return {"detail": return_detail(view, trouble)}
        case "SUMMARY":
            return {"summary": return_summary(view, trouble)}
        case other:
            raise refuse(BAD_VALUE, name="fieldgroups", value=other)


def _routes(family: Family, resource: str) -> list[Route]:
    path = f"{PATH}/{resource}"
    return [
        Route(f"{path}/search", partial(search, family=family), methods=["GET"]),
        Route(f"{path}/{{trouble_id}}", partial(detail, family=family), methods=["GET"]),
    ]


routes = [*_routes("case", "casemanagement"), *_routes("inquiry", "inquiry"), *_routes("return", "return")]
