"""Accounts that may bid, auctions to bid on, executors as processes: what sniper tests do again and again."""

from __future__ import annotations

import signal
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.conf import settings

from accounts.access import SYSTEM
from accounts.models import EbayAccount
from ebayconnector.ebay.endpoints import SCOPE_BASE, SCOPE_OFFER_AUCTION
from ebayconnector.processes import die_with_parent
from sniper.models import LIVE, Snipe
from sniper.services.plan import plan_snipe
from tests.factories import AccountFactory, OrganizationFactory
from tests.processes import child_env
from tests.simulator import Simulator
from tests.waiting import eventually
from tokens.models import ProcessHeartbeat


def bidder(
    simulator: Simulator,
    seller: str = "",
    *,
    organization: Any = None,
    scopes: Sequence[str] = (SCOPE_BASE, SCOPE_OFFER_AUCTION),
) -> EbayAccount:
    """An account of ours as the simulator's user, who consented to bids."""
    users = simulator.sellers()
    user = next((one for one in users if one["username"] == seller), users[0])
    grant = simulator.post("tokens", seller=user["username"], scopes=list(scopes))
    return AccountFactory(
        organization=organization or OrganizationFactory(),
        purpose="BUYER",
        ebay_user_id=user["userId"],
        username=user["username"],
        token__access=grant["access_token"],
        token__refresh=grant["refresh_token"],
        token__granted_scopes=list(scopes),
    )


def auction(simulator: Simulator, **fields: Any) -> str:
    """The legacy id of a new auction of a stranger; it starts at 10.00."""
    return simulator.post("auctions", **{"ends_in_s": 600, "start": 10.0, **fields})["itemIds"][0]


def planned(account: EbayAccount, item: str, maximum: str = "50.00", **fields: Any) -> Snipe:
    return plan_snipe(account, item=item, max_bid_amount=Decimal(maximum), by=SYSTEM, **fields).snipe


def raises(simulator: Simulator, item_id: str = "") -> list[dict[str, Any]]:
    """For each item and account: POSTs, accepted ones, and how often they raised the maximum."""
    wanted = {"item_id": item_id} if item_id else {}
    return simulator.get("posts/raises", **wanted)["raises"]


class Executor:
    """`manage.py sniper` as a child, in a process group of its own with its sender."""

    def __init__(self, log: Path, *arguments: str, **env: str) -> None:
        self.log = log
        with log.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, str(settings.BASE_DIR / "manage.py"), "sniper", *arguments],
                env=child_env(**env),
                stdout=output,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGKILL),
            )

    def wait_until_up(self) -> None:
        eventually(
            lambda: ProcessHeartbeat.objects.filter(pid=self.process.pid, kind="sniper").exists(),
            within_s=90,
            what=f"the executor is up: {self.log.read_text()[-3000:]}",
        )

    def signal(self, number: int) -> None:
        self.process.send_signal(number)

    def stop(self, within_s: float = 20.0) -> int:
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
        return self.process.wait(timeout=within_s)

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()


@contextmanager
def executors(folder: Path, count: int = 1, *arguments: str, **env: str) -> Iterator[list[Executor]]:
    """So many executors that are up; none is left afterwards."""
    running = [Executor(folder / f"executor-{number}.log", *arguments, **env) for number in range(count)]
    try:
        for one in running:
            one.wait_until_up()
        yield running
    finally:
        for one in running:
            one.kill()


def ended(*snipes: Snipe, within_s: float = 90.0) -> list[Snipe]:
    """The snipes once none of them lives."""
    ids = [snipe.pk for snipe in snipes]
    alive = Snipe.objects.filter(pk__in=ids, status__in=LIVE)
    eventually(
        lambda: not alive.all().exists(),
        within_s=within_s,
        what=lambda: f"snipes end: {list(alive.values('pk', 'status', 'item_id', 'end_time'))}",
    )
    found = {snipe.pk: snipe for snipe in Snipe.objects.filter(pk__in=ids)}
    return [found[pk] for pk in ids]
