"""One world of a truth run: sellers at the simulator, accounts of ours, and one time for both."""

from __future__ import annotations

import dataclasses
import random
from datetime import UTC, datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F

from accounts.models import EbayAccount, Purpose
from ebayconnector.ebay import messages
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.models import (
    Case,
    FailedSlice,
    Inquiry,
    Message,
    PaymentDispute,
    Payout,
    QuarantinedRecord,
    Return,
    SnapshotPass,
    SyncState,
    Transaction,
    WorkerRun,
)
from syncworkers.registry import WORKERS, Details, Table, Worker
from syncworkers.tests.running import iso, let_time_pass, seller_account
from tests.simulator import Simulator
from tokens.models import ApiPause, EbayToken
from tokens.services.signing_setup import set_up_signing_key

# A fixed day, so that a seed always begins with the same world; it lies before the machine's own time.
_FIRST_DAY = datetime(2026, 1, 5, tzinfo=UTC)
# How many days back: enough for several pages of each family.
BACKFILL = {"orders": 60, "transactions": 40, "finances": 10}
DETAILED = (Case, Inquiry, Message, PaymentDispute, Payout, Return, Transaction)
MATURING: dict[str, Any] = {
    "cases": Case,
    "inquiries": Inquiry,
    "messages": Message,
    "finances": Payout,
    "returns": Return,
    "transactions": Transaction,
}
# What the database's clock says of the past or the future. Time passes by moving all of it back.
_TIMES_OF_OURS: dict[Any, tuple[str, ...]] = {
    FailedSlice: ("failed_at", "retry_at"),
    QuarantinedRecord: ("last_seen_at",),
    SnapshotPass: ("started_at",),
    SyncState: ("next_run_at", "breaker_until"),
    WorkerRun: ("queued_at", "not_before", "heartbeat_at"),
    ApiPause: ("until",),
    EbayToken: ("expires_at", "next_attempt_at"),
    **dict.fromkeys(DETAILED, ("detail_at", "detail_retry_at")),
}


class World:
    """Accounts of one or two of the simulator's sellers who buy as well, each with all ten families."""

    def __init__(
        self, ebay: Simulator, seed: int, *, accounts: int, orders: int = 0, own_time: bool = True
    ) -> None:
        """`own_time`: it begins at a time of its own. Other processes know only the machine's."""
        self.ebay = ebay
        self.dice = random.Random(seed)
        messages.forget_folders()
        self._begin(seed, orders, own_time)
        self.accounts = [
            seller_account(ebay, number, purpose=Purpose.BOTH)
            for number in self.dice.sample(range(3), accounts)
        ]
        for account in self.accounts:
            self._give_site(account)
        # The British seller's Finances calls must be signed.
        set_up_signing_key("simulator")

    def _begin(self, seed: int, orders: int, own_time: bool) -> None:
        dice = self.dice
        self.ebay.reset()
        now = _FIRST_DAY + timedelta(hours=dice.randrange(60 * 24))
        self.ebay.post(
            "reset",
            seed=seed,
            **({"now": iso(now)} if own_time else {}),
            orders=orders or dice.randint(20, 60),
            # From eleven on some SKUs are legacy, and from thirteen on some vary.
            stock=dice.choice([3, 4, 5, 6, 7, 12, 20]),
            messages=dice.randint(4, 20),
            listings=dice.randint(3, 9),
            purchases=dice.randint(2, 9),
            trouble_share=dice.choice([0.1, 0.3]),
            sort=dice.choice(["newest_first", "oldest_first", "by_id"]),
            stock_sort=dice.choice(["oldest_first", "newest_first", "by_sku"]),
            inventory_offset=dice.choice(["page", "row"]),
        )
        self.ebay.post("post_order", offset=dice.choice(["page", "row"]))
        self.ebay.post("finances", generation=dice.choice(["v1.9", "v1.18"]))
        let_time_pass(self.ebay, 0)

    def _give_site(self, account: EbayAccount) -> None:
        seller = next(one for one in self.ebay.sellers() if one["username"] == account.username)
        account.marketplace_id = seller["registrationMarketplaceId"]
        account.save(update_fields=["marketplace_id"])

    def now(self) -> datetime:
        """eBay's time."""
        return parse_ebay_time(self.ebay.get("clock")["now"])

    def let_time_pass(self, length: timedelta) -> None:
        """At eBay and here: what we know by our own clock grows older."""
        let_time_pass(self.ebay, length.total_seconds())
        self.let_our_time_pass(length)

    def let_our_time_pass(self, length: timedelta) -> None:
        """By the database's clock alone: pauses end, retries come."""
        for model, names in _TIMES_OF_OURS.items():
            for name in names:
                rows = model._default_manager.filter(**{f"{name}__isnull": False})
                with transaction.atomic(), connection.cursor() as cursor:
                    # Who is frozen in a transaction loses it after a while.
                    cursor.execute("SET LOCAL lock_timeout = '2min'")
                    rows.update(**{name: F(name) - length})

    def stop_time(self) -> None:
        """Nothing happens at eBay any more."""
        self.ebay.post("clock", frozen=True)
        let_time_pass(self.ebay, 0)

    def make_all_due(self) -> None:
        """The time of every look that is planned has come; what is final is not planned."""
        due = self.now() - timedelta(minutes=1)
        for model in MATURING.values():
            model._default_manager.filter(check_at__gt=due).update(check_at=due)

    def overdue(self) -> set[str]:
        """The families that have not come to all looks whose time has come (a run takes some of them), or to
        details that eBay did not have when it was first asked."""
        now = self.now()
        looks = {
            family
            for family, model in MATURING.items()
            if model._default_manager.filter(check_at__lte=now).exists()
        }
        details = {
            family
            for family, worker in WORKERS.items()
            for step in worker.steps
            if isinstance(step, Details) and _asks_again(step.of)
        }
        return looks | details

    def close(self) -> None:
        """The simulator is the next test's as well."""
        self.ebay.post("clock", offset_s=0, frozen=False)
        messages.forget_folders()

    def everything(self, kind: str, account: EbayAccount) -> list[dict[str, Any]]:
        return self.ebay.everything(kind, account.username)


def _asks_again(table: Table) -> bool:
    """Whether details are asked for once more, and not because eBay fails on them."""
    healing = QuarantinedRecord.objects.filter(healed_at=None)
    set_aside = set(healing.values_list("account_id", "record_key"))
    waiting = table.model._default_manager.filter(closed_at=None).exclude(detail_retry_at=None)
    return any(
        (account, f"details of {table.key} {'/'.join(map(str, key))}"[:200]) not in set_aside
        for account, *key in waiting.values_list("account_id", *table.natural_key)
    )


def with_small_pages(seed: int) -> dict[str, Worker]:
    dice = random.Random(-seed)
    limits = {name: dice.choice([4, 6, 10, 60]) for name in WORKERS}
    return {
        name: dataclasses.replace(worker, reads=dataclasses.replace(worker.reads, page_limit=limits[name]))
        for name, worker in WORKERS.items()
    }
