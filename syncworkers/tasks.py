"""django-q2 jobs: `work` is what a ticket of the `sync` cluster does, the others run in `core`."""

from __future__ import annotations

from .services import runs
from .services import tick as tick_service


def work() -> int:
    return runs.work()


def tick() -> None:
    tick_service.tick()


def start_account(account_id: int) -> int:
    """The first runs of an account that was just connected; returns how many were started."""
    return tick_service.start_account(account_id)
