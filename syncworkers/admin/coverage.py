"""The coverage strip of a worker: the wanted time as a bar, oldest left."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from accounts.display import clock
from syncworkers.ranges import Span, merged
from syncworkers.selectors import Gap, WorkerRow


@dataclass(frozen=True)
class Part:
    """A piece of the strip; `left` and `width` are percents, `kind` is covered, missing or failed."""

    kind: str
    span: Span
    left: str
    width: str
    words: str

    @property
    def interval(self) -> str:
        """The exact span as ISO 8601, for the button that heals it."""
        return f"{self.span.start.isoformat()}/{self.span.end.isoformat()}"


def coverage_strip(row: WorkerRow, *, now: datetime) -> list[Part]:
    """What is covered and the gaps, oldest first; the rest is the live part that the next run reads."""
    whole = Span(row.wanted_since, now)
    if whole.start >= whole.end:
        return []
    covered = [
        _part("covered", span, whole, f"Covered: {_words(span)}") for span in merged(row.state.covered)
    ]
    gaps = [_part("failed" if gap.why else "missing", gap.span, whole, _gap_words(gap)) for gap in row.gaps]
    parts = [part for part in [*covered, *gaps] if part.span.overlaps(whole)]
    return sorted(parts, key=lambda part: part.span)


def _part(kind: str, span: Span, whole: Span, words: str) -> Part:
    start, end = max(span.start, whole.start), min(span.end, whole.end)
    left = 100 * ((start - whole.start) / whole.length)
    return Part(kind, span, f"{left:.3f}", f"{100 * ((end - start) / whole.length):.3f}", words)


def _gap_words(gap: Gap) -> str:
    if not gap.why:
        return f"Not read yet: {_words(gap.span)}"
    retry = f", next try {clock(gap.retry_at)}" if gap.retry_at else ""
    return f"Failed: {_words(gap.span)}, {gap.why}{retry}"


def _words(span: Span) -> str:
    return f"{span.start:%Y-%m-%d %H:%M} to {span.end:%Y-%m-%d %H:%M}"
