"""The heartbeat of a web process."""

from __future__ import annotations

import logging
import time
from concurrent.futures import Executor, Future, wait

from django.db import Error, close_old_connections, connection

from tokens import processes

logger = logging.getLogger(__name__)

BEAT_S = 5.0


class WebHeartbeat:
    """The heartbeat row of this process: made at the first beat, and again when it has gone meanwhile."""

    def __init__(self) -> None:
        self._id: int | None = None
        self._due_at = 0.0
        self._under_way: Future[None] | None = None

    def beat_when_due(self, pool: Executor) -> None:
        """Called often, never waits: the database is asked by a thread of the pool, one at a time."""
        if time.monotonic() < self._due_at or (self._under_way and not self._under_way.done()):
            return
        self._due_at = time.monotonic() + BEAT_S
        self._under_way = pool.submit(self.beat)

    def beat(self) -> None:
        try:
            close_old_connections()
            if self._id is None or not processes.beat_process(self._id):
                self._id = processes.register_process("web", "gunicorn").pk
        except Error as failure:
            logger.warning("the database is away, no heartbeat: %s", failure)
            connection.close()

    def end(self) -> None:
        if self._under_way:
            wait([self._under_way], timeout=BEAT_S)
        try:
            if self._id is not None:
                processes.forget_process(self._id)
        except Error as failure:
            logger.warning("the database is away, the heartbeat stays until it is old: %s", failure)
