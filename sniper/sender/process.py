"""The sender's loop: what is due is sent before anything else is looked at."""

from __future__ import annotations

import contextlib
import gc
import heapq
import select
import socket
import ssl
import time
from collections import deque

import certifi

from .channel import Channel
from .line import Line, LineBroken, State
from .messages import (
    Answered,
    Close,
    Lost,
    NotSent,
    Open,
    Opened,
    Ping,
    Pong,
    Sent,
    Shoot,
    Unanswered,
)

# Sleeping ends this long before a moment, the rest is spent looking at the clock.
_SPIN_S = 0.0004
_POLL_BEFORE_S = 0.003
_IDLE_S = 1.0
_REOPEN_S = 0.1
_SERVED_S = 1.0
_SLOWEST_REOPEN_S = 2.0
_CONNECT_WITHIN_S = 4.0
_AT_ONCE = 8
_SPARE = -1
_FAR_S = 10.0

_Place = tuple[tuple[tuple[int, str, int], ...], str]


class _Target:
    """A connection that somebody wants under a key, through all its reopenings."""

    def __init__(self, key: int, place: _Place) -> None:
        self.key = key
        self.place = place
        self.line: Line | None = None
        self.failures = 0
        self.why = ""
        self.opened_s: float | None = None
        self.queue: deque[Shoot] = deque()


