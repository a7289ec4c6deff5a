"""Key Management API: the application's signing keys (03 §12.1)."""

import json

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from ebayconnector.simulator.callers import authorize, world_of
from ebayconnector.simulator.ebay_errors import EbayError, rest_body
from ebayconnector.simulator.responses import json_response
from ebayconnector.simulator.scopes import BASE
from ebayconnector.simulator.signing_keys import CIPHERS, Cipher
from ebayconnector.simulator.times import SECOND_MS

PATH = "/developer/key_management/v1/signing_key"

_TEXTS = {
    210001: "You must supply a valid signing key cipher. Allowed values are ED25519 and RSA.",
    210002: "The signing key with id {0} was not found.",
    210005: "You must request with a token having valid application client id.",
    210006: "You must request for new signing key with valid request payload.",
}


def _error(error_id: int, *values: str, status: int = 400) -> EbayError:
    return EbayError(status, rest_body(error_id, _TEXTS[error_id].format(*values), domain="API_KEYS"))


def _client_id(request: Request) -> str:
    """The application that calls. Raises EbayError 400/210005 for a user's token, and as `authorize`."""
    token = authorize(request, api="key_management", any_of=frozenset({BASE}))
    if token.kind != "application":
        raise _error(210005)
    return token.client_id


async def create_signing_key(request: Request) -> Response:
    client_id, cipher = _client_id(request), _cipher(await request.body())
    world = world_of(request)
    key, private_key = world.signing_keys.create(client_id, cipher, world.clock.now_ms() // SECOND_MS)
    return json_response(key.as_json() | {"privateKey": private_key})


def _cipher(body: bytes) -> Cipher:
    try:
        payload = json.loads(body)
    except ValueError:
        raise _error(210006) from None
    if not isinstance(payload, dict):
        raise _error(210006)
    cipher = payload.get("signingKeyCipher")
    if cipher not in CIPHERS:
        raise _error(210001)
    return cipher  # type: ignore[no-any-return]


async def get_signing_keys(request: Request) -> Response:
    keys = world_of(request).signing_keys.of(_client_id(request))
    return json_response({"signingKeys": [key.as_json() for key in keys if not key.revoked]})


async def get_signing_key(request: Request) -> Response:
    client_id, key_id = _client_id(request), request.path_params["signing_key_id"]
    key = world_of(request).signing_keys.by_id.get(key_id)
    if key is None or key.client_id != client_id or key.revoked:
        raise _error(210002, key_id, status=404)
    return json_response(key.as_json())


routes = [
    Route(PATH, get_signing_keys, methods=["GET"]),
    Route(PATH, create_signing_key, methods=["POST"]),
    Route(f"{PATH}/{{signing_key_id}}", get_signing_key, methods=["GET"]),
]
