"""Payment disputes of the Fulfillment API (03 §4.3). eBay serves them on apiz."""

from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.api_fulfillment import base_url
from ebayconnector.simulator.api_post_order import trouble_view
from ebayconnector.simulator.callers import authorize_seller, world_of
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.trouble_body import TroubleView
from ebayconnector.simulator.trouble_book import Trouble
from ebayconnector.simulator.trouble_dispute_body import (
    dispute_activity,
    dispute_detail,
    dispute_summary,
)
from ebayconnector.simulator.trouble_dispute_query import (
    matching_disputes,
    parse_dispute_page,
    parse_disputes,
)
from ebayconnector.simulator.trouble_errors import no_dispute

PATH = "/sell/fulfillment/v1/payment_dispute"
SUMMARY_PATH = "/sell/fulfillment/v1/payment_dispute_summary"

_SCOPES = frozenset({f"{BASE}/sell.payment.dispute"})


def _seller(request: Request) -> Seller:
    seller, _token = authorize_seller(request, api="payment_dispute", any_of=_SCOPES)
    return seller


async def get_payment_dispute_summaries(request: Request) -> Response:
    seller, world = _seller(request), world_of(request)
    view = trouble_view(world, seller)
    limit, offset = parse_dispute_page(request.query_params)
    rows = matching_disputes(view, parse_disputes(request.query_params, view.now_ms))
    if not rows and world.troubles.settings.empty_disputes == "no_content":
        return Response(status_code=204)
    body: JsonObject = {"href": _page_url(request, limit, offset), "total": len(rows)}
    body |= {"limit": limit, "offset": offset}
    if offset + limit < len(rows):
        body["next"] = _page_url(request, limit, offset + limit)
    if offset > 0:
        body["prev"] = _page_url(request, limit, max(0, offset - limit))
    body["paymentDisputeSummaries"] = [dispute_summary(view, row) for row in rows[offset : offset + limit]]
    world.troubles.page_served(seller, "dispute")
    return json_response(body)


def _page_url(request: Request, limit: int, offset: int) -> str:
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in ("limit", "offset")]
    pairs += [("limit", str(limit)), ("offset", str(offset))]
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return f"{base_url(request)}{SUMMARY_PATH}?{query}"


def _dispute(request: Request) -> tuple[TroubleView, Trouble]:
    seller = _seller(request)
    view, text = trouble_view(world_of(request), seller), request.path_params["dispute_id"]
    dispute = view.book.find("dispute", text, view.now_ms)
    if dispute is None:
        raise no_dispute()
    return view, dispute


async def get_payment_dispute(request: Request) -> Response:
    view, dispute = _dispute(request)
    return json_response(dispute_detail(view, dispute))


async def get_activities(request: Request) -> Response:
    view, dispute = _dispute(request)
    return json_response(dispute_activity(view, dispute))


routes = [
    Route(SUMMARY_PATH, get_payment_dispute_summaries, methods=["GET"]),
    Route(f"{PATH}/{{dispute_id}}", get_payment_dispute, methods=["GET"]),
    Route(f"{PATH}/{{dispute_id}}/activity", get_activities, methods=["GET"]),
]
