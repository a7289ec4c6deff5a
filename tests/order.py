"""The tests that wait for processes begin first, on all of xdist's workers: none is left alone at the end.

`--dist worksteal` gives each worker an equal number of tests that follow each other; who is done takes over
from the end of another one's.
"""

from __future__ import annotations

import pytest

# Roughly what each takes. What is not named here is short, or made of many short ones.
_SECONDS = {
    "tests/test_demo.py::test_the_demo_fills": 60,
    "tests/test_demo.py::test_one_cycle": 40,
    "tests/browser/": 60,
    "tests/flows/test_clusters.py": 70,
    "tests/flows/test_wedged.py": 40,
    "tests/flows/test_run_now.py": 20,
    "tests/flows/test_backlog.py": 20,
    "tests/races/test_crashes.py": 40,
    "tests/races/test_snipes.py": 25,
    "tests/races/test_pass_crashes.py": 20,
    "sniper/tests/test_executor.py": 25,
    "tests/test_embedded_postgres.py": 15,
    "syncworkers/tests/test_broken_runs.py": 15,
    "tests/test_simulated_day.py": 20,
    "tests/test_admin_walk.py": 20,
}


def long_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """So that of `workers` equal parts each begins with about as many seconds of long tests."""
    groups: dict[str, list[pytest.Item]] = {}
    quick: list[pytest.Item] = []
    for item in items:
        name = next((name for name in _SECONDS if item.nodeid.startswith(name)), None)
        (quick if name is None else groups.setdefault(name, [])).append(item)
    parts: list[tuple[list[pytest.Item], list[int]]] = [([], []) for _ in range(workers)]
    for name in sorted(groups, key=lambda name: -_SECONDS[name]):
        tests, seconds = min(parts, key=lambda part: sum(part[1]))
        tests += groups[name]
        seconds.append(_SECONDS[name])
    return _filled([tests for tests, _ in parts], quick, len(items))


def _filled(parts: list[list[pytest.Item]], quick: list[pytest.Item], total: int) -> list[pytest.Item]:
    """The parts one after the other, each with so many quick tests that xdist cuts where it begins."""
    ordered: list[pytest.Item] = []
    for number, tests in enumerate(parts):
        ordered += tests
        missing = max(0, total * (number + 1) // len(parts) - len(ordered))
        ordered += quick[:missing]
        del quick[:missing]
    return ordered + quick
