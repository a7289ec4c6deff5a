"""The log of a snipe, and the channel on which executors hear of changes."""

from __future__ import annotations

from typing import Any

from ebayconnector.database import execute

from .models import Snipe, SnipeEvent

# PostgreSQL's NOTIFY; the payload is the id of the snipe, or empty for "look at everything".
CHANNEL = "sniper"


def log_event(snipe: Snipe, event_type: str, message: str = "", *, status: str = "", **detail: Any) -> None:
    """A line that no call to eBay belongs to."""
    SnipeEvent.objects.create(
        snipe=snipe, event_type=event_type, status=status or snipe.status, message=message, detail=detail
    )


def tell_executors(snipe_id: int | None = None) -> None:
    """Executors look again once the transaction commits."""
    execute("SELECT pg_notify(%s, %s)", [CHANNEL, str(snipe_id or "")])
