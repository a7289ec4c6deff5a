"""How latencies are spread, on a logarithmic axis."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from django.utils.html import format_html
from django.utils.safestring import SafeString

from .axis import joined, line, percent, text

_PER_DECADE = (1.0, 1.5, 2.0, 3.0, 5.0, 7.0)
_HEIGHT, _TOP, _BOTTOM = 150, 28, 126
_MOST_LABELS = 6


def percentile(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of them does not exceed. Raises IndexError for none."""
    ordered = sorted(values)
    return ordered[max(math.ceil(share * len(ordered)), 1) - 1]


@dataclass(frozen=True)
class Spread:
    """`counts[i]` values lie from `edges[i]` up to, without, `edges[i + 1]`; edges are in milliseconds."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    def share(self, value: float) -> float:
        """Where a value lies between the first edge (0) and the last (1): each bin is equally wide."""
        for place, (low, high) in enumerate(zip(self.edges, self.edges[1:], strict=False)):
            if value < high:
                within = math.log(max(value, low) / low) / math.log(high / low)
                return (place + within) / len(self.counts)
        return 1.0


def spread_of(values: Sequence[float]) -> Spread:
    """Six bins in each power of ten, from 0.01 ms on, no empty ones at the ends. Needs one value."""
    known = [max(value, 0.01) for value in values]
    edges = list(_edges(min(known), max(known)))
    counts = [0] * (len(edges) - 1)
    for value in known:
        counts[max(place for place, edge in enumerate(edges[:-1]) if edge <= value)] += 1
    return Spread(tuple(edges), tuple(counts))


def _edges(low: float, high: float) -> Iterator[float]:
    every = [
        factor * 10.0**power
        for power in range(math.floor(math.log10(low)), math.ceil(math.log10(high)) + 2)
        for factor in _PER_DECADE
    ]
    first = max((place for place, edge in enumerate(every) if edge <= low), default=0)
    last = next(place for place, edge in enumerate(every) if edge > high)
    yield from every[first : last + 1]


def draw_histogram(values: Sequence[float], *, name: str) -> SafeString:
    """Milliseconds as bars with their numbers, the median and 99 % as lines; '' without values."""
    if not values:
        return SafeString("")
    spread = spread_of(values)
    middle, late = percentile(values, 0.5), percentile(values, 0.99)
    said = f"{len(values)} values, half of them within {ms(middle)}, 99 % within {ms(late)}"
    return format_html(
        '<svg class="ec-picture" role="img" aria-label="{}: {}" width="100%" height="{}">{}{}{}</svg>',
        name, said, _HEIGHT, joined(_bars(spread)), joined(_labels(spread)),
        joined([*_line(spread, middle, "50 %", 11, "green"), *_line(spread, late, "99 %", 24, "amber")]),
    )  # fmt: skip


def _bars(spread: Spread) -> Iterator[SafeString]:
    tallest, width = max(spread.counts), 1 / len(spread.counts)
    for place, count in enumerate(spread.counts):
        height = round((_BOTTOM - _TOP - 16) * count / tallest) if count else 0
        yield format_html(
            '<rect class="ec-blue" x="{}" width="{}" y="{}" height="{}" rx="2" opacity="0.7">'
            "<title>{} to {}: {}</title></rect>",
            percent((place + 0.08) * width), percent(0.84 * width), _BOTTOM - height, height,
            ms(spread.edges[place]), ms(spread.edges[place + 1]), count,
        )  # fmt: skip
        if count:
            yield text((place + 0.5) * width, _BOTTOM - height - 4, str(count), kind="ec-axis")


def _labels(spread: Spread) -> Iterator[SafeString]:
    yield format_html('<line class="ec-base" x1="0%" x2="100%" y1="{0}" y2="{0}"/>', _BOTTOM)
    every = math.ceil(len(spread.edges) / _MOST_LABELS)
    for place in range(0, len(spread.edges), every):
        yield text(place / len(spread.counts), _BOTTOM + 16, ms(spread.edges[place]), kind="ec-axis")


def _line(spread: Spread, value: float, words: str, y: int, tone: str) -> Iterator[SafeString]:
    share = spread.share(value)
    yield line(share, y + 4, _BOTTOM, f"ec-guide ec-{tone}")
    yield text(share, y, f"{words}: {ms(value)}", kind=f"ec-value ec-{tone}")


def ms(value: float) -> str:
    """`0.7 ms`, `84 ms`, `1.5 s`."""
    if value >= 1000:
        return f"{value / 1000:.3g} s"
    return f"{value:.2g} ms" if value < 10 else f"{value:.0f} ms"
