"""Delays that every call of a path has, half before eBay's work and half after it, as on a network."""

import re
from dataclasses import dataclass, field


@dataclass(slots=True)
class Latencies:
    rules: dict[str, tuple[re.Pattern[str], float]] = field(default_factory=dict)

    def set(self, pattern: re.Pattern[str], seconds: float) -> None:
        """Zero seconds takes the rule away."""
        self.rules.pop(pattern.pattern, None)
        if seconds > 0:
            self.rules[pattern.pattern] = (pattern, seconds)

    def of(self, subject: str) -> float:
        """Seconds for a call: the sum of the rules that match."""
        return sum(seconds for pattern, seconds in self.rules.values() if pattern.search(subject))
