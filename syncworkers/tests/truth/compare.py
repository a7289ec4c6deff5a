"""Tables against truth, row by row. A difference counts unless the product itself says that it is there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from accounts.models import EbayAccount
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.mappers.reading import MappedRow, Unmappable
from syncworkers.models import FailedSlice, QuarantinedRecord, Reason, SyncState, Transaction
from syncworkers.models.rows import MaturingRow
from syncworkers.ranges import Span
from syncworkers.ranges import without as without_spans
from syncworkers.registry import TABLES, WORKERS, Details, Table, Windows
from syncworkers.services.records import change_time
from syncworkers.tests.running import iso

from .declared import CHANGED_AT, CLOSING, GONE_BY_ID, KEPT_WHEN_GONE, OCCURRED_AT, VOLATILE, WITHHELD, Path
from .expected import Record, Truth, read_truth, without
from .world import World

# eBay says how much time is left when it answers, a moment sooner or later.
_ENDS_WITHIN = timedelta(seconds=3)
# What comes by itself while the last rounds run; they read to a few seconds before.
_TOO_NEW = timedelta(minutes=1)
# Of a record that has settled: what may change all the same.
_MARKS = {
    *("is_read", "is_flagged", "is_replied", "folder_id", "can_be_answered", "listing_status"),
    *("payout_status", "status_description", "last_attempted_at"),
}
# What the details tell of the row, but not of the record.
_OF_THE_ROW = ("maturity", "check_at")
# From this age on a record that settles is no longer looked at: `maturity.STEPS`, `Worker.fresh_means`.
_SETTLED = timedelta(days=60)
# A letter that was deleted is missed until then.
_LAST_LOOK = _SETTLED - timedelta(days=3)
_FEES = ("orderLineItems", "*", "marketplaceFees")
# A text is read once, while its letter's flags change.
_TEXTS = ("Text", "Content")


@dataclass(frozen=True)
class Difference:
    table: str
    key: str
    what: str

    def __str__(self) -> str:
        return f"{self.table} {self.key}: {self.what}"


def differences(world: World) -> list[Difference]:
    """Everything in which the tables differ from the truth without saying so."""
    of_accounts = [Comparison(world, account) for account in world.accounts]
    found = [each for one in of_accounts for each in one.all()]
    pairs = [(one, other) for one in of_accounts for other in of_accounts if one is not other]
    return [*found, *(each for one, other in pairs for each in one.taken_from(other))]


class Comparison:
    """One account's tables."""

    def __init__(self, world: World, account: EbayAccount) -> None:
        self.world = world
        self.account = account
        self.truth: Truth = read_truth(world, account)
        self.now = world.now()
        self.covered = {
            state.api_family: state.covered for state in SyncState.objects.filter(account=account)
        }
        set_aside = QuarantinedRecord.objects.filter(account=account, healed_at=None)
        self.set_aside = set(set_aside.values_list("record_key", flat=True))
        self.gaps = list(FailedSlice.objects.filter(account=account))
        self.rows = {key: self._rows(table) for key, table in TABLES.items()}

    def _rows(self, table: Table) -> dict[str, Any]:
        rows = table.model._default_manager.filter(account=self.account)
        return {_key(table, [getattr(row, name) for name in table.natural_key]): row for row in rows}

    def all(self) -> Iterator[Difference]:
        for table in TABLES.values():
            yield from self._table(table)
        yield from self._numbers()
        yield from self._false_alarms()

    def _table(self, table: Table) -> Iterator[Difference]:
        shown: set[str] = set()
        for record in self.truth.records[table.key]:
            try:
                row = self._mapped(table, record)
            except Unmappable as failure:
                key = table.record_key(record)
                shown.add(key)
                yield from self._must_be_set_aside(table, key, str(failure))
                continue
            key = _key(table, [row.columns[name] for name in table.natural_key])
            shown.add(key)
            stored = self.rows[table.key].get(key)
            if stored is None:
                yield from self._missing(table, key, record)
            else:
                for what in self._unequal(table, key, record, row, stored):
                    yield Difference(table.key, key, what)
        for key, stored in self.rows[table.key].items():
            if stored.closed_at is not None and (key in shown or table.key not in CLOSING | GONE_BY_ID):
                yield Difference(table.key, key, f"is closed since {stored.closed_at}")
            if key not in shown and stored.closed_at is None and not self._may_stay(table, key):
                yield Difference(table.key, key, "eBay has it no longer, and it is not closed")

    def _numbers(self) -> Iterator[Difference]:
        """As many open rows of a listing, and of a purchase, as the simulator counts in it."""
        for table, leading_to in (("active_inventory", "item_id"), ("buyer", "order_line_item_id")):
            rows = [row for row in self.rows[table].values() if row.closed_at is None]
            counted = Counter(getattr(row, leading_to) for row in rows)
            for key, number in self.truth.numbers[table].items():
                if counted[key] != number and not any(key in name for name in self.set_aside):
                    yield Difference(table, key, f"has {counted[key]} open rows, true are {number}")

    def taken_from(self, other: Comparison) -> Iterator[Difference]:
        """Rows of what only the other account has, where they stay when eBay has them no longer."""
        for table in map(TABLES.__getitem__, sorted(KEPT_WHEN_GONE)):
            mine = {table.record_key(record) for record in self.truth.records[table.key]}
            theirs = {table.record_key(record) for record in other.truth.records[table.key]}
            for key in (theirs - mine) & self.rows[table.key].keys() - {""}:
                yield Difference(table.key, key, f"is {other.account}'s and stands with {self.account}")

    def broken_claims(self) -> Iterator[Difference]:
        """What is missing from time that is said to be complete, before the overlap that is read again; and
        what stands there as it was before it changed."""
        for worker in WORKERS.values():
            covered, table = self.covered.get(worker.key), worker.table
            if not covered or not isinstance(worker.reads, Windows):
                continue
            sure = covered[-1].end - worker.overlap
            for record in self.truth.records[table.key]:
                key, at = table.record_key(record), change_time(table, record)
                if at is None or at >= sure or not any(span.start <= at < span.end for span in covered):
                    continue
                if {key, f"{table.key} {key}"} & self.set_aside:
                    continue
                stored = self.rows[table.key].get(key)
                if not self._is_there(table, key):
                    yield Difference(table.key, key, f"of {at} is missing from time said to be complete")
                elif stored and stored.ebay_modified_at and stored.ebay_modified_at < at:
                    was = f"is as it was at {stored.ebay_modified_at}, changed at {at}"
                    yield Difference(table.key, key, f"{was}, which is said to be complete")

    def _is_there(self, table: Table, key: str) -> bool:
        return key in self.rows[table.key] or key in self.truth.unlisted.get(table.key, ())

    def _mapped(self, table: Table, record: Record) -> MappedRow:
        """As the mapper has it, with what the details tell of the record."""
        row = table.mapper(record)
        for step in _details_of(table):
            if step.learn is None:
                continue
            key = _key(table, [row.columns[name] for name in table.natural_key])
            details = self.truth.records[step.into.key]
            detail = next(each for each in details if step.into.record_key(each) == key)
            learned = dict(step.learn([detail])).items()
            row.columns.update({name: value for name, value in learned if name not in _OF_THE_ROW})
        return row

    # -- what is not there

    def _must_be_set_aside(self, table: Table, key: str, failure: str) -> Iterator[Difference]:
        names = {key, f"{table.key} {key}"}
        if not names & self.set_aside and self._is_wanted(table, key, None):
            yield Difference(table.key, key, f"cannot be stored ({failure}), and nobody says so")

    def _missing(self, table: Table, key: str, record: Record) -> Iterator[Difference]:
        if key in self.truth.unlisted.get(table.key, ()):
            return
        at = change_time(table, record)
        if (at is None or at < self.now - _TOO_NEW) and self._is_wanted(table, key, at, record):
            yield Difference(table.key, key, f"is missing; its time is {at}")

    def _is_wanted(self, table: Table, key: str, at: datetime | None, record: Record | None = None) -> bool:
        """Whether the product claims to have it."""
        for worker in WORKERS.values():
            if worker.table is table and isinstance(worker.reads, Windows) and at is not None:
                inside = any(span.start <= at < span.end for span in self.covered[worker.key])
                gaps = [gap.span for gap in self.gaps if gap.api_family == worker.key]
                failed = any(span.start <= at < span.end for span in gaps)
                reach = self.now - worker.backfill
                of_payout = bool(record and record.get("payoutId") in self.rows["finances"])
                return inside or of_payout or (at > reach + timedelta(minutes=1) and not failed)
        for parent, step in _parents_of(table):
            row = self.rows[parent.key].get(key.partition("/")[0]) or self._transaction(parent, key)
            return row is not None and step.condition is not None and not self._details_set_aside(parent, key)
        return True

    def _transaction(self, parent: Table, key: str) -> Any:
        return self.rows[parent.key].get(f"{key}/TRANSFER") if parent.key == "transactions" else None

    def _details_set_aside(self, parent: Table, key: str) -> bool:
        return any(name.startswith(f"details of {parent.key} {key}") for name in self.set_aside)

    def _may_stay(self, table: Table, key: str) -> bool:
        if table.key == "messages":
            return self.now - self.rows["messages"][key].occurred_at > _LAST_LOOK
        if table.key in KEPT_WHEN_GONE:
            return True
        if table.key == "offers":
            return self.rows["offers"][key].sku in self.truth.legacy_skus
        return False

    # -- what is there, and different

    def _unequal(self, table: Table, key: str, record: Record, row: MappedRow, stored: Any) -> Iterator[str]:
        yield from self._columns_of_payload(table, stored)
        has_settled = self._has_settled(stored)
        unlisted = key in self.truth.unlisted.get(table.key, ())
        once = table.key == "message_bodies"
        names = set(row.columns)
        if has_settled:
            names -= _MARKS
        if unlisted:
            names -= {"respond_by_at", "claim_amount", "currency", "buyer"}
        for name in sorted(names):
            wanted, have = row.columns[name], getattr(stored, name)
            if not _is_column(name, wanted, have) and not self._is_withheld(table, name, wanted):
                yield f"{name} is {have!r}, true is {wanted!r}"
        yield from self._beside_columns(table, record, stored, unlisted=unlisted)
        if once:
            parts = [{name: each.get(name) for name in _TEXTS} for each in (record, stored.payload)]
            yield from _first_differences(*parts)
        if table.key == "messages":
            yield from self._order_of_letter(stored)
        if has_settled:
            return
        if not unlisted and not once:
            yield from self._payload(table, record, stored)
            if not bytes(stored.content_hash):
                yield "counts as not listed, and eBay lists it"
        for relation in table.children:
            if self._said_to_be_final(stored):
                yield from self._sum_of_fees(row, stored)
            else:
                yield from self._children(table, relation, row, stored)
        yield from self._looked_at_again(stored)
        yield from self._links(table, key, stored)

    def _beside_columns(self, table: Table, record: Record, stored: Any, *, unlisted: bool) -> Iterator[str]:
        """What every row has beside what its mapper names; a change that no list shows has no time."""
        wanted: dict[str, Any] = {"house_name": self.account.house_name}
        if not unlisted:
            wanted["ebay_modified_at"] = _time_at(record, CHANGED_AT.get(table.key))
        if isinstance(stored, MaturingRow):
            wanted["occurred_at"] = _time_at(record, OCCURRED_AT[table.key])
        for name, value in wanted.items():
            if getattr(stored, name) != value:
                yield f"{name} is {getattr(stored, name)!r}, true is {value!r}"

    def _columns_of_payload(self, table: Table, stored: Any) -> Iterator[str]:
        """Columns and children are what the mapper makes of the payload beside them, and of the details."""
        row = table.mapper(stored.payload)
        for step in _details_of(table):
            key = "/".join(str(getattr(stored, name)) for name in table.natural_key)
            detail = self.rows[step.into.key].get(key)
            if step.learn is not None and detail is not None:
                learned = dict(step.learn([detail.payload])).items()
                row.columns.update({name: value for name, value in learned if name not in _OF_THE_ROW})
        for name, value in row.columns.items():
            have = getattr(stored, name)
            # What leads to its order and its case we may find out ourselves.
            if not _same(value, have) and not (name in ("order_id", "case_id") and not value):
                yield f"{name} is {have!r}, its own payload says {value!r}"
        for relation in table.children:
            for what in self._children(table, relation, row, stored):
                yield f"beside its own payload {what}"

    def _sum_of_fees(self, row: MappedRow, stored: Any) -> Iterator[str]:
        wanted = sum(fee["amount"] or 0 for fee in row.children["fees"])
        have = sum(fee.amount or 0 for fee in stored.fees.all())
        if not _same(Decimal(wanted), Decimal(have)):
            yield f"fees are {have} in all, true is {wanted}"

    def _payload(self, table: Table, record: Record, stored: Any) -> Iterator[str]:
        wanted, have = record, stored.payload
        for path in (*VOLATILE.get(table.key, ()), *self._said_to_be_final(stored)):
            wanted, have = without(wanted, path), without(have, path)
        yield from _first_differences(_filled(wanted, have, WITHHELD.get(table.key, ())), have)

    def _children(self, table: Table, relation: str, row: MappedRow, stored: Any) -> Iterator[str]:
        child = table.children[relation]
        have = {
            tuple(getattr(each, name) for name in child.key): each
            for each in child.model._default_manager.filter(**{child.parent: stored})
        }
        wanted = {tuple(each[name] for name in child.key): each for each in row.children[relation]}
        if have.keys() != wanted.keys():
            yield f"{relation} are {sorted(have)}, true are {sorted(wanted)}"
            return
        for key, columns in wanted.items():
            for name, value in columns.items():
                if not _same(value, getattr(have[key], name)):
                    yield f"{relation} {key}: {name} is {getattr(have[key], name)!r}, true is {value!r}"

    def _has_settled(self, stored: Any) -> bool:
        if not isinstance(stored, MaturingRow) or stored.maturity != "settling":
            return False
        return stored.occurred_at is not None and self.now - stored.occurred_at > _SETTLED

    def _said_to_be_final(self, stored: Any) -> tuple[tuple[str, ...], ...]:
        """Fees that eBay splits after a transaction was paid out: the row says that it is final."""
        is_final = isinstance(stored, Transaction) and stored.maturity == "final"
        return (_FEES,) if is_final else ()

    def _links(self, table: Table, key: str, stored: Any) -> Iterator[str]:
        """Where what it leads to is stored, it is linked; it never leads elsewhere.

        An order that eBay showed us for the first time without the line of that sale cannot be known by it.
        """
        links = self.truth.links.get(table.key, {}).get(key, {})
        for name, column, target in (("orderId", "order_id", "orders"), ("caseId", "case_id", "cases")):
            if links.get(name) is None or not hasattr(stored, column) or table.key == target:
                continue
            have, true = getattr(stored, column), links[name]
            if have != true and (
                have or (true in self.rows[target] and self._can_be_known(target, true, stored))
            ):
                yield f"{column} is {have!r}, true is {true!r}"

    def _order_of_letter(self, stored: Any) -> Iterator[str]:
        """Of the stored orders of that person with that item the last before it, else the first one after it.

        A letter stays with an order that has lost the item since.
        """
        people = {stored.sender, stored.recipient} - {""}
        of_person = {
            key: order.payload
            for key, order in self.rows["orders"].items()
            if stored.item_id and order.payload.get("buyer", {}).get("username") in people
        }
        fitting = {
            key: payload["creationDate"]
            for key, payload in of_person.items()
            if any(line.get("legacyItemId") == stored.item_id for line in payload["lineItems"])
        }
        before = [created for created in fitting.values() if created <= iso(stored.occurred_at)]
        moment = max(before, default=min(fitting.values(), default=""))
        true = min((key for key, created in fitting.items() if created == moment), default="")
        if stored.order_id != true and stored.order_id not in of_person.keys() - fitting.keys():
            yield f"order_id is {stored.order_id!r}, true is {true!r}"

    def _can_be_known(self, target: str, key: str, stored: Any) -> bool:
        """Whether an order still has the line that leads to it."""
        if target != "orders":
            return True
        order, item, sale = self.rows[target][key], stored.item_id, stored.transaction_id
        lines = [line.line_item_id for line in order.line_items.filter(legacy_item_id=item)]
        is_whole = order.line_item_count == 1 and order.payload.get("legacyOrderId") == f"{item}-{sale}"
        return bool(lines) and (sale in {"", "0", *lines} or is_whole)

    def _looked_at_again(self, stored: Any) -> Iterator[str]:
        """What is not final has a next look, and not too late."""
        if isinstance(stored, MaturingRow) and stored.maturity != "final":
            latest = self.now + timedelta(days=31)
            if stored.check_at is None or stored.check_at > latest:
                yield f"is {stored.maturity} and looked at again {stored.check_at}"

    def _is_withheld(self, table: Table, name: str, wanted: Any) -> bool:
        """eBay gives it no longer; what is stored stays."""
        return table.key == "orders" and name in ("buyer_username", "ship_to_name") and wanted in ("", None)

    def _false_alarms(self) -> Iterator[Difference]:
        """At the end nothing is said to be missing that is there."""
        broken = {
            name
            for table in TABLES.values()
            for record in self.truth.records[table.key]
            if not _is_mappable(table, record)
            for name in (table.record_key(record), f"{table.key} {table.record_key(record)}")
        }
        # Offers of a SKU that eBay lists no longer are not asked about any more.
        may_fail = {_offers_of(sku) for sku in self.truth.legacy_skus}
        listed = {_offers_of(str(item["sku"])) for item in self.truth.records["inventory_items"]}
        for name in sorted(self.set_aside - broken - may_fail):
            if not name.startswith(_offers_of("")) or name in listed:
                yield Difference("quarantine", name, "stands there although nothing is wrong with it")
        gaps = [gap for gap in self.gaps if self._is_wanted_still(gap) and not self._is_of_broken(gap)]
        if gaps:
            yield Difference("gaps", "", f"{len(gaps)} are left: {gaps[0].evidence[:200]}")

    def _is_of_broken(self, gap: FailedSlice) -> bool:
        """Whether it is kept for a record that cannot be stored."""
        table = WORKERS[gap.api_family].table
        broken = [each for each in self.truth.records[table.key] if not _is_mappable(table, each)]
        times = [change_time(table, each) for each in broken]
        return gap.reason == Reason.QUARANTINE and any(
            at is None or gap.start_at <= at <= gap.end_at for at in times
        )

    def _is_wanted_still(self, gap: FailedSlice) -> bool:
        """Whether something of it is missing that has not grown older than the backfill meanwhile."""
        reach = self.now - WORKERS[gap.api_family].backfill + timedelta(minutes=1)
        start = max(gap.start_at, reach)
        wanted = [Span(start, gap.end_at)] if start < gap.end_at else []
        return bool(without_spans(wanted, self.covered[gap.api_family]))


