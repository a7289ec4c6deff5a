"""Executors killed and frozen, answers and commits lost, the database away: never a second raise, and each
snipe ends with a reason. The judge is the simulator's own log."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path

import psutil
import pytest
from django.db import connection
from django.utils import timezone

from accounts.models import EbayAccount
from sniper.events import tell_executors
from sniper.models import LIVE, Snipe, SnipeAttempt
from sniper.tests.bidding import Executor, bidder, raises
from tests.factories import OrganizationFactory
from tests.processes import child_env
from tests.proxies import DatabaseProxy, Mode
from tests.seeds import seeds
from tests.waiting import eventually

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
    pytest.mark.timeout(1700),
]

# In the long form 20 seeds of 60 snipes for each test: of the storm one row, of the takeover three bursts.
LONG = "SOAK_SEEDS" in os.environ or "SOAK_SEED" in os.environ
SNIPES, BURSTS = (60, 3) if LONG else (10, 1)
SEEDS = seeds(1)[:20]
TORMENTS = ["kill", "kill_all", "kill_sender", "freeze", "freeze_all", "freeze_sender"]
# Before the work and after it: in each of these ways an answer does not come, or not in time.
LOSSES = [
    ("reset", {}),
    ("reset", {"before": True}),
    ("cut", {}),
    ("slow", {"delay_s": 1.5}),
    ("server_error", {}),
    ("expired_token", {}),
]
LEAD_S = 5
# Until the first of them is due they are all armed, by both executors.
ARMED_IN_S = 5 if LONG else 3
# So many of a storm end within a second.
RATE = 4.0


@dataclass
class Storm:
    """Two executors behind a proxy, and everything that happens to them, by one seed."""

    folder: Path
    source: random.Random
    proxy: DatabaseProxy
    running: list[Executor] = field(default_factory=list)
    told: list[str] = field(default_factory=list)

    def start(self) -> None:
        self.running = [self._new(number) for number in range(2)]
        for one in self.running:
            one.wait_until_up()

    def _new(self, number: int) -> Executor:
        host, url = f"127.0.0.1:{self.proxy.port}", child_env()["DATABASE_URL"]
        database = url.rpartition("/")[2]
        return Executor(
            self.folder / f"executor-{number}.log", DATABASE_URL=f"postgres://postgres@{host}/{database}"
        )

    def torment(self, number: int | None = None, what: str = "") -> None:
        """One executor, in whole or in part; the other is left alone until it is up again."""
        number = self.source.randrange(2) if number is None else number
        victim = self.running[number]
        whole = [psutil.Process(victim.process.pid), *psutil.Process(victim.process.pid).children()]
        what = what or self.source.choice(TORMENTS)
        # An executor has a sender and a spare one.
        sender = self.source.sample(whole[1:], min(1, len(whole) - 1))
        targets = {"sender": sender, "all": whole}.get(what.partition("_")[2], whole[:1])
        self.told.append(f"{time.time():.3f} {what} {number}")
        for one in targets:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(signal.SIGKILL if what.startswith("kill") else signal.SIGSTOP)
        if what.startswith("freeze"):
            pause(self.source.uniform(0.3, 6.0))
            for one in targets:
                with contextlib.suppress(psutil.NoSuchProcess):
                    one.send_signal(signal.SIGCONT)
        elif what != "kill_sender":
            victim.process.wait()
            self.running[number] = self._new(number)
            self.running[number].wait_until_up()

    def number_of(self, owner: str) -> int:
        """Which of the two has that name."""
        return next(n for n in (0, 1) if owner in self.running[n].log.read_text())

    def trouble_database(self) -> None:
        what = self.source.choice(["freeze", "cut", "lose_answers"])
        self.told.append(f"{time.time():.3f} database {what}")
        if what == "freeze":
            self.proxy.set(Mode.FREEZE)
            pause(3.0)
        elif what == "lose_answers":
            self.proxy.set(Mode.LOSE_ANSWERS)
            pause(self.source.uniform(0.2, 1.0))
            self.proxy.cut()
        self.proxy.set(Mode.PASS)
        if what == "cut":
            self.proxy.cut()

    def stop(self) -> None:
        for one in self.running:
            with contextlib.suppress(psutil.NoSuchProcess):
                for child in psutil.Process(one.process.pid).children():
                    child.kill()
            one.kill()


def pause(seconds: float) -> None:
    """What happens takes this long; nobody waits for anything."""
    threading.Event().wait(seconds)


@pytest.fixture
def storm(simulator, tmp_path) -> Iterator[Storm]:
    settings = connection.settings_dict
    with DatabaseProxy(settings["HOST"], int(settings["PORT"])) as proxy:
        made = Storm(tmp_path, random.Random(), proxy)
        try:
            yield made
        finally:
            made.stop()


def make_snipes(simulator, account: EbayAccount, *, count: int, rate: float) -> list[Snipe]:
    """Rows as `plan_snipe` writes them; to look so many items up takes longer than their auctions last."""
    made = simulator.post("auctions", ends_in_s=LEAD_S + ARMED_IN_S, start=10.0, count=count, step_s=1 / rate)
    rows = []
    for item, ends_at in zip(made["itemIds"], made["endsAt"], strict=True):
        end_time = datetime.fromisoformat(ends_at.replace("Z", "+00:00"))
        rows.append(
            Snipe(
                account=account, item_id=item, rest_item_id=f"v1|{item}|0", title=item, currency="USD",
                marketplace_id="EBAY_US", max_bid_amount=Decimal("50.00"), seconds_before_end=LEAD_S,
                end_time=end_time, fire_at=end_time - timedelta(seconds=LEAD_S),
            )
        )  # fmt: skip
    Snipe.objects.bulk_create(rows)
    tell_executors()
    return rows


def owners_of(snipes: list[Snipe]) -> list[str]:
    """Who has claimed them, once for each that is claimed."""
    claimed = Snipe.objects.filter(pk__in=[snipe.pk for snipe in snipes]).exclude(owner="")
    return list(claimed.order_by("pk").values_list("owner", flat=True))


def lose_answers(simulator, chance: float) -> None:
    for kind, more in LOSSES:
        simulator.fault("place_proxy_bid", kind, count=None, chance=chance / len(LOSSES), **more)


def all_ended(snipes: list[Snipe], within_s: float) -> list[Snipe]:
    ids = [snipe.pk for snipe in snipes]
    live = Snipe.objects.filter(pk__in=ids, status__in=LIVE)
    eventually(lambda: not live.exists(), within_s=within_s, what="no snipe lives")
    return list(Snipe.objects.filter(pk__in=ids))


def judge(simulator, snipes: list[Snipe], told: list[str]) -> Counter[str]:
    """At most one raise for each, won where the simulator says so, and a reason for everything else."""
    by_item = {row["itemId"]: row for row in raises(simulator)}
    came_to: Counter[str] = Counter()
    for snipe in snipes:
        row = by_item.get(snipe.item_id, {"raises": 0, "posts": 0})
        context = (snipe.pk, snipe.status, snipe.reason, row, told)
        assert row["raises"] <= 1, context
        assert row["posts"] <= 2, context
        assert snipe.status == "won" or snipe.reason, context
        attempts = SnipeAttempt.objects.filter(snipe=snipe)
        assert all(attempt.amount == snipe.max_bid_amount for attempt in attempts)
        truth = simulator.get(f"auctions/{snipe.item_id}")
        assert (snipe.status == "won") == (truth["winner"] == snipe.account.username), context
        if row["raises"]:
            assert snipe.status in ("won", "lost"), context
        came_to[f"{snipe.status} {snipe.reason}".strip()] += 1
        if snipe.status != "won":
            print(snipe.pk, snipe.status, snipe.reason, "due", snipe.fire_at, told)
            for event in snipe.events.all():
                print("  ", event.created_at, event.event_type, event.message, event.detail)
    return came_to


def delays_s(simulator, snipes: list[Snipe]) -> list[float]:
    """From the planned moment to the first bid that eBay took, shortest first; of those that it took."""
    found = []
    for snipe in snipes:
        bids = simulator.get("truth/bids", item_id=snipe.item_id)["bids"]
        own = [bid["before_end_us"] for bid in bids if bid["bidder"] == snipe.account.username]
        found += [LEAD_S - max(own) / 1e6] if own else []
    return sorted(found)


def tell(simulator, snipes: list[Snipe]) -> None:
    """The logs of those that took longer than two seconds."""
    for snipe in snipes:
        if (delays_s(simulator, [snipe]) or [9.9])[0] > 2.0:
            print(snipe.pk, "due", snipe.fire_at)
            for event in snipe.events.all():
                print("  ", event.created_at, event.event_type, event.message, event.detail)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_storm_raises_no_maximum_twice_and_loses_no_snipe(simulator, storm, seed):
    storm.source.seed(seed)
    storm.start()
    account = bidder(simulator, organization=OrganizationFactory())
    snipes = make_snipes(simulator, account, count=SNIPES, rate=RATE)
    lose_answers(simulator, 0.35)
    last = snipes[-1].end_time
    while timezone.now() < last - timedelta(seconds=2):
        pause(storm.source.uniform(0.2, 2.0))
        if storm.source.random() < 0.3:
            storm.trouble_database()
        else:
            storm.torment()
    found = all_ended(snipes, within_s=90)
    came_to = judge(simulator, found, storm.told)
    print(f"seed {seed}: {dict(came_to)}; {len(storm.told)} troubles")
    assert came_to["won"] > SNIPES * 0.5, (came_to, storm.told)


@pytest.mark.parametrize("seed", SEEDS)
def test_when_one_executor_dies_or_freezes_the_other_bids_within_two_seconds(simulator, storm, seed):
    """Burst by burst: one of the two is hit from two seconds before its first moment until its last, the one
    that has claimed, if it has been. In the short form with its senders, half a second before."""
    storm.source.seed(seed)
    storm.start()
    account = bidder(simulator, organization=OrganizationFactory())
    snipes: list[Snipe] = []
    for _ in range(BURSTS):
        burst = make_snipes(simulator, account, count=SNIPES // BURSTS, rate=SNIPES / BURSTS)
        after_s = storm.source.uniform(-2.0, 1.0) if LONG else -0.5
        hit_at = burst[0].fire_at + timedelta(seconds=after_s)
        pause(max(0.0, (hit_at - timezone.now()).total_seconds()))
        # Whoever is killed is up again when this returns, and arms for the next burst.
        claimed = [storm.number_of(owner) for owner in owners_of(burst)]
        storm.torment(storm.source.choice(claimed) if claimed else None, "" if LONG else "kill_all")
        snipes += burst
    eventually(lambda: len(delays_s(simulator, snipes)) == len(snipes), within_s=10, what="all are bid")
    delays = delays_s(simulator, snipes)
    taken_over = sum(delay > 0.5 for delay in delays)
    print(f"seed {seed}: {taken_over} of {len(delays)} taken over; longest {delays[-1]:.3f} s; {storm.told}")
    if delays[-1] > 2.0:
        tell(simulator, snipes)
    assert delays[int(len(delays) * 0.99) - 1] < 2.0, (delays, storm.told)
    assert delays[0] > -0.5
    if not LONG:
        assert delays[-1] > 1.0, (delays, storm.told)
    else:
        came_to = judge(simulator, all_ended(snipes, within_s=60), storm.told)
        assert came_to["won"] == len(snipes), (came_to, storm.told)
