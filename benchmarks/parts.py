"""What is measured, part by part: each takes the stage and the sizes, and returns its figures."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from typing import Any

from .stage import Stage

PAGE_S = 0.08
_SLOW_WAYS_ORDERS = 20_000
_PER_ROW_WORKERS = 1000
_ACCOUNTING_PROCESSES = 8
_ACCOUNTING_CALLS = 2000
_PAGE_REPEATS = 30
_TOKEN_ACCOUNTS = 1000
_TOKEN_CALLS = 5000
_TOKEN_ONE_BY_ONE = 100
_NOTICES = 500
_INDEXED_PEOPLE = 1_000_000
# Snipes, and the seconds over which their moments are spread.
_SNIPING = ((500, 0.0), (500, 1.0), (1000, 60.0))
SYNC_ORDERS = 4000


@dataclass(frozen=True)
class Sizes:
    """`already`: rows in the table before the loads of `growth`, smallest first."""

    orders: int
    large_orders: int
    already: tuple[int, ...]
    workers: int
    rounds: int


def _loads(stage: Stage, sizes: Sizes) -> dict[str, Any]:
    return _four_ways(stage, sizes.orders, rounds=sizes.rounds, slow_rounds=sizes.rounds)


def _large(stage: Stage, sizes: Sizes) -> dict[str, Any]:
    return _four_ways(stage, sizes.large_orders, rounds=sizes.rounds, slow_rounds=1)


def _four_ways(stage: Stage, orders: int, *, rounds: int, slow_rounds: int) -> dict[str, Any]:
    """The ways in turn, so that a noisy minute meets all of them; the slow ones on fewer orders of many."""
    few = min(orders, _SLOW_WAYS_ORDERS)
    of_way = {
        "engine": (orders, rounds),
        "limit": (orders, rounds),
        "bulk_create": (few, slow_rounds),
        "per_row": (few, slow_rounds),
    }
    found: dict[str, list[Any]] = {way: [] for way in of_way}
    for number in range(1, rounds + 1):
        for way, (measured, wanted) in of_way.items():
            if number <= wanted:
                _say(f"loads of {measured:,} orders, {way}, round {number} of {wanted}")
                found[way].append(stage.measure(way, orders=measured))
    return found


def _slow(stage: Stage, sizes: Sizes) -> dict[str, Any]:
    """The engine without the delay too: its own work is to be known from loads that eBay did not hold up."""
    ways = {"engine": ("engine", PAGE_S), "undelayed": ("engine", 0.0), "limit": ("limit", PAGE_S)}
    found: dict[str, list[Any]] = {name: [] for name in ways}
    for number in range(1, sizes.rounds + 1):
        for name, (way, page_s) in ways.items():
            told = f"{name}, round {number} of {sizes.rounds}"
            _say(f"loads of {sizes.orders:,} orders, {PAGE_S * 1000:.0f} ms a page, {told}")
            found[name].append(stage.measure(way, orders=sizes.orders, page_s=page_s))
    return {"page_s": PAGE_S, **found}


def _pages(stage: Stage, sizes: Sizes) -> Any:
    _say("a page of Trading and one of Post-Order")
    return stage.measure("pages", repeats=_PAGE_REPEATS)


def _memory(stage: Stage, sizes: Sizes) -> list[Any]:
    """DEBUG off and on at the same time: memory does not mind, and it saves minutes."""
    _say(f"memory of {sizes.orders:,} orders, DEBUG off and on")

    def measure(debug: str) -> Any:
        return stage.measure(
            "memory", label=f"_debug_{debug}", environment={"DEBUG": debug}, orders=sizes.orders
        )

    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(measure, ("false", "true")))


def _growth(stage: Stage, sizes: Sizes) -> list[Any]:
    """The tables in turn, so that a noisy minute meets all of them; each load stays in its table."""
    with ExitStack() as databases:
        of_size = {}
        for already in sizes.already:
            _say(f"a table of {already:,} orders")
            of_size[already] = databases.enter_context(stage.database(f"growth_{already}"))
            stage.measure_in(of_size[already], "fill", already=already)
        found: dict[int, list[Any]] = {already: [] for already in sizes.already}
        for number in range(1, sizes.rounds + 1):
            for already, database in of_size.items():
                _say(
                    f"a load of {sizes.orders:,} orders beside {already:,}, round {number} of {sizes.rounds}"
                )
                found[already].append({"first": stage.measure_in(database, "growth", orders=sizes.orders)})
    return [{"already": already, "loads": loads} for already, loads in found.items()]


def _tick(stage: Stage, sizes: Sizes) -> Any:
    _say(f"tick with {sizes.workers:,} workers")
    return stage.measure("tick", workers=sizes.workers, by_row=min(_PER_ROW_WORKERS, sizes.workers))


def _accounting(stage: Stage, sizes: Sizes) -> Any:
    _say("counting calls against a quota")
    return stage.measure("accounting", processes=_ACCOUNTING_PROCESSES, calls=_ACCOUNTING_CALLS)


def _tokens(stage: Stage, sizes: Sizes) -> Any:
    _say(f"access tokens of {_TOKEN_ACCOUNTS:,} accounts")
    return stage.measure("tokens", accounts=_TOKEN_ACCOUNTS, calls=_TOKEN_CALLS, one_by_one=_TOKEN_ONE_BY_ONE)


def _notices(stage: Stage, sizes: Sizes) -> Any:
    _say(f"{_NOTICES} deletion notices that match nobody")
    return stage.measure("notices", notices=_NOTICES, indexed=_INDEXED_PEOPLE)


def _sniping(stage: Stage, sizes: Sizes) -> list[Any]:
    found = []
    for place, (count, spread_s) in enumerate(_SNIPING):
        _say(f"{count} snipes over {spread_s:g} s")
        label = f"_{place}"
        found.append(
            stage.measure("sniping", label=label, count=count, spread_s=spread_s, sync_orders=SYNC_ORDERS)
        )
    return found


def _breakdown(stage: Stage, sizes: Sizes) -> Any:
    _say("where the time goes")
    return stage.measure("breakdown", orders=sizes.orders)


def _say(what: str) -> None:
    print(f"… {what}", file=sys.stderr, flush=True)


Part = Callable[[Stage, Sizes], Any]

STANDARD: Mapping[str, Part] = {
    "loads": _loads,
    "slow": _slow,
    "pages": _pages,
    "memory": _memory,
    "tick": _tick,
    "accounting": _accounting,
    "tokens": _tokens,
    "notices": _notices,
    "sniping": _sniping,
    "breakdown": _breakdown,
}
# These take most of an hour.
BIG: Mapping[str, Part] = {"large": _large, "growth": _growth}
