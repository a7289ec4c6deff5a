"""The executor's end of its sender."""

from __future__ import annotations

import socket
import subprocess
import sys

from django.conf import settings

from .messages import Command, Event, Frames, frame

_PIECE = 256 * 1024


class SenderGone(Exception):
    """The sender has ended: what was given to it and not reported may or may not have been sent."""


class Sender:
    """Starts the process. Nothing here waits; `flush` and `events` belong into the executor's loop.

    `ca_bundle` is a file of certificates to trust instead of the usual ones.
    """

    def __init__(self, *, ca_bundle: str = "") -> None:
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        self._socket = ours
        self._out = bytearray()
        self._events = Frames(Event)
        with theirs:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "sniper.sender", str(theirs.fileno()), *filter(None, [ca_bundle])],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                cwd=settings.BASE_DIR,
                start_new_session=True,
            )

    def fileno(self) -> int:
        return self._socket.fileno()

    @property
    def has_more(self) -> bool:
        """Whether commands wait until the socket takes them."""
        return bool(self._out)

    def tell(self, command: Command) -> None:
        self._out += frame(command)

    def flush(self) -> None:
        """Raises SenderGone."""
        while self._out:
            try:
                count = self._socket.send(self._out)
            except BlockingIOError:
                return
            except OSError:
                raise SenderGone from None
            del self._out[:count]

    def events(self) -> list[Event]:
        """What has been reported since; does not wait. Raises SenderGone after the last of them."""
        has_ended = self._receive()
        found: list[Event] = list(self._events.messages())  # type: ignore[arg-type]
        if has_ended and not found:
            raise SenderGone
        return found

    def _receive(self) -> bool:
        """True when nothing more will come."""
        try:
            while piece := self._socket.recv(_PIECE):
                self._events.feed(piece)
        except BlockingIOError:
            return False
        except OSError:
            return True
        return True

    def stop(self, *, within_s: float = 3.0) -> None:
        """Close our end; it sends what is due already and ends. Killed when it does not in time."""
        self._socket.close()
        try:
            self.process.wait(timeout=within_s)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
