"""django-q2 jobs of the `tokens` cluster. Arguments are ids."""

from __future__ import annotations

from .services import cycle


def start_refresh_cycle() -> int:
    """The schedule's own cycle."""
    return cycle.start_cycle(scheduled=True).pk


def refresh_chunk(cycle_id: int, number: int, account_ids: list[int]) -> None:
    cycle.run_chunk(cycle_id, number, account_ids)
