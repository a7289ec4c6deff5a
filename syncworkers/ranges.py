"""Time ranges: half-open [from, to) in aware UTC, and sets of them as PostgreSQL's `tstzmultirange`."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import models
from psycopg.types.multirange import Multirange
from psycopg.types.range import Range

MILLISECOND = timedelta(milliseconds=1)


@dataclass(frozen=True, order=True)
class Span:
    """Half-open: `start` belongs to it, `end` does not."""

    start: datetime
    end: datetime

    @property
    def length(self) -> timedelta:
        return self.end - self.start

    def split(self, parts: int) -> list[Span]:
        """Equal parts that leave nothing out, oldest first, on whole milliseconds as eBay's filters are."""
        step = self.length / parts
        inner = [to_millisecond(self.start + step * n) for n in range(1, parts)]
        # Floored, an edge may lie before a start that has microseconds.
        edges = [self.start, *(max(edge, self.start) for edge in inner), self.end]
        return [Span(a, b) for a, b in zip(edges, edges[1:], strict=False) if a < b]

    def overlaps(self, other: Span) -> bool:
        return self.start < other.end and other.start < self.end


def to_millisecond(moment: datetime) -> datetime:
    """Floored: eBay's times have milliseconds (03 §0b)."""
    return moment.replace(microsecond=moment.microsecond // 1000 * 1000)


def merged(spans: Iterable[Span]) -> list[Span]:
    """Disjoint, ascending, neighbours joined."""
    result: list[Span] = []
    for span in sorted(s for s in spans if s.start < s.end):
        if result and span.start <= result[-1].end:
            result[-1] = Span(result[-1].start, max(result[-1].end, span.end))
        else:
            result.append(span)
    return result


def without(wanted: Iterable[Span], taken: Iterable[Span]) -> list[Span]:
    """`wanted` less `taken`, ascending."""
    left = merged(wanted)
    for hole in merged(taken):
        left = [piece for span in left for piece in _cut(span, hole)]
    return left


def _cut(span: Span, hole: Span) -> list[Span]:
    if not span.overlaps(hole):
        return [span]
    pieces = [Span(span.start, hole.start), Span(hole.end, span.end)]
    return [piece for piece in pieces if piece.start < piece.end]


_BEGINNING = datetime.min.replace(tzinfo=UTC)
_END = datetime.max.replace(tzinfo=UTC)


class SpansField(models.Field):  # type: ignore[type-arg]  # not subscriptable at run time
    """A list of disjoint spans, stored as `tstzmultirange`."""

    def db_type(self, connection: Any) -> str:
        return "tstzmultirange"

    def from_db_value(self, value: Any, expression: Any, connection: Any) -> list[Span] | None:
        return None if value is None else spans_of(value)

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return None if value is None else multirange_of(value)


def spans_of(value: Multirange[datetime] | str) -> list[Span]:
    """From PostgreSQL. Open ends are not ours; they become the ends of time, which nobody takes for true."""
    assert not isinstance(value, str), "psycopg adapts tstzmultirange"
    return [Span(r.lower or _BEGINNING, r.upper or _END) for r in value]


def multirange_of(spans: Iterable[Span]) -> Multirange[datetime]:
    return Multirange([Range(s.start, s.end, "[)") for s in merged(spans)])
