"""Who waits for a turn, and in which order they come."""

from __future__ import annotations

import threading
import time
from contextlib import ExitStack

import pytest

from ebayconnector.ebay.turns import Turns


class Line:
    """Threads that ask for a turn one after the other; `order`: who had one, as they had it."""

    def __init__(self, turns: Turns) -> None:
        self.turns = turns
        self.order: list[str] = []
        self.threads: list[threading.Thread] = []

    def joined_by(self, name: str, *, urgent: bool = False) -> None:
        """Returns when it waits."""
        before = len(self.turns._waiting)
        self.threads.append(threading.Thread(target=self._turn, args=(name, urgent), daemon=True))
        self.threads[-1].start()
        deadline = time.monotonic() + 10
        while len(self.turns._waiting) == before:
            assert time.monotonic() < deadline, f"{name} does not wait"
            time.sleep(0.001)

    def _turn(self, name: str, urgent: bool) -> None:
        with self.turns.turn(urgent=urgent):
            self.order.append(name)

    def served(self) -> list[str]:
        for thread in self.threads:
            thread.join(10)
        return self.order


def test_who_is_urgent_comes_first_else_who_came_first():
    turns = Turns(1)
    line = Line(turns)
    with turns.turn():
        line.joined_by("a page")
        line.joined_by("the next page")
        line.joined_by("a first page", urgent=True)
        line.joined_by("another first page", urgent=True)
        assert line.order == []
    assert line.served() == ["a first page", "another first page", "a page", "the next page"]


@pytest.mark.parametrize("at_once", [1, 3])
def test_so_many_hold_one_and_the_next_waits(at_once):
    turns = Turns(at_once)
    line = Line(turns)
    with ExitStack() as held:
        for _ in range(at_once):
            held.enter_context(turns.turn())
        line.joined_by("one more")
        assert line.order == []
    assert line.served() == ["one more"]


def test_a_turn_that_ends_in_an_error_is_handed_on():
    turns = Turns(1)
    for _ in range(2):
        with pytest.raises(ValueError), turns.turn():
            raise ValueError
    line = Line(turns)
    with turns.turn():
        line.joined_by("the next")
    assert line.served() == ["the next"]
