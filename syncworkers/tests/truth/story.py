"""A truth run: from one seed a world, random steps, and at the end the tables against the truth.

Everything that is random comes from the seed; what is left to chance is how threads meet.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import timedelta

from django.db.models import Q

from syncworkers.models import SyncState, WorkerRun
from syncworkers.registry import WORKERS, Passes
from syncworkers.services.runs import abandon_silent

from .compare import Difference, differences
from .edits import Edits
from .faults import Faults
from .keepsakes import Keepsakes
from .watch import Watch, broken_claims
from .work import Work
from .world import World

_MOST_ROUNDS = 12
_TO_CLOSE = 3
# So often one looks after a step.
_LOOKS = 0.25
_PASSES = {family for family, worker in WORKERS.items() if isinstance(worker.reads, Passes)}
_MONEY = {"transactions", "finances"}
_LENGTHS = (
    timedelta(minutes=6), timedelta(minutes=40), timedelta(hours=3), timedelta(hours=9),
    timedelta(days=1), timedelta(days=2), timedelta(days=5), timedelta(days=16),
)  # fmt: skip


class Story:
    """`script` says what was done, for whoever must find out what went wrong."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.dice = world.dice
        self.edits = Edits(world)
        self.faults = Faults(world)
        self.watch = Watch()
        self.work = Work(world, self.edits, self.watch)
        self.keepsakes = Keepsakes(world)
        self.script: list[str] = []
        self.keepsakes.look()

    def play(self, steps: int) -> None:
        if not steps:
            return
        self.work.tick()
        if self.dice.random() < 0.8:
            # Most of what is read in pages is read at first.
            for _ in range(self.dice.choice([0, 1, 2, 4])):
                self.act([self.faults.some, self.faults.moving])
            storms = self.dice.random() < 0.8
            # One family after the other: a run that reads old data gives way to one that waits, and by the
            # time it is back the storm would be over.
            for family in WORKERS if storms else ():
                self.note("storm", self.faults.storm())
                self.work.ask_for_all({family})
                self.note("first", self.work.until_idle())
            self.work.ask_for_all(set(WORKERS))
            self.note("first", self.work.until_idle())
            self.look()
        acts = {
            self.some_edits: 5, self.faults.some: 3, self.work.some: 8, self.some_time: 3, self.work.ask: 2,
            self.work.tick: 2, self.work.switch: 1, self.end_of_faults: 1,
        }  # fmt: skip
        for _ in range(steps):
            self.act(self.dice.choices(list(acts), list(acts.values())))
            if self.dice.random() < _LOOKS:
                self.look()
        if self.dice.random() < 0.5:
            self.grow_old()

    def act(self, acts: Sequence[Callable[[], object]]) -> None:
        """One of them."""
        act = self.dice.choice(acts)
        self.note(act.__name__, act())

    def end(self) -> list[Difference]:
        """Nothing fails or moves any more; when a round brings nothing new, tables and truth are compared."""
        self.look()
        self.faults.over()
        self.work.all_on()
        self.edits.heal_broken()
        for account in self.world.accounts:
            self.note("for good", (self.edits.break_for_good(account), self.edits.send_away(account)))
            # What no list shows, after all was read.
            self.note("silently", (self.edits.silent_detail(account), self.edits.move_letter(account)))
        self.note("two days of peace", None)
        self.world.let_time_pass(timedelta(days=2))
        abandon_silent()
        self.world.stop_time()
        self.world.make_all_due()
        restless = set(WORKERS)
        for number in range(_MOST_ROUNDS):
            # A row is closed when two complete passes have not shown it, and open again when one does.
            if number == _TO_CLOSE:
                self.edits.come_back()
            restless = self._round(restless | _PASSES if number <= _TO_CLOSE else restless)
            if number >= _TO_CLOSE and not restless:
                self.keepsakes.look()
                return [*differences(self.world), *self.keepsakes.lost(), *self.watch.found]
        return [Difference("runs", "", f"{restless} store something new in each of {_MOST_ROUNDS} rounds")]

    def _round(self, families: set[str]) -> set[str]:
        """These families once, with all that is due; returns those that stored something or could not."""
        before = WorkerRun.objects.order_by("-id").values_list("id", flat=True).first() or 0
        SyncState.objects.update(statuses_asked_at=None)
        self.work.ask_for_all(families)
        for _ in range(10):
            self.note("round", self.work.until_idle())
            if not self.work.left():
                break
            # Retries and follow-ups wait for their time; our clock alone goes on.
            self.world.let_our_time_pass(timedelta(days=2))
        self.world.let_our_time_pass(timedelta(days=2))
        # What a record in quarantine leaves open is open for good.
        unfinished = ~Q(status="completed") & ~Q(reason="quarantine")
        new = WorkerRun.objects.filter(Q(rows_stored__gt=0) | unfinished, id__gt=before)
        found = set(new.values_list("api_family", flat=True)) | self.world.overdue()
        # They fill one table.
        return found | _MONEY if found & _MONEY else found

    def look(self) -> None:
        """What the product says of itself now must be true, and what eBay gives for a while must stay."""
        self.keepsakes.look()
        self.watch.found += broken_claims(self.world)

    def grow_old(self) -> None:
        """Orders are read again when eBay withholds more of them than before."""
        self.keepsakes.look()
        self.world.let_time_pass(timedelta(days=16))
        for account in self.world.accounts:
            self.note("touched", self.edits.touch_orders(account))
        self.work.ask_for_all({"orders"})
        self.note("grown old", self.work.until_idle())

    def note(self, name: str, words: object) -> None:
        self.script.append(f"{len(self.script):3} {name}: {words}")

    def some_edits(self) -> str:
        return "; ".join(self.edits.some() for _ in range(self.dice.randint(1, 3)))

    def some_time(self) -> str:
        self.keepsakes.look()
        length = self.dice.choice(_LENGTHS)
        self.world.let_time_pass(length)
        return str(length)

    def end_of_faults(self) -> str:
        self.faults.over()
        return ""
