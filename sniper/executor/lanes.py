"""Work that waits for others, in threads, and the inbox through which its results come back."""

from __future__ import annotations

import contextlib
import logging
import queue
import socket
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import psycopg
from django.db import close_old_connections, connection

from sniper.claims.sql import Connection, connect

logger = logging.getLogger(__name__)

_AGAIN_S = 0.1


@dataclass(frozen=True)
class Done:
    """A finished job: `then` takes its result, or its error."""

    then: Callable[[Any, Exception | None], None]
    result: Any
    error: Exception | None


class Inbox:
    """Filled by threads, emptied by the loop, which a socket wakes up."""

    def __init__(self) -> None:
        self._queue: queue.SimpleQueue[Done] = queue.SimpleQueue()
        self._reader, self._writer = socket.socketpair()
        self._reader.setblocking(False)
        self._writer.setblocking(False)

    def fileno(self) -> int:
        return self._reader.fileno()

    def put(self, done: Done) -> None:
        self._queue.put(done)
        try:
            self._writer.send(b".")
        except BlockingIOError:
            # As many wake-ups wait already as the socket holds.
            return

    def take(self) -> list[Done]:
        with contextlib.suppress(BlockingIOError):
            self._reader.recv(4096)
        found = []
        while True:
            try:
                found.append(self._queue.get_nowait())
            except queue.Empty:
                return found


class Lane:
    """One thread with one connection of its own; jobs in their order.

    `patient`: a job that fails because the database is away is tried until it works, and those after it wait:
    for what must be written down, and in its order. Otherwise the job's `then` gets the error.
    """

    def __init__(self, name: str, inbox: Inbox, *, patient: bool) -> None:
        self._inbox = inbox
        self._patient = patient
        self._jobs: queue.SimpleQueue[tuple[Any, Any] | None] = queue.SimpleQueue()
        self._connection: Connection | None = None
        self.pending = 0
        self.began_s: float | None = None
        self._thread = threading.Thread(target=self._work, name=f"sniper-{name}", daemon=True)
        self._thread.start()

    def submit(self, job: Callable[[Connection], Any], then: Callable[[Any, Exception | None], None]) -> None:
        self.pending += 1
        self._jobs.put((job, then))

    def stop(self) -> None:
        """After the jobs that it has."""
        self._jobs.put(None)

    @property
    def busy_for_s(self) -> float:
        """How long the present job has taken so far."""
        began_s = self.began_s
        return 0.0 if began_s is None else time.monotonic() - began_s

    def _work(self) -> None:
        while (work := self._jobs.get()) is not None:
            job, then = work
            self.began_s = time.monotonic()
            result, error = self._do(job)
            self.began_s = None
            self.pending -= 1
            self._inbox.put(Done(then, result, error))
        if self._connection is not None:
            self._connection.close()

    def _do(self, job: Callable[[Connection], Any]) -> tuple[Any, Exception | None]:
        while True:
            try:
                if self._connection is None:
                    self._connection = connect()
                return job(self._connection), None
            except (psycopg.OperationalError, psycopg.InterfaceError) as failure:
                logger.warning("the database is away: %s", str(failure).strip())
                self._disconnect()
                if not self._patient:
                    return None, failure
                time.sleep(_AGAIN_S)
            # A mistake of ours in one job must not end the thread that all others need.
            except Exception as failure:
                logger.exception("a job of the executor failed")
                self._disconnect()
                return None, failure

    def _disconnect(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


class Pool:
    """Threads for what uses Django and talks to eBay: arming, results, heartbeats."""

    def __init__(self, inbox: Inbox, threads: int) -> None:
        self._inbox = inbox
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="sniper-pool")

    def submit(self, job: Callable[[], Any], then: Callable[[Any, Exception | None], None]) -> None:
        self._threads.submit(self._do, job, then)

    def stop(self) -> None:
        self._threads.shutdown(wait=False, cancel_futures=True)

    def _do(self, job: Callable[[], Any], then: Callable[[Any, Exception | None], None]) -> None:
        result, error = None, None
        try:
            close_old_connections()
            result = job()
        # The job's owner gets it, whatever it is, and decides.
        except Exception as failure:
            error = failure
            connection.close()
        self._inbox.put(Done(then, result, error))
