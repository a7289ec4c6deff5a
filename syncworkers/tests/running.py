"""Accounts of the simulator, runs, and what is true: shared by the tests of the engine."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import parse_qs

from django.db import connection, connections

from accounts.models import EbayAccount
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.locks import claim_run
from syncworkers.models import Order, SyncState, Trigger, WorkerRun
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from syncworkers.services.execution import execute_run
from tests.factories import AccountFactory
from tests.simulator import Simulator
from tokens import wire

ORDERS = WORKERS["orders"]
GET_ORDERS = r"^/sell/fulfillment/v1/order\?"


def no_sleep(seconds: float) -> None:
    """Instead of the pauses between attempts."""


def seller_account(simulator: Simulator, number: int = 0, **values: Any) -> EbayAccount:
    """An account connected to the simulator's seller, with tokens that the simulator takes."""
    seller = simulator.sellers()[number]
    grant = simulator.post("tokens", seller=seller["username"])
    return AccountFactory(
        ebay_user_id=seller["userId"],
        username=seller["username"],
        token__access=grant["access_token"],
        token__refresh=grant["refresh_token"],
        **values,
    )


def in_a_minute() -> float:
    return time.monotonic() + 60.0


def no_time() -> float:
    return time.monotonic() - 1.0


class PageClock:
    """A clock that every look at it turns on by one: time is counted in pages."""

    def __init__(self) -> None:
        self.now = 0

    def monotonic(self) -> float:
        self.now += 1
        return self.now

    def after_three_pages(self) -> float:
        return self.now + 2.5

    def after_some_details(self) -> float:
        """Each detail looks twice: before it is asked, and when it is stored."""
        return self.now + 20.5


def run_orders(account: EbayAccount, **options: Any) -> WorkerRun:
    return run_family(account, "orders", **options)


def run_family(account: EbayAccount, family: str, **options: Any) -> WorkerRun:
    """Ask for a run as a person does, and execute it here."""
    requested = runs.request_run(account, WORKERS[family], trigger=Trigger.MANUAL, by="olga")
    assert requested.started, requested
    return execute(requested.run_id, **options)


def execute(
    run_id: int,
    *,
    deadline: Callable[[], float] = in_a_minute,
    sleep: Callable[[float], None] = no_sleep,
    **options: Any,
) -> WorkerRun:
    claimed = claim_run(run_id, None)
    assert claimed is not None
    return execute_run(claimed, deadline=deadline(), sleep=sleep, **options)


def run_until_quiet(account: EbayAccount, *, most: int = 200, **options: Any) -> list[WorkerRun]:
    """A run and all its follow-ups."""
    done = [run_orders(account, **options)]
    while done[-1].more:
        assert len(done) < most, "the chain of follow-ups does not end"
        waiting = WorkerRun.objects.get(account=account, status="queued")
        done.append(execute(waiting.pk, **options))
    return done


def run_whole(account: EbayAccount, family: str) -> WorkerRun:
    """A run and all its follow-ups, all of which come to their end."""
    run = run_family(account, family)
    while run.more:
        run = execute(WorkerRun.objects.get(account=account, status="queued").pk)
    assert (run.status, run.error) == ("completed", "")
    return run


def calls(simulator: Simulator, path: str) -> int:
    return len(simulator.requests(path, limit=10_000))


def state_of(account: EbayAccount, family: str = "orders") -> SyncState:
    return SyncState.objects.get(account=account, api_family=family)


def whole_truth(simulator: Simulator, kind: str, account: EbayAccount) -> list[dict[str, Any]]:
    """Everything of a kind that the simulator would give the account now, as it would give it."""
    return simulator.everything(kind, account.username)


def stored(account: EbayAccount) -> dict[str, str]:
    """orderId → lastModifiedDate as stored."""
    rows = Order.objects.filter(account=account).values_list("order_id", "payload__lastModifiedDate")
    return dict(rows)


def truth(simulator: Simulator, account: EbayAccount, *, days: float = 90) -> dict[str, str]:
    """The orders of the simulator changed within the last `days`, less a margin of a minute at the edge."""
    since = datetime.now(UTC) - timedelta(days=days) + timedelta(minutes=1)
    everything = simulator.order_ids(account.username)
    return {key: at for key, at in everything.items() if parse_ebay_time(at) >= since}


def windows_asked(simulator: Simulator) -> list[tuple[datetime, datetime]]:
    """The (from, to) of each getOrders call, in order; the filter must be exactly as eBay wants it."""
    found = []
    for entry in simulator.requests(GET_ORDERS, limit=10_000):
        text = parse_qs(entry["query"])["filter"][0]
        moment = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
        match = re.fullmatch(rf"lastmodifieddate:\[({moment})\.\.({moment})\]", text)
        assert match, text
        found.append((parse_ebay_time(match[1]), parse_ebay_time(match[2])))
    return found


def iso(moment: datetime) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def ago(**values: float) -> datetime:
    return datetime.now(UTC) - timedelta(**values)


def let_time_pass(simulator: Simulator, seconds: float = 60.0) -> None:
    """Turn eBay's clock on, and let our measurement of it know."""
    simulator.post("clock", advance_s=seconds)
    now = parse_ebay_time(simulator.get("clock")["now"])
    own = datetime.now(UTC)
    wire.clock.cache_clear()
    wire.clock("simulator").observe(now.replace(microsecond=0), sent_at=own, received_at=own)


def rows_written() -> dict[int, str]:
    """id → place in the table: changes whenever a row is rewritten."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, ctid::text FROM ebay_orders "
            "UNION ALL SELECT -id, ctid::text FROM ebay_order_line_items"
        )
        return dict(cursor.fetchall())


def in_threads(acts: Sequence[Callable[[], Any]]) -> list[Any]:
    """All at the same time, each on a connection of its own."""
    gate = threading.Barrier(len(acts), timeout=20)

    def act(what: Callable[[], Any]) -> Any:
        try:
            connection.ensure_connection()
            gate.wait()
            return what()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        return [future.result(timeout=60) for future in [pool.submit(act, what) for what in acts]]


def somebody_waits_for_us() -> bool:
    """Whether another transaction waits for this one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_locks WHERE NOT granted AND transactionid = pg_current_xact_id()::xid"
        )
        return bool(cursor.fetchone()[0])


def covered_but_not_true(simulator: Simulator, account: EbayAccount) -> dict[str, str]:
    """Orders that lie in the coverage, but are not stored as eBay has them. Must always be empty."""
    covered, rows = state_of(account).covered, stored(account)
    return {
        order_id: at
        for order_id, at in simulator.order_ids(account.username).items()
        if any(span.start <= parse_ebay_time(at) < span.end for span in covered) and rows.get(order_id) != at
    }
