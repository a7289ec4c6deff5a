"""Calls per application, API and Pacific day (03 §14.1)."""

from dataclasses import dataclass, field

from ebayconnector.simulator.clock import Clock
from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.times import iso, next_pacific_midnight_ms, pacific_day

DEFAULT_LIMITS: dict[str, int] = {
    "fulfillment": 100_000,
    "payment_dispute": 250_000,
    "finances": 15_000,
    "identity": 5_000,
    "inventory": 2_000_000,
    "trading": 5_000,
    "analytics": 5_000,
    "notification": 10_000,
    "key_management": 5_000,  # unverified
    "browse": 5_000,
    "buy_offer": 100_000,  # unverified
    "postorder.case": 5_000,
    "postorder.inquiry": 5_000,
    "postorder.return": 5_000,
    "postorder.cancellation": 5_000,
    "token.authorization_code": 10_000,
    "token.refresh_token": 50_000,
    "token.client_credentials": 1_000,
}


@dataclass(slots=True)
class Quotas:
    clock: Clock
    limits: dict[str, int] = field(default_factory=lambda: dict(DEFAULT_LIMITS))
    _used: dict[tuple[str, str], int] = field(default_factory=dict)
    _day: str = ""

    def take(self, client_id: str, api: str) -> bool:
        """Count one call; False when the day's calls are used up."""
        self._turn_day()
        used = self._used.get((client_id, api), 0)
        if used >= self.limits[api]:
            return False
        self._used[client_id, api] = used + 1
        return True

    def used(self, client_id: str, api: str) -> int:
        self._turn_day()
        return self._used.get((client_id, api), 0)

    def set_used(self, client_id: str, api: str, used: int) -> None:
        self._turn_day()
        self._used[client_id, api] = used

    def reset_at(self) -> str:
        return iso(next_pacific_midnight_ms(self.clock.now_ms()))

    def _turn_day(self) -> None:
        today = pacific_day(self.clock.now_ms())
        if today != self._day:
            self._day = today
            self._used.clear()

    def as_json(self) -> JsonObject:
        self._turn_day()
        used: dict[str, JsonObject] = {}
        for (client_id, api), count in self._used.items():
            used.setdefault(client_id, {})[api] = count
        return {"limits": self.limits, "used": used, "reset": self.reset_at()}
