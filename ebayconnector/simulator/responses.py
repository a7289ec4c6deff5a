"""JSON answers as bytes, written once for all APIs."""

import json
from collections.abc import Mapping
from typing import Any

from starlette.responses import Response


def json_bytes(payload: Any) -> bytes:
    return json.dumps(payload, ensure_ascii=False, separators=(",", ":")).encode()


def json_response(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    return Response(json_bytes(payload), status, headers, media_type="application/json")
