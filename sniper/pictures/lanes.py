"""Lanes below each other on one axis of time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString

from .axis import joined, line, percent, span_words, text, ticks

_LANE = 34
_HEAD = 22
_WORDS_Y = 12
_MIDDLE_Y = 23


@dataclass(frozen=True)
class Mark:
    """A moment; with `until` a bar, with `error` a bar of uncertainty to both sides. `tone` is a colour."""

    at: datetime
    tone: str = "blue"
    until: datetime | None = None
    error: timedelta | None = None


@dataclass(frozen=True)
class Lane:
    """What happened, in words, and where; without marks only the words are shown."""

    label: str
    value: str
    marks: tuple[Mark, ...] = ()


@dataclass(frozen=True)
class Guide:
    """A line through all lanes."""

    at: datetime
    tone: str


@dataclass(frozen=True)
class Chart:
    """From `start` to `end`; the axis counts from `origin`. `name` says what the picture shows."""

    name: str
    start: datetime
    end: datetime
    origin: datetime
    lanes: tuple[Lane, ...]
    guides: tuple[Guide, ...] = ()

    def share(self, at: datetime) -> float:
        """Where a moment lies: 0 at the start, 1 at the end; outside of them less or more."""
        return (at - self.start) / (self.end - self.start)


def draw_lanes(chart: Chart) -> SafeString:
    """The chart as an `<svg>` as wide as its place. Its words are in its label too, for those who listen."""
    height = _HEAD + _LANE * len(chart.lanes) + 4
    said = "; ".join(f"{lane.label}: {lane.value}" for lane in chart.lanes)
    return format_html(
        '<svg class="ec-picture" role="img" aria-label="{}. {}" width="100%" height="{}">{}{}{}</svg>',
        chart.name, said, height, joined(_axis(chart, height)), joined(_guides(chart, height)),
        joined(_lane(chart, lane, _HEAD + place * _LANE) for place, lane in enumerate(chart.lanes)),
    )  # fmt: skip


def _axis(chart: Chart, height: int) -> Iterator[SafeString]:
    for at in ticks(chart.start, chart.end, chart.origin):
        share = chart.share(at)
        words = "0" if at == chart.origin else span_words(at - chart.origin)
        yield line(share, 16, height, "ec-grid")
        yield text(share, 11, words, kind="ec-axis")


def _guides(chart: Chart, height: int) -> Iterator[SafeString]:
    for guide in chart.guides:
        share = chart.share(guide.at)
        if 0 <= share <= 1:
            yield line(share, 16, height, f"ec-guide ec-{guide.tone}")


def _lane(chart: Chart, lane: Lane, top: int) -> SafeString:
    return format_html(
        '<g class="ec-lane">{}{}{}{}</g>',
        format_html('<line class="ec-base" x1="0%" x2="100%" y1="{0}" y2="{0}"/>', top + _MIDDLE_Y),
        text(0, top + _WORDS_Y, lane.label, kind="ec-label", towards="start"),
        text(1, top + _WORDS_Y, lane.value, kind="ec-value", towards="end"),
        joined(piece for mark in lane.marks for piece in _mark(chart, mark, top + _MIDDLE_Y)),
    )


def _mark(chart: Chart, mark: Mark, y: int) -> Iterator[SafeString]:
    share = chart.share(mark.at)
    if mark.error is not None:
        yield from _error_bar(chart, mark, mark.error, y)
    if mark.until is not None:
        yield _bar(share, chart.share(mark.until), y, mark.tone)
    if share < 0:
        yield text(0, y + 4, "◂", kind=f"ec-out ec-{mark.tone}", towards="start")
    elif share > 1:
        yield text(1, y + 4, "▸", kind=f"ec-out ec-{mark.tone}", towards="end")
    else:
        yield format_html('<circle class="ec-{}" cx="{}" cy="{}" r="4.5"/>', mark.tone, percent(share), y)


def _bar(start: float, end: float, y: int, tone: str) -> SafeString:
    left, right = _inside(start), _inside(end)
    return format_html(
        '<rect class="ec-{}" x="{}" width="{}" y="{}" height="7" rx="2" opacity="0.55"/>',
        tone, percent(left), percent(max(right - left, 0.0)), y - 3,
    )  # fmt: skip


def _error_bar(chart: Chart, mark: Mark, error: timedelta, y: int) -> Iterator[SafeString]:
    left, right = chart.share(mark.at - error), chart.share(mark.at + error)
    yield format_html(
        '<line class="ec-error ec-{}" x1="{}" x2="{}" y1="{}" y2="{}"/>',
        mark.tone, percent(_inside(left)), percent(_inside(right)), y, y,
    )  # fmt: skip
    for share in (left, right):
        if 0 <= share <= 1:
            yield line(share, y - 5, y + 5, f"ec-error ec-{mark.tone}")


def _inside(share: float) -> float:
    return min(max(share, 0.0), 1.0)
