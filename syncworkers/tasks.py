"""django-q2 jobs: `work` is what a ticket of the `sync` cluster does, the others run in `core`."""

from __future__ import annotations

from .services import runs
from .services import tick as tick_service


def work() -> int:
    return runs.work()


def tick() -> None:
    tick_service.tick()