class SenderLoop:
    """Runs until the other side has gone and nothing recorded is left to send."""

    def __init__(self, channel: socket.socket, *, ca_bundle: str | None = None) -> None:
        self._epoll = select.epoll()
        self._channel = Channel(channel, self._epoll)
        self._say = self._channel.say
        self._targets: dict[int, _Target] = {}
        self._by_fd: dict[int, _Target] = {}
        self._spares: dict[_Place, _Target] = {}
        self._next_spare = _SPARE
        self._shots: list[tuple[float, int, Shoot]] = []
        # (when, order, what, key, call or line)
        self._timers: list[tuple[float, int, str, int, object]] = []
        self._order = 0
        # Read once and early: it takes tens of milliseconds.
        self._tls = ssl.create_default_context(cafile=ca_bundle or certifi.where())

    def run(self) -> None:
        gc.collect()
        gc.freeze()
        # A collection at the wrong moment costs more than the sends; it is done when nothing is near.
        gc.disable()
        collected = time.monotonic()
        while not (self._channel.is_over and not self._shots):
            self._turn()
            now = time.monotonic()
            if now - collected > _FAR_S and self._quiet_for(now) > _FAR_S:
                gc.collect()
                collected = now
        for target in self._targets.values():
            if target.line is not None:
                target.line.close()
        self._epoll.close()

    # -- time ---------------------------------------------------------------------------------------------

    def _turn(self) -> None:
        now = self._fire_due()
        self._run_timers(now)
        left = self._quiet_for(now)
        if left > _POLL_BEFORE_S:
            self._look(min(left - _POLL_BEFORE_S + 0.001, _IDLE_S))
        elif left > _SPIN_S * 2:
            self._look(0.0)
            left = self._quiet_for(time.monotonic())
            if left > _SPIN_S:
                time.sleep(left - _SPIN_S)
        elif left <= 0:
            self._look(0.0)

    def _quiet_for(self, now: float) -> float:
        """Seconds to the next thing with a time."""
        nearest = min(
            self._shots[0][0] if self._shots else now + _FAR_S * 2,
            self._timers[0][0] if self._timers else now + _FAR_S * 2,
        )
        return nearest - now

    def _fire_due(self) -> float:
        now = time.monotonic()
        while self._shots and self._shots[0][0] <= now:
            _, _, shot = heapq.heappop(self._shots)
            self._fire(shot, now)
            now = time.monotonic()
        return now

    def _fire(self, shot: Shoot, now: float) -> None:
        target = self._targets.get(shot.key)
        if target is None or now > shot.until_s:
            self._say(
                NotSent(shot.call_id, now, "its connection was given up" if target is None else "too late")
            )
            return
        line = target.line
        if line is None or line.state is not State.IDLE:
            line = self._use_spare(target)
        if line is None:
            target.queue.append(shot)
            self._at(shot.until_s, "expire", target.key, shot)
            return
        self._send(target, line, shot)

    def _send(self, target: _Target, line: Line, shot: Shoot) -> None:
        try:
            complete = line.send(shot)
        except LineBroken as failure:
            self._broken(target, str(failure))
            return
        if complete:
            self._sent(target, line, shot)
        else:
            self._watch(line)
            self._at(time.monotonic() + shot.within_s, "answer", target.key, (line, shot))

    def _sent(self, target: _Target, line: Line, shot: Shoot) -> None:
        at_s = time.monotonic()
        self._say(Sent(shot.call_id, at_s))
        self._at(at_s + shot.within_s, "answer", target.key, (line, shot))

    def _at(self, when: float, what: str, key: int, thing: object) -> None:
        self._order += 1
        heapq.heappush(self._timers, (when, self._order, what, key, thing))

    def _run_timers(self, now: float) -> None:
        while self._timers and self._timers[0][0] <= now:
            _, _, what, key, thing = heapq.heappop(self._timers)
            target = self._targets.get(key)
            if target is None:
                continue
            if what == "reopen" and target.line is None:
                self._open_line(target)
            elif (
                what == "connect"
                and target.line is not None
                and target.line is thing
                and not target.line.is_open
            ):
                self._broken(target, "no connection in time")
            elif what == "answer" and target.line is not None and thing == (target.line, target.line.shot):
                self._broken(target, "no answer in time")
            elif what == "expire" and thing in target.queue and isinstance(thing, Shoot):
                target.queue.remove(thing)
                why = f": {target.why}" if target.why else ""
                self._say(NotSent(thing.call_id, now, f"no connection in time{why}"))

    # -- lines --------------------------------------------------------------------------------------------

    def _open(self, command: Open) -> None:
        known = self._targets.get(command.key)
        place = (command.addresses, command.tls_name)
        if known is not None:
            if known.line is not None and known.line.is_open:
                self._say(Opened(known.key, time.monotonic()))
            return
        target = self._targets[command.key] = _Target(command.key, place)
        self._open_line(target)
        self._ensure_spare(place)

    def _ensure_spare(self, place: _Place) -> None:
        if place in self._spares:
            return
        self._next_spare -= 1
        spare = _Target(self._next_spare, place)
        self._spares[place] = self._targets[spare.key] = spare
        self._open_line(spare)

    def _use_spare(self, target: _Target) -> Line | None:
        """The spare connection instead of the target's own, which is not ready; None: nor is the spare."""
        spare = self._spares.get(target.place)
        if spare is None or spare.line is None or spare.line.state is not State.IDLE:
            return None
        if target.line is not None and target.line.shot is not None:
            return None
        if target.line is not None:
            self._drop(target.line)
        line, spare.line = spare.line, None
        target.line = line
        self._by_fd[line.socket.fileno()] = target
        self._at(time.monotonic(), "reopen", spare.key, None)
        return line

    def _open_line(self, target: _Target) -> None:
        addresses, tls_name = target.place
        address = addresses[target.failures % len(addresses)]
        try:
            line = Line(address, (self._tls, tls_name) if tls_name else None)
        except (LineBroken, OSError) as failure:
            self._failed(target, str(failure))
            return
        target.line = line
        fd = line.socket.fileno()
        self._by_fd[fd] = target
        self._epoll.register(fd, line.wants)
        self._at(time.monotonic() + _CONNECT_WITHIN_S, "connect", target.key, line)

    def _watch(self, line: Line) -> None:
        self._epoll.modify(line.socket.fileno(), line.wants)

    def _drop(self, line: Line) -> None:
        fd = line.socket.fileno()
        self._by_fd.pop(fd, None)
        with contextlib.suppress(OSError, ValueError):
            self._epoll.unregister(fd)
        line.close()

    def _broken(self, target: _Target, why: str) -> None:
        """The line is gone; its call, if it had one, is told of, and what is still to be sent waits."""
        line, target.line = target.line, None
        now = time.monotonic()
        shot = line.shot if line is not None else None
        wrote = line.wrote if line is not None else False
        if line is not None:
            self._drop(line)
        if shot is not None and wrote:
            self._say(Unanswered(shot.call_id, now, why))
        elif shot is not None:
            # Nothing of it went out: the spare, or the next connection, may take it.
            self._order += 1
            heapq.heappush(self._shots, (now, self._order, shot))
        self._failed(target, why)

    def _failed(self, target: _Target, why: str) -> None:
        now = time.monotonic()
        target.why = why
        if target.key >= 0:
            self._say(Lost(target.key, now, why))
        # One that served a while is replaced at once.
        served = target.opened_s is not None and now - target.opened_s > _SERVED_S
        target.failures = 0 if served else target.failures + 1
        target.opened_s = None
        pause = min(_REOPEN_S * 2 ** min(target.failures, 6), _SLOWEST_REOPEN_S)
        self._at(now + (0.0 if served else pause), "reopen", target.key, None)

    def _close(self, key: int) -> None:
        target = self._targets.pop(key, None)
        if target is None:
            return
        now = time.monotonic()
        if target.line is not None:
            if target.line.shot is not None:
                self._say(Unanswered(target.line.shot.call_id, now, "the connection was given up"))
            self._drop(target.line)
        for shot in target.queue:
            self._say(NotSent(shot.call_id, now, "its connection was given up"))
        place = target.place
        if not any(other.place == place and other.key >= 0 for other in self._targets.values()):
            spare = self._spares.pop(place, None)
            if spare is not None:
                self._close(spare.key)

    # -- events -------------------------------------------------------------------------------------------

    def _look(self, timeout_s: float) -> None:
        """Handle what has happened, a few things at a time: something may be due in between."""
        self._channel.flush()
        for fd, events in self._epoll.poll(timeout_s, _AT_ONCE):
            if fd == self._channel.fileno():
                self._hear(events)
            elif fd in self._by_fd:
                self._progress(self._by_fd[fd], events)
            self._fire_due()

    def _progress(self, target: _Target, events: int) -> None:
        line = target.line
        if line is None:
            return
        try:
            self._step(target, line, events)
        except LineBroken as failure:
            if target.line is line:
                self._broken(target, str(failure))

    def _step(self, target: _Target, line: Line, events: int) -> None:
        if line.state is State.CONNECTING and events & (select.EPOLLOUT | select.EPOLLERR | select.EPOLLHUP):
            line.connected()
            self._watch(line)
        elif line.state is State.SHAKING:
            line.shake()
        elif line.state is State.SENDING and events & select.EPOLLOUT and line.shot is not None:
            if line.send_rest():
                self._watch(line)
                self._sent(target, line, line.shot)
            return
        elif events & ~select.EPOLLOUT:
            self._receive(target, line)
            return
        if line.is_open:
            self._opened(target)

    def _opened(self, target: _Target) -> None:
        target.opened_s, target.why = time.monotonic(), ""
        if target.key >= 0:
            self._say(Opened(target.key, target.opened_s))
        self._send_waiting(target)

    def _send_waiting(self, target: _Target) -> None:
        if target.queue:
            shot = target.queue.popleft()
            self._order += 1
            heapq.heappush(self._shots, (time.monotonic(), self._order, shot))

    def _receive(self, target: _Target, line: Line) -> None:
        answer = line.receive()
        shot = line.shot
        if answer is None or shot is None:
            return
        headers = dict(answer.headers)
        self._say(Answered(shot.call_id, time.monotonic(), answer.status, headers, answer.body))
        line.free()
        if not answer.keeps_open:
            self._broken(target, "closed by eBay after an answer")
        else:
            self._send_waiting(target)

    # -- the executor -------------------------------------------------------------------------------------

    def _hear(self, events: int) -> None:
        for command in self._channel.hear(events):
            self._obey(command)
            self._fire_due()

    def _obey(self, command: object) -> None:
        if isinstance(command, Shoot):
            self._order += 1
            heapq.heappush(self._shots, (command.at_s, self._order, command))
        elif isinstance(command, Open):
            self._open(command)
        elif isinstance(command, Close):
            self._close(command.key)
        elif isinstance(command, Ping):
            self._say(Pong(command.at_s))
