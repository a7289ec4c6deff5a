"""What eBay gives for a while only: once it is stored, it stays."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from syncworkers.models import Order
from syncworkers.registry import TABLES

from .compare import Difference


class Keepsakes:
    """Which places of the orders' withheld parts have held something."""

    def __init__(self) -> None:
        self._seen: dict[str, set[str]] = defaultdict(set)

    def look(self) -> None:
        for order_id, payload in Order.objects.values_list("order_id", "payload"):
            self._seen[order_id].update(_places(payload))

    def lost(self) -> Iterator[Difference]:
        for order_id, payload in Order.objects.values_list("order_id", "payload"):
            for place in sorted(self._seen[order_id] - _places(payload)):
                yield Difference("orders", order_id, f"{place} was stored and is lost")


def _places(payload: Any) -> set[str]:
    return {place for path in TABLES["orders"].withheld_paths for place in _below(payload, path, "")}


def _below(value: Any, path: tuple[str, ...], place: str) -> Iterator[str]:
    """The places with a value at `path` and below it."""
    name, rest = (path[0], path[1:]) if path else ("*", ())
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from _below(each, rest if name == "*" else path, f"{place}[{at}]")
    elif isinstance(value, dict):
        for key in value if name == "*" else {name} & set(value):
            yield from _below(value[key], rest, f"{place}.{key}")
    elif not path and value not in (None, ""):
        yield place
