"""Asking for what eBay tells about a record only by its id, once for each version of the record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from ebayconnector.ebay.errors import BadAnswer, NotFound, Refused, Unavailable
from syncworkers.models import QuarantinedRecord, Reason
from syncworkers.models.rows import DetailedRow
from syncworkers.registry import Details
from syncworkers.windows import retry_pause

from . import coverage, runlog
from .context import RunContext
from .pages import count, page_done, store_items
from .store import BadRecord

_AT_ONCE = 50
# So many records in a row without an answer are no longer the records' fault.
_OUTAGE = 3


def take_details(context: RunContext, step: Details, *, most: int | None) -> bool:
    """Ask for the details that are due, newest records first. False: `most` calls did not suffice.

    A record that eBay does not answer for is set aside and tried again after 1 h, 6 h, 1 day; when it
    answers for none, its error is raised.
    """
    asking = Asking(context, step)
    while rows := asking.due(_AT_ONCE if most is None else min(_AT_ONCE, most - asking.asked)):
        for row in rows:
            asking.ask(row)
    return most is None or asking.asked < most


@dataclass
class Asking:
    """One run's way through the details of a table."""

    context: RunContext
    step: Details
    asked: int = 0
    failed_in_row: int = 0

    def due(self, most: int) -> Sequence[DetailedRow]:
        if most <= 0:
            return []
        may_ask = Q(detail_retry_at=None) | Q(detail_retry_at__lte=Now())
        rows = self._rows().filter(self.step.condition, may_ask, detail_at=None)
        return list(rows.order_by("-id")[:most])

    def _rows(self) -> QuerySet[Any]:
        model: Any = self.step.of.model
        rows: QuerySet[Any] = model._default_manager.filter(account_id=self.context.run.account_id)
        return rows

    def ask(self, row: DetailedRow) -> None:
        self.context.pause_point()
        self.asked += 1
        try:
            records = self.step.fetch(self.context.client, row)
        except NotFound:
            records = []
        except (Unavailable, BadAnswer, Refused) as failure:
            self.failed_in_row += 1
            if self.failed_in_row >= _OUTAGE and not isinstance(failure, Refused):
                raise
            self._set_aside(row, str(failure))
            return
        self.failed_in_row = 0
        self._keep(row, records)

    def _keep(self, row: DetailedRow, records: Sequence[Any]) -> None:
        context = self.context
        with context.fenced() as signals:
            result = store_items(context, self.step.into, records)
            # Only of the version that was asked about.
            self._rows().filter(pk=row.pk, content_hash=row.content_hash).update(detail_at=Now())
            coverage.heal_quarantine(context.run.account_id, context.run.api_family, [self._key(row)])
            counted = count(context, result, fetched=len(records))
        page_done(context, signals, counted)

    def _set_aside(self, row: DetailedRow, error: str) -> None:
        context, key = self.context, self._key(row)
        run = context.run
        with context.fenced():
            bad = BadRecord(key, row.payload, error, None)
            coverage.quarantine(run.account_id, run.api_family, key, bad, None)
            attempts = QuarantinedRecord.objects.values_list("attempts", flat=True).get(
                account_id=run.account_id, api_family=run.api_family, record_key=key
            )
            retry_at = timezone.now() + retry_pause(attempts)
            self._rows().filter(pk=row.pk).update(detail_retry_at=retry_at)
            runlog.write(run, "detail_failed", f"details of {key}: {error}", level="error")
        context.progress.incomplete(Reason.QUARANTINE, f"details of {key}: {error}")

    def _key(self, row: DetailedRow) -> str:
        names = "/".join(str(getattr(row, name)) for name in self.step.of.natural_key)
        return f"details of {self.step.of.key} {names}"[:200]
