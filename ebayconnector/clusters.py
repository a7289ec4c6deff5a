"""The guard around a django-q2 cluster: `manage.py cluster NAME` (docs/decisions.md: why not bare qcluster).

It keeps the heartbeat row, tells jobs to stop before the signal comes, and leaves no process behind.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection

from tokens import processes as heartbeats

from .processes import kill_group, start_group, stop_flag, stop_group

logger = logging.getLogger(__name__)

BEAT_S = 5.0
STOP_WITHIN_S = 20.0
_RESTART_AFTER_S = 2.0


def cluster_names() -> list[str]:
    return [settings.Q_CLUSTER["name"], *settings.Q_CLUSTER["ALT_CLUSTERS"]]


class ClusterGuard:
    """Runs one cluster until it is told to stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stop: threading.Event | None = None
        self._heartbeat_id = 0

    def run(self) -> int:
        """Blocks until SIGTERM or SIGINT; returns the exit code (1 when jobs had to be killed)."""
        self._stop = stop_flag()
        self._heartbeat_id = heartbeats.register_process("cluster", self.name).pk
        child = self._start()
        try:
            while not self._stop.wait(BEAT_S):
                self._beat()
                if child.poll() is not None:
                    logger.error(
                        "cluster %s ended by itself (%s); starting it anew", self.name, child.returncode
                    )
                    kill_group(child)
                    self._stop.wait(_RESTART_AFTER_S)
                    child = self._start()
        finally:
            ended = self._end(child)
        return 0 if ended else 1

    def _start(self) -> subprocess.Popen[bytes]:
        env = os.environ | {
            "Q_CLUSTER_NAME": self.name,
            "CLUSTER_HEARTBEAT_ID": str(self._heartbeat_id),
            "PYTHONUNBUFFERED": "1",
        }
        return start_group([sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"], env=env)

    def _beat(self) -> None:
        try:
            close_old_connections()
            heartbeats.beat_process(self._heartbeat_id)
        except DatabaseError as failure:
            # The database is away: the jobs notice by themselves; the next beat tries again.
            logger.warning("cluster %s could not beat: %s", self.name, failure)
            connection.close()

    def _end(self, child: subprocess.Popen[bytes]) -> bool:
        began = time.monotonic()
        self._quietly(heartbeats.mark_stopping)
        ended = stop_group(child, within_s=STOP_WITHIN_S)
        if not ended:
            logger.error(
                "cluster %s did not stop within %s s; its jobs were killed", self.name, STOP_WITHIN_S
            )
        self._quietly(heartbeats.forget_process)
        logger.info("cluster %s stopped after %.1f s", self.name, time.monotonic() - began)
        return ended

    def _quietly(self, act: Callable[[int], None]) -> None:
        try:
            close_old_connections()
            act(self._heartbeat_id)
        except DatabaseError as failure:
            logger.warning("cluster %s: %s", self.name, failure)
            connection.close()
