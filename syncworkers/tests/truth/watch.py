"""What may not happen even for a moment: what the product says of itself is true at all times."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from django.db.models import F

from syncworkers.models import SnapshotMiss, SnapshotPass
from syncworkers.registry import TABLES

from .compare import Comparison, Difference
from .declared import CLOSED_BY_PASSES
from .world import World


class Watch:
    """`found`: what was wrong in between."""

    def __init__(self) -> None:
        self.found: list[Difference] = []

    @contextmanager
    def over_run(self) -> Iterator[None]:
        """A row that a pass closes was missed by the one before; a pass that calls itself complete is."""
        closed, missed = _closed(), _missed()
        yield
        for table, pk in _closed() - closed - missed:
            self.found.append(Difference(table, str(pk), "was closed when one pass had not shown it"))
        ended = SnapshotPass.objects.filter(cut=False, finished_at__isnull=False)
        for pass_ in ended.exclude(listed=F("total")):
            words = f"listed {pass_.listed} of {pass_.total} and was called complete"
            self.found.append(Difference(pass_.api_family, f"pass {pass_.pk}", words))


def _closed() -> set[tuple[str, int]]:
    return {
        (table, pk)
        for table in CLOSED_BY_PASSES
        for pk in TABLES[table].model._default_manager.exclude(closed_at=None).values_list("pk", flat=True)
    }


def _missed() -> set[tuple[str, int]]:
    return set(SnapshotMiss.objects.values_list("table", "row_id"))


def broken_claims(world: World) -> list[Difference]:
    """Records in time that is said to be complete, and nowhere to be found."""
    return [found for account in world.accounts for found in Comparison(world, account).broken_claims()]
