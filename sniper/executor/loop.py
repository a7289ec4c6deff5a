"""The loop of an executor: sleeps until something is due or somebody reports, and waits for nobody."""

from __future__ import annotations

import logging
import select
import threading
import time
from typing import Protocol

from sniper.sender.handle import Sender, SenderGone
from sniper.sender.messages import (
    Answered,
    Event,
    Lost,
    NotSent,
    Open,
    Opened,
    Ping,
    Sent,
    Unanswered,
)

from .deck import Deck
from .firing import Firing
from .lanes import Inbox
from .readying import Readying, Results
from .resolving import Resolving
from .schedule import Schedule
from .vitals import Vitals, observe

logger = logging.getLogger(__name__)

# How often it looks when something is near, and when nothing is.
_TICK_S = 0.02
_QUIET_TICK_S = 0.25
_NEAR_S = 12.0
# To go through many snipes takes milliseconds: for a part of the time only, sender and answers come first.
# The longest pause is for steps that took long because the process stood still.
_STEP_SHARE = 0.25
_STEP_S = 0.005
_LONGEST_STEP_PAUSE_S = 0.1
_PING_S = 1.0
_NEAR_PING_S = 0.2
_SILENT_S = 3.0
# A sender that says nothing for so long while a shot is overdue by as much is taken for frozen.
_OVERDUE_S = 0.4
# A new one may take this long until it says its first word.
_STARTS_WITHIN_S = 8.0
# A new spare sender is started when the replacement of the old one is done.
_SPARE_AFTER_S = 4.0
_STOP_WITHIN_S = 8.0


class Part(Protocol):
    """Something of an executor that does what is due, and waits for nothing."""

    def step(self, now: float) -> None: ...


