"""Counting calls against eBay's daily quotas: a process takes ten at once and counts them in memory.

The row of a quota says how many calls were made and how many processes hold. What a dead process held is free
again after ten to twenty minutes. What it called without saying so, at most ten calls for each lane, is
missing until eBay's own count shows it.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.db import Error, connection

from ebayconnector.database import execute
from ebayconnector.ebay.errors import EbayError
from ebayconnector.prepared import Prepared

from .quotas import (
    BLOCK,
    HISTORY_PERCENT,
    MANUAL_PERCENT,
    SCHEDULE_PERCENT,
    SHARE_OF_ROOM,
    Lane,
    default_limit,
)

logger = logging.getLogger(__name__)

# No call is made from a block that is older than this…
_BLOCK_LIVES_S = 300.0
# …and the row forgets it after one to two of these.
_HELD_FOR = timedelta(minutes=10)
# History's part of the day grows by the minute: it is worth asking again before the reset.
_HISTORY_AGAIN = timedelta(minutes=30)

_PACIFIC = "America/Los_Angeles"

_NEW = f"""
INSERT INTO tokens_apiquota (environment, client_id, api, daily_limit, reset_at, held_since, made, held,
                             held_before, history_used, scheduled_per_day)
VALUES (%(environment)s, %(client_id)s, %(api)s, %(limit)s,
        (date_trunc('day', clock_timestamp() AT TIME ZONE '{_PACIFIC}') + interval '1 day')
          AT TIME ZONE '{_PACIFIC}', clock_timestamp(), 0, 0, 0, 0, 0)
ON CONFLICT DO NOTHING
"""

# One statement and no transaction block: a process that freezes here holds no lock. Its commit does not wait
# for the disk (a lost second of counting comes back with eBay's count); the setting ends with the statement.
# The next day begins at the same Pacific time of day, which also holds when summer time begins or ends.
_SETTLE = f"""
WITH row AS (
  SELECT *, clock_timestamp() AS now FROM tokens_apiquota
  WHERE environment = %(environment)s AND client_id = %(client_id)s AND api = %(api)s
  FOR UPDATE {{patience}}
), day AS MATERIALIZED (
  SELECT id, now, daily_limit, scheduled_per_day, reset_at <= now AS is_over,
         CASE WHEN reset_at > now THEN reset_at
              WHEN (now AT TIME ZONE '{_PACIFIC}')::date + (reset_at AT TIME ZONE '{_PACIFIC}')::time
                   > now AT TIME ZONE '{_PACIFIC}'
              THEN ((now AT TIME ZONE '{_PACIFIC}')::date + (reset_at AT TIME ZONE '{_PACIFIC}')::time)
                   AT TIME ZONE '{_PACIFIC}'
              ELSE ((now AT TIME ZONE '{_PACIFIC}')::date + 1 + (reset_at AT TIME ZONE '{_PACIFIC}')::time)
                   AT TIME ZONE '{_PACIFIC}' END AS reset_at,
         made, held, held_before, held_since, history_used
  FROM row
), told AS MATERIALIZED (
  SELECT id, now, daily_limit, scheduled_per_day, reset_at, held_since,
         is_over OR held_since <= now - %(held_for)s AS ages,
         CASE WHEN is_over THEN 0 ELSE made END
           + CASE WHEN %(day_ends)s::timestamptz > now THEN %(made)s ELSE 0 END AS made,
         CASE WHEN is_over THEN 0
              WHEN held_since = %(held_since)s::timestamptz THEN greatest(held - %(returned)s, 0)
              ELSE held END AS held,
         CASE WHEN is_over THEN 0
              WHEN held_since > %(held_since)s::timestamptz THEN greatest(held_before - %(returned)s, 0)
              ELSE held_before END AS held_before,
         CASE WHEN is_over THEN 0 ELSE greatest(history_used - %(unused_history)s, 0) END AS history_used
  FROM day
), aged AS MATERIALIZED (
  SELECT id, now, daily_limit, scheduled_per_day, reset_at, made, history_used,
         CASE WHEN ages THEN 0 ELSE held END AS held,
         CASE WHEN ages THEN held ELSE held_before END AS held_before,
         CASE WHEN ages THEN now ELSE held_since END AS held_since,
         least(greatest(extract(epoch FROM reset_at - now)::float8 / 86400, 0), 1) AS left_of_day
  FROM told
), counted AS MATERIALIZED (
  SELECT *, made + held + held_before AS used,
         daily_limit::bigint * {SCHEDULE_PERCENT} / 100 - made - held - held_before AS free
  FROM aged
), roomy AS MATERIALIZED (
  SELECT *, CASE %(lane)s
    WHEN {Lane.MANUAL} THEN daily_limit::bigint * {MANUAL_PERCENT} / 100 - used
    WHEN {Lane.SCHEDULE} THEN free
    ELSE greatest(
      free - ceil(scheduled_per_day * left_of_day),
      least(floor(daily_limit * {HISTORY_PERCENT} / 100::float8 * (1 - left_of_day / 2)) - history_used, free)
    )::bigint END AS room
  FROM counted
), given AS MATERIALIZED (
  SELECT *, greatest(0, least(%(asked)s, room, greatest(1, room / {SHARE_OF_ROOM}))) AS granted
  FROM roomy
)
UPDATE tokens_apiquota q
SET reset_at = g.reset_at, made = g.made, held = g.held + g.granted, held_before = g.held_before,
    held_since = g.held_since,
    history_used = g.history_used + CASE WHEN %(lane)s = {Lane.HISTORY} THEN g.granted ELSE 0 END
