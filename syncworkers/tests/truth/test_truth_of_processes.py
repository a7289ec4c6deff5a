"""The same with real processes, which are killed and frozen, and a database that ends their sessions."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator

import psutil
import pytest
from django.db import connection

from syncworkers.registry import WORKERS
from syncworkers.services.tick import tick
from tests.processes import Cluster, running_cluster
from tests.seeds import seeds
from tests.waiting import eventually

from .story import Story
from .test_truth import told
from .world import BACKFILL

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(900)]

_STEPS = 10
_pause = threading.Event()


def some_seeds() -> list[int]:
    """Each takes as long as many of the others."""
    every = seeds(2)
    return every[: max(2, len(every) // 20)]


class Violence:
    """What is done to the processes of a cluster."""

    def __init__(self, story: Story, cluster: Cluster) -> None:
        self.story = story
        self.dice = story.dice
        self.cluster = cluster
        self.frozen: list[psutil.Process] = []

    def some(self) -> str:
        act = self.dice.choice([self.kill, self.freeze, self.wake, self.cut_sessions, self.nothing])
        return f"{act.__name__}: {act()}"

    def kill(self) -> str:
        return self._send(signal.SIGKILL)

    def freeze(self) -> str:
        return self._send(signal.SIGSTOP)

    def wake(self) -> str:
        """They go on where they were, long after."""
        for process in self.frozen:
            with contextlib.suppress(psutil.NoSuchProcess):
                process.send_signal(signal.SIGCONT)
        woken, self.frozen = len(self.frozen), []
        return str(woken)

    def cut_sessions(self) -> str:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity "
                "WHERE datname = current_database() AND pid <> pg_backend_pid()"
            )
            return f"{cursor.fetchone()[0]} sessions"

    def nothing(self) -> str:
        return ""

    def _send(self, number: signal.Signals) -> str:
        """To one that talks to eBay or the database now, if there is one; not to the guard."""
        workers = [each for each in self.cluster.family() if each not in self.frozen]
        if not workers:
            return "nobody is there"
        process = self.dice.choice(workers)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            if number == signal.SIGSTOP:
                self.frozen.append(process)
        return f"{number.name} to one of {len(workers)}"


@contextlib.contextmanager
def violence(story: Story, cluster: Cluster) -> Iterator[Violence]:
    hand = Violence(story, cluster)
    try:
        yield hand
    finally:
        hand.wake()


@pytest.mark.parametrize("seed", some_seeds())
def test_the_tables_hold_what_is_true_whatever_happens_to_the_processes(tell, ebay, tmp_path, seed):
    story = tell(seed, accounts=2, orders=450, own_time=False)
    ebay.post("latency", path="/sell/|/ws/|/post-order/", seconds=0.02)
    backfill = ",".join(f"{family}={days}" for family, days in BACKFILL.items())
    env = {"Q_WORKERS": "2", "SYNC_BACKFILL_DAYS": backfill, "LOG_LEVEL": "WARNING"}
    with (
        running_cluster("sync", tmp_path, up_within_s=180.0, **env) as cluster,
        violence(story, cluster) as hand,
    ):
        story.work.ask_for_all(WORKERS)
        for _ in range(_STEPS):
            wait_for_something(story)
            story.note("violence", hand.some())
            story.act(
                [story.some_edits, story.faults.some, story.some_time, story.work.ask, story.end_of_faults]
            )
            story.note("tick", tick())
    told(story, 0, seed)


def wait_for_something(story: Story) -> None:
    """Until some more pages are read, or nothing is left to do."""
    goal = story.work.pages() + story.dice.randint(1, 12)
    with contextlib.suppress(AssertionError):
        # Whoever was frozen or waits for a pause does not come to it: the story goes on.
        eventually(lambda: story.work.pages() >= goal or not story.work.left(), within_s=4)
