"""django-q2 jobs: `work` is what a ticket of the `sync` cluster does, the others run in `core`."""

from __future__ import annotations

from .services import erase, runs
from .services import tick as tick_service


def work() -> int:
    return runs.work()


def tick() -> None:
    tick_service.tick()


def start_account(account_id: int) -> int:
    """The first runs of an account that was just connected; returns how many were started."""
    return tick_service.start_account(account_id)


def delete_account_data(account_id: int) -> bool:
    """One share of deleting a disconnected account; True when it is done."""
    return erase.erase_in_background(account_id)


def resume_deletions() -> int:
    """The schedule's: how many deletions go on that a dead process left."""
    return erase.resume_deletions()
