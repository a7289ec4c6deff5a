"""How exactly bids are sent, with web and a sync beside; and how exactly the predecessor's loop would.

Lateness is the return of the last send call less the planned moment. What was accepted, and how often, is
asked of the simulator.
"""

from __future__ import annotations

import os
import socket
import statistics
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import requests
from django.conf import settings
from django.utils import timezone

from accounts.models import EbayAccount
from ebayconnector.ebay.bidding import place_proxy_bid
from ebayconnector.ebay.endpoints import SCOPE_BASE, SCOPE_OFFER_AUCTION
from ebayconnector.ebay.errors import EbayError
from ebayconnector.ebay.items import get_item
from ebayconnector.ebay.money import Money
from ebayconnector.processes import die_with_parent
from sniper.models import LIVE, Snipe, SnipeAttempt
from tests.factories import AccountFactory
from tests.simulator import Simulator
from tokens.models import ProcessHeartbeat
from tokens.services.clients import application_client_for, client_for

LEAD = timedelta(seconds=5)
_NICE = 10
_WEB_EVERY_S = 0.2
# Time for both looks at each item before the first moment.
_PREPARE_S = {500: 75.0, 1000: 75.0}
_START_WITHIN_S = 60.0
_AFTER_S = 180.0


def measure(*, count: int, spread_s: float, sync_orders: int) -> dict[str, Any]:
    """`count` snipes whose moments are spread evenly over `spread_s` seconds (0: one moment)."""
    simulator = Simulator(settings.EBAY_SIMULATOR_URL)
    # The simulator serves all the measurements of a day; what it counts must not stop the later ones.
    for api in ("browse", "buy_offer"):
        simulator.post("quotas", api=api, used=0)
    account = _bidder(simulator)
    with _beside(sync_orders) as beside, _executor():
        snipes = _snipes(simulator, account, count, spread_s, in_s=_PREPARE_S.get(count, 60.0))
        _wait_until_sent(snipes)
        found = _exactness(simulator, snipes)
    if not (beside.requests and beside.loads):
        raise RuntimeError(f"web answered {beside.requests} requests, {beside.loads} loads were done beside")
    with _beside(sync_orders):
        predecessor = _predecessor(simulator, account, count, spread_s)
    return {
        "count": count, "spread_s": spread_s, **found, "predecessor": predecessor,
        "web_requests": beside.requests, "loads": beside.loads,
    }  # fmt: skip


def _bidder(simulator: Simulator) -> EbayAccount:
    user = simulator.sellers()[0]
    scopes = [SCOPE_BASE, SCOPE_OFFER_AUCTION]
    grant = simulator.post("tokens", seller=user["username"], scopes=scopes)
    made: EbayAccount = AccountFactory(  # type: ignore[no-untyped-call, assignment]
        ebay_user_id=user["userId"], username=user["username"], token__access=grant["access_token"],
        token__refresh=grant["refresh_token"], token__granted_scopes=scopes,
    )  # fmt: skip
    return made


def _auctions(simulator: Simulator, count: int, spread_s: float, in_s: float) -> list[tuple[str, datetime]]:
    """(item id, end): the first moment is `in_s` from now."""
    made = simulator.post(
        "auctions", ends_in_s=in_s + LEAD.total_seconds(), start=10.0, count=count, step_s=spread_s / count
    )
    return [
        (item, datetime.fromisoformat(end.replace("Z", "+00:00")))
        for item, end in zip(made["itemIds"], made["endsAt"], strict=True)
    ]


def _snipes(
    simulator: Simulator, account: EbayAccount, count: int, spread_s: float, *, in_s: float
) -> list[Snipe]:
    """Written as `plan_snipe` writes them; looking each item up would take the benchmark's time."""
    rows = [
        Snipe(
            account=account, item_id=item, rest_item_id=f"v1|{item}|0", title="bench",
            marketplace_id="EBAY_US", currency="USD", max_bid_amount=Decimal("50.00"),
            seconds_before_end=int(LEAD.total_seconds()), end_time=end, fire_at=end - LEAD,
        )  # fmt: skip
        for item, end in _auctions(simulator, count, spread_s, in_s)
    ]  # fmt: skip
    return Snipe.objects.bulk_create(rows)


def _wait_until_sent(snipes: Sequence[Snipe]) -> None:
    """Sleeps past the last moment, so as not to get in the way, then waits until all is told."""
    last = max(snipe.end_time for snipe in snipes)
    time.sleep(max(0.0, (last - datetime.now(UTC)).total_seconds()))
    ids = [snipe.pk for snipe in snipes]
    deadline = time.monotonic() + _AFTER_S
    while Snipe.objects.filter(pk__in=ids, status__in=LIVE).exists() and time.monotonic() < deadline:
        time.sleep(0.5)


