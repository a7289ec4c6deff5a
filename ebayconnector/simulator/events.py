"""Events of one kind at a steady rate with jitter; when they happen depends on seed and clock alone."""

from collections.abc import Iterator
from dataclasses import dataclass

from ebayconnector.simulator.randomness import unit
from ebayconnector.simulator.times import MINUTE_MS


@dataclass(slots=True)
class Events:
    """`kind` tells streams of one seller apart; `done` of them have happened."""

    seed: int
    seller_number: int
    kind: int
    per_minute: float
    start_ms: int
    done: int = 0

    def due(self, now_ms: int) -> Iterator[tuple[int, int]]:
        """Number and time of each event up to now that was not given before."""
        while self.per_minute > 0:
            jitter = unit(self.seed, self.seller_number, self.kind, self.done)
            at_ms = self.start_ms + int((self.done + jitter) * MINUTE_MS / self.per_minute)
            if at_ms > now_ms:
                return
            self.done += 1
            yield self.done, at_ms
