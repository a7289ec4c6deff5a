"""Measurements that reach into the product go through, at a small size; what they find is not tested."""

from __future__ import annotations

import pytest

from benchmarks import breakdown, engine_load, growth, memory, record_pages, ticking

pytestmark = pytest.mark.django_db(transaction=True)
ORDERS = 450


def test_three_loads_through_the_engine(simulator):
    loads = engine_load.measure(orders=ORDERS)
    assert [loads[name]["stored"] for name in ("first", "second", "third")] == [ORDERS, 0, 45]
    assert loads["first"]["server"]["pages"] > 2


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
