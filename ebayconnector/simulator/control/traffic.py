"""Control API: what the simulator was asked."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import query_fields
from ebayconnector.simulator.responses import json_response


async def requests(request: Request) -> Response:
    world = world_of(request)
    fields = query_fields(request, "path", "limit", "after")
    page = world.log.page(
        fields.pattern("path", ""), after=fields.maybe_whole("after"), limit=fields.whole("limit", 100)
    )
    return json_response({"requests": [entry.as_json() for entry in page], "last_seq": world.log.last_seq})


async def count(request: Request) -> Response:
    pattern = query_fields(request, "path").pattern("path", "")
    return json_response({"count": sum(1 for _ in world_of(request).log.matching(pattern))})


async def clear(request: Request) -> Response:
    log = world_of(request).log
    removed = len(log)
    log.clear()
    return json_response({"removed": removed})


routes = [
    Route("/_sim/requests", requests, methods=["GET"]),
    Route("/_sim/requests", clear, methods=["DELETE"]),
    Route("/_sim/requests/count", count, methods=["GET"]),
]
