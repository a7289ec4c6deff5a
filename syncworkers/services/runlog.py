"""The log of a run: one line per page, slice, retry or error."""

from __future__ import annotations

import logging
from typing import Any

from django.utils import timezone
from psycopg.types.json import Jsonb

from ebayconnector.database import execute
from ebayconnector.ebay.paging import Page
from syncworkers.models import WorkerLog, WorkerRun
from syncworkers.ranges import Span

from .store import PageResult

logger = logging.getLogger("syncworkers.runs")


def write(run: WorkerRun, event: str, message: str, *, level: str = "info", **detail: Any) -> None:
    """A line for people in the run's log, and the same for machines in the process's."""
    # With every page: what the ORM takes for one row costs as much as storing a few orders.
    execute(
        f"INSERT INTO {WorkerLog._meta.db_table} (run_id, created_at, level, event, message, detail) "
        "VALUES (%s, %s, %s, %s, %s, %s)",
        [run.pk, timezone.now(), level, event, message, Jsonb(detail)],
    )
    logger.log(
        getattr(logging, level.upper()), "%s account=%s family=%s run=%s: %s",
        event, run.account_id, run.api_family, run.pk, message,
    )  # fmt: skip


def page(run: WorkerRun, span: Span, page: Page, result: PageResult) -> None:
    """A page of a slice. `pace` reads the slice from here."""
    _page(run, page, result, slice=[span.start.isoformat(), span.end.isoformat()])


def list_page(run: WorkerRun, page: Page, result: PageResult) -> None:
    """A page of a list that is read whole."""
    _page(run, page, result)


def _page(run: WorkerRun, page: Page, result: PageResult, **detail: Any) -> None:
    message = (
        f"page {page.number}: {len(page.items)} rows of {page.total} in {page.duration_s * 1000:.0f} ms, "
        f"{result.stored} stored, {result.unchanged} unchanged"
    )
    if page.attempts > 1:
        message += f", {page.attempts} attempts"
    if result.replaced_characters:
        message += f", {result.replaced_characters} characters replaced that PostgreSQL cannot store"
    write(
        run,
        "page",
        message,
        number=page.number,
        rows=len(page.items),
        total=page.total,
        duration_ms=round(page.duration_s * 1000),
        attempts=page.attempts,
        **detail,
    )
