"""The guard around a django-q2 cluster: `manage.py cluster NAME` (docs/decisions.md: why not bare qcluster).

It keeps the heartbeat row, tells jobs to stop before the signal comes, replaces a wedged cluster and
leaves no process behind.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from datetime import timedelta

from django.conf import settings
from django.db import DatabaseError, close_old_connections, connection
from django.utils import timezone
from django_q.models import OrmQ
from django_q.tasks import async_task

from syncworkers.services.runs import abandon_runs_of
from tokens import processes as heartbeats

from . import notice_checks
from .database import fetch_one
from .processes import kill_group, start_group, stop_flag, stop_group

logger = logging.getLogger(__name__)

BEAT_S = 5.0
STOP_WITHIN_S = 20.0
_LONGEST_RESTART_S = 60.0
# A job that only shows that jobs go through; in `sync` it is a ticket, so that all that waits there is one.
_CANARIES = {"sync": "syncworkers.tasks.work"}
_CANARY = "tokens.processes.note_progress"

# Work that waits in the queue, or was pulled and is not acknowledged: django-q2 locks a pulled row into the
# future by `retry`.
_WAITS = """
SELECT EXISTS (
  SELECT 1 FROM django_q_ormq WHERE key = %(name)s AND (
    lock <= clock_timestamp() - %(after)s
    OR (lock > clock_timestamp() AND lock - %(retry)s <= clock_timestamp() - %(after)s)))
"""
_MOVES = """
SELECT EXISTS (SELECT 1 FROM tokens_processheartbeat WHERE id = %(heartbeat)s
               AND progress_at > clock_timestamp() - %(after)s)
    OR EXISTS (SELECT 1 FROM ebay_worker_run WHERE process_id = %(heartbeat)s
               AND greatest(heartbeat_at, finished_at) > clock_timestamp() - %(after)s)
"""


def cluster_names() -> list[str]:
    return [settings.Q_CLUSTER["name"], *settings.Q_CLUSTER["ALT_CLUSTERS"]]


def is_wedged(name: str, heartbeat_id: int, after: timedelta) -> bool:
    """Whether work has waited for `after` while no run and no canary of this cluster moved."""
    retry = {**settings.Q_CLUSTER, **settings.Q_CLUSTER["ALT_CLUSTERS"].get(name, {})}["retry"]
    values = {
        "name": name,
        "heartbeat": heartbeat_id,
        "after": after,
        "retry": timedelta(seconds=retry),
    }
    return bool(_answer(_WAITS, values) and not _answer(_MOVES, values))


def _answer(sql: str, values: dict[str, object]) -> bool:
    row = fetch_one(sql, values)
    return bool(row and row[0])


class ClusterGuard:
    """Runs one cluster until it is told to stop."""

    def __init__(self, name: str) -> None:
        self.name = name
        self._stop = threading.Event()
        self._heartbeat_id = 0
        self._started = 0.0
        self._canary_at = 0.0
        self._restarts = 0

    def run(self) -> int:
        """Blocks until SIGTERM or SIGINT; returns the exit code (1 when jobs had to be killed)."""
        self._stop = stop_flag()
        self._heartbeat_id = heartbeats.register_process("cluster", self.name).pk
        child = self._start()
        try:
            while not self._stop.wait(BEAT_S):
                child = self._look_after(child)
        finally:
            ended = self._end(child)
        return 0 if ended else 1

    def _start(self) -> subprocess.Popen[bytes]:
        env = os.environ | {
            "Q_CLUSTER_NAME": self.name,
            "CLUSTER_HEARTBEAT_ID": str(self._heartbeat_id),
            "PYTHONUNBUFFERED": "1",
        }
        self._started = time.monotonic()
        return start_group([sys.executable, str(settings.BASE_DIR / "manage.py"), "qcluster"], env=env)

    def _look_after(self, child: subprocess.Popen[bytes]) -> subprocess.Popen[bytes]:
        """One round: beat, canary, notices where the schedule is dead, a new cluster for one that is too."""
        self._quietly(self._beat)
        self._quietly(notice_checks.stand_in)
        if child.poll() is not None:
            return self._replace(child, f"ended by itself ({child.returncode})")
        if self._quietly(self._wedged):
            return self._replace(child, "is wedged: work waits and nothing moves")
        return child

    def _beat(self) -> None:
        heartbeats.beat_process(self._heartbeat_id)
        if time.monotonic() - self._canary_at > settings.CLUSTER_WEDGED_AFTER.total_seconds() / 4:
            self._canary_at = time.monotonic()
            if not OrmQ.objects.filter(key=self.name, lock__lte=timezone.now()).exists():
                task = _CANARIES.get(self.name, _CANARY)
                async_task(task, cluster=self.name, task_name="canary", save=False)

    def _wedged(self) -> bool:
        after = settings.CLUSTER_WEDGED_AFTER
        if time.monotonic() - self._started < after.total_seconds():
            return False
        return is_wedged(self.name, self._heartbeat_id, after)

    def _replace(self, child: subprocess.Popen[bytes], why: str) -> subprocess.Popen[bytes]:
        logger.error("cluster %s %s; starting it anew", self.name, why)
        kill_group(child)
        self._quietly(lambda: abandon_runs_of(self._heartbeat_id))
        self._restarts += 1
        self._stop.wait(min(2.0 ** min(self._restarts - 1, 10), _LONGEST_RESTART_S))
        return self._start()

    def _end(self, child: subprocess.Popen[bytes]) -> bool:
        began = time.monotonic()
        self._quietly(lambda: heartbeats.mark_stopping(self._heartbeat_id))
        ended = stop_group(child, within_s=STOP_WITHIN_S)
        if not ended:
            logger.error(
                "cluster %s: jobs did not stop within %s s and were killed", self.name, STOP_WITHIN_S
            )
        self._quietly(lambda: abandon_runs_of(self._heartbeat_id))
        self._quietly(lambda: heartbeats.forget_process(self._heartbeat_id))
        logger.info("cluster %s stopped after %.1f s", self.name, time.monotonic() - began)
        return ended

    def _quietly(self, act: Callable[[], object]) -> object:
        """The guard outlives the database: what fails now is tried again in the next round."""
        try:
            close_old_connections()
            return act()
        except DatabaseError as failure:
            logger.warning("cluster %s: the database is away: %s", self.name, failure)
            connection.close()
            return None
