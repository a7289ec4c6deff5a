"""Developer Analytics: how much of the application's quotas is used (03 §11)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from .client import EbayClient
from .endpoints import GET_RATE_LIMITS

_LONGEST_WINDOW = timedelta(days=366)


@dataclass(frozen=True, slots=True)
class RateLimit:
    """The quota of one resource (a method or a whole API) in one time window, in calls.

    Names are lower case: how eBay writes Trading's is not documented. `reset_at` (aware UTC) and `window`
    are None when eBay did not say them readably.
    """

    api_context: str
    api_name: str
    resource: str
    limit: int
    count: int
    remaining: int
    reset_at: datetime | None
    window: timedelta | None


def rate_limits(client: EbayClient, *, api_context: str = "", api_name: str = "") -> list[RateLimit]:
    """The application's quotas, of all APIs unless a context (`sell`) or a name (`fulfillment`) is given.

    `client` must speak as the application. A resource that was never used has no numbers and no row here;
    204 is an empty list. A rate without readable numbers is left out: the others are still good.
    """
    wanted = {"api_context": api_context, "api_name": api_name}
    answer = client.call(GET_RATE_LIMITS, params={name: value for name, value in wanted.items() if value})
    return [
        rate
        for api in _objects(answer.json(), "rateLimits")
        for resource in _objects(api, "resources")
        for rate in _rates(api, resource)
    ]


def _rates(api: dict[str, Any], resource: dict[str, Any]) -> Iterator[RateLimit]:
    for rate in _objects(resource, "rates"):
        numbers = _numbers(rate)
        if numbers is None:
            continue
        limit, count, remaining = numbers
        yield RateLimit(
            api_context=_name(api, "apiContext"),
            api_name=_name(api, "apiName"),
            resource=_name(resource, "name"),
            limit=limit,
            count=count,
            remaining=remaining,
            reset_at=_moment(_value(rate, "reset")),
            window=_window(_whole(_value(rate, "timeWindow"))),
        )


def _numbers(rate: dict[str, Any]) -> tuple[int, int, int] | None:
    """Limit, count, remaining; the contract has no `count`, and one of the three follows from the others."""
    limit, count, remaining = (_whole(_value(rate, name)) for name in ("limit", "count", "remaining"))
    if limit is None:
        limit = None if count is None or remaining is None else count + remaining
    if limit is None or (count is None and remaining is None):
        return None
    if remaining is None:
        # More calls than the limit may have been counted.
        remaining = max(0, limit - (count or 0))
    return limit, max(0, limit - remaining) if count is None else count, remaining


def _value(document: dict[str, Any], name: str) -> Any:
    """The value under `name`, however its letters are written."""
    if name in document:
        return document[name]
    plain = name.lower()
    return next((value for key, value in document.items() if key.replace("_", "").lower() == plain), None)


def _objects(document: dict[str, Any], name: str) -> list[dict[str, Any]]:
    found = _value(document, name)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []


def _name(document: dict[str, Any], name: str) -> str:
    value = _value(document, name)
    return value.strip().lower() if isinstance(value, str) else ""


def _whole(value: Any) -> int | None:
    """A count of calls or seconds, also when eBay writes it as text; None for anything else."""
    text = str(value) if isinstance(value, int | str) and not isinstance(value, bool) else ""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 12 else None


def _moment(value: Any) -> datetime | None:
    try:
        moment = datetime.fromisoformat(value) if isinstance(value, str) else None
    except ValueError:
        return None
    if moment is None:
        return None
    return moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)


def _window(seconds: int | None) -> timedelta | None:
    if not seconds or seconds > _LONGEST_WINDOW.total_seconds():
        return None
    return timedelta(seconds=seconds)
