"""All families there are, as data. A new one: a module of models, a mapper, and an entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Protocol

from django.conf import settings
from django.db import models

from accounts.models import Purpose
from ebayconnector.ebay import (
    buying,
    disputes,
    endpoints,
    finances,
    fulfillment,
    inventory,
    messages,
    post_order,
    selling,
)
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.endpoints import Endpoint
from ebayconnector.ebay.errors import ScopeMissing
from ebayconnector.ebay.paging import Page

from .mappers.cases import (
    case_detail_row,
    case_row,
    inquiry_detail_row,
    inquiry_row,
    learned_of_case,
    learned_of_inquiry,
)
from .mappers.disputes import dispute_detail_row, dispute_row, learned_of_dispute
from .mappers.finances import funds_row, payout_row, transaction_row, transfer_row
from .mappers.inventory import item_row, offer_row
from .mappers.messages import message_body_row, message_row
from .mappers.my_ebay import listing_key, listing_row, purchase_row
from .mappers.orders import order_row
from .mappers.reading import JsonObject, MappedRow
from .mappers.returns import learned_of_return, return_detail_row, return_row
from .models import (
    ActiveListing,
    Case,
    CaseDetail,
    FinancesFee,
    Inquiry,
    InquiryDetail,
    InventoryItem,
    Message,
    MessageBody,
    Offer,
    Order,
    OrderLineItem,
    PaymentDispute,
    PaymentDisputeDetail,
    Payout,
    Purchase,
    Return,
    ReturnDetail,
    SellerFunds,
    SyncedRow,
    Transaction,
    Transfer,
)

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
class Table:
    """One kind of record: what makes it the same, how it becomes a row, where it goes.

    `key`: its name under `/api/data/`. `time_field`: the field of eBay's by whose time it is read ('': none).
    `withheld_paths`: parts that eBay stops giving after a while; what is stored stays.
    `volatile_paths`: parts that differ from answer to answer without a change; not in the hash.
    `details_once`: what eBay says more about a record does not change with it.
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
    details_once: bool = False


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
    is False where records leave the list without an end: nothing is closed for that.
    """

    table: Table
    pages: ListSource
    page_limit: int = 200
    each: Each | None = None
    unit: Callable[[JsonObject], str] | None = None
    closes: bool = True

    @property
    def tables(self) -> tuple[Table, ...]:
        return (self.table, self.each.table) if self.each else (self.table,)


@dataclass(frozen=True)
class Recheck:
    """Records of the family's table that change without saying so are read again as they age.

    Now and then (`every`) eBay is asked which of them are still in one of `statuses`; those that we hold
    as not final and that do not come have changed, and are read at once. `together`: without statuses, what
    is due waits until then, so that many records are read in one go.
    """

    statuses: tuple[str, ...] = ()
    source: StatusSource | None = None
    every: timedelta = timedelta(hours=6)
    together: bool = False


@dataclass(frozen=True)
class Details:
    """What is asked once for each version of a record that meets `condition`; `of` a DetailedRow.

    `fetch` takes up to `batch` rows. `learn`: columns of the record that its details tell; only for a batch
    of one. Records that meet `unsettled` are asked about again when `again` has passed: they change without
    showing it.
    """

    of: Table
    into: Table
    fetch: Callable[[EbayClient, Sequence[Any]], Sequence[JsonObject]]
    condition: models.Q = field(default_factory=models.Q)
    batch: int = 1
    learn: Callable[[Sequence[JsonObject]], Mapping[str, Any]] | None = None
    unsettled: models.Q | None = None
    again: timedelta = timedelta(days=1)


@dataclass(frozen=True)
class Summary:
    """A few records that are read whole, each time. What is no longer given is closed, if it `closes`."""

    into: Table
    fetch: Callable[[EbayClient], Sequence[JsonObject]]
    closes: bool = True


Step = Recheck | Details | Summary


@dataclass(frozen=True)
class Worker:
    """One family: where it comes from, how it is read, where it goes, and what else a run does then.

    `endpoint`: the call that it begins with; its API is what is paused, its scopes are what it needs.
    `steps` run after the live part, before old data. `calls_per_run`: a first guess for the quota.
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
    def tables(self) -> tuple[Table, ...]:
        """All tables that it fills, its own first."""
        into = [step.into for step in self.steps if isinstance(step, Details | Summary)]
        listed = self.reads.tables if isinstance(self.reads, Passes) else ()
        return tuple({table.key: table for table in (self.table, *listed, *into)}.values())


