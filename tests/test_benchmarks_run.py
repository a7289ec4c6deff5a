"""Measurements that reach into the product go through, at a small size; what they find is not tested."""

from __future__ import annotations

from typing import Any

import pytest

from benchmarks import breakdown, engine_load, growth, memory, parts, record_pages, ticking
from benchmarks.report import slow
from benchmarks.report.figures import bound_s, rounds_words
from benchmarks.report.goals import goals_of

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS = 450


def test_three_loads_through_the_engine(simulator):
    loads = engine_load.measure(orders=ORDERS)
    assert [loads[name]["stored"] for name in ("first", "second", "third")] == [ORDERS, 0, 45]
    assert loads["first"]["server"]["pages"] > 2
    # An entry in the index of people for each order.
    assert loads["first"]["rows_written"] == loads["first"]["rows"] + ORDERS
    assert loads["second"]["rows_written"] == 0


def test_the_parts_of_a_load_are_its_whole(simulator):
    found = breakdown.measure(orders=ORDERS)
    seconds = dict(found["parts"])
    assert {breakdown.UPSERT, breakdown.CHILDREN, breakdown.COMMIT, breakdown.MAP} <= seconds.keys()
    assert sum(seconds.values()) == pytest.approx(found["seconds"], rel=0.05)


def test_a_table_is_filled_before_a_load_beside_it(simulator):
    assert growth.fill_table(already=300)["already"] == 300
    assert growth.measure(orders=ORDERS)["stored"] == ORDERS


def test_memory_of_a_load(simulator):
    found = memory.measure(orders=ORDERS)
    assert found["peak_mb"] >= found["before_mb"] > 0


def test_pages_of_other_apis(simulator):
    assert record_pages.measure(repeats=1)


def test_a_tick_beside_rows_one_by_one():
    assert ticking.measure(workers=20, by_row=5)


class Told:
    """In place of the stage: notes what it was to measure."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, int]] = []

    def measure(self, name: str, *, orders: int) -> dict[str, Any]:
        self.asked.append((name, orders))
        return {}


def test_the_slow_ways_load_fewer_orders_and_once_where_orders_are_many():
    sizes = parts.Sizes(orders=450, large_orders=200_000, already=(), workers=0, rounds=2)
    stage = Told()
    parts.STANDARD["loads"](stage, sizes)
    assert stage.asked == [(way, 450) for way in ("engine", "limit", "bulk_create", "per_row")] * 2
    stage = Told()
    parts.BIG["large"](stage, sizes)
    many, few = [("engine", 200_000), ("limit", 200_000)], [("bulk_create", 20_000), ("per_row", 20_000)]
    assert stage.asked == [*many, *few, *many]
    assert rounds_words({"engine": 3, "limit": 3, "bulk_create": 1, "per row": 1}) == (
        "rounds: 3, the median counts; bulk_create and per row: 1"
    )


def test_the_bound_of_slow_pages_is_of_pages_and_undelayed_work():
    server = {"pages": 115, "at_once": 3, "most_at_once": 3, "page_s": 0.09}
    delayed = {
        "seconds": 3.2, "fetch_s": 0.2, "orders": 20_000, "server": server, "requests": 115,
    }  # fmt: skip
    quick, long = {"seconds": 1.3, "fetch_s": 0.1}, {"seconds": 4.1, "fetch_s": 0.1}
    assert bound_s(delayed, quick, 100, 0.08) == pytest.approx(100 * 0.08 / 3)
    assert bound_s(delayed, long, 100, 0.08) == pytest.approx(4)
    names = ("first", "second", "third")
    found = {
        "page_s": 0.08,
        "engine": [dict.fromkeys(names, delayed)],
        "undelayed": [dict.fromkeys(names, quick)],
        "limit": [dict.fromkeys(names, delayed)],
    }
    ratios = [goal.measured for goal in goals_of({"slow": found})]
    assert ratios == pytest.approx([3.2 / (115 * 0.08 / 3), 1.2] * 3 + [3])
    cells = [cell.strip() for cell in slow.words(found).splitlines()[4].split("|")]
    assert cells[5:-1] == ["115", "100", "3 (3)", "90", "1.20", "3.07 (delay)", "1.04", "0.93", "1.20"]
