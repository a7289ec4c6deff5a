"""What the parts of an executor share: the snipes that it follows, its clocks, lanes and sender."""

from __future__ import annotations

import itertools
import logging
import time
import uuid
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from ebayconnector.ebay.clock import SteadyClock
from sniper.claims.schedule import Row
from sniper.sender.handle import Sender
from sniper.sender.messages import Close, Event, Shoot

from .clocks import EbayTime
from .lanes import Inbox, Lane, Pool
from .watch import Watch

logger = logging.getLogger(__name__)

_POOL_THREADS = 8
_URGENT_THREADS = 4
_LANE_STUCK_S = 1.0
_PLACE_EVERY_S = 0.25
# A bid is not sent later than this before the end: it would arrive after it.
SEND_UNTIL_S = 0.3


@dataclass(slots=True)
class Shot:
    """A call that was given to the sender; `then` gets each report about it."""

    call_id: int
    snipe_id: int
    order: Shoot
    then: Callable[[Shot, Event], None]
    no: int = 0
    sent_s: float | None = None
    environment: str = ""
    # What eBay's clock shows at the order's `at_s`, as measured when it was given.
    at: datetime | None = None
    offset_ms: float = 0.0
    error_ms: float | None = None

    def ebay_at(self, monotonic_s: float) -> datetime | None:
        """By eBay's clock as it was measured when the order was given."""
        return None if self.at is None else self.at + timedelta(seconds=monotonic_s - self.order.at_s)


class Deck:
    """Made once; only the executor's loop touches it."""

    def __init__(self, *, paper: bool) -> None:
        self.owner = str(uuid.uuid4())
        self.paper = paper
        self.watches: dict[int, Watch] = {}
        self.clocks: dict[str, EbayTime] = {}
        # By environment, what was measured on this machine before us: the arguments of `begin_with`.
        self.known_clocks: dict[str, dict[str, Any]] = {}
        self.inbox = Inbox()
        self.records = Lane("records", self.inbox, patient=True)
        self.pool = Pool(self.inbox, _POOL_THREADS)
        # For what a bid waits for now; its threads begin with the first such job.
        self.urgent = Pool(self.inbox, _URGENT_THREADS)
        self.sender = Sender()
        self.shots: dict[int, Shot] = {}
        self.to_read: set[int] = set()
        # Bids and readings sent, by environment, until they are counted against the quota.
        self.calls: Counter[str] = Counter()
        self.is_stopping = False
        self._steady = SteadyClock()
        self._claims = Lane("claims", self.inbox, patient=False)
        self._schedule = Lane("schedule", self.inbox, patient=False)
        self._call_ids = itertools.count(1)
        self._place_s = 0.0

    def clock(self, environment: str) -> EbayTime:
        if environment not in self.clocks:
            self.clocks[environment] = EbayTime(self._steady)
            known = self.known_clocks.get(environment)
            if known is not None:
                self.clocks[environment].begin_with(**known)
        return self.clocks[environment]

    def ebay_now(self, watch: Watch) -> datetime:
        return self.clock(watch.row.environment).ebay_at(time.monotonic())

    def follow(self, row: Row) -> None:
        """Take up a snipe, or what is newly known of one."""
        watch = self.watches.setdefault(row.id, Watch(row))
        watch.row = row
        self.place(watch)

    def place(self, watch: Watch) -> None:
        """Its moments by our clock, as eBay's is known now."""
        clock = self.clock(watch.row.environment)
        watch.fire_s, watch.end_s = clock.local_s(watch.row.fire_at), clock.local_s(watch.row.end_time)

    def step(self, now: float) -> None:
        """eBay's clock becomes better known as time goes: the moments follow, a few times a second."""
        if now >= self._place_s:
            self._place_s = now + _PLACE_EVERY_S
            for watch in self.watches.values():
                self.place(watch)

    @property
    def claims(self) -> Lane:
        """Never waits behind a job that hangs on a database that is away: that one is left to its fate."""
        if self._claims.busy_for_s > _LANE_STUCK_S:
            logger.warning("a claim hangs: the next ones go over another connection")
            self._claims.stop()
            self._claims = Lane("claims", self.inbox, patient=False)
        return self._claims

    @property
    def schedule(self) -> Lane:
        if self._schedule.busy_for_s > _LANE_STUCK_S * 3:
            self._schedule.stop()
            self._schedule = Lane("schedule", self.inbox, patient=False)
        return self._schedule

    def shoot(
        self,
        watch: Watch,
        request: bytes,
        then: Callable[[Shot, Event], None],
        *,
        at_s: float,
        no: int = 0,
        within_s: float = 1.0,
        has_body: bool = True,
    ) -> Shot:
        """Have the sender send it on the snipe's connection at that moment, not after the auction's end."""
        clock = self.clock(watch.row.environment)
        order = Shoot(
            call_id=next(self._call_ids), key=watch.id, request=request, at_s=at_s,
            until_s=watch.end_s - SEND_UNTIL_S, within_s=within_s, has_body=has_body,
        )  # fmt: skip
        shot = Shot(
            order.call_id, watch.id, order, then, no=no, environment=watch.row.environment,
            at=clock.ebay_at(at_s), offset_ms=clock.offset_ms, error_ms=clock.error_ms,
        )  # fmt: skip
        self.give(shot)
        return shot

    def give(self, shot: Shot) -> None:
        self.shots[shot.call_id] = shot
        self.sender.tell(shot.order)

    def next_call_id(self) -> int:
        return next(self._call_ids)

    def forget(self, watch: Watch) -> None:
        """The snipe is over, or far away again."""
        self.watches.pop(watch.id, None)
        if watch.is_opening:
            self.sender.tell(Close(watch.id))