_SELLING = frozenset({Purpose.SELLER, Purpose.BOTH})

ORDERS = Table(
    key="orders",
    title="Orders",
    model=Order,
    natural_key=("order_id",),
    record_key=lambda order: str(order.get("orderId") or ""),
    mapper=order_row,
    time_field="lastModifiedDate",
    children=MappingProxyType(
        {"line_items": Child(model=OrderLineItem, parent="order", key=("line_item_id",))}
    ),
    # 03 §4.1: e-mail goes after 14 days, name, phone and street after 90.
    withheld_paths=(
        ("buyer",),
        ("fulfillmentStartInstructions", "*", "shippingStep", "shipTo"),
        ("fulfillmentStartInstructions", "*", "finalDestinationAddress"),
    ),
)

_ORDERS = Worker(
    key="orders",
    title="Orders",
    source="Fulfillment getOrders",
    fresh_means="every order changed on eBay since the last run, with its line items",
    endpoint=endpoints.GET_ORDERS,
    table=ORDERS,
    reads=Windows(fulfillment.order_pages),
    purposes=_SELLING,
    # The contract allows two years by lastModifiedDate too; a little less survives clock differences.
    longest_lookback=timedelta(days=729),
)

TRANSACTIONS = Table(
    key="transactions",
    title="Transactions",
    model=Transaction,
    natural_key=("transaction_id", "transaction_type"),
    record_key=lambda record: "/".join(
        part
        for part in (str(record.get("transactionId") or ""), str(record.get("transactionType") or ""))
        if part
    ),
    mapper=transaction_row,
    time_field="transactionDate",
    children=MappingProxyType({"fees": Child(model=FinancesFee, parent="transaction", key=("position",))}),
)
TRANSFERS = Table(
    key="transfers",
    title="Transfers",
    model=Transfer,
    natural_key=("transfer_id",),
    record_key=lambda record: str(record.get("transferId") or ""),
    mapper=transfer_row,
)
PAYOUTS = Table(
    key="finances",
    title="Payouts",
    model=Payout,
    natural_key=("payout_id",),
    record_key=lambda record: str(record.get("payoutId") or ""),
    mapper=payout_row,
    time_field="payoutDate",
)
FUNDS = Table(
    key="seller_funds",
    title="Funds",
    model=SellerFunds,
    natural_key=("currency",),
    record_key=lambda record: "funds",
    mapper=funds_row,
)
INVENTORY_ITEMS = Table(
    key="inventory_items",
    title="Inventory items",
    model=InventoryItem,
    natural_key=("sku",),
    record_key=lambda record: str(record.get("sku") or ""),
    mapper=item_row,
)
OFFERS = Table(
    key="offers",
    title="Offers",
    model=Offer,
    natural_key=("offer_id",),
    record_key=lambda record: str(record.get("offerId") or ""),
    mapper=offer_row,
)

# 03 §5: windows of 90 days are right for both generations of the contract; five years are all there is.
_FINANCES_WINDOW = timedelta(days=90)
_FINANCES_LOOKBACK = timedelta(days=5 * 365)

_TRANSACTIONS = Worker(
    key="transactions",
    title="Transactions",
    source="Finances getTransactions",
    fresh_means="every new transaction with its fees; older ones are read again until they are paid out",
    endpoint=endpoints.GET_TRANSACTIONS,
    table=TRANSACTIONS,
    # Ten pages of a slice stay below the offset of 5,000 that eBay advises not to pass.
    reads=Windows(finances.transaction_pages, page_limit=500, longest=_FINANCES_WINDOW),
    steps=(
        Recheck(
            statuses=("FUNDS_PROCESSING", "FUNDS_ON_HOLD", "FUNDS_AVAILABLE_FOR_PAYOUT"),
            source=finances.transactions_with_status,
        ),
        Details(
            of=TRANSACTIONS,
            condition=models.Q(transaction_type="TRANSFER"),
            fetch=lambda client, rows: [finances.get_transfer(client, rows[0].transaction_id)],
            into=TRANSFERS,
        ),
    ),
    purposes=_SELLING,
    longest_lookback=_FINANCES_LOOKBACK,
)


