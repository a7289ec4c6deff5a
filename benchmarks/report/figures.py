"""What the words and the goals both work out from the figures of loads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Figures = Mapping[str, Any]

# The most that eBay gives at once, and what everybody here asks for.
PAGE_ORDERS = 200

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


def data_pages(figures: Figures) -> int:
    """The pages without which the orders cannot be read: no overlaps, no probes."""
    return -(-int(figures["orders"]) // PAGE_ORDERS)


def delay_s(figures: Figures, pages: int, page_s: float) -> float:
    """What `pages` take the server, as many at once as it had."""
    return float(pages * page_s / max(figures["server"]["at_once"], 1))


def bound_s(delayed: Figures, undelayed: Figures, pages: int, page_s: float) -> float:
    """What a delayed load cannot beat: so many pages, or the own work of the same load without the delay."""
    return max(delay_s(delayed, pages, page_s), write_s(undelayed))


def rounds_words(rounds_of: Mapping[str, int]) -> str:
    """`rounds_of`: by way, the one that counts most first; those with other numbers of rounds are named."""
    usual = next(iter(rounds_of.values()))
    text = f"rounds: {usual}, the median counts"
    others = [way for way, rounds in rounds_of.items() if rounds != usual]
    return f"{text}; {' and '.join(others)}: {rounds_of[others[0]]}" if others else text