class Executor:
    """One executor; any number may run."""

    def __init__(self, *, paper: bool = False) -> None:
        self.deck = Deck(paper=paper)
        self._schedule = Schedule(self.deck)
        self._readying = Readying(self.deck)
        self._firing = Firing(self.deck)
        self._resolving = Resolving(self.deck, self._firing)
        self._results = Results(self.deck)
        self._vitals = Vitals(self.deck)
        self._parts: tuple[Part, ...] = (
            self.deck, self._firing, self._resolving, self._readying, self._results, self._schedule,
            self._vitals,
        )  # fmt: skip
        self._spare: Sender | None = Sender()
        self._spare_s = 0.0
        self._has_spoken = False
        self._step_s, self._owes_step = 0.0, False
        self._ping_s = self._heard_s = time.monotonic()

    def run(self, stop: threading.Event) -> None:
        """Until `stop` is set; what is claimed by then is still sent and its answer kept."""
        logger.info("executor %s is up%s", self.deck.owner, " in paper mode" if self.deck.paper else "")
        stop_by_s = None
        while True:
            now = time.monotonic()
            if stop.is_set() and stop_by_s is None:
                self.deck.is_stopping, stop_by_s = True, now + _STOP_WITHIN_S
            if stop_by_s is not None and (now > stop_by_s or self._is_idle()):
                break
            self.turn()
        self._close()

    def turn(self) -> None:
        """Wait for the next thing, and do all that is due."""
        now = time.monotonic()
        tick_s = _TICK_S if self._is_near(now) else _QUIET_TICK_S
        self._wait(max(0.0, self._step_s - now) if self._owes_step else tick_s)
        self._hear()
        now = time.monotonic()
        self._owes_step = now < self._step_s
        if not self._owes_step:
            self._step(now)
        self._watch_sender(now)

    def _step(self, now: float) -> None:
        for part in self._parts:
            part.step(now)
        ended_s = time.monotonic()
        pause_s = max(_STEP_S, (ended_s - now) / _STEP_SHARE)
        self._step_s = ended_s + min(pause_s, _LONGEST_STEP_PAUSE_S)

    def _wait(self, timeout_s: float) -> None:
        readers: list[Inbox | Sender] = [self.deck.inbox, self.deck.sender]
        select.select(readers, [self.deck.sender] if self.deck.sender.has_more else [], [], timeout_s)

    def _is_near(self, now: float) -> bool:
        return any(
            watch.fire_s - now < _NEAR_S and (watch.is_waiting or now < watch.end_s)
            for watch in self.deck.watches.values()
        )

    def _is_idle(self) -> bool:
        watches = self.deck.watches.values()
        bids = any(watch.flying or watch.resolves or watch.asks_second for watch in watches)
        return not bids and not self.deck.records.pending

    def _close(self) -> None:
        self._schedule.stop()
        self.deck.sender.stop()
        if self._spare is not None:
            self._spare.stop()
        self.deck.records.stop()
        self.deck.pool.stop()
        self.deck.urgent.stop()
        self._vitals.stop()
        logger.info("executor %s has stopped", self.deck.owner)

    # -- reports ------------------------------------------------------------------------------------------

    def _hear(self) -> None:
        for done in self.deck.inbox.take():
            done.then(done.result, done.error)
        try:
            self.deck.sender.flush()
            events = self.deck.sender.events()
        except SenderGone:
            self._replace_sender("has ended")
            return
        if events:
            self._heard_s, self._has_spoken = time.monotonic(), True
        for event in events:
            self._report(event)

    def _report(self, event: Event) -> None:
        if isinstance(event, Opened | Lost):
            self._readying.heard(event)
        elif isinstance(event, Sent):
            shot = self.deck.shots.get(event.call_id)
            if shot is not None:
                if shot.snipe_id and not self.deck.paper:
                    self.deck.calls[shot.environment] += 1
                shot.then(shot, event)
        elif isinstance(event, Answered | Unanswered | NotSent):
            shot = self.deck.shots.pop(event.call_id, None)
            if shot is None:
                return
            if isinstance(event, Answered) and shot.snipe_id:
                observe(self.deck, shot, event)
            shot.then(shot, event)

    # -- the sender ---------------------------------------------------------------------------------------

    def _watch_sender(self, now: float) -> None:
        pause_s = _NEAR_PING_S if self.deck.shots else _PING_S
        if now - self._ping_s >= pause_s:
            # A loop that stood still itself must not take the sender for silent.
            if now - self._ping_s > pause_s + _OVERDUE_S:
                self._heard_s = now
            self._ping_s = now
            self.deck.sender.tell(Ping(now))
        if self._is_silent(now):
            self.deck.sender.process.kill()
            self._replace_sender("does not answer")
        if self._spare is None and now > self._spare_s:
            self._spare = Sender()

    def _is_silent(self, now: float) -> bool:
        silent_s = now - self._heard_s
        if not self._has_spoken:
            return silent_s > _STARTS_WITHIN_S
        if silent_s <= _OVERDUE_S:
            return False
        waiting = [shot for shot in self.deck.shots.values() if shot.sent_s is None]
        return silent_s > _SILENT_S or any(now - shot.order.at_s > _OVERDUE_S for shot in waiting)

    def _replace_sender(self, why: str) -> None:
        """A new one. What the old one certainly did not send yet is sent by it; the rest is unclear."""
        logger.error("the sender %s: starting another", why)
        self.deck.sender.stop(within_s=0.1)
        self.deck.sender, self._spare = self._spare or Sender(), None
        now = self._heard_s = time.monotonic()
        self._spare_s, self._has_spoken = now + _SPARE_AFTER_S, False
        for watch in self.deck.watches.values():
            if watch.is_opening and watch.armed is not None:
                watch.is_open = False
                self.deck.sender.tell(Open(watch.id, watch.armed.addresses, watch.armed.tls_name))
        self._vitals.reopen()
        shots, self.deck.shots = self.deck.shots, {}
        for shot in shots.values():
            if shot.sent_s is None and shot.order.at_s > now + 0.01 and shot.snipe_id:
                self.deck.give(shot)
            else:
                shot.then(shot, Unanswered(shot.call_id, now, "the sender ended"))