def _funds(client: EbayClient) -> list[JsonObject]:
    summary = finances.funds_summary(client)
    return [summary] if summary else []


_FINANCES = Worker(
    key="finances",
    title="Payouts",
    source="Finances getPayouts",
    fresh_means="every payout with the transactions in it, and the funds that eBay still holds",
    endpoint=endpoints.GET_PAYOUTS,
    table=PAYOUTS,
    reads=Windows(finances.payout_pages, page_limit=200, longest=_FINANCES_WINDOW),
    steps=(
        Summary(fetch=_funds, into=FUNDS),
        Recheck(),
        Details(
            of=PAYOUTS,
            fetch=lambda client, rows: finances.transactions_of_payout(client, rows[0].payout_id),
            into=TRANSACTIONS,
        ),
    ),
    purposes=_SELLING,
    longest_lookback=_FINANCES_LOOKBACK,
    calls_per_run=2.0,
)

_OFFERS = Worker(
    key="offers",
    title="Offers",
    source="Inventory getInventoryItems, getOffers",
    fresh_means="every inventory item and its offers as they were in the last complete pass",
    endpoint=endpoints.GET_INVENTORY_ITEMS,
    table=OFFERS,
    reads=Passes(
        table=INVENTORY_ITEMS,
        pages=inventory.item_pages,
        each=Each(table=OFFERS, fetch=inventory.offers_of, column="sku", parent="sku"),
    ),
    purposes=_SELLING,
    calls_per_run=100.0,
)

_BUYING = frozenset({Purpose.BUYER, Purpose.BOTH})
_ANYBODY = frozenset({Purpose.BUYER, Purpose.SELLER, Purpose.BOTH})
# 03 §17: there is no Post-Order in the sandbox.
_WITH_POST_ORDER = frozenset({"production", "simulator"})
# 03 §7: windows of 90 days are safe, 18 months are all there is; a little less survives clock differences.
_POST_ORDER_WINDOW = timedelta(days=90)
_POST_ORDER_LOOKBACK = timedelta(days=540)

MESSAGES = Table(
    key="messages",
    title="Messages",
    model=Message,
    natural_key=("message_id",),
    record_key=lambda message: str(message.get("MessageID") or ""),
    mapper=message_row,
    time_field="ReceiveDate",
    # A text is not written twice; what changes are flags, folders and the listing's state.
    details_once=True,
)
MESSAGE_BODIES = Table(
    key="message_bodies",
    title="Message texts",
    model=MessageBody,
    natural_key=("message_id",),
    record_key=lambda message: str(message.get("MessageID") or ""),
    mapper=message_body_row,
)
ACTIVE_INVENTORY = Table(
    key="active_inventory",
    title="Active inventory",
    model=ActiveListing,
    natural_key=("item_id", "variation_key"),
    record_key=listing_key,
    mapper=listing_row,
    # 03 §3.6: these differ from answer to answer.
    volatile_paths=(("TimeLeft",), ("WatchCount",), ("AsOf",)),
)
PURCHASES = Table(
    key="buyer",
    title="Purchases",
    model=Purchase,
    natural_key=("order_line_item_id",),
    record_key=lambda purchase: buying.purchase_key(dict(purchase)),
    mapper=purchase_row,
    volatile_paths=(("Item", "TimeLeft"),),
)
CASES = Table(
    key="cases",
    title="Cases",
    model=Case,
    natural_key=("case_id",),
    record_key=lambda case: str(case.get("caseId") or ""),
    mapper=case_row,
    time_field="creationDate",
)
CASE_DETAILS = Table(
    key="case_details",
    title="Case details",
    model=CaseDetail,
    natural_key=("case_id",),
    record_key=lambda case: str(case.get("caseId") or ""),
    mapper=case_detail_row,
)
DISPUTES = Table(
    key="payment_disputes",
    title="Payment disputes",
    model=PaymentDispute,
    natural_key=("payment_dispute_id",),
    record_key=lambda dispute: str(dispute.get("paymentDisputeId") or ""),
    mapper=dispute_row,
    time_field="openDate",
)
DISPUTE_DETAILS = Table(
    key="payment_dispute_details",
    title="Payment dispute details",
    model=PaymentDisputeDetail,
    natural_key=("payment_dispute_id",),
    record_key=lambda dispute: str(dispute.get("paymentDisputeId") or ""),
    mapper=dispute_detail_row,
)
INQUIRIES = Table(
    key="inquiries",
    title="Inquiries",
    model=Inquiry,
    natural_key=("inquiry_id",),
    record_key=lambda inquiry: str(inquiry.get("inquiryId") or ""),
    mapper=inquiry_row,
    time_field="creationDate",
)
INQUIRY_DETAILS = Table(
    key="inquiry_details",
    title="Inquiry details",
    model=InquiryDetail,
    natural_key=("inquiry_id",),
    record_key=lambda inquiry: str(inquiry.get("inquiryId") or ""),
    mapper=inquiry_detail_row,
)
RETURNS = Table(
    key="returns",
    title="Returns",
    model=Return,
    natural_key=("return_id",),
    record_key=lambda record: str(record.get("returnId") or ""),
    mapper=return_row,
    time_field="creationInfo.creationDate",
)
RETURN_DETAILS = Table(
    key="return_details",
    title="Return details",
    model=ReturnDetail,
    natural_key=("return_id",),
    record_key=lambda record: str(record.get("returnId") or ""),
    mapper=return_detail_row,
)

