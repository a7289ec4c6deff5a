"""One load through the real engine: an account connected to the simulator, a run, and what it cost."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from django.db import connection
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import EbayAccount
from ebayconnector.database import execute, fetch_one
from syncworkers.locks import claim_run
from syncworkers.models import Order, OrderLineItem, RunStatus, SyncState, Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import history, runs
from syncworkers.services.execution import execute_run
from tests.factories import AccountFactory
from tokens.models import PersonIndex

from . import simulated

ORDERS = WORKERS["orders"]
# All of the simulator's orders are younger; the hour keeps clear of eBay's limit.
REACH = ORDERS.longest_lookback - timedelta(hours=1)
_DEADLINE_S = 24 * 3600.0
_DATA_TABLES = [model._meta.db_table for model in (Order, OrderLineItem, PersonIndex)]


@dataclass(frozen=True)
class Connected:
    """An account of ours, the simulator's seller behind it, and the token that the simulator takes."""

    account: EbayAccount
    seller: str
    access_token: str


def connect(orders: int) -> Connected:
    """An account of a new seller with so many orders, wanted from the oldest on. They are made."""
    simulator = simulated.simulator()
    seller = simulated.new_seller(orders)
    grant = simulator.post("tokens", seller=seller["username"])
    account: EbayAccount = AccountFactory(  # type: ignore[no-untyped-call, assignment]
        organization__name=seller["username"],
        ebay_user_id=seller["userId"],
        username=seller["username"],
        token__access=grant["access_token"],
        token__refresh=grant["refresh_token"],
    )
    simulated.write_orders(grant["access_token"])
    known = simulator.get("truth/orders", seller=seller["username"], limit=1)["total"]
    if known != orders:
        raise RuntimeError(f"the simulator has {known} orders instead of {orders}")
    history.want_since(account, ORDERS, timezone.now() - REACH, reason="benchmark", by=SYSTEM)
    return Connected(account, seller["username"], grant["access_token"])


def slow_pages(connected: Connected, page_s: float) -> AbstractContextManager[None]:
    """A page takes the server `page_s`; 0: what it needs."""
    if not page_s:
        return nullcontext()
    return simulated.slow_pages(page_s, connected.seller, connected.access_token)


def three_loads(connected: Connected, load: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """`load` of everything, three times: the first, with nothing changed, with every tenth order changed.

    Before each later one the database is vacuumed, as autovacuum does: what that writes belongs to the one
    before.
    """
    first = load()
    _vacuum()
    second = load()
    changed = simulated.change_a_tenth(connected.seller)
    simulated.write_orders(connected.access_token)
    _vacuum()
    return {"first": first, "second": second, "third": {**load(), "changed": changed}}


def _vacuum() -> None:
    execute("VACUUM (ANALYZE)")


def load(account: EbayAccount) -> WorkerRun:
    """Request, claim and execute a run here. Raises RuntimeError unless it completed."""
    requested = runs.request_run(account, ORDERS, trigger=Trigger.COMMAND, by="benchmark")
    claimed = claim_run(requested.run_id, None) if requested.run_id else None
    if claimed is None:
        raise RuntimeError(f"the run did not start: {requested}")
    run = execute_run(claimed, deadline=time.monotonic() + _DEADLINE_S, in_worker=False)
    if run.status != RunStatus.COMPLETED or run.more:
        raise RuntimeError(f"the run ended {run.status}: {run.error}")
    return run


def check_stored(account: EbayAccount, orders: int) -> None:
    """Raises RuntimeError unless exactly so many orders are stored."""
    stored = Order.objects.filter(account=account).count()
    if stored != orders:
        raise RuntimeError(f"{stored} orders are stored instead of {orders}")


def forget_coverage(account: EbayAccount) -> None:
    """Everything counts as unread: the next load reads all of it again."""
    SyncState.objects.filter(account=account, api_family=ORDERS.key).update(covered=[])


def rows_stored(account: EbayAccount) -> int:
    """Orders and line items."""
    mine = {"account": account}
    return Order.objects.filter(**mine).count() + OrderLineItem.objects.filter(**mine).count()


@dataclass(frozen=True)
class Written:
    """What the database has written so far: rows of orders, line items and the person index that were
    inserted, updated or deleted, and bytes of WAL."""

    rows: int
    wal_bytes: int

    def since(self, earlier: Written) -> dict[str, int]:
        return {"rows_written": self.rows - earlier.rows, "wal_bytes": self.wal_bytes - earlier.wal_bytes}


def written() -> Written:
    """Counted by the database itself. Call outside a transaction."""
    if connection.in_atomic_block:
        raise RuntimeError("statistics are reported between transactions")
    execute("SELECT pg_stat_force_next_flush()")
    row = fetch_one(
        "SELECT (SELECT coalesce(sum(n_tup_ins + n_tup_upd + n_tup_del), 0) FROM pg_stat_user_tables "
        "WHERE relname = ANY(%s)), pg_current_wal_lsn() - '0/0'::pg_lsn",
        [_DATA_TABLES],
    )
    if row is None:
        raise RuntimeError("no statistics")
    return Written(int(row[0]), int(row[1]))
