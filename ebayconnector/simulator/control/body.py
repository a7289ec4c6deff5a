"""Bodies and parameters of the control API, checked as a whole before anything changes."""

import json
import math
import re
from collections.abc import Collection, Mapping
from typing import Any

from starlette.requests import Request

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import parse_iso
from ebayconnector.simulator.world import World


class BadControlCall(Exception):
    """The control call is wrong; its message says how. Nothing was changed."""


class Fields:
    """The fields of a control call. A reader raises BadControlCall when the value is not what it must be."""

    def __init__(self, raw: Mapping[str, Any], allowed: Collection[str]) -> None:
        unknown = sorted(set(raw) - set(allowed))
        if unknown:
            raise BadControlCall(f"unknown: {', '.join(unknown)}; known: {', '.join(sorted(allowed))}")
        self._raw = raw

    def __contains__(self, name: str) -> bool:
        return self._raw.get(name) is not None

    def text(self, name: str) -> str:
        value = self.maybe_text(name)
        if value is None:
            raise BadControlCall(f"{name} is missing")
        return value

    def maybe_text(self, name: str, one_of: Collection[str] | None = None) -> str | None:
        value = self._raw.get(name)
        if value is not None and (not isinstance(value, str) or not value):
            raise BadControlCall(f"{name} must be a text")
        if value is not None and one_of is not None and value not in one_of:
            raise BadControlCall(f"{name} must be one of {', '.join(sorted(one_of))}")
        return value

    def number(self, name: str, default: float | None = None, *, least: float = -math.inf) -> float:
        value = self._raw.get(name)
        if value is None:
            value = default
        if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
            raise BadControlCall(f"{name} must be a number")
        if value < least:
            raise BadControlCall(f"{name} must be at least {least:g}")
        return value

    def whole(self, name: str, default: int | None = None, *, least: int = 0, most: int | None = None) -> int:
        value = self.number(name, default, least=least)
        if value != int(value) or (most is not None and value > most):
            raise BadControlCall(f"{name} must be a whole number" + (f" up to {most}" if most else ""))
        return int(value)

    def maybe_whole(self, name: str, *, least: int = 0) -> int | None:
        return self.whole(name, least=least) if name in self else None

    def flag(self, name: str, default: bool) -> bool:
        value = self._raw.get(name)
        if value is None:
            return default
        if not isinstance(value, bool):
            raise BadControlCall(f"{name} must be true or false")
        return value

    def pattern(self, name: str, default: str | None = None) -> re.Pattern[str]:
        text = self.maybe_text(name) or default
        if text is None:
            raise BadControlCall(f"{name} is missing")
        try:
            return re.compile(text)
        except re.error as problem:
            raise BadControlCall(f"{name} is no regular expression: {problem}") from None

    def maybe_time(self, name: str) -> int | None:
        """Milliseconds of a time written as eBay writes it; None when absent."""
        text = self.maybe_text(name)
        if text is None:
            return None
        at_ms = parse_iso(text)
        if at_ms is None:
            raise BadControlCall(f"{name} must be a time like 2026-11-21T08:25:43.511Z")
        return at_ms

    def object(self, name: str) -> JsonObject:
        value = self._raw.get(name)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise BadControlCall(f"{name} must be an object")
        return value

    def texts(self, name: str) -> list[str] | None:
        value = self._raw.get(name)
        if value is None:
            return None
        if not isinstance(value, list) or not all(isinstance(text, str) and text for text in value):
            raise BadControlCall(f"{name} must be a list of texts")
        return value

    def is_null(self, name: str) -> bool:
        return name in self._raw and self._raw[name] is None

    def raw(self, name: str) -> Any:
        return self._raw.get(name)

    def seller(self, world: World, name: str = "seller") -> Seller:
        return find_seller(world, self.text(name))


def find_seller(world: World, username: str) -> Seller:
    seller = world.seller_named(username)
    if seller is None:
        raise BadControlCall(f"no such seller: {username}")
    return seller


async def json_fields(request: Request, *allowed: str) -> Fields:
    """The JSON object of a body; an empty body is an empty object."""
    content = await request.body()
    try:
        raw = json.loads(content) if content.strip() else {}
    except ValueError:
        raise BadControlCall("the body is no JSON") from None
    if not isinstance(raw, dict):
        raise BadControlCall("the body must be a JSON object")
    return Fields(raw, allowed)


def query_fields(request: Request, *allowed: str) -> Fields:
    """Query parameters; digits become numbers where a number is read."""
    numeric = {"limit", "offset", "after", "id"}
    raw: JsonObject = {}
    for name, value in request.query_params.items():
        raw[name] = int(value) if name in numeric and re.fullmatch(r"[0-9]{1,12}", value) else value
    return Fields(raw, allowed)
