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
) -> PageResult:
    """Store records and set those at fault aside, with their `place` in eBay's time. Inside `fenced`."""
    result = store_rows(context, table, items, asked_at=context.fenced_at)
    set_aside(context, table, result, place=place)
    return result


def store_rows(
    context: RunContext, table: Table, items: Sequence[Any], *, asked_at: datetime | None
) -> PageResult:
    """Only store records. `asked_at`: when eBay was asked, or earlier, by the database's clock."""
    return upsert_page(table, context.run.account, items, asked=Asked(asked_at, context.ebay_now()))


def set_aside(
    context: RunContext,
    table: Table,
    result: PageResult,
    *,
    place: Callable[[BadRecord], Span | None] = lambda bad: None,
) -> None:
    """Put the records at fault into quarantine, and take out of it those that could be stored."""
    run, progress = context.run, context.progress
    prefix = "" if table is context.worker.table else f"{table.key} "
    if result.bad:
        progress.set_aside()
    for bad in result.bad:
        key = f"{prefix}{bad.key}"[:200]
        coverage.quarantine(run.account, run.api_family, key, bad, place(bad))
        runlog.write(run, "quarantined", f"record {key}: {bad.error}", level="error")
    if progress.has_quarantine:
        healthy = [f"{prefix}{key}"[:200] for key in result.healthy_keys]
        coverage.heal_quarantine(run.account_id, run.api_family, healthy)
        if not coverage.has_quarantine(run.account_id, run.api_family):
            progress.quarantine_is_empty()


Counters = dict[str, int]


def page_counters(result: PageResult, *, fetched: int, expected: int = 0, pages: int = 1) -> Counters:
    """What a page adds to the counters of its run."""
    return {
        "pages": pages,
        "rows_fetched": fetched,
        "rows_stored": result.stored,
        "rows_unchanged": result.unchanged,
        "rows_quarantined": len(result.bad),
        "rows_expected": expected,
    }


def count(
    context: RunContext, result: PageResult, *, fetched: int, expected: int = 0, pages: int = 1
) -> Counters:
    """Add a page to the counters of the run's row. Inside `fenced`, once a transaction."""
    run = context.run
    added = page_counters(result, fetched=fetched, expected=expected, pages=pages)
    counted = {name: getattr(run, name) + value for name, value in added.items()}
    columns = ", ".join(f"{name} = %s" for name in counted)
    execute(f"UPDATE {WorkerRun._meta.db_table} SET {columns} WHERE id = %s", [*counted.values(), run.pk])
    return counted


def page_done(context: RunContext, signals: Signals, counted: Counters) -> None:
    """After the transaction of a page. Raises Stopped or GaveWay."""
    context.progress.page_stored(context.run, counted)
    if settings.DEBUG:
        # Django keeps every query in DEBUG: a long run would keep them all.
        reset_queries()
    context.on_page(context.run)
    context.heed(signals)