FROM given g WHERE q.id = g.id
RETURNING g.granted, g.used, g.daily_limit, g.held_since, g.reset_at,
          extract(epoch FROM g.reset_at - g.now)::float8, set_config('synchronous_commit', 'off', true)
"""
_TYPES = {
    "environment": "text", "client_id": "text", "api": "text", "lane": "int4", "asked": "int4",
    "held_for": "interval", "made": "int4", "returned": "int4", "unused_history": "int4",
    "held_since": "timestamptz", "day_ends": "timestamptz",
}  # fmt: skip
# Parsing and planning would be three quarters of its time.
_ASK = Prepared(_SETTLE.format(patience=""), _TYPES)
_COUNT = Prepared(_SETTLE.format(patience="SKIP LOCKED"), _TYPES)


@dataclass(frozen=True, slots=True)
class QuotaKey:
    """eBay counts by application; an environment has one, but its keyset may be exchanged."""

    environment: str
    client_id: str
    api: str


_EXHAUSTED = {
    Lane.MANUAL: "the day's quota of {api} is used up",
    Lane.SCHEDULE: "the schedule's part of the day's quota of {api} is used up, the rest is kept for people",
    Lane.HISTORY: "history's part of the day's quota of {api} is used up, the rest is kept for newer data",
}


class QuotaExhausted(EbayError):
    """Nothing was sent: what is left of the day's quota is kept for more urgent calls.

    `retry_after`: seconds until it is worth asking again (the reset; for history half an hour at most).
    """

    _retryable = True

    def __init__(self, key: QuotaKey, lane: Lane, *, used: int, limit: int, left: timedelta) -> None:
        summary = f"{_EXHAUSTED[lane].format(api=key.api)} ({used:,} of {limit:,} calls are made)"
        wait = min(left, _HISTORY_AGAIN) if lane == Lane.HISTORY else left
        super().__init__(summary, retry_after=math.ceil(wait.total_seconds()))
        self.key = key
        self.lane = lane


@dataclass(slots=True)
class _Block:
    """Calls given to this process for one lane; times are on the monotonic clock."""

    size: int
    made: int
    held_since: datetime
    day_ends: datetime
    granted_s: float
    ends_s: float

    def is_usable(self, now_s: float) -> bool:
        return self.made < self.size and now_s < self.ends_s


@dataclass(slots=True)
class _Slot:
    """The block of one lane. Its lock lets one thread at a time ask for a new one; the others wait for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    block: _Block | None = None


