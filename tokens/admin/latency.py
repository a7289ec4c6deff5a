"""Health checks as a picture: latency over time, made here and drawn by the browser without a script.

Coordinates run from 0 to 1000 both ways and are stretched to the place there is; words stand beside it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from statistics import median

from accounts.display import length
from tokens.models import HealthCheck

SPAN = timedelta(days=7)
_SIZE = 1000
# A mark on the edge would be cut in half.
_TOP, _BOTTOM = 60, 960
_NICE_MS = (100, 200, 500, 1_000, 2_000, 5_000, 10_000, 30_000, 60_000)


@dataclass(frozen=True)
class Mark:
    """One check; `title` is what a pointer on it reads."""

    x: int
    y: int
    ok: bool
    title: str


@dataclass(frozen=True)
class Plot:
    """`lines`: points of latency, apart where more than three hours lie between them."""

    marks: list[Mark]
    lines: list[str]
    top_label: str
    middle_label: str
    summary: str


def latency_plot(checks: Sequence[HealthCheck], *, now: datetime) -> Plot | None:
    """The checks of the last week; None when there is none."""
    shown = sorted((one for one in checks if now - SPAN <= one.checked_at), key=lambda one: one.checked_at)
    if not shown:
        return None
    slowest = max((one.latency_ms or 0 for one in shown), default=0)
    top = next((nice for nice in _NICE_MS if nice >= slowest), slowest)
    marks = [_mark(one, now, top) for one in shown]
    return Plot(
        marks=marks,
        lines=_lines(shown, marks),
        top_label=length(timedelta(milliseconds=top)),
        middle_label=length(timedelta(milliseconds=top / 2)),
        summary=_summary(shown, slowest),
    )


def _mark(check: HealthCheck, now: datetime, top: int) -> Mark:
    x = round(_SIZE * (1 - (now - check.checked_at) / SPAN))
    latency = check.latency_ms
    # What was not answered stands at the top.
    y = _TOP if latency is None else round(_BOTTOM - (_BOTTOM - _TOP) * min(latency / top, 1))
    how = "well" if check.ok else check.error_code.replace("_", " ")
    took = f", {latency} ms" if latency is not None else ""
    return Mark(x, y, check.ok, f"{check.checked_at:%Y-%m-%d %H:%M} UTC: {how}{took}")


def _lines(checks: Sequence[HealthCheck], marks: Sequence[Mark]) -> list[str]:
    lines: list[list[str]] = []
    before: datetime | None = None
    for check, mark in zip(checks, marks, strict=True):
        if check.latency_ms is None:
            before = None
            continue
        if before is None or check.checked_at - before > timedelta(hours=3):
            lines.append([])
        lines[-1].append(f"{mark.x},{mark.y}")
        before = check.checked_at
    return [" ".join(points) for points in lines if len(points) > 1]


def _summary(checks: Sequence[HealthCheck], slowest: int) -> str:
    failed = sum(not one.ok for one in checks)
    latencies = [one.latency_ms for one in checks if one.latency_ms is not None]
    times = f"; latency {median(latencies):.0f} ms in the middle, {slowest} ms at most" if latencies else ""
    return f"{len(checks)} checks in a week, {failed or 'none'} failed{times}"
