"""What a family can be declared of: where it comes from, how it is read, where it goes."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from django.conf import settings
from django.db import models

from accounts.models import Purpose
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.endpoints import Endpoint
from ebayconnector.ebay.paging import Page
from syncworkers.mappers.reading import JsonObject, MappedRow
from syncworkers.models import SyncedRow

Path = tuple[str, ...]


class PageSource(Protocol):
    """Reads the records of [start, end] of eBay's time; a page repeats the last `overlap` rows before it."""

    def __call__(
        self, client: EbayClient, *, modified_from: datetime, modified_to: datetime, limit: int, overlap: int
    ) -> Iterator[Page]: ...


class StatusSource(Protocol):
    """The same, of the records that are in one status now."""

    def __call__(
        self, client: EbayClient, status: str, *, start: datetime, end: datetime, limit: int, overlap: int
    ) -> Iterator[Page]: ...


class ListSource(Protocol):
    """Reads everything there is now, from a position that an earlier page named (None: the beginning)."""

    def __call__(self, client: EbayClient, *, limit: int, start: str | None) -> Iterator[Page]: ...


@dataclass(frozen=True)
class Child:
    """Rows that belong to a record and are replaced as a set: table, link to the parent, own key."""

    model: type[models.Model]
    parent: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class FromBytes:
    """How records are read that come as bytes (`Endpoint.raw_member`): the natural key, which is one text,
    without the rest ('': none), and the row, as the table's mapper makes it of the same record."""

    key: Callable[[bytes], str]
    row: Callable[[bytes], MappedRow]


@dataclass(frozen=True)
class Table:
    """One kind of record: what makes it the same, how it becomes a row, where it goes.

    `key`: its name under `/api/data/`. `time_field`: the field of eBay's by whose time it is read ('': none).
    `withheld_paths`: parts that eBay stops giving after a while; what is stored stays.
    `volatile_paths`: parts that differ from answer to answer without a change; not in the hash.
    `lasting`: what lasts of the volatile parts all the same; in the hash.
    `details_once`: what eBay says more about a record does not change with it.
    `from_bytes`: how its records are read where they come as eBay's bytes.
    """

    key: str
    title: str
    model: type[SyncedRow]
    natural_key: tuple[str, ...]
    record_key: Callable[[JsonObject], str]
    mapper: Callable[[JsonObject], MappedRow]
    time_field: str = ""
    children: Mapping[str, Child] = field(default_factory=dict)
    withheld_paths: tuple[Path, ...] = ()
    volatile_paths: tuple[Path, ...] = ()
    lasting: Callable[[JsonObject], Any] | None = None
    details_once: bool = False
    from_bytes: FromBytes | None = None


@dataclass(frozen=True)
class Windows:
    """Read by windows of eBay's time, none longer than `longest`; the complete ones are its coverage."""

    pages: PageSource
    page_limit: int = 200
    overlap: timedelta = timedelta(minutes=30)
    longest: timedelta | None = None


@dataclass(frozen=True)
class Each:
    """What is asked for each record of a list by itself. `parent`: the column that leads back to it.

    `fetch` takes the listed record's key as text; Refused sets that record aside as evidence.
    """

    table: Table
    fetch: Callable[[EbayClient, str], Sequence[JsonObject]]
    column: str
    parent: str


@dataclass(frozen=True)
class Passes:
    """Read whole, again and again; what two complete passes in a row did not show is closed.

    `unit`: what eBay's total counts, where that is not records but what several of them belong to. `closes`
    is False where records leave the list without an end: nothing is closed for that. A list that eBay cuts
    off closes nothing, and the schedule reads it again only `again_after_cut`: it is never complete.
    """

    table: Table
    pages: ListSource
    page_limit: int = 200
    each: Each | None = None
    unit: Callable[[JsonObject], str] | None = None
    closes: bool = True
    again_after_cut: timedelta = timedelta(hours=6)

    @property
    def tables(self) -> tuple[Table, ...]:
        return (self.table, self.each.table) if self.each else (self.table,)


@dataclass(frozen=True)
class Part:
    """What a worker reads of another API than its own: held back by itself, while the worker goes on.

    `key` names it in a worker's state; `endpoint` says what it needs and whose pause holds it back.
    """

    key: str
    title: str
    endpoint: Endpoint

    @property
    def api(self) -> str:
        return self.endpoint.api

    @property
    def scopes(self) -> tuple[str, ...]:
        """Any one of these suffices."""
        return self.endpoint.scopes