class Allowances:
    """The calls that this process may make and those that it has not reported yet. For all its threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self.forget()

    def forget(self) -> None:
        """After a fork the child holds nothing: what is in memory is the parent's."""
        self._lock = threading.Lock()
        self._slots: dict[tuple[QuotaKey, Lane], _Slot] = {}
        self._uncounted: dict[QuotaKey, int] = {}

    def take(self, key: QuotaKey, lane: Lane) -> None:
        """One call. Raises QuotaExhausted; database errors when a new block is needed and cannot be had."""
        with self._lock:
            slot = self._slots.setdefault((key, lane), _Slot())
        with slot.lock:
            if slot.block is None or not slot.block.is_usable(self._monotonic()):
                granted = self._ask(key, lane, slot.block)
                # Also one of no calls: the last block is reported, and must not be again.
                slot.block = granted.block
                if granted.block.size == 0:
                    raise QuotaExhausted(key, lane, used=granted.used, limit=granted.limit, left=granted.left)
            slot.block.made += 1

    def count(self, key: QuotaKey, calls: int = 1) -> None:
        """Calls of the first lane that were made: they asked nobody and are counted afterwards.

        Waits for no lock. What cannot be counted now is kept for the next time.
        """
        with self._lock:
            self._uncounted[key] = self._uncounted.get(key, 0) + calls
        try:
            self._report_first_lane(key)
        except Error:
            logger.warning("calls of %s are not counted yet", key.api, exc_info=True)

    def give_back(self) -> None:
        """Report what was made and return the rest: for the end of a job, which it never fails."""
        try:
            self._give_back_all()
        except Error:
            logger.warning("calls are not reported yet", exc_info=True)

    def _give_back_all(self) -> None:
        with self._lock:
            slots, keys = list(self._slots.items()), list(self._uncounted)
        for (key, lane), slot in slots:
            with slot.lock:
                if slot.block is not None:
                    _settle(key, lane, asked=0, told=slot.block, now_s=self._monotonic())
                    slot.block = None
        for key in keys:
            self._report_first_lane(key)

    def _ask(self, key: QuotaKey, lane: Lane, last: _Block | None) -> _Granted:
        now_s = self._monotonic()
        granted = _settle(key, lane, asked=BLOCK, told=last, now_s=now_s)
        if granted is None:
            ensure_row(key)
            granted = _settle(key, lane, asked=BLOCK, told=last, now_s=now_s)
        assert granted is not None, "rows of quotas are never deleted while calls are made"
        return granted

    def _report_first_lane(self, key: QuotaKey) -> None:
        with self._lock:
            made = self._uncounted.pop(key, 0)
        counted = False
        try:
            counted = made == 0 or _add_made(key, made)
        finally:
            if not counted:
                with self._lock:
                    self._uncounted[key] = self._uncounted.get(key, 0) + made


@dataclass(frozen=True, slots=True)
class _Granted:
    block: _Block
    used: int
    limit: int
    left: timedelta


def ensure_row(key: QuotaKey) -> bool:
    """A row with the default limit and eBay's usual day, for a quota that has none; whether it was made."""
    return execute(_NEW, {**_named(key), "limit": default_limit(key.api)}) == 1


def _named(key: QuotaKey) -> dict[str, Any]:
    return {"environment": key.environment, "client_id": key.client_id, "api": key.api}


def _settle(key: QuotaKey, lane: Lane, *, asked: int, told: _Block | None, now_s: float) -> _Granted | None:
    """Report the last block and take the next; None when the quota has no row yet."""
    parameters = _parameters(key, lane, asked=asked)
    if told is not None:
        # The row has forgotten an old block, and must not take it off another one.
        is_held = now_s - told.granted_s < _HELD_FOR.total_seconds()
        parameters |= {
            "made": told.made,
            "returned": told.size if is_held else 0,
            "unused_history": told.size - told.made if lane == Lane.HISTORY else 0,
            "held_since": told.held_since,
            "day_ends": told.day_ends,
        }
    _look_at_connection()
    row = _ASK.fetch_one(parameters)
    if row is None:
        return None
    granted, used, limit, held_since, reset_at, left_s, _ = row
    ends_s = now_s + min(left_s, _BLOCK_LIVES_S)
    block = _Block(granted, 0, held_since, reset_at, now_s, ends_s)
    return _Granted(block, used, limit, timedelta(seconds=left_s))


def _add_made(key: QuotaKey, made: int) -> bool:
    """Count calls that asked nobody; False when somebody else has the row just now."""
    _look_at_connection()
    parameters = _parameters(key, Lane.MANUAL, asked=0) | {"made": made, "day_ends": "infinity"}
    if _COUNT.fetch_one(parameters):
        return True
    return ensure_row(key) and _COUNT.fetch_one(parameters) is not None


def _look_at_connection() -> None:
    """A client may have waited long since this thread used its connection: one that died is replaced."""
    if not connection.in_atomic_block:
        connection.close_if_unusable_or_obsolete()


def _parameters(key: QuotaKey, lane: Lane, *, asked: int) -> dict[str, Any]:
    """Of a process that has nothing to report."""
    nothing = {"made": 0, "returned": 0, "unused_history": 0, "held_since": None, "day_ends": None}
    return {**_named(key), "lane": int(lane), "asked": asked, "held_for": _HELD_FOR, **nothing}


_allowances = Allowances()
os.register_at_fork(after_in_child=_allowances.forget)


def allowances() -> Allowances:
    """Those of this process."""
    return _allowances
