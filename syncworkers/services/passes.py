"""Reading what eBay gives only whole: a pass over the list, then what each record of it is asked for.

A pass survives runs and crashes. Its list counts as complete when the distinct records equal eBay's total
on the first and on the last page; a row is closed when two complete passes in a row did not show it. Of a
list that eBay cuts off nobody knows what lies behind: nothing is closed for it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import timedelta
from itertools import chain
from typing import Any, NamedTuple

from django.db.models.expressions import RawSQL
from django.db.models.functions import Now
from django.utils import timezone

from ebayconnector.database import execute, fetch_one
from ebayconnector.ebay.errors import BadAnswer, EbayError, Refused, Unavailable
from ebayconnector.ebay.paging import Page
from syncworkers.models import Reason, SnapshotPass, SyncState, Trigger
from syncworkers.registry import Each, Passes, Table

from . import coverage, runlog
from .context import GaveWay, RunContext, turn_to_history
from .pages import count, page_done, store_items
from .records import WITHOUT_KEY, BadRecord
from .store import PageResult

ATTEMPTS = 3
_AT_ONCE = 100
# A pass with more to ask about than this is long: it gives way to others.
_LONG = 200
# After so many records in a row without an answer others are asked about, to tell an outage.
_OUTAGE = 3
_OTHERS = 3
# Half a list that has lain for so long says little about now.
_STALE = timedelta(days=1)
_TOO_OLD = timedelta(days=7)


_SHOWN_IDS = """
SELECT unnest(row_ids) FROM syncworkers_snapshotpart WHERE snapshot_pass_id = %s AND "table" = %s
"""


def read_pass(context: RunContext, reads: Passes) -> None:
    """Go on with the open pass, or begin one, and bring it to its end.

    Raises what the client and the context raise; the pass goes on where it stopped, in the next run.
    """
    context.pause_point()
    if _waits_after_cut(context, reads):
        return
    reading = PassReading(context, reads, _open_pass(context))
    for attempt in range(1, ATTEMPTS + 1):
        if reading.read_list():
            break
        with context.fenced():
            reading.begin_again()
            text = f"the list moved while it was read (attempt {attempt})"
            runlog.write(context.run, "drift", text, level="warning")
    else:
        context.progress.incomplete(Reason.DRIFT, "the list kept moving while it was read")
        return
    context.progress.slice_done()
    if reads.each is not None:
        reading.ask_each(reads.each)
    pass_ = reading.pass_
    with context.fenced():
        closed = reading.finish()
        end = "cut off" if pass_.cut else "complete"
        runlog.write(context.run, "pass", f"pass {end}: {pass_.listed} listed, {closed} closed")
    if pass_.cut:
        context.progress.incomplete(Reason.LIST_CUT, _cut_words(reads.table, pass_))
    context.progress.live_done = True


def _waits_after_cut(context: RunContext, reads: Passes) -> bool:
    """Whether the schedule has read as much as eBay gives lately; a person's run always reads."""
    run = context.run
    if run.trigger not in (Trigger.SCHEDULE, Trigger.RETRY):
        return False
    last = SnapshotPass.objects.filter(account_id=run.account_id, api_family=run.api_family).last()
    again = timezone.now() - reads.again_after_cut
    if last is None or not last.cut or last.finished_at is None or last.finished_at < again:
        return False
    context.progress.incomplete(Reason.LIST_CUT, _cut_words(reads.table, last))
    return True


def _cut_words(table: Table, pass_: SnapshotPass) -> str:
    more = pass_.total or 0
    of = f"{pass_.listed:,} of {more:,}" if more > pass_.listed else f"{pass_.listed:,} and no more"
    return f"{table.title}: eBay lists {of}; what lies behind cannot be read, and nothing is taken for ended"


def _open_pass(context: RunContext) -> SnapshotPass:
    run = context.run
    with context.fenced():
        open_ = SnapshotPass.objects.filter(
            account_id=run.account_id, api_family=run.api_family, finished_at=None
        )
        found = open_.first()
        if found is not None and _is_stale(found):
            found.delete()
            found = None
        pass_ = found or SnapshotPass.objects.create(account_id=run.account_id, api_family=run.api_family)
    pass_.refresh_from_db()
    return pass_


