"""What is near: read every ten seconds, and at once when somebody changes a snipe."""

from __future__ import annotations

import logging
import threading
import time
from datetime import timedelta
from typing import Any

import psycopg

from sniper.claims.schedule import Row, read_near, read_some
from sniper.claims.sql import connect
from sniper.events import CHANNEL

from .deck import Deck
from .lanes import Done, Inbox
from .watch import WAITING

logger = logging.getLogger(__name__)

HORIZON = timedelta(seconds=150)
_EVERY_S = 10.0
_AGAIN_S = 0.5
_ANSWER_WITHIN_S = 4.0
_LISTEN_S = 1.0


class Schedule:
    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._next_s = 0.0
        self._is_reading = False
        self._reading_until_s = 0.0
        self._listener = Listener(deck.inbox, self._told)

    def step(self, now: float) -> None:
        deck = self._deck
        if self._is_reading and now < self._reading_until_s:
            return
        self._reading_until_s = now + _ANSWER_WITHIN_S
        if now >= self._next_s:
            self._is_reading, self._next_s = True, now + _EVERY_S
            deck.to_read.clear()
            deck.schedule.submit(lambda connection: (read_near(connection, HORIZON), None), self._read)
        elif deck.to_read:
            ids, self._is_reading = sorted(deck.to_read), True
            deck.to_read.clear()
            deck.schedule.submit(lambda connection: (read_some(connection, ids), ids), self._read)

    def stop(self) -> None:
        self._listener.stop()

    def _told(self, payload: Any, error: Exception | None) -> None:
        """A snipe changed, or (no payload) anything might have."""
        if payload:
            self._deck.to_read.add(int(payload))
        else:
            self._next_s = 0.0

    def _read(self, result: Any, error: Exception | None) -> None:
        self._is_reading = False
        if error is not None:
            self._next_s = time.monotonic() + _AGAIN_S
            return
        rows, asked = result
        found = {row.id for row in rows}
        for row in rows:
            self._take(row)
        for snipe_id in list(self._deck.watches if asked is None else asked):
            watch = self._deck.watches.get(snipe_id)
            if watch is not None and snipe_id not in found and not watch.is_busy:
                self._deck.forget(watch)

    def _take(self, row: Row) -> None:
        watch = self._deck.watches.get(row.id)
        if watch is None:
            if self._is_near(row):
                self._deck.follow(row)
            return
        if watch.is_busy or watch.fired:
            # What is under way here knows better than a reading that may be older.
            watch.row.end_time, watch.row.check_at = row.end_time, row.check_at
            self._deck.place(watch)
            return
        known = watch.row
        if (known.fire_at, known.maximum) != (row.fire_at, row.maximum):
            watch.armed, watch.looks, watch.arm_again_s = None, 0, 0.0
        self._deck.follow(row)
        if row.status in WAITING and not self._is_near(row):
            self._deck.forget(watch)

    def _is_near(self, row: Row) -> bool:
        """`read_some` also answers what is far away."""
        clock = self._deck.clock(row.environment)
        return clock.local_s(row.fire_at) - time.monotonic() < HORIZON.total_seconds() + _EVERY_S


class Listener:
    """Hears PostgreSQL's NOTIFY in a thread of its own; what it misses the next reading finds."""

    def __init__(self, inbox: Inbox, then: Any) -> None:
        self._inbox, self._then = inbox, then
        self._stopped = threading.Event()
        threading.Thread(target=self._listen, name="sniper-listen", daemon=True).start()

    def stop(self) -> None:
        self._stopped.set()

    def _listen(self) -> None:
        while not self._stopped.is_set():
            try:
                self._hear()
            except (psycopg.OperationalError, psycopg.InterfaceError) as failure:
                logger.warning("not listening: %s", str(failure).strip())
                self._stopped.wait(_LISTEN_S)

    def _hear(self) -> None:
        with connect() as connection:
            connection.execute(f"LISTEN {CHANNEL}")
            # Whatever was said before this.
            self._inbox.put(Done(self._then, "", None))
            while not self._stopped.is_set():
                for notify in connection.notifies(timeout=_LISTEN_S):
                    payload = notify.payload if notify.payload.isdecimal() else ""
                    self._inbox.put(Done(self._then, payload, None))
