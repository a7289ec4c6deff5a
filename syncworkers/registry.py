"""All families there are, as data. A new one: a module of models, a mapper, and an entry here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Protocol

from django.db import models

from accounts.models import Purpose
from ebayconnector.ebay import endpoints, fulfillment
from ebayconnector.ebay.client import EbayClient
from ebayconnector.ebay.endpoints import Endpoint
from ebayconnector.ebay.paging import Page

from .mappers.orders import order_row
from .mappers.reading import JsonObject, MappedRow
from .models import Order, OrderLineItem, SyncedRow

Path = tuple[str, ...]


class PageSource(Protocol):
    """Reads the records changed in [start, end]; each page repeats the last `overlap` rows before it."""

    def __call__(
        self, client: EbayClient, *, modified_from: datetime, modified_to: datetime, limit: int, overlap: int
    ) -> Iterator[Page]: ...


@dataclass(frozen=True)
class Child:
    """Rows that belong to a record and are replaced as a set: table, link to the parent, own key."""

    model: type[models.Model]
    parent: str
    key: tuple[str, ...]


@dataclass(frozen=True)
class Worker:
    """One family: where it comes from, how it is read, what makes a record the same, where it goes.

    `withheld_paths`: parts that eBay stops giving after a while; what is stored stays.
    `volatile_paths`: parts that differ from answer to answer without a change; not in the hash.
    """

    key: str
    title: str
    source: str
    fresh_means: str
    endpoint: Endpoint
    pages: PageSource
    cursor_type: str
    natural_key: tuple[str, ...]
    record_key: Callable[[JsonObject], str]
    model: type[SyncedRow]
    mapper: Callable[[JsonObject], MappedRow]
    purposes: frozenset[str]
    children: Mapping[str, Child] = field(default_factory=dict)
    withheld_paths: tuple[Path, ...] = ()
    volatile_paths: tuple[Path, ...] = ()
    page_limit: int = 200
    every: timedelta = timedelta(minutes=5)
    overlap: timedelta = timedelta(minutes=30)
    backfill: timedelta = timedelta(days=90)
    longest_lookback: timedelta = timedelta(days=730)
    environments: frozenset[str] = frozenset({"production", "sandbox", "simulator"})

    @property
    def api(self) -> str:
        return self.endpoint.api

    @property
    def scopes(self) -> tuple[str, ...]:
        """Any one of these suffices."""
        return self.endpoint.scopes


_ORDERS = Worker(
    key="orders",
    title="Orders",
    source="Fulfillment getOrders",
    fresh_means="every order changed on eBay since the last run, with its line items",
    endpoint=endpoints.GET_ORDERS,
    pages=fulfillment.order_pages,
    cursor_type="lastModifiedDate",
    natural_key=("order_id",),
    record_key=lambda order: str(order.get("orderId") or ""),
    model=Order,
    mapper=order_row,
    children=MappingProxyType(
        {"line_items": Child(model=OrderLineItem, parent="order", key=("line_item_id",))}
    ),
    # 03 §4.1: e-mail goes after 14 days, name, phone and street after 90.
    withheld_paths=(
        ("buyer",),
        ("fulfillmentStartInstructions", "*", "shippingStep", "shipTo"),
        ("fulfillmentStartInstructions", "*", "finalDestinationAddress"),
    ),
    purposes=frozenset({Purpose.SELLER, Purpose.BOTH}),
    # The contract allows two years by lastModifiedDate too; a little less survives clock differences.
    longest_lookback=timedelta(days=729),
)

WORKERS: Mapping[str, Worker] = MappingProxyType({worker.key: worker for worker in (_ORDERS,)})


def families_for(purpose: str) -> list[str]:
    """The families that an account of this purpose starts with."""
    return [key for key, worker in WORKERS.items() if purpose in worker.purposes]