def _exactness(simulator: Simulator, snipes: Sequence[Snipe]) -> dict[str, Any]:
    ids = [snipe.pk for snipe in snipes]
    attempts = SnipeAttempt.objects.filter(snipe__in=ids)
    late = [one.lateness_ms for one in attempts.filter(no=1, lateness_ms__isnull=False)]
    by_item = {row["itemId"]: row for row in simulator.get("posts/raises")["raises"]}
    rows = [by_item.get(snipe.item_id, {"raises": 0}) for snipe in snipes]
    return {
        **_spread(late),
        "early": sum(ms < 0 for ms in late),
        "twice": sum(row["raises"] > 1 for row in rows),
        "lost": sum(row["raises"] == 0 for row in rows),
        "second_attempts": attempts.filter(no=2).count(),
        "won": Snipe.objects.filter(pk__in=ids, status="won").count(),
    }


def _spread(late: list[float]) -> dict[str, float]:
    cuts = statistics.quantiles(late, n=100) if len(late) > 1 else [float("nan")] * 99
    return {"sent": len(late), "p50_ms": cuts[49], "p99_ms": cuts[98], "longest_ms": max(late, default=0.0)}


@contextmanager
def _executor() -> Iterator[None]:
    process = subprocess.Popen(
        [sys.executable, "manage.py", "sniper"], cwd=settings.BASE_DIR, stdin=subprocess.DEVNULL,
        stdout=sys.stderr, preexec_fn=die_with_parent(15),
    )  # fmt: skip
    deadline = time.monotonic() + _START_WITHIN_S
    while not ProcessHeartbeat.objects.filter(pid=process.pid).exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError("the executor did not start")
        time.sleep(0.1)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


# -- What runs beside ---------------------------------------------------------------------------------------


class _Beside:
    requests = 0
    loads = 0


@contextmanager
def _beside(sync_orders: int) -> Iterator[_Beside]:
    """Web, asked for a page five times a second, and a sync that loads orders again and again; nice 10."""
    counts, stop = _Beside(), threading.Event()
    port = _free_port()
    commands = [
        [sys.executable, "-m", "gunicorn", "ebayconnector.wsgi", "--bind", f"127.0.0.1:{port}"],
        [sys.executable, "-m", "benchmarks.sync_beside", str(sync_orders)],
    ]
    processes = [_nice(commands[0], sys.stderr), _nice(commands[1], subprocess.PIPE)]
    threads = [
        threading.Thread(target=_ask_web, args=(port, counts, stop), daemon=True),
        threading.Thread(target=_count_loads, args=(processes[1], counts), daemon=True),
    ]
    for thread in threads:
        thread.start()
    try:
        yield counts
    finally:
        stop.set()
        for process in processes:
            process.terminate()
            process.wait()


def _nice(command: list[str], output: Any) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        ["nice", "-n", str(_NICE), *command], cwd=Path(settings.BASE_DIR), stdin=subprocess.DEVNULL,
        stdout=output, env={**os.environ, "LOG_LEVEL": "ERROR"}, preexec_fn=die_with_parent(15),
    )  # fmt: skip


def _ask_web(port: int, counts: _Beside, stop: threading.Event) -> None:
    while not stop.wait(_WEB_EVERY_S):
        try:
            requests.get(f"http://127.0.0.1:{port}/admin/login/", timeout=5)
            counts.requests += 1
        except requests.RequestException:
            continue


def _count_loads(process: subprocess.Popen[bytes], counts: _Beside) -> None:
    for _ in process.stdout or ():
        counts.loads += 1


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


# -- The predecessor ----------------------------------------------------------------------------------------


def _predecessor(simulator: Simulator, account: EbayAccount, count: int, spread_s: float) -> dict[str, Any]:
    """Once a second: what is due by the machine's own clock, each looked up and bid on, one after another."""
    due = [(end - LEAD, item) for item, end in _auctions(simulator, count, spread_s, in_s=5.0)]
    browse = application_client_for(account.environment, source="bench", marketplace_id="EBAY_US", lane=0)
    bidder = client_for(account, source="bench", lane=0)
    late, refused = [], 0
    while due:
        time.sleep(1.0)
        now = timezone.now()
        ready, due = [one for one in due if one[0] <= now], [one for one in due if one[0] > now]
        for fire_at, item in ready:
            try:
                found = get_item(browse, item)
                late.append((datetime.now(UTC) - fire_at) / timedelta(milliseconds=1))
                place_proxy_bid(bidder, found.item_id, maximum=Money(Decimal("50.00"), "USD"))
            except EbayError:
                refused += 1
    return {**_spread(late), "refused": refused}
