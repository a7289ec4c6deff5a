"""Finances API: transactions, payouts, transfers and funds (03 §5). EU and UK sellers' calls are signed."""

from collections.abc import Sequence
from urllib.parse import quote

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.api_fulfillment import base_url
from ebayconnector.simulator.callers import authorize_seller, world_of
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.money_body import MoneyView, transaction_body
from ebayconnector.simulator.money_entries import TRANSFER, Entry, Payout
from ebayconnector.simulator.money_payout_body import (
    funds_body,
    payout_body,
    payout_summary,
    transaction_summary,
    transfer_body,
)
from ebayconnector.simulator.money_query import (
    DEFAULT_LIMIT,
    MAX_PAYOUTS,
    MAX_TRANSACTIONS,
    finances_error,
    matching_entries,
    matching_payouts,
    parse_page,
    parse_payouts,
    parse_transactions,
)
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.signatures import ENFORCE_HEADER, Message, verify
from ebayconnector.simulator.times import SECOND_MS
from ebayconnector.simulator.tokens import AccessToken
from ebayconnector.simulator.world import World

PATH = "/sell/finances/v1"

_SCOPES = frozenset({f"{BASE}/sell.finances"})


async def _seller(request: Request) -> Seller:
    """Who calls, the token and then the message signature checked. Raises as `authorize` and `verify`."""
    seller, token = authorize_seller(request, api="finances", any_of=_SCOPES)
    wanted = world_of(request).finances.wants_signature(seller.site.key)
    if wanted or request.headers.get(ENFORCE_HEADER, "").lower() == "true":
        _check_signature(request, token, await request.body())
    return seller


def _check_signature(request: Request, token: AccessToken, body: bytes) -> None:
    world = world_of(request)
    message = Message(
        method=request.method,
        path=bytes(request.scope["raw_path"]).decode("latin-1"),
        query=bytes(request.scope["query_string"]).decode("latin-1"),
        headers=request.headers,
        body=body,
    )
    verify(
        message,
        world.signing_keys,
        client_id=token.client_id,
        now_s=world.clock.now_ms() // SECOND_MS,
        tolerance_s=world.finances.signature_tolerance_s,
    )


def money_view(world: World, seller: Seller) -> MoneyView:
    now_ms = world.clock.now_ms()
    return MoneyView(world.money_of(seller), now_ms, world.finances.generation)


async def get_transactions(request: Request) -> Response:
    seller, world = await _seller(request), world_of(request)
    limit, offset = parse_page(request.query_params, MAX_TRANSACTIONS)
    view = money_view(world, seller)
    query = parse_transactions(request.query_params.getlist("filter"), view.generation, view.now_ms)
    ascending = _is_sorted(request, ("transactionDate",)) and view.full
    found = matching_entries(view.money, query, view.now_ms)
    if not ascending:
        found.reverse()
    if query.by_id:
        limit = max(1, len(found)) if world.finances.ignored_limit == "all" else DEFAULT_LIMIT
    rows = [transaction_body(view, entry) for entry in found[offset : offset + limit]]
    world.drift(seller, "finances")
    return _page(request, "transactions", rows, total=len(found), limit=limit, offset=offset)


async def get_transaction_summary(request: Request) -> Response:
    seller, world = await _seller(request), world_of(request)
    view = money_view(world, seller)
    query = parse_transactions(request.query_params.getlist("filter"), view.generation, view.now_ms)
    if query.status is None:
        raise finances_error(135011)
    found = matching_entries(view.money, query, view.now_ms)
    return json_response(transaction_summary(view, found, query.kind, query.status))


async def get_payouts(request: Request) -> Response:
    """Oldest first; `sort` turns them round, says the contract."""
    limit, offset = parse_page(request.query_params, MAX_PAYOUTS)
    view, found = await _payouts(request)
    if _is_sorted(request, ("payoutDate", "lastAttemptedPayoutDate")):
        found.reverse()
    rows = [payout_body(view, payout) for payout in found[offset : offset + limit]]
    return _page(request, "payouts", rows, total=len(found), limit=limit, offset=offset)


async def get_payout_summary(request: Request) -> Response:
    view, found = await _payouts(request)
    return json_response(payout_summary(view, found))


async def _payouts(request: Request) -> tuple[MoneyView, list[Payout]]:
    seller = await _seller(request)
    view = money_view(world_of(request), seller)
    query = parse_payouts(request.query_params.getlist("filter"), view.generation, view.now_ms)
    return view, matching_payouts(view.money, query, view.now_ms)


async def get_payout(request: Request) -> Response:
    seller = await _seller(request)
    view = money_view(world_of(request), seller)
    payout = view.money.payout_of(request.path_params["payout_id"])
    if payout is None or payout.date_ms > view.now_ms:
        raise finances_error(135001, 404)
    return json_response(payout_body(view, payout))


async def get_transfer(request: Request) -> Response:
    seller = await _seller(request)
    view = money_view(world_of(request), seller)
    entry = view.money.find(request.path_params["transfer_id"], TRANSFER)
    if entry is None or entry.date_ms > view.now_ms:
        raise finances_error(135012, 404)
    return json_response(transfer_body(view, entry))


async def get_seller_funds_summary(request: Request) -> Response:
    seller = await _seller(request)
    view = money_view(world_of(request), seller)
    body = funds_body(view, visible(view))
    return Response(status_code=204) if body is None else json_response(body)


def visible(view: MoneyView) -> list[Entry]:
    """All transactions up to now, oldest first."""
    return view.money.between(0, view.now_ms)


def _is_sorted(request: Request, fields: Sequence[str]) -> bool:
    """Whether `sort` names one of these fields. Raises EbayError 135005 for anything else."""
    asked = request.query_params.get("sort")
    if asked is not None and asked not in fields:
        raise finances_error(135005)
    return asked is not None


def _page(
    request: Request, name: str, rows: list[JsonObject], *, total: int, limit: int, offset: int
) -> Response:
    """One page; without any row 204 and no body, which is how eBay says "nothing"."""
    if not rows:
        return Response(status_code=204)
    body: JsonObject = {"href": _page_url(request, limit, offset)}
    if offset + limit < total:
        body["next"] = _page_url(request, limit, offset + limit)
    if offset > 0:
        body["prev"] = _page_url(request, limit, max(0, offset - limit))
    return json_response(body | {"limit": limit, "offset": offset, name: rows, "total": total})


def _page_url(request: Request, limit: int, offset: int) -> str:
    pairs = [pair for pair in request.query_params.multi_items() if pair[0] not in ("limit", "offset")]
    pairs += [("limit", str(limit)), ("offset", str(offset))]
    query = "&".join(f"{quote(name, safe='')}={quote(value, safe='')}" for name, value in pairs)
    return f"{base_url(request)}{request.url.path}?{query}"


routes = [
    Route(f"{PATH}/transaction", get_transactions, methods=["GET"]),
    Route(f"{PATH}/transaction_summary", get_transaction_summary, methods=["GET"]),
    Route(f"{PATH}/payout", get_payouts, methods=["GET"]),
    Route(f"{PATH}/payout_summary", get_payout_summary, methods=["GET"]),
    Route(f"{PATH}/payout/{{payout_id}}", get_payout, methods=["GET"]),
    Route(f"{PATH}/transfer/{{transfer_id}}", get_transfer, methods=["GET"]),
    Route(f"{PATH}/seller_funds_summary", get_seller_funds_summary, methods=["GET"]),
]
