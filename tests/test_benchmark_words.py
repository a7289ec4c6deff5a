"""What `make bench` says about its figures; the figures themselves are measured, not tested."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

from benchmarks import report
from benchmarks.report.goals import goals_of
from benchmarks.simulated import at_once


def load(
    seconds: float, fetch_s: float, *, wal: int = 100, orders: int = 1000, **more: Any
) -> dict[str, Any]:
    return {
        "seconds": seconds, "fetch_s": fetch_s, "cpu_s": 1.0, "requests": 10, "orders": orders,
        "rows": orders * 2, "rows_written": 0, "wal_bytes": wal, "before_mb": 100.0, "peak_mb": 139.0,
        "server": {"pages": 10, "at_once": 2, "most_at_once": 3, "page_s": 0.2}, **more,
    }  # fmt: skip


def loads() -> dict[str, Any]:
    engine = {"first": load(4, 1), "second": load(2, 1.5, wal=2), "third": load(2, 1)}
    per_row = {name: load(2, 0.2, orders=100) for name in engine}
    limit = {name: load(3, 1) for name in engine}
    return {"engine": [engine], "limit": [limit], "bulk_create": [limit], "per_row": [per_row]}


def met(results: dict[str, Any]) -> dict[str, tuple[float, bool]]:
    return {goal.text.partition(": ")[2]: (goal.measured, goal.is_met) for goal in goals_of(results)}


def told(results: dict[str, Any]) -> str:
    """The report, its tables without their padding."""
    return re.sub(" +", " ", report.text_of(results))


def test_goals_compare_order_for_order_and_say_what_was_missed() -> None:
    found = met({"loads": loads()})
    assert found["first load, speed against the limit's"] == (0.75, False)
    assert found["first load, speed against *per row*"] == (5.0, True)
    assert found["nothing changed, WAL in % of the first load's"] == (2.0, False)
    assert found["nothing changed, rows written"] == (0, True)


def sniping(**found: Any) -> dict[str, Any]:
    return {
        "count": 500, "spread_s": 1.0, "sent": 500, "p50_ms": 0.04, "p99_ms": 16.0, "longest_ms": 20.0,
        "early": 0, "twice": 0, "lost": 1, "web_requests": 300, "loads": 7,
        "predecessor": {"p50_ms": 2000.0, "p99_ms": 4900.0, "refused": 67}, **found,
    }  # fmt: skip


def test_bids_are_held_against_their_goals_beside_the_predecessors() -> None:
    results = {"sniping": [sniping(), sniping(spread_s=0.0, p50_ms=14.0, lost=0)]}
    found = met(results)
    assert found["lateness in the median, ms"] == (14.0, True)
    assert [goal.is_met for goal in goals_of(results)] == [True, False, False, True, True, True]
    text = told({"date": "today", "machine": report.machine(postgres="18", commit_ms=0.3), **results})
    assert "| 500 over 1 s | 0.04 | 16.00 | 20.00 | 0 / 0 / 1 | 2,000 | 4,900 | 67 |" in text
    assert "300 pages and 7 loads; 300 pages and 7 loads" in text


def test_goals_give_speed_without_the_servers_time_as_well() -> None:
    unchanged = next(g for g in goals_of({"loads": loads()}) if "nothing changed, speed" in g.text)
    assert (unchanged.measured, unchanged.own) == (2.0, 6.0)


def test_slow_pages_are_held_against_the_larger_of_delay_and_undelayed_work() -> None:
    # Ten pages were asked for, and 1,000 orders need five of them.
    held_up, delay = load(3, 0.5), load(0.24, 0.2)
    slow = {
        "page_s": 0.08,
        "engine": [{"first": held_up, "second": delay, "third": held_up}],
        "undelayed": [{"first": load(2.6, 0.1), "second": load(0.2, 0.1), "third": load(2.6, 0.1)}],
    }
    ratios = [goal.measured for goal in goals_of({"slow": slow})]
    assert ratios == pytest.approx([1.2, 1.2, 0.6, 1.2, 1.2, 1.2, 3])


def test_calls_that_touch_are_not_at_once() -> None:
    assert at_once([(0, 1), (1, 2), (2, 3)]) == {1: 3}
    assert at_once([(0, 3), (1, 2), (1.5, 4), (3, 5)]) == {1: 2, 2: 2.5, 3: 0.5}
    assert at_once([(0, 1), (2, 3)]) == {1: 2}
    assert at_once([]) == {}


def test_each_kind_of_run_writes_its_own_block(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    readme = tmp_path / "README.md"
    readme.write_text(report.README.read_text())
    monkeypatch.setattr(report, "README", readme)
    monkeypatch.setattr(report, "RESULTS", tmp_path / "results")
    report.write({"loads": 1}, "STANDARD", big=False)
    report.write({"large": 1}, "LARGE", big=True)
    report.write({"loads": 2}, "STANDARD AGAIN", big=False)
    text = readme.read_text()
    assert "<!-- figures: begin -->\nSTANDARD AGAIN\n<!-- figures: end -->" in text
    assert "<!-- big figures: begin -->\nLARGE\n<!-- big figures: end -->" in text
    assert {path.name for path in (tmp_path / "results").iterdir()} == {"last.json", "big.json"}


def test_a_report_names_every_part_that_was_measured() -> None:
    page = {"rows": 200, "bytes": 1024, "parse_s": 0.01, "store_s": 0.01, "unchanged_s": 0.005}
    ways = {name: loads()["engine"] for name in ("engine", "undelayed", "limit")}
    text = told({
        "date": "today", "machine": report.machine(postgres="18", commit_ms=0.3), "loads": loads(),
        "slow": {"page_s": 0.08, **ways}, "pages": {"trading": page, "post_order": page},
        "growth": [{"already": n, "loads": [{"first": load(4, 1)}]} for n in (20, 200)],
    })  # fmt: skip
    assert "| Trading, listings (XML) | 200 | 1 | 10.0 | 10.0 | 10,000 |" in text
    assert "| 200 | 4.00 | 1.00 | 250 |" in text
    assert "*per row* was measured on 100 orders and scaled." in text
    assert "### 1,000 orders, a page takes eBay 80 ms" in text


def test_a_part_that_failed_is_named_beside_the_figures_of_the_others() -> None:
    measured = {"date": "today", "machine": report.machine(postgres="18", commit_ms=0.3), "loads": loads()}
    assert "**Failed: breakdown.** **Failed: tick.**" in told({**measured, "failed": ["breakdown", "tick"]})
    assert "Failed" not in told(measured)
