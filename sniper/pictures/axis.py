"""Where things lie on an axis: in percent of its width, so that a picture fits any screen unscaled."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.utils.html import format_html
from django.utils.safestring import SafeString, mark_safe

# Text nearer to an edge than this would be cut off when it were centred.
_EDGE_PERCENT = 9.0
_MOST_TICKS = 5
_STEPS = (1, 2, 5)


def joined(parts: Iterable[SafeString]) -> SafeString:
    """Markup after markup."""
    return mark_safe("".join(parts))


def percent(share: float) -> str:
    return f"{share * 100:.3f}%"


def anchor(share: float) -> str:
    """The `text-anchor` with which a text at this place stays inside."""
    if share * 100 < _EDGE_PERCENT:
        return "start"
    return "end" if share * 100 > 100 - _EDGE_PERCENT else "middle"


def text(share: float, y: int, words: str, *, kind: str = "", towards: str = "") -> SafeString:
    """Words at a place; `towards` is their `text-anchor`, by the place when it is left out."""
    return format_html(
        '<text class="{}" x="{}" y="{}" text-anchor="{}">{}</text>',
        kind, percent(share), y, towards or anchor(share), words,
    )  # fmt: skip


def line(share: float, top: int, bottom: int, kind: str) -> SafeString:
    place = percent(share)
    return format_html('<line class="{}" x1="{}" x2="{}" y1="{}" y2="{}"/>', kind, place, place, top, bottom)


def step_of(length: timedelta) -> timedelta:
    """1, 2 or 5 times a power of ten of microseconds: the finest that gives at most five steps."""
    wanted = max(length / timedelta(microseconds=1) / _MOST_TICKS, 1.0)
    power = 1
    while True:
        for factor in _STEPS:
            if factor * power >= wanted:
                return timedelta(microseconds=factor * power)
        power *= 10


def ticks(start: datetime, end: datetime, origin: datetime) -> Iterator[datetime]:
    """Moments at whole steps from `origin`, from `start` to `end`."""
    step = step_of(end - start)
    at = origin + -((origin - start) // step) * step
    while at <= end:
        yield at
        at += step


def span_words(span: timedelta, *, sign: bool = True) -> str:
    """`+0.31 ms`, `−5 s`, `+2 min 5 s`: as exact as its size allows."""
    size = abs(span)
    mark = "" if not sign else ("−" if span < timedelta(0) else "+")
    if size < timedelta(milliseconds=100):
        return f"{mark}{_trimmed(size / timedelta(milliseconds=1), 2)} ms"
    if size < timedelta(seconds=1):
        return f"{mark}{size / timedelta(milliseconds=1):.0f} ms"
    seconds = size.total_seconds()
    if seconds < 120:
        return f"{mark}{_trimmed(seconds, 3)} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 120:
        return f"{mark}{minutes} min {rest} s" if rest else f"{mark}{minutes} min"
    hours = minutes // 60
    return f"{mark}{hours} h" if hours < 48 else f"{mark}{hours // 24} days"


def _trimmed(number: float, digits: int) -> str:
    written = f"{number:.{digits}f}"
    return written.rstrip("0").rstrip(".") if "." in written else written
