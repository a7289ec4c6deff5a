"""An exchange with eBay's identity service as people read HTTP: first line, headers, body."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from tokens.models import ConnectLog


@dataclass(frozen=True)
class Shown:
    """A row of the terminal with its two texts; both were masked before they were stored."""

    row: ConnectLog
    sent: str
    answered: str
    well: bool


def shown(rows: Iterable[ConnectLog]) -> list[Shown]:
    return [Shown(row, _sent(row.request), _answered(row.response), went_well(row)) for row in rows]


def went_well(row: ConnectLog) -> bool:
    """Whether the exchange brought what it was made for: an answer alone is no success.

    Trading says 200 and `Failure` (03 §0, 8), and a 200 of the token endpoint may be cut or a gateway's page.
    """
    status, body = row.response.get("status"), row.response.get("body") or ""
    if row.error or status is None or not 200 <= status < 300 or row.action.endswith(("_failed", "_error")):
        return False
    if row.action in _BRING_TOKENS:
        return _names_token(body)
    return _FAILED.search(body) is None


_BRING_TOKENS = ("token_refreshed", "token_refresh_debug", "code_exchanged", "app_token_minted")
_FAILED = re.compile(r"<Ack>\s*(?:Partial)?Failure\s*</Ack>")


def _names_token(body: str) -> bool:
    try:
        document = json.loads(body)
    except ValueError:
        return False
    return isinstance(document, dict) and bool(document.get("access_token"))


def _sent(request: Mapping[str, Any]) -> str:
    if "method" not in request:
        # What failed before any HTTP keeps a note instead.
        return "\n".join(f"{name}: {value}" for name, value in request.items()) or "nothing was sent"
    return _message(f"{request['method']} {request.get('url', '')}", request)


def _answered(response: Mapping[str, Any]) -> str:
    if response.get("status") is None:
        return "no answer"
    return _message(f"HTTP {response['status']} after {response.get('duration_ms', '?')} ms", response)


def _message(first: str, parts: Mapping[str, Any]) -> str:
    headers = [f"{name}: {value}" for name, value in (parts.get("headers") or {}).items()]
    return "\n".join([first, *headers, "", _body(parts.get("body"))]).strip()


def _body(body: Any) -> str:
    """JSON indented, everything else as it is."""
    if not isinstance(body, str):
        return "" if body is None else json.dumps(body, indent=2, ensure_ascii=False)
    try:
        parsed = json.loads(body)
    except ValueError:
        return body
    return json.dumps(parsed, indent=2, ensure_ascii=False)
