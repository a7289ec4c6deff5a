"""The simulator's clock: real time plus an offset; it can be frozen, set and advanced."""

import time
from email.utils import formatdate

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.times import iso


def _real_ms() -> int:
    return time.time_ns() // 1_000_000


class Clock:
    def __init__(self) -> None:
        self.offset_ms = 0
        self._frozen_ms: int | None = None

    def now_ms(self) -> int:
        return _real_ms() + self.offset_ms if self._frozen_ms is None else self._frozen_ms

    def now_us(self) -> int:
        """The same in microseconds, to judge by; of a frozen clock whole milliseconds."""
        if self._frozen_ms is not None:
            return self._frozen_ms * 1000
        return time.time_ns() // 1000 + self.offset_ms * 1000

    @property
    def frozen(self) -> bool:
        return self._frozen_ms is not None

    def set(self, now_ms: int) -> None:
        self.offset_ms = now_ms - _real_ms()
        if self.frozen:
            self._frozen_ms = now_ms

    def set_offset(self, offset_ms: int) -> None:
        self.offset_ms = offset_ms
        if self.frozen:
            self._frozen_ms = _real_ms() + offset_ms

    def advance(self, by_ms: int) -> None:
        self.set(self.now_ms() + by_ms)

    def freeze(self) -> None:
        self._frozen_ms = self.now_ms()

    def unfreeze(self) -> None:
        """Run on from the frozen moment."""
        now_ms = self.now_ms()
        self._frozen_ms = None
        self.set(now_ms)

    def http_date(self) -> str:
        """The value of a `Date` header: floored to whole seconds."""
        return formatdate(self.now_ms() // 1000, usegmt=True)

    def as_json(self) -> JsonObject:
        return {"now": iso(self.now_ms()), "offset_s": self.offset_ms / 1000, "frozen": self.frozen}
