"""One error shape for the whole API: {"error": {"code", "message", "details"}}."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, JsonResponse
from django.views import defaults
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler

from accounts.access import NotAllowed
from accounts.services import HouseNameTaken
from sniper.refusals import SnipeRefused
from syncworkers.services.history import UnusableStart
from tokens.services.connect import ConnectRefused
from tokens.services.health import CannotCheck
from tokens.services.refresh import RefreshUnderWay

API_PREFIXES = ("/api/", "/ebay-accounts", "/ebay/workers")

_CODES = {
    400: "invalid",
    401: "not_authenticated",
    403: "not_allowed",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
    429: "throttled",
}


@dataclass(frozen=True)
class _Meaning:
    """What an exception of a service is in HTTP."""

    status: int
    code: str


_MEANINGS: dict[type[Exception], _Meaning] = {
    NotAllowed: _Meaning(403, "not_allowed"),
    HouseNameTaken: _Meaning(409, "house_name_taken"),
    ConnectRefused: _Meaning(400, "connect_refused"),
    UnusableStart: _Meaning(400, "unusable_cursor"),
    CannotCheck: _Meaning(503, "quota"),
    RefreshUnderWay: _Meaning(503, "refresh_under_way"),
}
# Refusals of the sniper bring their own word; these are no fault of what was sent.
_SNIPER_STATUSES = {
    "already_planned": 409,
    "needs_confirmation": 409,
    "not_changeable": 409,
    "ebay_unavailable": 503,
}


class _Refusal(exceptions.APIException):
    """A service's exception on its way out; the framework turns `wait` into Retry-After."""

    def __init__(self, failure: Exception, meaning: _Meaning) -> None:
        field: str = getattr(failure, "field", "")
        super().__init__({field: [str(failure)]} if field else str(failure))
        self.status_code = meaning.status
        self.code_word = meaning.code
        pause: timedelta | None = getattr(failure, "retry_after", None)
        if pause is not None:
            self.wait = max(int(pause.total_seconds()), 1)


def exception_handler(failure: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, reshaped. What does not exist for the caller reads like what does not exist."""
    meaning = next((meaning for kind, meaning in _MEANINGS.items() if isinstance(failure, kind)), None)
    if isinstance(failure, SnipeRefused):
        meaning = _Meaning(_SNIPER_STATUSES.get(failure.code, 400), failure.code)
    if meaning is not None:
        failure = _Refusal(failure, meaning)
    if isinstance(failure, Http404 | exceptions.NotFound):
        failure = exceptions.NotFound("not found")
    if isinstance(failure, PermissionDenied):
        failure = exceptions.PermissionDenied()
    response = drf_handler(failure, context)
    if response is None:
        return None
    response.data = error_body(_code(failure, response.status_code), *_words(response.data))
    return response


def error_body(code: str, message: str, details: Any = None) -> dict[str, Any]:
    return {"error": {"code": code, "message": message, "details": details or {}}}


def _code(failure: Exception, status: int) -> str:
    own = getattr(failure, "code_word", "")
    return own or _CODES.get(status, "error")


def _words(data: Any) -> tuple[str, Any]:
    """One sentence, and the complaints by field."""
    if isinstance(data, dict) and set(data) <= {"detail", "code", "messages"}:
        return str(data.get("detail", "")), {}
    fields = data if isinstance(data, dict) else {"non_field_errors": data}
    return _first_sentence(fields), fields


def _first_sentence(complaints: Any, name: str = "") -> str:
    if isinstance(complaints, dict):
        key, value = next(iter(complaints.items()), ("", "invalid"))
        return _first_sentence(value, name if key == "non_field_errors" else str(key))
    if isinstance(complaints, list):
        return _first_sentence(complaints[0] if complaints else "invalid", name)
    return f"{name}: {complaints}" if name else str(complaints)


def server_error(request: HttpRequest) -> HttpResponse:
    """`handler500`: a fault of ours, in the API's form for API clients; the log has the rest."""
    if not request.path.startswith(API_PREFIXES):
        return defaults.server_error(request)
    words = "an unexpected fault of the server; its log has the details"
    return JsonResponse(error_body("server_error", words), status=500)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """`handler400`: requests that Django refuses before a view answers (too large, wrong host)."""
    if not request.path.startswith(API_PREFIXES):
        return defaults.bad_request(request, exception)
    return JsonResponse(error_body("invalid", "the request cannot be used"), status=400)