def _is_stale(pass_: SnapshotPass) -> bool:
    """A list that was read to its end is still good to ask by, however long that takes for many records."""
    return pass_.started_at < timezone.now() - (_STALE if pass_.listed_at is None else _TOO_OLD)


class Listed(NamedTuple):
    """A listed record that is asked about by its key. `row_id`: None for one that could not be stored."""

    key: str
    row_id: int | None


class Unanswered(NamedTuple):
    """A listed record that eBay did not answer for."""

    listed: Listed
    failure: EbayError


class PassReading:
    """One run's work on a pass."""

    def __init__(self, context: RunContext, reads: Passes, pass_: SnapshotPass) -> None:
        self.context = context
        self.reads = reads
        self.pass_ = pass_
        self.table = reads.table

    # -- the list

    def read_list(self) -> bool:
        """Read the list to its end; False when it moved meanwhile."""
        if self.pass_.listed_at is not None:
            return True
        start = self.pass_.position or None
        try:
            for page in self.reads.pages(self.context.client, limit=self.reads.page_limit, start=start):
                complete = self._keep_page(page)
                if complete is not None:
                    return complete
        except Refused:
            # The place where we stopped may be gone; the beginning is not.
            if start is None or self.pass_.position != start:
                raise
        return False

    def _keep_page(self, page: Page) -> bool | None:
        """One transaction. None: the list goes on; else whether it was complete."""
        context, pass_ = self.context, self.pass_
        complete = None
        with context.fenced() as signals:
            result = self._store(self.table, page.items)
            expected = page.total if pass_.total is None else 0
            first_total = page.total if pass_.total is None else pass_.total
            changes: dict[str, Any] = {"total": first_total, "position": page.next_position or ""}
            self._save(changes)
            if not page.next_position:
                changes["listed"] = self._distinct()
                complete = page.cut or changes["listed"] == page.total == first_total
                changes |= {"listed_at": timezone.now(), "cut": page.cut} if complete else {}
                self._save(changes)
            counted = count(context, result, fetched=len(page.items), expected=expected)
            runlog.list_page(context.run, page, result)
        page_done(context, signals, counted)
        return complete

    def _distinct(self) -> int:
        """How many different records, or units of them, the list has shown."""
        counted = _UNITS if self.reads.unit else _RECORDS
        row = fetch_one(counted, {"pass": self.pass_.pk, "table": self.table.key})
        return int(row[0]) if row else 0

    def begin_again(self) -> None:
        """Forget what the list showed; inside `fenced`."""
        self.pass_.parts.all().delete()
        self._save({"position": "", "total": None, "listed": 0})

    # -- one by one

    def ask_each(self, each: Each) -> None:
        """Ask about each listed record, in the order of the rows, from where the last run stopped; then about
        those that could not be stored: what belongs to them exists all the same.

        Raises what eBay's outage looks like: it answers for no other record either. Then what was asked last
        is asked again by the next run.
        """
        if self._distinct() - self.pass_.asked > _LONG:
            # What follows when that lane is full waits in it.
            self.context.progress.live_done = True
            turn_to_history(self.context)
        unanswered: list[Unanswered] = []
        try:
            for listed in chain(self._rows_to_ask(each), self._unstored_to_ask()):
                self._ask(each, listed, unanswered)
        except GaveWay:
            # The next run would wait for the same ones.
            self._set_aside(each, unanswered)
            raise
        self._set_aside(each, unanswered)

    def _ask(self, each: Each, listed: Listed, unanswered: list[Unanswered]) -> None:
        """`unanswered`: those asked just before."""
        self.context.pause_point()
        try:
            records = each.fetch(self.context.client, listed.key)
        except (Unavailable, BadAnswer) as failure:
            unanswered.append(Unanswered(listed, failure))
            if len(unanswered) < _OUTAGE:
                return
            if not self._answers_for_others(each, unanswered):
                raise
            self._set_aside(each, unanswered)
            unanswered.clear()
        except Refused as failure:
            self._set_aside(each, [*unanswered, Unanswered(listed, failure)])
            unanswered.clear()
        else:
            self._set_aside(each, unanswered)
            unanswered.clear()
            self._keep(each, listed, records)

    def _answers_for_others(self, each: Each, unanswered: Sequence[Unanswered]) -> bool:
        """Whether eBay answers for any other record: then these are at fault themselves, else it is down."""
        rows = self.table.model._default_manager.filter(
            account_id=self.context.run.account_id, closed_at=None
        )
        others = rows.exclude(pk__in=[one.listed.row_id for one in unanswered]).order_by("?")
        client = self.context.client.trying(1)
        for key in others.values_list(each.column, flat=True)[:_OTHERS]:
            self.context.pause_point()
            try:
                each.fetch(client, str(key))
            except (Unavailable, BadAnswer):
                continue
            except Refused:
                pass
            return True
        return False

    def _rows_to_ask(self, each: Each) -> Iterator[Listed]:
        shown = RawSQL(_SHOWN_IDS, [self.pass_.pk, self.table.key])
        rows = self.table.model._default_manager.filter(account_id=self.context.run.account_id, pk__in=shown)
        rows = rows.order_by("id").defer("payload")
        after = self.pass_.asked_up_to
        while batch := list(rows.filter(pk__gt=after)[:_AT_ONCE]):
            yield from (Listed(str(getattr(row, each.column)), row.pk) for row in batch)
            after = batch[-1].pk

    def _unstored_to_ask(self) -> list[Listed]:
        parts = self.pass_.parts.filter(table=self.table.key).values_list("bad_keys", flat=True)
        keys = dict.fromkeys(key for bad_keys in parts for key in bad_keys)
        return [Listed(key, None) for key in keys if not key.startswith(WITHOUT_KEY)]

    def _keep(self, each: Each, listed: Listed, records: Sequence[Any]) -> None:
        context = self.context
        with context.fenced() as signals:
            result = self._store(each.table, records)
            self._note_asked(listed)
            name = _asked_key(each, listed.key)
            coverage.heal_quarantine(context.run.account_id, context.run.api_family, [name])
            counted = count(context, result, fetched=len(records))
        page_done(context, signals, counted)

    def _set_aside(self, each: Each, unanswered: Sequence[Unanswered]) -> None:
        """eBay does not answer for these: what we hold of them stays as it is, and the evidence is kept.

        One that eBay refuses for what it is will be refused every time: the pass is complete without it.
        """
        context, run = self.context, self.context.run
        for listed, failure in unanswered:
            key, error = listed.key, str(failure)
            name = _asked_key(each, key)
            level = "warning" if isinstance(failure, Refused) else "error"
            with context.fenced():
                bad = BadRecord(name, {each.column: key}, error, None)
                coverage.quarantine(run.account, run.api_family, name, bad, None)
                kept = each.table.model._default_manager.filter(
                    account_id=run.account_id, **{each.parent: key}
                )
                ids = list(kept.values_list("pk", flat=True))
                self.pass_.parts.create(table=each.table.key, row_ids=ids)
                self._note_asked(listed)
                runlog.write(run, "not_answered", f"{name}: {error}", level=level)
            if not isinstance(failure, Refused):
                context.progress.incomplete(Reason.EBAY_UNAVAILABLE, f"{name}: {error}")

    def _note_asked(self, listed: Listed) -> None:
        """Where the next run goes on; what has no row is asked about once more then."""
        up_to = self.pass_.asked_up_to if listed.row_id is None else listed.row_id
        self._save({"asked": self.pass_.asked + 1, "asked_up_to": up_to})

    # -- common

    def _store(self, table: Table, items: Sequence[Any]) -> PageResult:
        """Store records and note that this pass showed them; inside `fenced`."""
        result = store_items(self.context, table, items)
        bad_keys = [bad.key for bad in result.bad]
        ids = result.row_ids
        unit = self.reads.unit if table is self.table else None
        units = sorted({unit(item) for item in items}) if unit else []
        if ids or bad_keys or units:
            self.pass_.parts.create(table=table.key, row_ids=ids, bad_keys=bad_keys, units=units)
            table.model._default_manager.filter(pk__in=ids, closed_at__isnull=False).update(
                closed_at=None, changed_at=Now()
            )
        return result

    def _save(self, changes: dict[str, Any]) -> None:
        SnapshotPass.objects.filter(pk=self.pass_.pk).update(**changes)
        for name, value in changes.items():
            setattr(self.pass_, name, value)

    def finish(self) -> int:
        """Close what was missing for the second time and end the pass; inside `fenced`. How many closed."""
        run, pass_ = self.context.run, self.pass_
        closing = self.reads.tables if self.reads.closes and not pass_.cut else ()
        closed = sum(_close_missing(run.account_id, table, pass_.pk) for table in closing)
        if closing:
            coverage.heal_unseen(run.account_id, run.api_family, before=pass_.started_at)
        if pass_.cut:
            for table in self.reads.tables:
                execute(_FORGET_MISSES, _of_pass(run.account_id, table, pass_.pk))
        else:
            SyncState.objects.filter(pk=self.context.state.pk).update(snapshot_at=pass_.started_at)
        pass_.parts.all().delete()
        self._save({"finished_at": timezone.now()})
        return closed


