"""One near snipe as this executor follows it: what was read of it, and what was done about it here."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal

from ebayconnector.ebay.money import Money
from sniper.claims.record import Answer
from sniper.claims.schedule import Row
from sniper.models import COMMITTED, SnipeStatus

WAITING = (SnipeStatus.SCHEDULED, SnipeStatus.ARMING)


@dataclass(frozen=True, slots=True)
class Armed:
    """Everything that is needed at the moment. `token` is in the requests too; none of them in a repr."""

    maximum: Decimal
    token: str = field(repr=False)
    bid: bytes = field(repr=False)
    read: bytes = field(repr=False)
    addresses: tuple[tuple[int, str, int], ...]
    tls_name: str


@dataclass(slots=True)
class Watch:
    """`fire_s` and `end_s` are the moments by our monotonic clock, brought up to date by the deck; other
    `…_s` are moments before which something is not done (again)."""

    row: Row
    fire_s: float = 0.0
    end_s: float = 0.0
    armed: Armed | None = None
    looks: int = 0
    is_arming: bool = False
    arm_again_s: float = 0.0
    trouble: str = ""
    trouble_message: str = ""

    is_opening: bool = False
    is_open: bool = False

    is_claiming: bool = False
    claim_again_s: float = 0.0
    claim_unclear: bool = False
    waits_for: str = ""
    database_was_away: bool = False
    fired: set[int] = field(default_factory=set)
    flying: int = 0
    is_settled: bool = False
    is_giving_up: bool = False

    is_taking: bool = False
    taking_until_s: float = 0.0
    take_again_s: float = 0.0
    resolves: bool = False
    # Of the last call: its token. And the one that eBay did not take, with what it said to the bid, if it was
    # to a bid.
    sent_token: str = field(default="", repr=False)
    refused_token: str = field(default="", repr=False)
    refused_bid: Answer | None = None
    has_renewed: bool = False
    is_renewing: bool = False
    is_reading: bool = False
    read_again_s: float = 0.0
    asks_second: bool = False

    is_checking: bool = False
    check_again_s: float = 0.0

    @property
    def id(self) -> int:
        return self.row.id

    @property
    def is_waiting(self) -> bool:
        """Nobody has fired it, as far as we know."""
        return self.row.status in WAITING and not self.fired

    @property
    def is_committed(self) -> bool:
        return self.row.status in COMMITTED or bool(self.fired)

    @property
    def is_busy(self) -> bool:
        """Something of ours is under way for it."""
        flags = (
            self.is_arming, self.is_claiming, self.is_taking, self.is_reading, self.is_renewing,
            self.is_checking,
        )  # fmt: skip
        return any(flags) or self.flying > 0 or self.asks_second or self.is_giving_up

    @property
    def maximum(self) -> Money:
        return Money(self.row.maximum, self.row.currency)
