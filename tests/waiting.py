"""Waiting for what another process does: until it is true, never for a time."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
_pause = threading.Event()


def eventually(question: Callable[[], T], *, within_s: float = 30.0, what: str | Callable[[], str] = "") -> T:
    """The first true answer to `question`; an AssertionError after `within_s`, in the words of `what`."""
    deadline = time.monotonic() + within_s
    while True:
        answer = question()
        if answer:
            return answer
        if time.monotonic() > deadline:
            words = what() if callable(what) else what or question
            raise AssertionError(f"not within {within_s} s: {words}")
        _pause.wait(0.1)