def _asked_key(each: Each, key: str) -> str:
    return f"{each.table.key} of {key}"[:200]


_RECORDS = """
SELECT (SELECT count(DISTINCT shown) FROM syncworkers_snapshotpart p, unnest(p.row_ids) shown
        WHERE p.snapshot_pass_id = %(pass)s AND p."table" = %(table)s)
     + (SELECT count(DISTINCT bad) FROM syncworkers_snapshotpart p, unnest(p.bad_keys) bad
        WHERE p.snapshot_pass_id = %(pass)s AND p."table" = %(table)s)
"""
_UNITS = """
SELECT count(DISTINCT unit) FROM syncworkers_snapshotpart p, unnest(p.units) unit
WHERE p.snapshot_pass_id = %(pass)s AND p."table" = %(table)s
"""
_SHOWN = """
SELECT unnest(row_ids) FROM syncworkers_snapshotpart WHERE snapshot_pass_id = %(pass)s AND "table" = %(table)s
"""
_FORGET_MISSES = f"""
DELETE FROM syncworkers_snapshotmiss
WHERE account_id = %(account)s AND "table" = %(table)s AND row_id IN ({_SHOWN})
"""
# A record that came but could not be stored was shown nevertheless.
_MISSING = """
t.account_id = %(account)s AND t.closed_at IS NULL
  AND NOT EXISTS (SELECT FROM ({shown}) AS shown(id) WHERE shown.id = t.id)
  AND NOT EXISTS (
    SELECT FROM syncworkers_snapshotpart p, unnest(p.bad_keys) AS bad(key)
    WHERE p.snapshot_pass_id = %(pass)s AND p."table" = %(table)s AND bad.key = {key})
"""
_CLOSE = """
WITH closed AS (
  UPDATE {rows} t SET closed_at = clock_timestamp(), changed_at = clock_timestamp()
  FROM syncworkers_snapshotmiss m
  WHERE m.account_id = t.account_id AND m."table" = %(table)s AND m.row_id = t.id AND {missing}
  RETURNING t.id
)
DELETE FROM syncworkers_snapshotmiss m USING closed
WHERE m.account_id = %(account)s AND m."table" = %(table)s AND m.row_id = closed.id
"""
_NOTE_MISSES = """
INSERT INTO syncworkers_snapshotmiss (account_id, "table", row_id)
SELECT t.account_id, %(table)s, t.id FROM {rows} t WHERE {missing}
ON CONFLICT DO NOTHING
"""


def _of_pass(account_id: int, table: Table, pass_id: int) -> dict[str, Any]:
    return {"account": account_id, "table": table.key, "pass": pass_id}


def _close_missing(account_id: int, table: Table, pass_id: int) -> int:
    """What this pass missed for the second time in a row is closed, for the first time noted."""
    parameters = _of_pass(account_id, table, pass_id)
    forget, close, note = _statements(table)
    execute(forget, parameters)
    closed = execute(close, parameters)
    execute(note, parameters)
    return closed


def _statements(table: Table) -> tuple[str, str, str]:
    """To forget the misses of what was shown, to close what was missed again, to note what was missed."""
    key = "concat_ws('/', " + ", ".join(f't."{name}"' for name in table.natural_key) + ")"
    parts = {
        "rows": f'"{table.model._meta.db_table}"',
        "missing": _MISSING.format(shown=_SHOWN, key=key),
    }
    return _FORGET_MISSES, _CLOSE.format(**parts), _NOTE_MISSES.format(**parts)
