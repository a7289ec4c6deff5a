"""Fired and no clear answer: eBay is read; only a reading that shows no such bid leads to a second one."""

from __future__ import annotations

import time
from http import HTTPStatus
from typing import Any

from requests.structures import CaseInsensitiveDict

from ebayconnector.ebay.raw_answers import BiddingAnswer, RawAnswer, bidding_answer
from sniper.claims.fire import record_second
from sniper.claims.record import record_reading
from sniper.claims.sql import Connection
from sniper.claims.takeover import Taken, take_over
from sniper.models import SnipeStatus
from sniper.sender.messages import Answered, Event, Sent

from .deck import SEND_UNTIL_S, Deck, Shot
from .firing import Firing
from .renewing import Renewing
from .watch import Watch

# An answer is overdue so long after the moment: whoever sees it takes over.
OVERDUE_S = 1.3
_TAKE_AGAIN_S = 0.2
_ANSWER_WITHIN_S = 1.1
_READ_WITHIN_S = 0.7
_READ_AGAIN_S = 0.1
# Less than this before the end nothing is sent a second time.
SECOND_UNTIL_S = 0.8

_OPEN = (SnipeStatus.ARMING, SnipeStatus.FIRING, SnipeStatus.RESOLVING)


class Resolving:
    def __init__(self, deck: Deck, firing: Firing) -> None:
        self._deck = deck
        self._firing = firing
        self._renewing = Renewing(deck)

    def step(self, now: float) -> None:
        if self._deck.paper:
            return
        overdue = []
        for watch in self._deck.watches.values():
            if watch.row.paper or watch.row.status not in _OPEN or watch.is_settled:
                continue
            if now > watch.end_s - SEND_UNTIL_S:
                watch.resolves = False
            elif watch.resolves:
                self._read(watch, now)
            elif self._is_overdue(watch, now):
                overdue.append(watch)
        if overdue:
            self._take(overdue)

    def _is_overdue(self, watch: Watch, now: float) -> bool:
        if now < (watch.taking_until_s if watch.is_taking else watch.take_again_s):
            return False
        if watch.row.status == SnipeStatus.ARMING:
            return False
        # Our own shot is reported on in any case.
        return not watch.flying and now >= watch.fire_s + OVERDUE_S

    def _take(self, watches: list[Watch]) -> None:
        for watch in watches:
            watch.is_taking, watch.taking_until_s = True, time.monotonic() + _ANSWER_WITHIN_S
        ids, owner = [watch.id for watch in watches], self._deck.owner
        self._deck.claims.submit(
            lambda connection: take_over(connection, ids, owner=owner),
            lambda result, error: self._taken(watches, result, error),
        )

    def _taken(self, watches: list[Watch], result: list[Taken] | None, error: Exception | None) -> None:
        now = time.monotonic()
        found = {taken.snipe_id: taken for taken in result or ()}
        for watch in watches:
            watch.is_taking = False
            watch.take_again_s = now + _TAKE_AGAIN_S
            taken = found.get(watch.id)
            if taken is None:
                continue
            watch.row.attempts = taken.attempts
            if taken.mine:
                watch.resolves = True
                watch.row.status = SnipeStatus.RESOLVING
            else:
                watch.row.status = taken.status

    # -- reading ------------------------------------------------------------------------------------------

    def _read(self, watch: Watch, now: float) -> None:
        if watch.is_reading or watch.asks_second or watch.armed is None or now < watch.read_again_s:
            return
        if watch.armed.token == watch.refused_token:
            if not (watch.has_renewed or watch.is_renewing):
                self._renewing.renew(watch)
            return
        watch.is_reading, watch.sent_token = True, watch.armed.token
        self._deck.shoot(watch, watch.armed.read, self._reported, at_s=now, within_s=_READ_WITHIN_S)

    def _reported(self, shot: Shot, event: Event) -> None:
        watch = self._deck.watches.get(shot.snipe_id)
        if watch is None or isinstance(event, Sent):
            return
        watch.is_reading = False
        watch.read_again_s = time.monotonic() + _READ_AGAIN_S
        if not watch.resolves or not isinstance(event, Answered):
            return
        said = bidding_answer(RawAnswer(event.status, CaseInsensitiveDict(event.headers), event.body))
        if said.is_clear:
            self._judge(watch, said)
        elif said.status == HTTPStatus.UNAUTHORIZED:
            watch.refused_token = watch.sent_token

    def _judge(self, watch: Watch, said: BiddingAnswer) -> None:
        bidding = said.bidding
        if bidding is not None and bidding.holds(watch.maximum):
            self._settle(watch, stands=True, words="eBay knows the bid", bid_id=bidding.proxy_bid_id)
            return
        left_s = watch.end_s - time.monotonic()
        attempts = max(watch.row.attempts, *watch.fired, 1)
        is_live = bidding is None or not bidding.is_over
        if is_live and attempts == 1 and left_s > SECOND_UNTIL_S:
            self._ask_second(watch)
        elif not is_live or left_s <= SECOND_UNTIL_S:
            self._settle(watch, stands=False, words="eBay knows no such bid, and no time is left", bid_id="")
        # Else the second one is under way: read on until it shows or the time is over.

    def _settle(self, watch: Watch, *, stands: bool, words: str, bid_id: str) -> None:
        watch.resolves = False
        watch.is_settled = True
        watch.row.status = SnipeStatus.BIDDING
        self._deck.records.submit(
            lambda connection: record_reading(
                connection, watch.id, stands=stands, message=words, bid_id=bid_id[:100]
            ),
            _nothing,
        )

    # -- the second attempt -------------------------------------------------------------------------------

    def _ask_second(self, watch: Watch) -> None:
        watch.asks_second = True
        now, owner = self._deck.ebay_now(watch), self._deck.owner
        until_s = watch.end_s - SECOND_UNTIL_S

        def job(connection: Connection) -> list[int]:
            if time.monotonic() > until_s:
                return []
            return record_second(connection, [watch.id], owner=owner, now=now)

        self._deck.records.submit(job, lambda result, error: self._second(watch, result))

    def _second(self, watch: Watch, recorded: list[int] | None) -> None:
        watch.asks_second = False
        watch.read_again_s = time.monotonic() + _READ_AGAIN_S
        watch.row.attempts = 2
        if not recorded:
            return
        watch.resolves = False
        self._firing.fire(watch, no=2, at_s=time.monotonic())


def _nothing(result: Any, error: Exception | None) -> None:
    """What failed is in the log already."""
