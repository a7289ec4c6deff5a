"""Whose turn it is, of several threads that want to call at once."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from heapq import heappop, heappush
from itertools import count


class Turns:
    """So many turns are held at a time. Who is urgent comes before all who are not, else who came first."""

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._waiting: list[tuple[bool, int, threading.Event]] = []
        self._numbers = count()
        self._lock = threading.Lock()

    @contextmanager
    def turn(self, *, urgent: bool = False) -> Iterator[None]:
        """Waits for a turn, and holds it."""
        self._take(urgent)
        try:
            yield
        finally:
            self._hand_on()

    def _take(self, urgent: bool) -> None:
        called = threading.Event()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            heappush(self._waiting, (not urgent, next(self._numbers), called))
        called.wait()

    def _hand_on(self) -> None:
        with self._lock:
            if self._waiting:
                heappop(self._waiting)[-1].set()
            else:
                self._free += 1