@dataclass(frozen=True)
class Recheck:
    """Records of the family's table that change without saying so are read again as they age.

    Now and then (`every`) eBay is asked which of them are still in one of `statuses`; those that we hold
    as not final and that do not come have changed, and are read at once. `together`: without statuses, what
    is due waits until then, so that many records are read in one go. `late`: so long after their time records
    may become visible; so much is read anew then. `named`: ids that other records of the account name, from a
    time on which is covered, and that are not stored: no list shows them, each is asked for `by_id`.
    """

    statuses: tuple[str, ...] = ()
    source: StatusSource | None = None
    every: timedelta = timedelta(hours=6)
    together: bool = False
    late: timedelta = timedelta(0)
    named: Callable[[int, datetime], Iterable[str]] | None = None
    by_id: Callable[[EbayClient, str], JsonObject] | None = None


class Learn(Protocol):
    """What the details of a record tell of it. `listed`: whether the family's own list still shows it."""

    def __call__(self, records: Sequence[JsonObject], *, listed: bool = False) -> Mapping[str, Any]: ...


@dataclass(frozen=True)
class Details:
    """What is asked once for each version of a record that meets `condition`; `of` a DetailedRow.

    `fetch` takes up to `batch` rows. `learn`: columns of the record that its details tell; only for a batch
    of one. How a record ended they tell only when it is no longer listed. Records that meet `unsettled` are
    asked about again when `again` has passed: they change without showing it.
    """

    of: Table
    into: Table
    fetch: Callable[[EbayClient, Sequence[Any]], Sequence[JsonObject]]
    condition: models.Q = field(default_factory=models.Q)
    batch: int = 1
    learn: Learn | None = None
    unsettled: models.Q | None = None
    again: timedelta = timedelta(days=1)
    part: Part | None = None


@dataclass(frozen=True)
class Summary:
    """A few records that are read whole, each time. What is no longer given is closed, if it `closes`."""

    into: Table
    fetch: Callable[[EbayClient], Sequence[JsonObject]]
    closes: bool = True
    part: Part | None = None


Step = Recheck | Details | Summary


@dataclass(frozen=True)
class Link:
    """Fills a column that leads from stored rows to others, as far as what eBay gives proves it.

    `found`: a SELECT of (id, value) for rows of `table` in the account `%(account)s`, among those that
    `touched` selected as `%(ids)s`: the ids for which something changed since `%(since)s`. Without `touched`
    it looks at all that are not linked. What it does not find stays as it is.
    """

    table: Table
    column: str
    found: str
    touched: str = ""


@dataclass(frozen=True)
class Worker:
    """One family: where it comes from, how it is read, where it goes, and what else a run does then.

    `endpoint`: the call that it begins with; its API is what is paused, its scopes are what it needs.
    `steps` run after the live part, before old data, `links` after the steps. `calls_per_run`: a first guess
    for the quota.
    """

    key: str
    title: str
    source: str
    fresh_means: str
    endpoint: Endpoint
    table: Table
    reads: Windows | Passes
    purposes: frozenset[str]
    steps: tuple[Step, ...] = ()
    links: tuple[Link, ...] = ()
    every: timedelta = timedelta(minutes=5)
    default_backfill: timedelta = timedelta(days=90)
    longest_lookback: timedelta = timedelta(days=730)
    environments: frozenset[str] = frozenset({"production", "sandbox", "simulator"})
    calls_per_run: float = 1.0

    @property
    def api(self) -> str:
        return self.endpoint.api

    @property
    def scopes(self) -> tuple[str, ...]:
        """Any one of these suffices."""
        return self.endpoint.scopes

    @property
    def cursor_type(self) -> str:
        """eBay's field behind the cursor; `snapshot` for what is read whole."""
        return self.table.time_field if isinstance(self.reads, Windows) else "snapshot"

    @property
    def overlap(self) -> timedelta:
        return self.reads.overlap if isinstance(self.reads, Windows) else timedelta(0)

    @property
    def backfill(self) -> timedelta:
        """How far back it reads unless a person says otherwise: by setting, never further than eBay goes."""
        return min(settings.SYNC_BACKFILL.get(self.key, self.default_backfill), self.longest_lookback)

    @property
    def parts(self) -> tuple[Part, ...]:
        """What it reads of other APIs than its own."""
        parts = (step.part for step in self.steps if isinstance(step, Details | Summary))
        return tuple({part.key: part for part in parts if part is not None}.values())

    @property
    def tables(self) -> tuple[Table, ...]:
        """All tables that it fills, its own first."""
        into = [step.into for step in self.steps if isinstance(step, Details | Summary)]
        listed = self.reads.tables if isinstance(self.reads, Passes) else ()
        return tuple({table.key: table for table in (self.table, *listed, *into)}.values())


# Which accounts start with a family.
SELLING = frozenset({Purpose.SELLER, Purpose.BOTH})
BUYING = frozenset({Purpose.BUYER, Purpose.BOTH})
ANYBODY = frozenset({Purpose.BUYER, Purpose.SELLER, Purpose.BOTH})


def named(field_name: str) -> Callable[[JsonObject], str]:
    """A record's key is the text of this field; '' where it has none."""
    return lambda record: str(record.get(field_name) or "")
