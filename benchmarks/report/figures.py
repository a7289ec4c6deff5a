"""What the words and the goals both work out from the figures of loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]

LOADS = {"first": "first", "second": "nothing changed", "third": "10 % changed"}


def median(rounds: Sequence[Mapping[str, Figures]], load: str) -> Figures:
    """The round whose whole time is the median."""
    figures = sorted((one[load] for one in rounds), key=lambda one: float(one["seconds"]))
    return figures[(len(figures) - 1) // 2]


def per_order_s(figures: Figures) -> float:
    return float(figures["seconds"] / figures["orders"])


def times_as_fast(fast: Figures, slow: Figures) -> float:
    """How many times as fast `fast` was, order for order."""
    return per_order_s(slow) / per_order_s(fast)


def own_times_as_fast(fast: Figures, slow: Figures) -> float:
    """The same, less the time in which each waited for eBay."""
    return float(write_s(slow) / slow["orders"] / (write_s(fast) / fast["orders"]))


def growth_mb(figures: Figures) -> float:
    return float(figures["peak_mb"] - figures["before_mb"])


def write_s(figures: Figures) -> float:
    """All that the load did besides waiting for eBay."""
    return float(figures["seconds"] - figures["fetch_s"])


def bound_s(figures: Figures, page_s: float) -> float:
    """What a load cannot beat: its pages, as many at once as the server had, or its own work."""
    server = figures["server"]
    return max(float(server["pages"] * page_s / max(server["at_once"], 1)), write_s(figures))
