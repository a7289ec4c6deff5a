"""The same with real processes, which are killed and frozen, and a database that ends their sessions."""

from __future__ import annotations

import contextlib
import signal
import threading
from collections.abc import Iterator
from datetime import timedelta

import psutil
import pytest
from django.conf import settings
from django.db import connection
from django.db.models import QuerySet, Sum
from django.db.models.functions import Now

from syncworkers.models import RunStatus, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services.tick import tick
from tests.processes import Cluster, running_cluster
from tests.seeds import seeds
from tests.waiting import eventually

from .story import Story
from .test_truth import told
from .world import BACKFILL

pytestmark = [pytest.mark.slow, pytest.mark.soak, pytest.mark.timeout(900)]

# Further ones are taken until a run was interrupted.
_STEPS, _MOST_STEPS = 10, 30
# Who has a run beats at each page.
_BEATS_WITHIN = timedelta(seconds=1)
_pause = threading.Event()


def some_seeds() -> list[int]:
    """Each takes as long as many of the others."""
    every = seeds(2)
    return every[: max(2, len(every) // 20)]


class Violence:
    """What is done to the processes of a cluster. `struck`: the runs of which one was in a process that was
    killed or frozen."""

    def __init__(self, story: Story, cluster: Cluster) -> None:
        self.story = story
        self.dice = story.dice
        self.cluster = cluster
        self.frozen: list[psutil.Process] = []
        self.struck: set[int] = set()

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
        """To one that executes a run, if there is one, else to any other; not to the guard, which alone has
        children, and not to who is frozen."""
        workers = [each for each in self.cluster.family() if each not in self.frozen and is_leaf(each)]
        if not workers:
            return "nobody is there"
        beating = runs_of_clusters().filter(status=RunStatus.RUNNING, heartbeat_at__gt=Now() - _BEATS_WITHIN)
        running = set(beating.values_list("pk", flat=True))
        busy = [each for each in workers if talks_to_ebay(each)] if running else []
        process = self.dice.choice(busy or workers)
        with contextlib.suppress(psutil.NoSuchProcess):
            process.send_signal(number)
            if number == signal.SIGSTOP:
                self.frozen.append(process)
            if busy:
                self.struck |= running
        return f"{number.name} to one of {len(workers)}, of whom {len(busy)} have {len(running)} runs"

    def interrupted(self) -> int:
        """How many runs did not end by themselves when their process was struck."""
        return runs_of_clusters().filter(pk__in=self.struck, status=RunStatus.ABANDONED).count()

    def kill_for_sure(self) -> str:
        """Somebody who has a run, and nobody waits for him."""
        words = f"{self.wake()} woken, {self.kill()}"
        self.story.world.let_our_time_pass(timedelta(minutes=11))
        return words


def is_leaf(process: psutil.Process) -> bool:
    with contextlib.suppress(psutil.NoSuchProcess):
        return not process.children()
    return False


def talks_to_ebay(process: psutil.Process) -> bool:
    """Whether it has executed a run: its connections to eBay last a little longer."""
    port = int(settings.EBAY_SIMULATOR_URL.rpartition(":")[2])
    with contextlib.suppress(psutil.NoSuchProcess):
        return any(s.raddr and s.raddr.port == port for s in process.net_connections(kind="tcp"))
    return False


def runs_of_clusters() -> QuerySet[WorkerRun]:
    """Runs that were claimed by a cluster and not here."""
    return WorkerRun.objects.filter(process__isnull=False)


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
        for step in range(_MOST_STEPS):
            if step >= _STEPS and hand.interrupted():
                break
            wait_for_something(story)
            story.note("violence", hand.some() if step < _STEPS else hand.kill_for_sure())
            story.act(
                [story.some_edits, story.faults.some, story.some_time, story.work.ask, story.end_of_faults]
            )
            story.note("tick", tick())
            if not story.work.left():
                story.work.ask_for_all(WORKERS)
        interrupted, pages = hand.interrupted(), runs_of_clusters().aggregate(pages=Sum("pages"))["pages"]
    story.note("cluster", f"read {pages} pages; {interrupted} runs were interrupted")
    assert pages and interrupted, "\n".join(story.script)
    told(story, 0, seed)


def wait_for_something(story: Story) -> None:
    """Until some more pages are read, or nothing is left to do."""
    goal = story.work.pages() + story.dice.randint(1, 12)
    with contextlib.suppress(AssertionError):
        # Whoever was frozen or waits for a pause does not come to it: the story goes on.
        eventually(lambda: story.work.pages() >= goal or not story.work.left(), within_s=4)