def _time_at(record: Any, path: Path | None) -> datetime | None:
    for name in path or ():
        record = record.get(name, {})
    return parse_ebay_time(record) if path and record else None


def _offers_of(sku: str) -> str:
    """The name under which the offers of a SKU are set aside."""
    return f"offers of {sku}"[:200]


def _is_mappable(table: Table, record: Record) -> bool:
    try:
        table.mapper(record)
    except Unmappable:
        return False
    return True


def _key(table: Table, values: list[Any]) -> str:
    return "/".join(map(str, values))


def _details_of(table: Table) -> list[Details]:
    steps = [step for worker in WORKERS.values() for step in worker.steps]
    return [step for step in steps if isinstance(step, Details) and step.of is table]


def _parents_of(table: Table) -> list[tuple[Table, Details]]:
    steps = [step for worker in WORKERS.values() for step in worker.steps]
    found = [step for step in steps if isinstance(step, Details) and step.into is table]
    return [(step.of, step) for step in found if table.key != "transactions"]


def _same(wanted: Any, have: Any) -> bool:
    if isinstance(wanted, Decimal) and isinstance(have, Decimal):
        return abs(wanted - have) < Decimal("0.00005")
    return bool(wanted == have)


def _is_column(name: str, wanted: Any, have: Any) -> bool:
    if name == "ends_at" and wanted and have:
        return bool(abs(wanted - have) < _ENDS_WITHIN)
    return _same(wanted, have)