_MESSAGES = Worker(
    key="messages",
    title="Messages",
    source="Trading GetMyMessages",
    fresh_means="every letter since the last run, both ways, with its text; flags are looked at for 60 days",
    endpoint=endpoints.GET_MY_MESSAGES,
    table=MESSAGES,
    # The overlap keeps the flags of the last day current at no extra call.
    reads=Windows(messages.message_pages, overlap=timedelta(days=1)),
    steps=(
        Recheck(every=timedelta(hours=6), together=True),
        Details(
            of=MESSAGES,
            fetch=lambda client, rows: messages.message_bodies(client, [row.message_id for row in rows]),
            into=MESSAGE_BODIES,
            batch=10,
        ),
    ),
    purposes=_ANYBODY,
    # 03 §3.5: a message lives for a year.
    longest_lookback=timedelta(days=364),
    calls_per_run=2.5,
)

_ACTIVE_INVENTORY = Worker(
    key="active_inventory",
    title="Active inventory",
    source="Trading GetMyeBaySelling",
    fresh_means="every active listing with its variations as it was in the last complete pass",
    endpoint=endpoints.GET_MY_EBAY_SELLING,
    table=ACTIVE_INVENTORY,
    reads=Passes(
        table=ACTIVE_INVENTORY,
        pages=selling.active_listing_pages,
        unit=lambda listing: str(listing.get("ItemID") or ""),
    ),
    purposes=_SELLING,
    calls_per_run=3.0,
)

_BUYER = Worker(
    key="buyer",
    title="Purchases",
    source="Trading GetMyeBayBuying",
    fresh_means="every purchase of the last 60 days; older ones stay as they were then",
    endpoint=endpoints.GET_MY_EBAY_BUYING,
    table=PURCHASES,
    reads=Passes(
        table=PURCHASES,
        pages=buying.won_pages,
        unit=lambda purchase: buying.entry_of(dict(purchase)),
        closes=False,
    ),
    purposes=_BUYING,
)


def _all_disputes(client: EbayClient) -> Sequence[JsonObject]:
    """Every dispute that eBay still lists; none for an account that did not grant it."""
    end = client.ebay_now() - timedelta(seconds=5)
    try:
        return disputes.every_dispute(client, start=end - disputes.LONGEST_LOOKBACK, end=end)
    except ScopeMissing:
        return []


