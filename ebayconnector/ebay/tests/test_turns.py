"""Who waits for a turn, and in which order they come."""

from __future__ import annotations

import threading
from contextlib import ExitStack
from heapq import heappush

import pytest

from ebayconnector.ebay.turns import Turns


class Line:
    """Threads that ask for a turn one after the other; `order`: who had one, as they had it."""

    def __init__(self, turns: Turns, queued: threading.Semaphore) -> None:
        self.turns = turns
        self.queued = queued
        self.order: list[str] = []
        self.threads: list[threading.Thread] = []

    def joined_by(self, name: str, *, urgent: bool = False) -> None:
        """Returns when it waits."""
        self.threads.append(threading.Thread(target=self._turn, args=(name, urgent), daemon=True))
        self.threads[-1].start()
        assert self.queued.acquire(timeout=10), f"{name} does not wait"

    def _turn(self, name: str, urgent: bool) -> None:
        with self.turns.turn(urgent=urgent):
            self.order.append(name)

    def served(self) -> list[str]:
        for thread in self.threads:
            thread.join(10)
        return self.order


@pytest.fixture
def queued(monkeypatch):
    """Released for each thread that begins to wait."""
    found = threading.Semaphore(0)

    def push(heap, item):
        heappush(heap, item)
        found.release()

    monkeypatch.setattr("ebayconnector.ebay.turns.heappush", push)
    return found


def test_who_is_urgent_comes_first_else_who_came_first(queued):
    turns = Turns(1)
    line = Line(turns, queued)
    with turns.turn():
        line.joined_by("a page")
        line.joined_by("the next page")
        line.joined_by("a first page", urgent=True)
        line.joined_by("another first page", urgent=True)
        assert line.order == []
    assert line.served() == ["a first page", "another first page", "a page", "the next page"]


@pytest.mark.parametrize("at_once", [1, 3])
def test_so_many_hold_one_and_the_next_waits(at_once, queued):
    turns = Turns(at_once)
    line = Line(turns, queued)
    with ExitStack() as held:
        for _ in range(at_once):
            held.enter_context(turns.turn())
        line.joined_by("one more")
        assert line.order == []
    assert line.served() == ["one more"]


def test_a_turn_that_ends_in_an_error_is_handed_on(queued):
    turns = Turns(1)
    for _ in range(2):
        with pytest.raises(ValueError), turns.turn():
            raise ValueError
    line = Line(turns, queued)
    with turns.turn():
        line.joined_by("the next")
    assert line.served() == ["the next"]
