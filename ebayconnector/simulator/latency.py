"""Delays that every call of a path has, half before eBay's work and half after it, as on a network."""

import math
import re
from dataclasses import dataclass, field
from random import Random

_Z99 = 2.326  # standard deviations from the median to the 99th percentile


@dataclass(frozen=True, slots=True)
class Delay:
    """`spread` is the sigma of a log-normal distribution; zero is always the median."""

    pattern: re.Pattern[str]
    median_s: float
    p99_s: float
    spread: float

    def draw(self, source: Random) -> float:
        return self.median_s * math.exp(source.gauss(0.0, self.spread)) if self.spread else self.median_s


@dataclass(slots=True)
class Latencies:
    rules: dict[str, Delay] = field(default_factory=dict)
    _source: Random = field(default_factory=lambda: Random(1))

    def set(self, pattern: re.Pattern[str], median_s: float, p99_s: float | None = None) -> None:
        """Zero seconds takes the rule away; `p99_s` makes the delays differ, one in a hundred longer."""
        self.rules.pop(pattern.pattern, None)
        if median_s > 0:
            p99_s = median_s if p99_s is None else p99_s
            spread = math.log(p99_s / median_s) / _Z99
            self.rules[pattern.pattern] = Delay(pattern, median_s, p99_s, spread)

    def of(self, subject: str) -> float:
        """Seconds for a call: the sum of the rules that match."""
        if not self.rules:
            return 0.0
        return sum(rule.draw(self._source) for rule in self.rules.values() if rule.pattern.search(subject))

    def as_json(self) -> dict[str, float | list[float]]:
        """Seconds by path, of those that differ the median and the 99th percentile."""
        return {
            path: [rule.median_s, rule.p99_s] if rule.spread else rule.median_s
            for path, rule in self.rules.items()
        }
