"""What we do: runs through the real road, and all that comes between their pages."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection
from datetime import timedelta
from itertools import islice

from django.db import OperationalError, connection
from django.db.models import F, Sum

from accounts.access import SYSTEM
from accounts.services import change_account
from syncworkers.locks import check_connection, claim_next_run
from syncworkers.models import RunStatus, SyncState, Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from syncworkers.services.execution import execute_run
from syncworkers.services.switches import press_red_button, set_account_workers, set_worker_enabled
from syncworkers.services.tick import tick
from syncworkers.tests.running import in_threads, no_sleep

from .edits import Edits
from .watch import Watch
from .world import World

_MOST_RUNS = 60


class Work:
    """Runs in this process."""

    def __init__(self, world: World, edits: Edits, watch: Watch) -> None:
        self.world = world
        self.edits = edits
        self.watch = watch
        self.dice = world.dice

    # -- asking

    def ask(self) -> str:
        account, family = self.dice.choice(self.world.accounts), self.dice.choice(sorted(WORKERS))
        trigger = self.dice.choice([Trigger.MANUAL, Trigger.SCHEDULE])
        requested = runs.request_run(account, WORKERS[family], trigger=trigger, by="truth")
        return f"{family} of {account.username}: {requested.words}"

    def ask_for_all(self, families: Collection[str]) -> None:
        for account in self.world.accounts:
            for family in filter(families.__contains__, WORKERS):
                runs.request_run(account, WORKERS[family], trigger=Trigger.RUN_ALL, by="truth")

    def ask_for(self, families: int) -> None:
        account = self.dice.choice(self.world.accounts)
        for family in self.dice.sample(sorted(WORKERS), families):
            runs.request_run(account, WORKERS[family], trigger=Trigger.SCHEDULE, by="truth")

    def tick(self) -> str:
        return str(tick())

    # -- doing

    def some(self) -> str:
        """A few of the runs that wait, one of them interrupted, or two at the same time."""
        if not self.left():
            self.ask_for(self.dice.randint(2, 6))
        how = self.dice.choice([self.plainly, self.plainly, self.interrupted, self.interrupted, self.at_once])
        return f"{how.__name__}: {how()}"

    def plainly(self) -> str:
        return self.until_idle(most=self.dice.randint(1, 8))

    def until_idle(self, *, most: int = _MOST_RUNS) -> str:
        return ", ".join(islice(iter(self._one, ""), most))

    def _one(self, on_page: Callable[[WorkerRun], None] | None = None, *, in_s: float = 60.0) -> str:
        claimed = claim_next_run(None)
        if claimed is None:
            return ""
        try:
            with self.watch.over_run():
                run = execute_run(claimed, deadline=time.monotonic() + in_s, on_page=on_page, sleep=no_sleep)
        except (_Died, OperationalError) as failure:
            # Recorded, and raised for the process to see.
            return f"{claimed.api_family} ended by {type(failure).__name__}"
        finally:
            # As django-q2 does after each job.
            check_connection()
        return f"{run.api_family} {run.status} {run.reason}".strip()

    def at_once(self) -> str:
        """Two runs at the same time, as two processes have them."""
        return ", ".join(in_threads([self._one, self._one]))

    def interrupted(self) -> str:
        acts = [self._cancel, self._steal, self._cut_session, self._switch_off, self._die]
        acts += [self._edit, self._time_up]
        act, page = self.dice.choice(acts), self.dice.randint(1, 6)
        seen = 0

        def on_page(run: WorkerRun) -> None:
            nonlocal seen
            seen += 1
            if seen == page:
                act(run)

        words = self._one(on_page, in_s=-1.0 if act == self._time_up else 60.0)
        return f"{act.__name__} at page {page}: {words}"

    def _time_up(self, run: WorkerRun) -> None:
        """It had no time from the beginning."""

    def _cancel(self, run: WorkerRun) -> None:
        runs.cancel_run(run, by="truth")

    def _steal(self, run: WorkerRun) -> None:
        """It was silent for too long, and comes back."""
        WorkerRun.objects.filter(pk=run.pk).update(heartbeat_at=F("heartbeat_at") - timedelta(minutes=11))
        runs.abandon_silent()

    def _cut_session(self, run: WorkerRun) -> None:
        """PostgreSQL ends the session between two pages."""
        try:
            with connection.cursor() as cursor:
                cursor.execute("SELECT pg_terminate_backend(pg_backend_pid())")
        except OperationalError:
            return

    def _switch_off(self, run: WorkerRun) -> None:
        set_worker_enabled(run.account, WORKERS[run.api_family], False, by=SYSTEM)

    def _die(self, run: WorkerRun) -> None:
        raise _Died

    def _edit(self, run: WorkerRun) -> None:
        for _ in range(3):
            self.edits.some()

    # -- switches

    def switch(self) -> str:
        account, family = self.dice.choice(self.world.accounts), self.dice.choice(sorted(WORKERS))
        on = self.dice.random() < 0.4
        kind = self.dice.choice(["worker", "worker", "account", "all"])
        if kind == "worker":
            set_worker_enabled(account, WORKERS[family], on, by=SYSTEM)
        elif kind == "account":
            set_account_workers(account, on, by=SYSTEM)
        else:
            press_red_button(account.organization, enabled=on, reason="truth", by=SYSTEM)
        return f"{kind} {family} of {account.username} {'on' if on else 'off'}"

    def all_on(self) -> None:
        SyncState.objects.update(enabled=True)
        for account in self.world.accounts:
            account.refresh_from_db()
            change_account(account, by=SYSTEM, workers_enabled=True)
            press_red_button(account.organization, enabled=True, reason="", by=SYSTEM)

    def pages(self) -> int:
        return WorkerRun.objects.aggregate(pages=Sum("pages"))["pages"] or 0

    def left(self) -> int:
        return WorkerRun.objects.filter(status__in=[RunStatus.QUEUED, RunStatus.RUNNING]).count()


class _Died(SystemExit):
    """The process is ended by force."""