def _filled(wanted: Any, have: Any, paths: tuple[tuple[str, ...], ...]) -> Any:
    """`wanted`, with what eBay withholds taken from what we hold: only where eBay gives nothing."""
    for path in paths:
        wanted = _filled_at(wanted, have, path)
    return wanted


def _filled_at(wanted: Any, have: Any, path: tuple[str, ...]) -> Any:
    if not path:
        return _what_is_not_given(wanted, have)
    head, *rest = path
    if head == "*":
        if not isinstance(have, list) or not isinstance(wanted, list) or len(have) != len(wanted):
            return wanted
        return [_filled_at(a, b, tuple(rest)) for a, b in zip(wanted, have, strict=True)]
    if not isinstance(have, dict) or head not in have or not isinstance(wanted, dict):
        return wanted
    value = _filled_at(wanted.get(head), have[head], tuple(rest))
    return wanted if value is None else {**wanted, head: value}


def _what_is_not_given(wanted: Any, have: Any) -> Any:
    if wanted in (None, "", {}, []):
        return have
    if isinstance(wanted, dict) and isinstance(have, dict):
        names = {*wanted, *have}
        return {name: _what_is_not_given(wanted.get(name), have.get(name)) for name in names}
    return wanted


def _first_differences(wanted: Any, have: Any, place: str = "payload", most: int = 3) -> list[str]:
    if wanted == have:
        return []
    if isinstance(wanted, dict) and isinstance(have, dict):
        found: list[str] = []
        for name in sorted({*wanted, *have}):
            found += _first_differences(wanted.get(name), have.get(name), f"{place}.{name}")
        return found[:most]
    if isinstance(wanted, list) and isinstance(have, list) and len(wanted) == len(have):
        pairs = enumerate(zip(wanted, have, strict=True))
        return [each for at, (a, b) in pairs for each in _first_differences(a, b, f"{place}[{at}]")][:most]
    return [f"{place} is {have!r:.160}, true is {wanted!r:.160}"]
