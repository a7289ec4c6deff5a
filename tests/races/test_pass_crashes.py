"""Passes whose process is killed or frozen: they go on where they were, and close what is missing, once."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from django.conf import settings
from django.db import connection

from syncworkers.models import (
    InventoryItem,
    Offer,
    SnapshotMiss,
    SnapshotPart,
    SnapshotPass,
    Trigger,
    WorkerRun,
)
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from syncworkers.services.tick import tick
from syncworkers.tests.running import run_family, seller_account, whole_truth
from tests.families import run_only
from tests.processes import child_env
from tests.waiting import eventually

from .test_crashes import let_silence_pass

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]

# A worker's process with ten items a page: 25 are three pages of the list, and then a call for each.
_WORK = """
import dataclasses
import django
django.setup()
from syncworkers.registry import WORKERS
from syncworkers.services import execution, runs
offers = WORKERS["offers"]
small = dataclasses.replace(offers, reads=dataclasses.replace(offers.reads, page_limit=10))
execution.WORKERS = {"offers": small}
runs.work(budget_s=60)
"""
STOCK = 25
GET_OFFERS = r"^/sell/inventory/v1/offer"


@pytest.fixture
def account(simulator):
    simulator.reset(stock=STOCK)
    return run_only(seller_account(simulator), "offers")


@pytest.fixture
def removed(simulator, account) -> list[str]:
    """Two SKUs: the last pass missed the first one already, the second is removed after it."""
    assert run_family(account, "offers").status == "completed"
    rows = simulator.get("stock", seller=account.username)["items"]
    gone = [row["sku"] for row in rows if row["offers"] and not row["legacy"]][:2]
    simulator.delete("stock", seller=account.username, sku=gone[0])
    run_family(account, "offers")
    simulator.delete("stock", seller=account.username, sku=gone[1])
    simulator.delete("requests")
    return gone


@contextmanager
def worker_at(simulator, account, pages: int) -> Iterator[tuple[subprocess.Popen[str], WorkerRun]]:
    """A process that works on the queued run, when it has read so many pages and waits for eBay."""
    simulator.post("latency", path="/sell/inventory", seconds=0.15)
    run = WorkerRun.objects.get(account=account, status="queued")
    child = subprocess.Popen(
        [sys.executable, "-c", _WORK], env=child_env(), cwd=settings.BASE_DIR, text=True,
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    try:
        eventually(lambda: WorkerRun.objects.get(pk=run.pk).pages >= pages, what="pages are read")
        yield child, run
    finally:
        child.kill()
        child.communicate()


def others_finish(simulator, run: WorkerRun) -> None:
    let_silence_pass(run)
    assert tick().abandoned == 1
    simulator.post("latency", path="/sell/inventory", seconds=0)
    runs.work(budget_s=60)
    assert WorkerRun.objects.latest("id").status == "completed"
    assert not WorkerRun.objects.filter(status__in=["queued", "running"]).exists()


def everything_stored() -> dict[str, set[tuple[int, str]]]:
    """(id, the transaction that wrote it) of all rows that a pass writes."""
    models = (InventoryItem, Offer, SnapshotMiss, SnapshotPart, SnapshotPass)
    found = {}
    with connection.cursor() as cursor:
        for model in models:
            cursor.execute(f'SELECT id, xmin::text FROM "{model._meta.db_table}"')
            found[model.__name__] = set(cursor.fetchall())
    return found


def assert_true(simulator, account, removed: list[str]) -> None:
    """The first of the removed is closed, the second was missed once; all else is as eBay has it."""
    closed, missed = removed
    for model, table, key, kind in ((InventoryItem, "inventory_items", "sku", "items"),
                                    (Offer, "offers", "offer_id", "offers")):  # fmt: skip
        rows = model.objects.filter(account=account)
        assert {row.sku for row in rows.exclude(closed_at=None)} == {closed}
        misses = SnapshotMiss.objects.filter(account=account, table=table).values_list("row_id", flat=True)
        assert sorted(misses) == sorted(row.pk for row in rows if row.sku == missed) != []
        left = {getattr(row, key): row.payload for row in rows.exclude(sku__in=removed)}
        ebay_key = {"sku": "sku", "offer_id": "offerId"}[key]
        assert left == {record[ebay_key]: record for record in whole_truth(simulator, kind, account)} != {}


def ask(account) -> None:
    assert runs.request_run(account, WORKERS["offers"], trigger=Trigger.MANUAL, by="olga").started


def test_a_pass_killed_in_its_list_and_again_among_its_offers_goes_on(simulator, account, removed):
    ask(account)
    with worker_at(simulator, account, pages=1) as (child, run):
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=20)
    let_silence_pass(run)
    assert tick().abandoned == 1
    # The rest of the list is two pages.
    with worker_at(simulator, account, pages=2 + 6) as (child, run):
        child.send_signal(signal.SIGKILL)
        child.wait(timeout=20)
    others_finish(simulator, run)
    assert_true(simulator, account, removed)
    assert SnapshotPass.objects.exclude(finished_at=None).count() == SnapshotPass.objects.count() == 3
    assert not SnapshotPart.objects.exists()
    # Only what the dead was waiting for is asked again.
    assert len(simulator.requests(GET_OFFERS, limit=1000)) in (STOCK - 2, STOCK - 2 + 1)


@pytest.mark.parametrize("pages", [1, 3 + 6], ids=["in its list", "among its offers"])
def test_a_pass_frozen_while_another_finishes_it_changes_nothing(simulator, account, removed, pages):
    ask(account)
    with worker_at(simulator, account, pages) as (child, run):
        child.send_signal(signal.SIGSTOP)
        others_finish(simulator, run)
        run.refresh_from_db()
        assert (run.status, run.reason) == ("abandoned", "silent")
        before = (everything_stored(), run.pages, run.rows_stored)
        assert_true(simulator, account, removed)
        child.send_signal(signal.SIGCONT)
        _, log = child.communicate(timeout=30)
    assert "was ended by somebody else" in log
    run.refresh_from_db()
    assert (everything_stored(), run.pages, run.rows_stored) == before
    assert run_family(account, "offers").status == "completed"
    assert not SnapshotMiss.objects.exists()
    assert {row.sku for row in InventoryItem.objects.exclude(closed_at=None)} == set(removed)
