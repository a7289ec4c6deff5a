"""Control API: faults."""

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, Fields, json_fields, query_fields
from ebayconnector.simulator.faults import AFTER_KINDS, FAULT_KINDS, Fault, FaultKind
from ebayconnector.simulator.responses import json_response

_FIELDS = (
    "path", "kind", "method", "seller", "count", "skip", "before",
    "status", "code", "retry_after", "delay_s", "body", "contains", "chance",
)  # fmt: skip


async def list_faults(request: Request) -> Response:
    return json_response({"faults": [fault.as_json() for fault in world_of(request).faults.rules]})


async def add_fault(request: Request) -> Response:
    world = world_of(request)
    fields = await json_fields(request, *_FIELDS)
    fault = _read(fields)
    fault.id = world.faults.next_id()
    world.faults.rules.append(fault)
    return json_response({"id": fault.id})


def _read(fields: Fields) -> Fault:
    kind: FaultKind = fields.maybe_text("kind", FAULT_KINDS)  # type: ignore[assignment]
    if kind is None:
        raise BadControlCall("kind is missing")
    status = fields.maybe_whole("status")
    if status is not None and status not in set(HTTPStatus):
        raise BadControlCall("status must be a known HTTP status")
    if kind == "status" and status is None:
        raise BadControlCall("kind status needs a status")
    contains = fields.maybe_text("contains")
    if kind == "poison" and not contains:
        raise BadControlCall("kind poison needs what the answer contains, such as an order id")
    method, chance = fields.maybe_text("method"), fields.number("chance", 1.0, least=0)
    if chance > 1:
        raise BadControlCall("chance must be at most 1")
    return Fault(
        id=0,
        path=fields.pattern("path"),
        kind=kind,
        method=method.upper() if method else None,
        seller=fields.maybe_text("seller"),
        remaining=None if fields.is_null("count") else fields.whole("count", 1, least=1),
        skip=fields.whole("skip", 0),
        before=fields.flag("before", kind not in AFTER_KINDS),
        status=status,
        code=fields.maybe_whole("code"),
        retry_after=fields.maybe_whole("retry_after"),
        delay_s=fields.number("delay_s", 1.0, least=0),
        body=fields.raw("body"),
        contains=contains,
        chance=chance,
    )


async def remove_faults(request: Request) -> Response:
    fields = query_fields(request, "id")
    return json_response({"removed": world_of(request).faults.remove(fields.maybe_whole("id"))})


async def remove_fault(request: Request) -> Response:
    return json_response({"removed": world_of(request).faults.remove(request.path_params["fault_id"])})


routes = [
    Route("/_sim/faults", list_faults, methods=["GET"]),
    Route("/_sim/faults", add_fault, methods=["POST"]),
    Route("/_sim/faults", remove_faults, methods=["DELETE"]),
    Route("/_sim/faults/{fault_id:int}", remove_fault, methods=["DELETE"]),
]
