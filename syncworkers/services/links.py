"""Filling what leads from a row to others: a case to its order, an escalated inquiry to its case.

Each worker links what changed since it did so last (`SyncState.linked_until`), after the transactions that
changed it: whichever of two sides comes later finds the other one.
"""

from __future__ import annotations

from typing import Any

from ebayconnector.database import fetch_all, fetch_one
from syncworkers.models import SyncState
from syncworkers.registry import Link

from . import runlog
from .context import RunContext

# Rows that somebody writes at this moment are left for the next run: waiting could be waiting for each other.
_FILL = """
WITH found AS ({found}),
wanted AS MATERIALIZED (
  SELECT t.id, f.value FROM {rows} t JOIN found f ON f.id = t.id WHERE t."{column}" IS DISTINCT FROM f.value
),
free AS MATERIALIZED (
  SELECT t.id FROM {rows} t WHERE t.id IN (SELECT id FROM wanted) FOR UPDATE SKIP LOCKED
),
filled AS (
  UPDATE {rows} t SET "{column}" = w.value, changed_at = clock_timestamp()
  FROM wanted w JOIN free USING (id) WHERE t.id = w.id RETURNING t.id
)
SELECT (SELECT count(*) FROM wanted), (SELECT count(*) FROM filled)
"""


def take_links(context: RunContext) -> None:
    """Fill the family's links, in one transaction. What is not filled now is looked at by the next run."""
    links, state = context.worker.links, context.state
    if not links:
        return
    with context.fenced() as signals:
        counts = [(link, *_fill(context, link)) for link in links]
        if all(wanted == filled for _, wanted, filled in counts):
            SyncState.objects.filter(pk=state.pk).update(linked_until=signals.at)
            state.linked_until = signals.at
        for link, _, filled in counts:
            if filled:
                text = f"{link.table.title}: {filled} found their {link.column.removesuffix('_id')}"
                runlog.write(context.run, "linked", text)
    context.heed_stops(signals)


def _fill(context: RunContext, link: Link) -> tuple[int, int]:
    """How many rows were to be filled, and how many were."""
    parameters: dict[str, Any] = {
        "account": context.run.account_id,
        "since": context.state.linked_until or "-infinity",
    }
    if link.touched:
        # Asked for apart: how few they mostly are, statistics do not tell the planner.
        parameters["ids"] = [row_id for (row_id,) in fetch_all(link.touched, parameters)]
        if not parameters["ids"]:
            return 0, 0
    rows = f'"{link.table.model._meta.db_table}"'
    sql = _FILL.format(found=link.found, rows=rows, column=link.column)
    wanted, filled = fetch_one(sql, parameters) or (0, 0)
    return wanted, filled
