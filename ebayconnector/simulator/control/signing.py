"""Control API: signing keys."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import world_of
from ebayconnector.simulator.control.body import BadControlCall, json_fields, query_fields
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.signing_keys import SigningKey
from ebayconnector.simulator.times import SECOND_MS


def _body(key: SigningKey) -> JsonObject:
    return key.as_json() | {"clientId": key.client_id, "revoked": key.revoked}


async def list_keys(request: Request) -> Response:
    client_id = query_fields(request, "client_id").maybe_text("client_id")
    keys = world_of(request).signing_keys.by_id.values()
    return json_response({"signingKeys": [_body(key) for key in keys if client_id in (None, key.client_id)]})


def _known_id(request: Request) -> str:
    key_id: str = request.path_params["signing_key_id"]
    if key_id not in world_of(request).signing_keys.by_id:
        raise BadControlCall(f"no such signing key: {key_id}")
    return key_id


async def expire_key(request: Request) -> Response:
    """The key ends `after_s` from now, at once by default."""
    world, key_id = world_of(request), _known_id(request)
    after_s = (await json_fields(request, "after_s")).whole("after_s", 0)
    expires_s = world.clock.now_ms() // SECOND_MS + after_s
    return json_response(_body(world.signing_keys.change(key_id, expires_s=expires_s)))


async def revoke_key(request: Request) -> Response:
    return json_response(_body(world_of(request).signing_keys.change(_known_id(request), revoked=True)))


routes = [
    Route("/_sim/signing_keys", list_keys, methods=["GET"]),
    Route("/_sim/signing_keys/{signing_key_id}/expire", expire_key, methods=["POST"]),
    Route("/_sim/signing_keys/{signing_key_id}/revoke", revoke_key, methods=["POST"]),
]
