"""What eBay gives for a while only: once it is stored, it stays, as eBay gave it last."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from syncworkers.models import Order

from .compare import Difference
from .declared import WITHHELD, Path
from .world import World

_Key = tuple[int, str]


class Keepsakes:
    """What eBay gave last in each place of the orders' withheld parts, and which places we have stored."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._given: dict[_Key, dict[str, Any]] = defaultdict(dict)
        self._stored: dict[_Key, set[str]] = defaultdict(set)

    def look(self) -> None:
        """Before each time that passes: what eBay gives now, and what we have."""
        for account in self._world.accounts:
            for order in self._world.everything("orders", account):
                self._given[account.pk, order["orderId"]].update(_kept(order))
        for key, payload in _rows():
            self._stored[key].update(_kept(payload))

    def lost(self) -> Iterator[Difference]:
        """What is stored no longer, and what is there although eBay gave something else, or nothing."""
        for key, payload in _rows():
            kept, given = _kept(payload), self._given[key]
            for place in sorted(self._stored[key] - kept.keys()):
                yield Difference("orders", key[1], f"{place} was stored and is lost")
            for place, value in kept.items():
                if value != given.get(place):
                    what = f"{place} is {value!r}, eBay gave {given.get(place)!r} last"
                    yield Difference("orders", key[1], what)


def _rows() -> Iterator[tuple[_Key, Any]]:
    for account_id, order_id, payload in Order.objects.values_list("account_id", "order_id", "payload"):
        yield (account_id, order_id), payload


def _kept(payload: Any) -> dict[str, Any]:
    """What is in the places with a value."""
    return {place: value for path in WITHHELD["orders"] for place, value in _below(payload, path, "")}


def _below(value: Any, path: Path, place: str) -> Iterator[tuple[str, Any]]:
    """The places with a value at `path` and below it."""
    name, rest = (path[0], path[1:]) if path else ("*", ())
    if isinstance(value, list):
        for at, each in enumerate(value):
            yield from _below(each, rest if name == "*" else path, f"{place}[{at}]")
    elif isinstance(value, dict):
        for key in value if name == "*" else {name} & set(value):
            yield from _below(value[key], rest, f"{place}.{key}")
    elif not path and value not in (None, ""):
        yield place, value
