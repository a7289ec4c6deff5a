"""What counting a call against its quota costs, beside an UPDATE and a commit for each call.

Eight processes, as the workers of a cluster, on one row, which is where they could get in each other's way.
"""

from __future__ import annotations

import multiprocessing
import statistics
import time
from collections.abc import Callable
from functools import partial
from multiprocessing.pool import Pool
from typing import Any

from django.db import connection
from django.utils import timezone

from ebayconnector.database import execute
from tokens.allowances import Allowances, QuotaKey, allowances
from tokens.models import ApiQuota
from tokens.quotas import BLOCK, DAY, Lane

_KEY = QuotaKey("simulator", "bench", "inventory")
_EACH_CALL = (
    "UPDATE tokens_apiquota SET made = made + 1 WHERE environment = %s AND client_id = %s AND api = %s"
)


def measure(*, processes: int, calls: int) -> dict[str, Any]:
    """Times of single calls, in ms: of one process by itself, and of `processes` that make `calls` each."""
    return {
        "block": BLOCK,
        "alone": _measure(processes=1, calls=calls),
        "together": _measure(processes=processes, calls=calls),
    }


def _measure(*, processes: int, calls: int) -> dict[str, Any]:
    ApiQuota.objects.all().delete()
    now = timezone.now()
    ApiQuota.objects.create(
        environment=_KEY.environment, client_id=_KEY.client_id, api=_KEY.api, daily_limit=2_000_000_000,
        reset_at=now + DAY, held_since=now,
    )  # fmt: skip
    # Children must not share the parent's connection.
    connection.close()
    with multiprocessing.get_context("fork").Pool(processes) as pool:
        blocks = _together(pool, processes, partial(_take_calls, calls))
        by_call = _together(pool, processes, partial(_update_calls, calls))
    row = ApiQuota.objects.get()
    if row.made != 2 * processes * calls:
        raise RuntimeError(f"{row.made} calls were counted instead of {2 * processes * calls}")
    reservations = [ms for one in blocks for ms in one["ms"][::BLOCK]]
    return {
        "processes": processes,
        "calls": calls,
        "call": _spread([ms for one in blocks for ms in one["ms"]]),
        "reservation": _spread(reservations),
        "update": _spread([ms for one in by_call for ms in one["ms"]]),
        "calls_per_s": processes * calls / max(one["seconds"] for one in blocks),
        "updates_per_s": processes * calls / max(one["seconds"] for one in by_call),
    }


def _together(pool: Pool, processes: int, work: Callable[[int], dict[str, Any]]) -> list[dict[str, Any]]:
    return pool.map(work, range(processes), chunksize=1)


def _take_calls(calls: int, _: int) -> dict[str, Any]:
    held: Allowances = allowances()
    held.forget()
    found = _timed(calls, lambda: held.take(_KEY, Lane.SCHEDULE))
    held.give_back()
    return found


def _update_calls(calls: int, _: int) -> dict[str, Any]:
    return _timed(calls, lambda: execute(_EACH_CALL, [_KEY.environment, _KEY.client_id, _KEY.api]))


def _timed(calls: int, call: Callable[[], object]) -> dict[str, Any]:
    connection.ensure_connection()
    times, begun = [], time.perf_counter()
    for _ in range(calls):
        started = time.perf_counter()
        call()
        times.append((time.perf_counter() - started) * 1000)
    return {"ms": times, "seconds": time.perf_counter() - begun}


def _spread(times: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(times, n=100)
    return {"p50_ms": cuts[49], "p99_ms": cuts[98]}