_CASES = Worker(
    key="cases",
    title="Cases",
    source="Post-Order casemanagement, Fulfillment payment_dispute",
    fresh_means="every case opened since the last run, open ones each hour; all payment disputes",
    endpoint=endpoints.SEARCH_CASES,
    table=CASES,
    reads=Windows(post_order.case_pages, longest=_POST_ORDER_WINDOW),
    steps=(
        Recheck(
            statuses=("OPEN", "WAITING_CS", "WAITING_DELIVERY", "ON_HOLD", "REFUND_AGREED_BUT_FAILED"),
            source=post_order.cases_with_status,
            every=timedelta(hours=1),
        ),
        Details(
            of=CASES,
            fetch=lambda client, rows: [post_order.get_case(client, rows[0].case_id)],
            into=CASE_DETAILS,
            learn=learned_of_case,
        ),
        Summary(fetch=_all_disputes, into=DISPUTES, closes=False),
        Details(
            of=DISPUTES,
            fetch=lambda client, rows: [disputes.get_dispute(client, rows[0].payment_dispute_id)],
            into=DISPUTE_DETAILS,
            learn=learned_of_dispute,
            unsettled=~models.Q(dispute_status="CLOSED"),
            again=timedelta(hours=6),
        ),
    ),
    purposes=_SELLING,
    longest_lookback=_POST_ORDER_LOOKBACK,
    environments=_WITH_POST_ORDER,
    calls_per_run=2.0,
)

_INQUIRIES = Worker(
    key="inquiries",
    title="Inquiries",
    source="Post-Order inquiry",
    fresh_means="every inquiry opened since the last run; open ones are read again each hour",
    endpoint=endpoints.SEARCH_INQUIRIES,
    table=INQUIRIES,
    reads=Windows(post_order.inquiry_pages, longest=_POST_ORDER_WINDOW),
    steps=(
        Recheck(
            statuses=("OPEN", "PENDING", "WAITING_BUYER_RESPONSE", "WAITING_SELLER_RESPONSE"),
            source=post_order.inquiries_with_status,
            every=timedelta(hours=1),
        ),
        Details(
            of=INQUIRIES,
            fetch=lambda client, rows: [post_order.get_inquiry(client, rows[0].inquiry_id)],
            into=INQUIRY_DETAILS,
            learn=learned_of_inquiry,
        ),
    ),
    purposes=_SELLING,
    longest_lookback=_POST_ORDER_LOOKBACK,
    environments=_WITH_POST_ORDER,
    calls_per_run=2.0,
)

_RETURNS = Worker(
    key="returns",
    title="Returns",
    source="Post-Order return",
    fresh_means="every return opened since the last run; open ones are read again each hour",
    endpoint=endpoints.SEARCH_RETURNS,
    table=RETURNS,
    reads=Windows(post_order.return_pages, longest=_POST_ORDER_WINDOW),
    steps=(
        Recheck(statuses=("ALL_OPEN",), source=post_order.returns_with_status, every=timedelta(hours=1)),
        Details(
            of=RETURNS,
            fetch=lambda client, rows: [post_order.get_return(client, rows[0].return_id)],
            into=RETURN_DETAILS,
            learn=learned_of_return,
            # What either side writes does not show in the search.
            unsettled=~models.Q(maturity="final"),
        ),
    ),
    purposes=_SELLING,
    longest_lookback=_POST_ORDER_LOOKBACK,
    environments=_WITH_POST_ORDER,
    calls_per_run=2.0,
)

WORKERS: Mapping[str, Worker] = MappingProxyType(
    {
        worker.key: worker
        for worker in (
            _ORDERS,
            _TRANSACTIONS,
            _FINANCES,
            _OFFERS,
            _MESSAGES,
            _ACTIVE_INVENTORY,
            _BUYER,
            _CASES,
            _INQUIRIES,
            _RETURNS,
        )
    }
)

# Every table of eBay data by its name under `/api/data/`; one that two workers fill stands once.
TABLES: Mapping[str, Table] = MappingProxyType(
    {table.key: table for worker in WORKERS.values() for table in worker.tables}
)


def families_for(purpose: str) -> list[str]:
    """The families that an account of this purpose starts with."""
    return [key for key, worker in WORKERS.items() if purpose in worker.purposes]
