"""From a minute before the moment: arming, the connection; and after the end: the result."""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime
from typing import Any

from sniper.claims.record import Result, give_up, note_connected
from sniper.models import FINAL, SnipeStatus
from sniper.sender.messages import Lost, Open, Opened

from .arming import Arming, arm
from .deck import Deck
from .results import check_result
from .watch import Watch

logger = logging.getLogger(__name__)

# The first look, and a second one closer to the moment.
LOOKS_S = (60.0, 15.0)
CONNECT_S = 8.0
_ARM_AGAIN_S = 1.0
# No more than the threads can take up soon: what queues up would come in the way at the moment.
_ARMING_AT_ONCE = 10
# Two executors do not look at the same moment: the second takes over what the first has read.
_STAGGER_S = 3.0
RESULT_AFTER_S = 1.5
_SLOWEST_CHECK_S = 600.0
_CHECKS_AT_ONCE = 6
_OPEN = (SnipeStatus.SCHEDULED, SnipeStatus.ARMING, SnipeStatus.FIRING, SnipeStatus.RESOLVING)


class Readying:
    """Arms and connects."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._opened: dict[int, datetime] = {}

    def step(self, now: float) -> None:
        watches = list(self._deck.watches.values())
        under_way = sum(watch.is_arming for watch in watches)
        for watch in watches:
            if watch.row.status not in _OPEN or now > watch.end_s:
                continue
            left_s = watch.fire_s - now
            if under_way < _ARMING_AT_ONCE and self._is_due(watch, left_s, now):
                under_way += 1
                self._arm(watch)
            if watch.armed is not None and not watch.is_opening and left_s <= CONNECT_S:
                watch.is_opening = True
                self._deck.sender.tell(Open(watch.id, watch.armed.addresses, watch.armed.tls_name))
        self._keep_opened()

    def _is_due(self, watch: Watch, left_s: float, now: float) -> bool:
        if watch.is_arming or now < watch.arm_again_s or watch.flying:
            return False
        if watch.armed is None:
            stagger = (hash((self._deck.owner, watch.id)) % 1000) / 1000 * _STAGGER_S
            return left_s <= LOOKS_S[0] - min(stagger, max(0.0, left_s - CONNECT_S - 2.0))
        return watch.looks < len(LOOKS_S) and CONNECT_S - 2.0 < left_s <= LOOKS_S[watch.looks]

    def _arm(self, watch: Watch) -> None:
        watch.is_arming = True
        row, ebay_now = watch.row, self._deck.ebay_now(watch)
        self._deck.pool.submit(
            lambda: arm(row, ebay_now=ebay_now), lambda result, error: self._armed(watch, result, error)
        )

    def _armed(self, watch: Watch, result: Arming | None, error: Exception | None) -> None:
        watch.is_arming = False
        watch.arm_again_s = time.monotonic() + _ARM_AGAIN_S
        if result is None:
            watch.trouble, watch.trouble_message = "database", f"not armed: {type(error).__name__}"
            logger.warning("snipe %s was not armed: %s", watch.id, error)
        elif result.changed or result.fire_at is not None:
            self._deck.to_read.add(watch.id)
        elif result.over:
            self._end(watch, result)
        elif result.trouble:
            watch.trouble, watch.trouble_message = result.trouble, result.message
        elif result.armed is not None:
            watch.armed, watch.trouble = result.armed, ""
            watch.looks = sum(watch.fire_s - time.monotonic() <= look for look in LOOKS_S)
            if watch.row.status == SnipeStatus.SCHEDULED:
                watch.row.status = SnipeStatus.ARMING

    def _end(self, watch: Watch, result: Arming) -> None:
        """Something speaks against the bid for good; nobody has fired it, or this changes nothing."""
        watch.is_giving_up = True

        def then(ended: Any, error: Exception | None) -> None:
            watch.is_giving_up = False
            if ended:
                self._deck.forget(watch)
            else:
                self._deck.to_read.add(watch.id)

        self._deck.records.submit(
            lambda connection: give_up(
                connection, watch.id, status=SnipeStatus.SKIPPED, reason=result.over,
                message=result.message, event_type="skipped",
            ),
            then,
        )  # fmt: skip

    def heard(self, event: Opened | Lost) -> None:
        watch = self._deck.watches.get(event.key)
        if watch is None:
            return
        watch.is_open = isinstance(event, Opened)
        if watch.is_open and watch.is_waiting:
            clock = self._deck.clock(watch.row.environment)
            self._opened[watch.id] = clock.ebay_at(event.at_s)

    def _keep_opened(self) -> None:
        if self._opened:
            opened, self._opened = self._opened, {}
            self._deck.records.submit(lambda connection: note_connected(connection, opened), _nothing)


class Results:
    """Asks for the results of what has ended, until eBay tells."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck

    def step(self, now: float) -> None:
        watches = list(self._deck.watches.values())
        under_way = sum(watch.is_checking for watch in watches)
        for watch in watches:
            if under_way >= _CHECKS_AT_ONCE:
                return
            if self._is_due(watch, now):
                under_way += 1
                self._check(watch)

    def _is_due(self, watch: Watch, now: float) -> bool:
        if watch.is_checking or watch.flying or not watch.is_committed or now < watch.check_again_s:
            return False
        asked_at = watch.row.check_at
        if asked_at is not None and asked_at > datetime.now(UTC):
            return False
        return now >= watch.end_s + RESULT_AFTER_S

    def _check(self, watch: Watch) -> None:
        watch.is_checking = True
        row, ebay_now = watch.row, self._deck.ebay_now(watch)
        self._deck.pool.submit(
            lambda: check_result(row, ebay_now=ebay_now),
            lambda result, error: self._checked(watch, result, error),
        )

    def _checked(self, watch: Watch, result: Result | None, error: Exception | None) -> None:
        watch.is_checking = False
        watch.row.check_at = None
        watch.check_again_s = time.monotonic() + 1.0
        if error is not None:
            logger.warning("the result of snipe %s was not read: %s", watch.id, error)
            return
        if result is None:
            # Somebody else asks, or it has ended: the schedule tells.
            watch.fired.clear()
            self._deck.to_read.add(watch.id)
        elif result.status in FINAL:
            self._deck.forget(watch)
        elif result.end_time is not None:
            watch.row.end_time = result.end_time
            self._deck.place(watch)


def _nothing(result: Any, error: Exception | None) -> None:
    """What failed is in the log already."""
