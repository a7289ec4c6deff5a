"""A second writer of a run's pages: while the database stores one for it, the run stores another itself."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection, connections


class SecondWriter:
    """A thread with a database connection of its own, started when it is first given something to do.

    It asks eBay nothing. What it raises is raised where the run is, by the next call of any method, and it
    does nothing any more.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._given: deque[Future[object]] = deque()
        self._has_failed = False

    def takes(self, store: Callable[[], object], *, waiting: int = 0) -> bool:
        """True: `store` is done soon, after no more than `waiting` others but the one that is being done.
        False: this writer is busy, or would not see what its run does."""
        while self._given and self._given[0].done():
            self._given.popleft().result()
        if connection.in_atomic_block or self._has_failed or len(self._given) > waiting:
            return False
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="second-writer")
        self._given.append(self._thread.submit(self._do, store))
        return True

    def settle(self) -> None:
        """Wait until what it was given is done."""
        while self._given:
            self._given.popleft().result()

    def _do(self, store: Callable[[], object]) -> None:
        if self._has_failed:
            return
        try:
            store()
        except BaseException:
            self._has_failed = True
            raise

    def __enter__(self) -> SecondWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._thread is not None:
            self._thread.submit(connections.close_all)
            self._thread.shutdown()
            self._thread = None
