"""That this executor lives, and what it measures: eBay's clock and the way there."""

from __future__ import annotations

import logging
import socket
import time
from collections import Counter, defaultdict
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

from django.utils import timezone
from requests.structures import CaseInsensitiveDict

from ebayconnector.ebay.endpoints import PLACE_PROXY_BID
from ebayconnector.ebay.prepared import prepare_probe
from ebayconnector.ebay.raw_answers import RawAnswer
from sniper.models import ExecutorClock
from sniper.sender.messages import Answered, Event, Open, Sent, Shoot
from tokens import wire
from tokens.allowances import allowances
from tokens.models import ProcessHeartbeat
from tokens.processes import beat_process, forget_process, register_process

from .arming import resolve
from .deck import Deck, Shot

logger = logging.getLogger(__name__)

KIND = "sniper"
_BEAT_S = 5.0
_PROBE_KEYS = 1 << 60
_PROBE_WITHIN_S = 3.0
_OPEN_AGAIN_S = 5.0
_RECENT = timedelta(minutes=5)


def name_of(paper: bool) -> str:
    return "paper" if paper else "executor"


class Vitals:
    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._beat_s = 0.0
        self._is_beating = False
        self._heartbeat_id: int | None = None
        self._keys: dict[str, int] = {}
        self._requests: dict[str, bytes] = {}
        self._resolve_s: dict[str, float] = defaultdict(float)
        self._last_probe_s: dict[str, float] = {}
        self._flying: set[str] = set()

    def step(self, now: float) -> None:
        if now >= self._beat_s and not self._is_beating:
            self._beat(now)
        for environment in {watch.row.environment for watch in self._deck.watches.values()}:
            self._probe(environment, now)

    # -- the heartbeat ------------------------------------------------------------------------------------

    def _beat(self, now: float) -> None:
        self._is_beating, self._beat_s = True, now + _BEAT_S
        measured = {name: _measured(clock) for name, clock in self._deck.clocks.items() if clock.samples}
        known, name = self._heartbeat_id, name_of(self._deck.paper)
        calls, self._deck.calls = self._deck.calls, Counter()
        self._deck.pool.submit(lambda: beat(known, name, measured, calls), self._beaten)

    def _beaten(self, result: int | None, error: Exception | None) -> None:
        self._is_beating = False
        if error is not None:
            logger.warning("no heartbeat: %s", error)
        else:
            self._heartbeat_id = result

    def stop(self) -> None:
        if self._heartbeat_id is not None:
            forget_process(self._heartbeat_id)

    # -- the clocks ---------------------------------------------------------------------------------------

    def _probe(self, environment: str, now: float) -> None:
        if environment in self._flying or not self._ensure_line(environment, now):
            return
        clock = self._deck.clock(environment)
        at_s = clock.next_probe_s(self._last_probe_s.get(environment), now)
        if at_s > now + 1.0:
            return
        self._flying.add(environment)
        self._last_probe_s[environment] = at_s
        order = Shoot(
            call_id=self._deck.next_call_id(), key=self._keys[environment],
            request=self._requests[environment], at_s=max(at_s, now), until_s=at_s + _PROBE_WITHIN_S,
            within_s=_PROBE_WITHIN_S, has_body=False,
        )  # fmt: skip
        self._deck.give(Shot(order.call_id, 0, order, self._reported, environment=environment))

    def _ensure_line(self, environment: str, now: float) -> bool:
        if environment in self._keys:
            return True
        if now < self._resolve_s[environment]:
            return False
        self._resolve_s[environment] = now + _OPEN_AGAIN_S

        def job() -> tuple[bytes, Open]:
            probe = prepare_probe(wire.environment(environment))
            key = _PROBE_KEYS + len(self._requests)
            return probe.request, Open(key, resolve(probe.host, probe.port), probe.host if probe.tls else "")

        self._deck.pool.submit(job, lambda result, error: self._resolved(environment, result))
        return False

    def _resolved(self, environment: str, result: Any) -> None:
        if result is not None:
            self._requests[environment], opened = result
            self._keys[environment] = opened.key
            self._deck.sender.tell(opened)

    def reopen(self) -> None:
        """The sender is a new one: it knows no connections."""
        self._keys.clear()
        self._flying.clear()
        self._resolve_s.clear()

    def _reported(self, shot: Shot, event: Event) -> None:
        if isinstance(event, Sent):
            return
        self._flying.discard(shot.environment)
        self._last_probe_s[shot.environment] = time.monotonic()
        if isinstance(event, Answered):
            observe(self._deck, shot, event)


def observe(deck: Deck, shot: Shot, event: Answered) -> None:
    """Any answer says what eBay's clock showed, and how long the way was."""
    answer = RawAnswer(event.status, CaseInsensitiveDict(event.headers), b"")
    # What was due at `at_s` was not sent before it.
    deck.clock(shot.environment).observe(answer.date_at, sent_s=shot.order.at_s, received_s=event.at_s)


def _measured(clock: Any) -> dict[str, Any]:
    return {
        "offset_ms": clock.offset_ms,
        "error_ms": clock.error_ms,
        "latency_p50_ms": clock.latency_ms(0.5),
        "latency_p99_ms": clock.latency_ms(0.99),
        "samples": clock.samples,
        "measured_at": timezone.now(),
    }


def clocks_of_this_machine() -> dict[str, dict[str, Any]]:
    """By environment what an executor on this machine measured last, some minutes ago at most."""
    recent = timezone.now() - _RECENT
    rows = ExecutorClock.objects.filter(
        process__host=socket.gethostname(), measured_at__gt=recent, error_ms__isnull=False
    ).order_by("measured_at")
    return {
        row.environment: {
            "offset": timedelta(milliseconds=row.offset_ms),
            "error": timedelta(milliseconds=row.error_ms or 0.0),
            "measured_at": row.measured_at,
        }
        for row in rows
    }


def beat(known: int | None, name: str, measured: dict[str, dict[str, Any]], calls: Mapping[str, int]) -> int:
    """Keep the heartbeat row (made anew when it is gone) and the clocks, count calls; the row's id."""
    for environment, count in calls.items():
        # What the sender sends passes no observer of the transport.
        allowances().count(wire.quota_key(environment, PLACE_PROXY_BID.api), count)
    if known is None or not ProcessHeartbeat.objects.filter(pk=known).exists():
        known = register_process(KIND, name).pk
    beat_process(known)
    for environment, values in measured.items():
        ExecutorClock.objects.update_or_create(process_id=known, environment=environment, defaults=values)
    return known
