"""One error shape for the whole API: {"error": {"code", "message", "details"}}."""

from __future__ import annotations

from typing import Any

from django.core.exceptions import PermissionDenied
from django.http import Http404
from rest_framework import exceptions
from rest_framework.response import Response
from rest_framework.views import exception_handler as drf_handler

from accounts.access import NotAllowed

_CODES = {400: "invalid", 401: "not_authenticated", 403: "not_allowed", 404: "not_found", 405: "method_not_allowed",
          415: "unsupported_media_type", 429: "throttled"}  # fmt: skip


def exception_handler(failure: Exception, context: dict[str, Any]) -> Response | None:
    """DRF's handler, reshaped. What does not exist for the caller reads like what does not exist."""
    if isinstance(failure, NotAllowed):
        failure = exceptions.PermissionDenied(str(failure))
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
    if isinstance(data, dict) and set(data) <= {"detail", "code", "messages"}:
        return str(data.get("detail", "")), {}
    fields = data if isinstance(data, dict) else {"non_field_errors": data}
    first = next(iter(fields.items()), ("", ["invalid"]))
    text = first[1][0] if isinstance(first[1], list) and first[1] else first[1]
    name = "" if first[0] == "non_field_errors" else f"{first[0]}: "
    return f"{name}{text}", fields
