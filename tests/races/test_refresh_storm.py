"""Two hundred accounts whose tokens expire together: no burst at eBay, and nobody waits for a bad one."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone
from django_q.models import OrmQ

from tests.factories import AccountFactory, OrganizationFactory, give_token
from tests.waiting import eventually
from tokens.models import EbayToken, RefreshCycle
from tokens.services import refresh
from tokens.services.cycle import due_accounts, start_cycle
from tokens.tasks import refresh_chunk
from tokens.tests.linked import TOKEN_CALLS, change_token

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ACCOUNTS = 200
WORKERS = settings.Q_CLUSTER["ALT_CLUSTERS"]["tokens"]["workers"]


def test_two_hundred_expire_together(simulator, monkeypatch):
    accounts = expiring_together(simulator)
    bad, free = accounts[3], threading.Event()
    ask = refresh._ask_ebay

    def hanging_for_one(state, trigger):
        if state.account_id == bad.pk:
            assert free.wait(60)
        return ask(state, trigger)

    monkeypatch.setattr(refresh, "_ask_ebay", hanging_for_one)
    simulator.post("latency", path="token", seconds=0.02)
    simulator.delete("requests")
    cycle = start_cycle(scheduled=True)
    with ThreadPoolExecutor(WORKERS) as workers:
        done = [workers.submit(work, job.task["args"]) for job in OrmQ.objects.order_by("id")]
        try:
            eventually(
                lambda: due_accounts() == [bad.pk], within_s=60, what="all but the bad one are refreshed"
            )
            assert RefreshCycle.objects.get().finished_at is None
        finally:
            simulator.post("latency", path="token", seconds=0)
            free.set()
    assert [future.result() for future in done] == [None] * (ACCOUNTS // 20)
    cycle.refresh_from_db()
    assert (cycle.status, cycle.accounts_checked, cycle.accounts_refreshed) == ("ok", ACCOUNTS, ACCOUNTS)
    sent = simulator.requests(TOKEN_CALLS, limit=1000)
    assert len(sent) == ACCOUNTS
    assert 1 < most_at_once(sent) <= WORKERS * 4


def expiring_together(simulator):
    minted = simulator.post("tokens", seller=simulator.sellers()[0]["username"])
    organization = OrganizationFactory()
    accounts = [AccountFactory(organization=organization, token=False) for _ in range(ACCOUNTS)]
    for account in accounts:
        give_token(account, access=minted["access_token"], refresh=minted["refresh_token"])
    at = timezone.now() + timedelta(minutes=3)
    EbayToken.objects.update(expires_at=at)
    # The first of all.
    change_token(accounts[3], expires_at=at - timedelta(seconds=1))
    return accounts


def work(arguments) -> None:
    try:
        refresh_chunk(*arguments)
    finally:
        connections.close_all()


def most_at_once(sent) -> int:
    """How many calls eBay had to serve at the same moment."""
    moments = []
    for call in sent:
        began = datetime.fromisoformat(call["at"])
        # The beginning is told in whole milliseconds.
        ended = began + timedelta(seconds=call["duration_s"]) - timedelta(milliseconds=1)
        moments += [(began, 1), (ended, -1)]
    at_once = most = 0
    for _, change in sorted(moments):
        at_once += change
        most = max(most, at_once)
    return most
