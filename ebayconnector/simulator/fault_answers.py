"""The answer that a fault gives instead of the real one, in the shape of the API that was called."""

from starlette.responses import Response

from ebayconnector.simulator.ebay_errors import (
    NO_PERMISSION,
    TOKEN_INVALID,
    TOO_MANY_REQUESTS,
    system_error,
)
from ebayconnector.simulator.faults import Fault
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.responses import json_bytes, json_response
from ebayconnector.simulator.trading_xml import TradingCall, failure

_UNAVAILABLE = (
    "<html><head><title>503 Service Unavailable</title></head><body><h1>Service Unavailable</h1>"
    "<p>Zero size object - our team is on it.</p></body></html>"
)
_WRONG_PAGE = "<!DOCTYPE html><html><body><h1>eBay - Sorry, something went wrong</h1></body></html>"

_TRADING_CODES = {"expired_token": 21917053, "rate_limited": 518, "server_error": 10007, "poison": 10007}


def fault_answer(fault: Fault, path: str, call: TradingCall | None) -> Response:
    """`call` is given for the Trading API, whose errors are answers with status 200 (03 §3.1)."""
    code = fault.code or _TRADING_CODES.get(fault.kind)
    if call is not None and code is not None and fault.status is None:
        return failure(call, code)
    headers = {} if fault.retry_after is None else {"Retry-After": str(fault.retry_after)}
    match fault.kind:
        case "expired_token":
            status, body = _expired(path)
            if body is None:
                return Response(b"", fault.status or status, headers)
            return json_response(body, fault.status or status, headers)
        case "rate_limited":
            return json_response(TOO_MANY_REQUESTS, fault.status or 429, headers)
        case "server_error" | "poison":
            return json_response(system_error(path), fault.status or 500, headers)
        case "unavailable":
            return Response(_UNAVAILABLE, fault.status or 503, headers, media_type="text/html")
        case "malformed_json":
            return Response('{"href":"/","total":3,"orders":[{"orderId":"12-', media_type="application/json")
        case "wrong_content_type":
            return Response(_WRONG_PAGE, media_type="text/html")
        case "empty_body":
            return Response(b"", media_type="application/json")
        case "replace_body":
            return _given_body(fault, 200, headers)
        case _:
            return _given_body(fault, fault.status or 500, headers)


def _is_oauth(path: str) -> bool:
    return path.startswith("/identity/v1/oauth2/")


def _expired(path: str) -> tuple[int, JsonObject | None]:
    if path.startswith("/post-order/"):
        return 401, None
    if path.startswith("/sell/inventory/"):
        return 403, NO_PERMISSION  # as for a missing scope (03 §0, 7)
    if not _is_oauth(path):
        return 401, TOKEN_INVALID
    text = "the provided authorization refresh token is invalid or was issued to another client"
    return 400, {"error": "invalid_grant", "error_description": text}


def _given_body(fault: Fault, status: int, headers: dict[str, str]) -> Response:
    body = fault.body
    if body is None:
        return Response(b"", status, headers)
    if not isinstance(body, str):
        return Response(json_bytes(body), status, headers, media_type="application/json")
    media = (
        "application/json" if body[:1] in "{[" else "text/xml" if body.startswith("<?xml") else "text/html"
    )
    return Response(body, status, headers, media_type=media)
