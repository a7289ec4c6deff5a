"""Asking for what eBay tells about a record only by its id, once for each version of the record.

A record that its list shows no longer is marked by an empty hash: whatever the list shows of it later is
news. Until then its details tell all that they know of it, and if eBay has none, it is gone.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from django.db import DataError, transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now
from django.utils import timezone

from ebayconnector.ebay.errors import BadAnswer, EbayError, NotFound, Refused, Unavailable
from syncworkers.mappers.reading import Maturity, Unmappable
from syncworkers.maturity import next_check
from syncworkers.models import QuarantinedRecord, Reason
from syncworkers.models.rows import NOT_LISTED, DetailedRow, MaturingRow
from syncworkers.personal import PERSONAL
from syncworkers.registry import Details
from syncworkers.windows import retry_pause

from . import coverage, runlog
from .context import GaveWay, RunContext
from .pages import count, page_done, store_items
from .records import BadRecord, document_of

_AT_ONCE = 50
# After so many records in a row without an answer others are asked about, to tell an outage.
_OUTAGE = 3
_OTHERS = 3


def take_details(context: RunContext, step: Details, *, most: int | None) -> bool:
    """Ask for the details that are due, newest records first. False: `most` calls did not suffice.

    A record that eBay does not answer for is set aside and tried again after 1 h, 6 h, 1 day; when it
    answers for no other one either, its error is raised, and they stay due.
    """
    _note_unlisted(context, step)
    asking = Asking(context, step)
    asked = 0
    try:
        for rows in asking.due():
            if asked == most:
                break
            asked += 1
            asking.ask(rows)
    except GaveWay:
        # The next run would wait for the same ones.
        asking.set_aside_unanswered()
        raise
    asking.set_aside_unanswered()
    return most is None or asked < most


def note_vanished(rows: QuerySet[Any]) -> None:
    """These were not shown by a look at their list: their details are asked for. Inside `fenced`.

    Of one that was missing before the pause goes on after which eBay is asked again whether it has any.
    """
    rows.update(detail_at=None)
    rows.exclude(content_hash=NOT_LISTED).update(content_hash=NOT_LISTED, detail_retry_at=None)


def is_unlisted(row: Any) -> bool:
    """Whether the last look at its list did not show this record."""
    return not bytes(row.content_hash)


def _is_of_ebay(failure: NotFound) -> bool:
    """Whether eBay says itself that it has none, and not somebody on the way: its errors have a number and a
    domain (03 §0b, §7)."""
    return any(error.error_id.isdigit() and error.domain for error in failure.errors)


def _outage(failure: EbayError) -> Unavailable:
    """What somebody on the way says of all records, and eBay of none."""
    return Unavailable(failure.summary, endpoint=failure.endpoint, status=failure.status)


def _note_unlisted(context: RunContext, step: Details) -> None:
    """What a list that this run has read whole did not show."""
    if step.of.key not in context.shown:
        return
    rows: Any = step.of.model._default_manager
    rows = rows.filter(account_id=context.run.account_id, closed_at=None).exclude(content_hash=NOT_LISTED)
    with context.fenced():
        note_vanished(rows.exclude(pk__in=context.shown[step.of.key]))


@dataclass
class Asking:
    """One run's way through the details of a table."""

    context: RunContext
    step: Details
    unanswered: list[tuple[DetailedRow, EbayError]] = field(default_factory=list)

    def due(self) -> Iterator[list[DetailedRow]]:
        """Rows in batches, as they are asked for."""
        may_ask = Q(detail_retry_at=None) | Q(detail_retry_at__lte=Now())
        rows = self._rows().filter(self.step.condition, may_ask, self._is_due(), closed_at=None)
        rows = rows.order_by("-id")
        before = None
        while batch := list(rows.filter(pk__lt=before)[:_AT_ONCE] if before else rows[:_AT_ONCE]):
            for start in range(0, len(batch), self.step.batch):
                yield batch[start : start + self.step.batch]
            before = batch[-1].pk

    def _is_due(self) -> Q:
        due = Q(detail_at=None)
        if self.step.unsettled is not None:
            due |= Q(self.step.unsettled, detail_at__lte=Now() - self.step.again)
        return due

    def _rows(self) -> QuerySet[Any]:
        model: Any = self.step.of.model
        rows: QuerySet[Any] = model._default_manager.filter(account_id=self.context.run.account_id)
        return rows

    def ask(self, rows: Sequence[DetailedRow]) -> None:
        """Ask for some; when eBay does not answer for them together, one by one."""
        self.context.pause_point()
        try:
            records = self.step.fetch(self.context.client, rows)
        except (NotFound, Unavailable, BadAnswer, Refused) as failure:
            if len(rows) > 1:
                for row in rows:
                    self.ask([row])
                return
            if not isinstance(failure, NotFound) or not _is_of_ebay(failure):
                self._note_unanswered(rows[0], failure)
                return
            records = []
        self.set_aside_unanswered()
        self._keep(rows, records)

    def _note_unanswered(self, row: DetailedRow, failure: EbayError) -> None:
        self.unanswered.append((row, failure))
        if isinstance(failure, Refused):
            self.set_aside_unanswered()
        elif len(self.unanswered) >= _OUTAGE:
            if not self._answers_for_others():
                raise failure if isinstance(failure, Unavailable | BadAnswer) else _outage(failure)
            self.set_aside_unanswered()

    def _answers_for_others(self) -> bool:
        """Whether eBay answers for any other record, those first that it answered for last: then these are at
        fault themselves, else it is down."""
        client = self.context.client.trying(1)
        rows = self._rows().filter(self.step.condition, closed_at=None)
        others = rows.exclude(pk__in=[row.pk for row, _ in self.unanswered])
        for row in others.order_by(F("detail_at").desc(nulls_last=True), "-id")[:_OTHERS]:
            self.context.pause_point()
            try:
                self.step.fetch(client, [row])
            except (Unavailable, BadAnswer):
                continue
            except NotFound as failure:
                if not _is_of_ebay(failure):
                    continue
            except Refused:
                pass
            return True
        return False

    def set_aside_unanswered(self) -> None:
        for row, failure in self.unanswered:
            self._set_aside(row, failure)
        self.unanswered.clear()

    def _keep(self, rows: Sequence[DetailedRow], records: Sequence[Any]) -> None:
        context = self.context
        with context.fenced() as signals:
            result = store_items(context, self.step.into, records)
            # What cannot be stored teaches nothing: its columns may not fit into the record either.
            sound = [] if result.bad or self.step.learn is None else records
            learned_from = [document_of(self.step.into, record).payload for record in sound]
            told = [(row, self._told_or_fault(row, records, learned_from)) for row in rows]
            keys = [self._key(row) for row in rows]
            coverage.heal_quarantine(context.run.account_id, context.run.api_family, keys)
            for row, values in told:
                if isinstance(values, Unmappable):
                    self._set_aside_told(row, records, f"its details make no sense for it: {values}")
                else:
                    self._tell(row, values, records)
            counted = count(context, result, fetched=len(records))
        page_done(context, signals, counted)

    def _tell(self, row: Any, values: dict[str, Any], records: Sequence[Any]) -> None:
        """Only of the version that was asked about. What does not fit is set aside, and teaches nothing."""
        try:
            with transaction.atomic():
                self._version(row).update(**values)
        except DataError as failure:
            error = f"the database refuses what its details tell: {str(failure).splitlines()[0]}"
            self._set_aside_told(row, records, error)

    def _version(self, row: Any) -> QuerySet[Any]:
        return self._rows().filter(pk=row.pk, content_hash=row.content_hash)

    def _set_aside_told(self, row: Any, records: Sequence[Any], error: str) -> None:
        """The details are here, and the record cannot be as they say."""
        self._version(row).update(detail_at=Now(), detail_retry_at=None)
        key, run = self._key(row), self.context.run
        coverage.quarantine(run.account, run.api_family, key, BadRecord(key, records, error, None), None)
        runlog.write(run, "quarantined", f"{key}: {error}", level="error")

    def _told_or_fault(
        self, row: Any, records: Sequence[Any], learned_from: Sequence[Any]
    ) -> dict[str, Any] | Unmappable:
        try:
            return self._told(row, records, learned_from)
        except Unmappable as fault:
            return fault

    def _told(self, row: Any, records: Sequence[Any], learned_from: Sequence[Any]) -> dict[str, Any]:
        """What the row is to hold now. A record may be listed a moment before its details are there: that it
        has none counts when eBay says so again an hour later. One that is not listed either is gone."""
        has_answer = self._has_answer(row, records)
        if not has_answer and (row.detail_retry_at is None or self._is_set_aside(row)):
            return {"detail_retry_at": timezone.now() + retry_pause(1)}
        asked = {"detail_at": Now(), "detail_retry_at": None}
        if not has_answer and is_unlisted(row):
            return asked | self._closed(row)
        return asked | self._learned(row, learned_from)

    def _is_set_aside(self, row: Any) -> bool:
        """Whether it waits because eBay did not answer, and not because it had none."""
        return QuarantinedRecord.objects.filter(
            account_id=self.context.run.account_id,
            api_family=self.context.run.api_family,
            record_key=self._key(row),
            healed_at=None,
        ).exists()

    def _closed(self, row: Any) -> dict[str, Any]:
        text = f"{self.step.of.key} {self._name(row)}: eBay neither lists it nor knows it by its id"
        runlog.write(self.context.run, "gone", text, level="warning")
        no_look = {"check_at": None} if isinstance(row, MaturingRow) else {}
        return {"closed_at": Now(), "changed_at": Now(), **no_look}

    def _has_answer(self, row: Any, records: Sequence[Any]) -> bool:
        if self.step.batch == 1:
            return bool(records)
        return any(self.step.into.record_key(record) == self._name(row) for record in records)

    def _learned(self, row: Any, records: Sequence[Any]) -> dict[str, Any]:
        """What the details tell about the record itself, as far as it is news."""
        if self.step.learn is None:
            return {}
        # Who has a part in it the list has told, and he may have been erased since.
        people = PERSONAL[self.step.of.key].columns if self.step.of.key in PERSONAL else ()
        learned = self.step.learn(records, listed=not is_unlisted(row))
        told = {name: value for name, value in learned.items() if name not in people}
        is_news = any(getattr(row, name) != value for name, value in told.items())
        if "maturity" in told:
            now = self.context.ebay_now()
            told["check_at"] = next_check(Maturity(told["maturity"]), row.occurred_at, now=now)
        return {**told, **({"changed_at": Now()} if is_news else {})}

    def _set_aside(self, row: DetailedRow, failure: EbayError) -> None:
        """Kept with its evidence and asked again later; what eBay refuses for what it is, is no failure."""
        context, key, error = self.context, self._key(row), str(failure)
        run = context.run
        with context.fenced():
            bad = BadRecord(key, row.payload, error, None)
            coverage.quarantine(run.account, run.api_family, key, bad, None)
            attempts = QuarantinedRecord.objects.values_list("attempts", flat=True).get(
                account_id=run.account_id, api_family=run.api_family, record_key=key
            )
            retry_at = timezone.now() + retry_pause(attempts)
            self._rows().filter(pk=row.pk).update(detail_retry_at=retry_at)
            runlog.write(run, "detail_failed", f"{key}: {error}", level="error")
        if not isinstance(failure, Refused):
            context.progress.incomplete(Reason.EBAY_UNAVAILABLE, f"{key}: {error}")

    def _key(self, row: DetailedRow) -> str:
        return f"details of {self.step.of.key} {self._name(row)}"[:200]

    def _name(self, row: DetailedRow) -> str:
        return "/".join(str(getattr(row, name)) for name in self.step.of.natural_key)
