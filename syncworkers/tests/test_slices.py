"""When a slice counts as complete: pages from a script, to see each check by itself."""

from __future__ import annotations

import dataclasses

import pytest

from ebayconnector.ebay.paging import Page
from syncworkers.models import Order, WorkerLog
from syncworkers.registry import Windows
from tests.factories import AccountFactory

from .running import ORDERS, run_orders

pytestmark = pytest.mark.django_db
LIMIT = 3


def page(number: int, total: int, letters: str, *, has_next: bool) -> Page:
    items = [{"orderId": letter, "lastModifiedDate": "2026-11-20T12:00:00.000Z"} for letter in letters]
    offset = (number - 1) * (LIMIT - 1)
    return Page(items, total, offset, LIMIT, has_next, number, duration_s=0.1, attempts=1)


def reading(*pages: tuple[int, str]) -> list[Page]:
    """Pages as (total, order ids)."""
    last = len(pages)
    return [page(n, total, ids, has_next=n < last) for n, (total, ids) in enumerate(pages, start=1)]


QUIET = reading((5, "ABC"), (5, "CDE"))
EMPTY = reading((0, ""))


@pytest.fixture
def readings(monkeypatch) -> list[list[Page]]:
    """What the next slices are given, reading by reading; empty pages after that."""
    script: list[list[Page]] = []

    def pages(client, **window):
        yield from script.pop(0) if script else EMPTY

    worker = dataclasses.replace(ORDERS, reads=Windows(pages, page_limit=LIMIT))
    monkeypatch.setattr("syncworkers.services.execution.WORKERS", {"orders": worker})
    return script


def drifts(run) -> int:
    return WorkerLog.objects.filter(run=run, event="drift").count()


def test_pages_that_fit_together_are_complete(readings):
    readings.append(QUIET)
    run = run_orders(AccountFactory())
    assert (run.status, drifts(run), run.rows_fetched) == ("completed", 0, 5)
    assert set(Order.objects.values_list("order_id", flat=True)) == set("ABCDE")


@pytest.mark.parametrize(
    "disturbed",
    [
        reading((5, "ABC"), (5, "CAD")),
        reading((5, "ABC"), (5, "DE")),
        reading((4, "ABC"), (5, "CD")),
        reading((5, "ABC"), (4, "CD")),
        reading((5, "ABC"), (5, "")),
        reading((5, "ABC")),
        reading((3, "ABA")),
        reading((2, "ABC")),
    ],
    ids=[
        "one comes again, one is missing", "no overlap", "total grew", "total shrank", "an empty page",
        "no next page", "twice on a page", "more than the total",
    ],
)  # fmt: skip
def test_pages_that_do_not_fit_are_read_again(readings, disturbed):
    readings += [disturbed, QUIET]
    run = run_orders(AccountFactory())
    assert (run.status, drifts(run)) == ("completed", 1)
    assert set(Order.objects.values_list("order_id", flat=True)) == set("ABCDE")


def test_after_three_disturbed_readings_the_slice_is_cut(readings):
    disturbed = reading((5, "ABC"), (4, "CD"))
    readings += [disturbed, disturbed, disturbed, reading((2, "DE")), reading((3, "ABC"))]
    run = run_orders(AccountFactory())
    assert (run.status, drifts(run)) == ("completed", 3)
    slices = {tuple(line.detail["slice"]) for line in WorkerLog.objects.filter(run=run, event="page")}
    # The day, its four parts, and the 89 days before.
    assert len(slices) == 6
