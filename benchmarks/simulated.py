"""The simulator as a benchmark sees it: sellers, a tenth of the orders changed, slow answers, its own log."""

from __future__ import annotations

import multiprocessing
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from datetime import UTC, datetime, timedelta
from itertools import islice, pairwise
from random import Random
from typing import Any
from uuid import uuid4

import requests
from django.conf import settings

from ebayconnector.ebay.timefmt import ebay_time, parse_ebay_time
from tests.simulator import Simulator

ORDERS_PATH = "^/sell/fulfillment/v1/order"
CHANGED_SHARE = 0.1
_CHANGED_WITHIN = timedelta(hours=1)
# Keeps clear of the seconds that are too young to be read.
_CHANGED_UNTIL = timedelta(minutes=1)
_LOG_SIZE = 10_000
_TICK_S = 0.001
# So short a share of the time in which more pages are at once does not count: ends of one and the next call.
_MOMENT = 0.02
_PAGES_TIMED = 20


def simulator() -> Simulator:
    return Simulator(settings.EBAY_SIMULATOR_URL)


def new_seller(orders: int) -> dict[str, Any]:
    """A seller of its own for each measurement: what one changes must not help or hinder the next."""
    seller: dict[str, Any] = simulator().post("sellers", username=f"bench_{uuid4().hex[:12]}", orders=orders)
    return seller


def write_orders(access_token: str, *, pages: int | None = None) -> None:
    """Every page, or so many, is asked for once, so that the simulator has made all orders before anybody is
    timed. In a process of its own: what pages leave in memory must not count as held before a load."""
    with multiprocessing.get_context("fork").Pool(1) as pool:
        pool.apply(_ask, (access_token, pages))


def _ask(access_token: str, pages: int | None) -> None:
    for _ in islice(_pages(access_token), pages):
        pass


def _pages(access_token: str) -> Iterator[None]:
    """Asks for one page of all orders after the other."""
    until = ebay_time(datetime.now(UTC) - timedelta(seconds=5))
    since = ebay_time(datetime.now(UTC) - timedelta(days=729))
    page = f"{settings.EBAY_SIMULATOR_URL}/sell/fulfillment/v1/order"
    parameters = {"filter": f"lastmodifieddate:[{since}..{until}]", "limit": "200"}
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {access_token}"
        offset, total = 0, 1
        while offset < total:
            answer = session.get(page, params={**parameters, "offset": str(offset)}, timeout=60)
            answer.raise_for_status()
            offset, total = offset + 200, answer.json()["total"]
            yield


def change_a_tenth(seller: str) -> int:
    """Every tenth order has changed in the last hour, one after the other. Returns how many."""
    now = datetime.now(UTC)
    modified = simulator().order_ids(seller)
    older = [order_id for order_id, at in modified.items() if parse_ebay_time(at) < now - _CHANGED_WITHIN]
    chosen = Random(1).sample(older, int(len(modified) * CHANGED_SHARE))
    step = (_CHANGED_WITHIN - _CHANGED_UNTIL) / max(len(chosen), 1)
    with requests.Session() as session:
        for place, order_id in enumerate(chosen):
            at = ebay_time(now - _CHANGED_WITHIN + place * step)
            overrides = {"orderFulfillmentStatus": "IN_PROGRESS", "lastModifiedDate": at}
            body = {"seller": seller, "touch": False, "overrides": overrides}
            url = f"{settings.EBAY_SIMULATOR_URL}/_sim/orders/{order_id}"
            session.patch(url, json=body, timeout=30).raise_for_status()
    return len(chosen)


@contextmanager
def slow_pages(page_s: float, seller: str, access_token: str) -> Iterator[None]:
    """Each page of orders takes the server so long: its own work, and the rest half of it on the way there,
    half on the way back. The seller's orders are made."""
    ebay = simulator()
    last = last_request()
    write_orders(access_token, pages=_PAGES_TIMED)
    own_s = seen_since(last, seller)["page_s"]
    ebay.post("latency", path=ORDERS_PATH, seconds=max(page_s - own_s, 0.0))
    try:
        yield
    finally:
        ebay.post("latency", path=ORDERS_PATH, seconds=0)


@dataclass(frozen=True)
class Seen:
    """What the server had of one seller: answered pages, how many it had at once for more than a moment
    (`_MOMENT` of the time) and at most, and its time for one."""

    pages: int
    at_once: int
    most_at_once: int
    page_s: float


def last_request() -> int:
    return int(simulator().get("requests", limit=1)["last_seq"])


def seen_since(last: int, seller: str) -> dict[str, Any]:
    """`Seen` as a dict, from the calls after number `last`."""
    logged = simulator().get("requests", path=ORDERS_PATH, after=last, limit=_LOG_SIZE)["requests"]
    calls = [call for call in logged if call["seller"] == seller and call["duration_s"] is not None]
    if len(logged) == _LOG_SIZE:
        raise RuntimeError("the simulator's log is too short for this load")
    spans = [(parse_ebay_time(call["at"]).timestamp(), call["duration_s"]) for call in calls]
    # The log cuts the start to milliseconds; what only seems to overlap by that must not count.
    lasted = at_once((start + _TICK_S, start + seconds) for start, seconds in spans)
    whole = sum(lasted.values())
    usual = [n for n in lasted if sum(s for level, s in lasted.items() if level >= n) > _MOMENT * whole]
    page_s = sum(seconds for _, seconds in spans) / max(len(spans), 1)
    return asdict(Seen(len(spans), max(usual, default=0), max(lasted, default=0), page_s))


def at_once(spans: Iterable[tuple[float, float]]) -> dict[int, float]:
    """For how many seconds so many of the (start, end) overlapped. An end at another's start does not."""
    events = sorted(
        event for start, end in spans if end > start for event in ((start, 1), (end, -1))
    )  # fmt: skip
    lasted: dict[int, float] = {}
    running = 0
    for (at, step), (until, _) in pairwise([*events, events[-1]] if events else []):
        running += step
        if running and until > at:
            lasted[running] = lasted.get(running, 0.0) + until - at
    return lasted
