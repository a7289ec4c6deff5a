"""The goals beside what was measured. Nothing fails by them: the figures are the machine's of that minute."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from .figures import LOADS, Figures, bound_s, data_pages, growth_mb, median, own_times_as_fast, times_as_fast
from .table import table

_MEMORY_MB = 40
_HEAD = ("", "goal", "measured", "met", "without the server's own time")


@dataclass(frozen=True)
class Goal:
    """`at_least` or else at most: whether `measured` should not be below or not above `wanted`.

    `own`: the same with what the simulator needs for a page left out, which is not eBay's time but this
    machine's.
    """

    text: str
    wanted: float
    measured: float
    at_least: bool = True
    form: str = ".2f"
    own: float | None = None

    @property
    def is_met(self) -> bool:
        return self.measured >= self.wanted if self.at_least else self.measured <= self.wanted

    @property
    def line(self) -> list[str]:
        wanted = f"at {'least' if self.at_least else 'most'} {self.wanted:g}"
        own = "" if self.own is None else format(self.own, self.form)
        return [self.text, wanted, format(self.measured, self.form), "yes" if self.is_met else "no", own]


def words(results: Mapping[str, Any]) -> str:
    """The table of those that the results can tell of; '' when there are none."""
    lines = [goal.line for goal in goals_of(results)]
    return f"### Goals\n\n{table(_HEAD, lines)}" if lines else ""


def goals_of(results: Mapping[str, Any]) -> list[Goal]:
    found: list[Goal] = []
    for name, goals in _GOALS.items():
        found += goals(results[name]) if name in results else []
    return found


def _of_loads(loads: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Goal]:
    first, second, third = (median(loads["engine"], load) for load in LOADS)
    of = f"{first['orders']:,} orders:"
    for way, title, wanted in (("limit", "the limit's", 0.9), ("per_row", "*per row*", 5)):
        other = median(loads[way], "first")
        yield _speed(f"{of} first load, speed against {title}", wanted, first, other)
    yield Goal(f"{of} nothing changed, rows written", 0, second["rows_written"], at_least=False, form=",")
    wal = 100 * second["wal_bytes"] / first["wal_bytes"]
    yield Goal(f"{of} nothing changed, WAL in % of the first load's", 1, wal, at_least=False)
    yield _speed(f"{of} nothing changed, speed against the first load", 3, second, first)
    yield _speed(f"{of} 10 % changed, speed against the first load", 2, third, first)


def _of_large(loads: Mapping[str, Sequence[Mapping[str, Any]]]) -> Iterator[Goal]:
    yield from _of_loads(loads)
    yield _memory(median(loads["engine"], "first"), debug=False)


def _speed(text: str, wanted: float, fast: Figures, slow: Figures) -> Goal:
    return Goal(text, wanted, times_as_fast(fast, slow), own=own_times_as_fast(fast, slow))


def _of_slow(slow: Mapping[str, Any]) -> Iterator[Goal]:
    page_s, loads = slow["page_s"], slow["engine"]
    of = f"{page_s * 1000:.0f} ms a page"
    for load, title in LOADS.items():
        one, undelayed = median(loads, load), median(slow["undelayed"], load)
        asked, server_s = int(one["server"]["pages"]), one["server"]["page_s"]
        for pages, which in ((asked, "pages asked for"), (data_pages(one), "data pages alone")):
            ratio, own = (
                one["seconds"] / bound_s(one, undelayed, pages, each_s) for each_s in (page_s, server_s)
            )
            text = f"{of}, {title}: time against the larger of {pages} {which} and own work"
            yield Goal(text, 1.2, ratio, at_least=False, own=own)
    most = max(one[load]["server"]["most_at_once"] for one in loads for load in LOADS)
    yield Goal(f"{of}: most pages in flight", 4, most, at_least=False, form="d")


def _of_memory(memory: Sequence[Figures]) -> Iterator[Goal]:
    return (_memory(one, debug=one["debug"]) for one in memory)


def _memory(one: Figures, *, debug: bool) -> Goal:
    text = f"{one['orders']:,} orders: memory above start, DEBUG {'on' if debug else 'off'}, MB"
    return Goal(text, _MEMORY_MB, growth_mb(one), at_least=False, form=".1f")


def _of_growth(growth: Sequence[Mapping[str, Any]]) -> Iterator[Goal]:
    least, most = growth[0], growth[-1]
    text = f"speed with {most['already']:,} orders in the table against {least['already']:,}"
    yield _speed(text, 0.85, median(most["loads"], "first"), median(least["loads"], "first"))


def _of_sniping(found: Sequence[Mapping[str, Any]]) -> Iterator[Goal]:
    for one in found:
        at_once = not one["spread_s"]
        half, nearly_all = (15, 50) if at_once else (2, 15)
        when = "at one moment" if at_once else f"over {one['spread_s']:g} s"
        of = f"{one['count']:,} bids {when}"
        yield Goal(f"{of}: lateness in the median, ms", half, one["p50_ms"], at_least=False)
        yield Goal(f"{of}: lateness at 99 %, ms", nearly_all, one["p99_ms"], at_least=False)
        wrong = one["early"] + one["twice"] + one["lost"]
        yield Goal(f"{of}: early, double or lost", 0, wrong, at_least=False, form="d")


_GOALS: Mapping[str, Callable[[Any], Iterator[Goal]]] = {
    "loads": _of_loads,
    "slow": _of_slow,
    "memory": _of_memory,
    "large": _of_large,
    "growth": _of_growth,
    "sniping": _of_sniping,
}
