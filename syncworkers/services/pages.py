"""What every page does, whatever kind of reading it belongs to: rows, quarantine, counters, the end of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.conf import settings
from django.db import reset_queries

from ebayconnector.database import execute
from syncworkers.locks import Signals
from syncworkers.models import WorkerRun
from syncworkers.ranges import Span
from syncworkers.registry import Table

from . import coverage, runlog
from .context import RunContext
from .records import BadRecord
from .store import Asked, PageResult, upsert_page


def store_items(
    context: RunContext,
    table: Table,
    items: Sequence[Any],
    *,
    place: Callable[[BadRecord], Span | None] = lambda bad: None,
    asked_at: datetime | None = None,
) -> PageResult:
    """Store records and set those at fault aside, with their `place` in eBay's time. Inside `fenced`.

    `asked_at`: when eBay was asked, by the database's clock, where that was before the last transaction.
    """
    run = context.run
    asked = Asked(asked_at or context.fenced_at, context.ebay_now())
    prefix = "" if table is context.worker.table else f"{table.key} "
    result = upsert_page(table, run.account, items, asked=asked)
    for bad in result.bad:
        key = f"{prefix}{bad.key}"[:200]
        coverage.quarantine(run.account, run.api_family, key, bad, place(bad))
        runlog.write(run, "quarantined", f"record {key}: {bad.error}", level="error")
    context.has_quarantine = context.has_quarantine or bool(result.bad)
    if context.has_quarantine:
        healthy = [f"{prefix}{key}"[:200] for key in result.healthy_keys]
        coverage.heal_quarantine(run.account_id, run.api_family, healthy)
        context.has_quarantine = coverage.has_quarantine(run.account_id, run.api_family)
    return result


Counters = dict[str, int]


def count(
    context: RunContext, result: PageResult, *, fetched: int, expected: int = 0, pages: int = 1
) -> Counters:
    """Add a page to the counters of the run's row. Inside `fenced`, once a transaction."""
    run = context.run
    added = {
        "pages": pages,
        "rows_fetched": fetched,
        "rows_stored": result.stored,
        "rows_unchanged": result.unchanged,
        "rows_quarantined": len(result.bad),
        "rows_expected": expected,
    }
    counted = {name: getattr(run, name) + value for name, value in added.items()}
    columns = ", ".join(f"{name} = %s" for name in counted)
    execute(f"UPDATE {WorkerRun._meta.db_table} SET {columns} WHERE id = %s", [*counted.values(), run.pk])
    return counted


def page_done(context: RunContext, signals: Signals, counted: Counters) -> None:
    """After the transaction of a page. Raises Stopped or GaveWay."""
    context.progress.pages += 1
    context.progress.stored += counted["rows_stored"] - context.run.rows_stored
    for name, value in counted.items():
        setattr(context.run, name, value)
    if settings.DEBUG:
        # Django keeps every query in DEBUG: a long run would keep them all.
        reset_queries()
    context.on_page(context.run)
    context.heed(signals)
