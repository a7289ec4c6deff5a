"""Control API: the Finances API's settings, what is true of the money, changes by hand."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.api_finances import money_view, visible
from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, Fields, json_fields, query_fields
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.money_body import MoneyView, transaction_body
from ebayconnector.simulator.money_book import HandFee
from ebayconnector.simulator.money_entries import LATER_TYPES, SALE, TRANSFER, Entry
from ebayconnector.simulator.money_facts import LineFee, facts_of
from ebayconnector.simulator.money_payout_body import funds_body, payout_body, transfer_body
from ebayconnector.simulator.money_settings import GENERATIONS, IGNORED_LIMITS, SIGNATURE_RULES
from ebayconnector.simulator.money_statuses import PAYOUT_STATUSES, TRANSACTION_STATUSES
from ebayconnector.simulator.responses import json_response

_FIXED_FIELDS = frozenset(
    {"transactionId", "transactionType", "transactionDate", "transactionStatus", "payoutId", "payoutDetails"}
)
_AMOUNT = re.compile(r"[0-9]{1,9}(\.[0-9]{1,2})?")


async def settings(request: Request) -> Response:
    return json_response(world_of(request).finances.as_json())


async def change_settings(request: Request) -> Response:
    """What is not named stays; a reset brings the settings back with which the simulator was started."""
    world = world_of(request)
    fields = await json_fields(request, *world.finances.as_json())
    old = world.finances
    world.finances = replace(
        old,
        generation=fields.maybe_text("generation", GENERATIONS) or old.generation,  # type: ignore[arg-type]
        signatures=fields.maybe_text("signatures", SIGNATURE_RULES)  # type: ignore[arg-type]
        or old.signatures,
        signature_tolerance_s=fields.whole("signature_tolerance_s", old.signature_tolerance_s),
        ignored_limit=fields.maybe_text("ignored_limit", IGNORED_LIMITS)  # type: ignore[arg-type]
        or old.ignored_limit,
    )
    return json_response(world.finances.as_json())


def _truth(request: Request) -> tuple[MoneyView, Fields]:
    world, fields = world_of(request), query_fields(request, "seller", "offset", "limit")
    return money_view(world, fields.seller(world)), fields


def _listed(fields: Fields, name: str, items: Sequence[Any], body: Callable[[Any], JsonObject]) -> Response:
    offset, limit = fields.whole("offset", 0), fields.whole("limit", 1000)
    bodies = [body(item) for item in items[offset : offset + limit]]
    return json_response({"total": len(items), "offset": offset, "limit": limit, name: bodies})


async def transactions(request: Request) -> Response:
    """Every transaction that getTransactions could give now, oldest first, with the bodies it would give."""
    view, fields = _truth(request)
    return _listed(fields, "transactions", visible(view), lambda entry: transaction_body(view, entry))


async def payouts(request: Request) -> Response:
    view, fields = _truth(request)
    known = [payout for payout in view.money.payouts if payout.date_ms <= view.now_ms]
    return _listed(fields, "payouts", known, lambda payout: payout_body(view, payout))


async def transfers(request: Request) -> Response:
    view, fields = _truth(request)
    known = [entry for entry in visible(view) if entry.kind == TRANSFER]
    return _listed(fields, "transfers", known, lambda entry: transfer_body(view, entry))


async def funds(request: Request) -> Response:
    """The funds summary; null where the API says 204."""
    view, _fields = _truth(request)
    return json_response(funds_body(view, visible(view)))


async def change_transaction(request: Request) -> Response:
    """Set a status, add a fee to a sale and to its order, patch the body."""
    world = world_of(request)
    fields = await json_fields(request, "seller", "transactionType", "transactionStatus", "fee", "overrides")
    view = money_view(world, fields.seller(world))
    kind = fields.maybe_text("transactionType", LATER_TYPES) or SALE
    entry = view.money.find(request.path_params["transaction_id"], kind)
    if entry is None:
        raise BadControlCall(f"this seller has no such {kind}")
    status, patch = fields.maybe_text("transactionStatus", TRANSACTION_STATUSES), fields.object("overrides")
    if _FIXED_FIELDS & set(patch):
        raise BadControlCall(f"cannot be overridden: {', '.join(sorted(_FIXED_FIELDS & set(patch)))}")
    fee = _hand_fee(view, entry, fields.object("fee")) if "fee" in fields else None
    view.money.change_by_hand(entry, at_ms=view.now_ms, status=status, fee=fee, patch=patch)
    if fee is not None:
        _raise_order_fee(view, entry)
    view.money.refresh(view.now_ms)
    return json_response(transaction_body(view, view.money.again(entry)))


def _hand_fee(view: MoneyView, entry: Entry, raw: JsonObject) -> HandFee:
    fields = Fields(raw, ("feeType", "amount", "lineItemId", "feeMemo"))
    if entry.kind != SALE:
        raise BadControlCall("only a sale takes a fee")
    lines = [line.line_item_id for line in facts_of(view.money.book, view.money.seller.site, entry.n).lines]
    line, amount = fields.maybe_text("lineItemId", lines) or lines[0], fields.text("amount")
    if not _AMOUNT.fullmatch(amount):
        raise BadControlCall("amount must be a text like 1.25")
    cents = round(float(amount) * 100)
    return HandFee(line, LineFee(fields.text("feeType"), cents, fields.maybe_text("feeMemo")))


def _raise_order_fee(view: MoneyView, entry: Entry) -> None:
    """The order's own totalMarketplaceFee follows, where the order shows one; its change date stays."""
    money, n = view.money, entry.n
    if not facts_of(money.book, money.seller.site, n).quirks.marketplace_fee:
        return
    cents = money.money_of(n).fee + sum(one.fee.cents for one in money.hands[entry.key].fees)
    total = {"value": f"{cents // 100}.{cents % 100:02d}", "currency": money.seller.site.currency}
    money.book.change(n, patch={"totalMarketplaceFee": total})


async def change_payout(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, "seller", "payoutStatus")
    view = money_view(world, fields.seller(world))
    payout = view.money.payout_of(request.path_params["payout_id"])
    status = fields.maybe_text("payoutStatus", PAYOUT_STATUSES)
    if payout is None or payout.date_ms > view.now_ms:
        raise BadControlCall("this seller has no such payout")
    if status is None:
        raise BadControlCall("payoutStatus is missing")
    view.money.set_payout_status(payout, status)
    return json_response(payout_body(view, payout))


routes = [
    Route("/_sim/finances", settings, methods=["GET"]),
    Route("/_sim/finances", change_settings, methods=["POST"]),
    Route("/_sim/truth/transactions", transactions, methods=["GET"]),
    Route("/_sim/truth/payouts", payouts, methods=["GET"]),
    Route("/_sim/truth/transfers", transfers, methods=["GET"]),
    Route("/_sim/truth/funds", funds, methods=["GET"]),
    Route("/_sim/transactions/{transaction_id}", change_transaction, methods=["PATCH"]),
    Route("/_sim/payouts/{payout_id}", change_payout, methods=["PATCH"]),
]
