"""A second writer of a run's pages: while the database stores one for it, the run stores another itself."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from django.db import connection, connections


class SecondWriter:
    """A thread with a database connection of its own, started when it is first given something to do.

    It asks eBay nothing. What it raises is raised where the run is: by the next call of any method.
    """

    def __init__(self) -> None:
        self._thread: ThreadPoolExecutor | None = None
        self._storing: Future[object] | None = None

    def takes(self, store: Callable[[], object]) -> bool:
        """True: `store` is being done. False: this writer is busy, or would not see what its run does."""
        if connection.in_atomic_block or (self._storing is not None and not self._storing.done()):
            return False
        self.settle()
        self._thread = self._thread or ThreadPoolExecutor(1, thread_name_prefix="second-writer")
        self._storing = self._thread.submit(store)
        return True

    def settle(self) -> None:
        """Wait until what it was given is done."""
        storing, self._storing = self._storing, None
        if storing is not None:
            storing.result()

    def __enter__(self) -> SecondWriter:
        return self

    def __exit__(self, *exception: object) -> None:
        if self._thread is not None:
            self._thread.submit(connections.close_all)
            self._thread.shutdown()
            self._thread = None
