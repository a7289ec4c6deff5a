"""The flows of the architecture, through real HTTP to the simulator."""

from __future__ import annotations

import time

import pytest

from accounts.access import principal_of_user
from accounts.models import EbayAccount, Organization
from syncworkers.locks import claim_run
from syncworkers.models import Order, OrderLineItem, SyncState, Trigger
from syncworkers.registry import WORKERS
from syncworkers.services import runs
from tests.factories import member
from tests.simulator import connect
from tokens.services.connect import create_connect_link

pytestmark = pytest.mark.django_db(transaction=True)


def connected(simulator, seller: str = "", purpose: str = "SELLER") -> EbayAccount:
    admin = member("admin")
    organization = Organization.objects.get()
    seller = seller or simulator.sellers()[0]["username"]
    _, link = create_connect_link(
        organization=organization,
        house_name="Warehouse-A",
        purpose=purpose,
        environment="simulator",
        by=principal_of_user(admin),
    )
    response = connect(link, seller)
    assert response.status_code == 200, response.content
    return EbayAccount.objects.get()


def run_orders(account: EbayAccount):
    requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.COMMAND, by="test")
    assert requested.started, requested
    claimed = claim_run(requested.run_id, None)
    return runs.execute_run(claimed, deadline=time.monotonic() + 60)


def test_from_consent_to_orders(simulator):
    account = connected(simulator)
    run = run_orders(account)
    assert run.status == "completed", (run.reason, run.error)
    seller = account.username
    truth = simulator.order_ids(seller)
    stored = set(Order.objects.values_list("order_id", flat=True))
    assert stored <= set(truth)
    assert len(stored) > 10
    assert OrderLineItem.objects.count() >= len(stored)
    state = SyncState.objects.get()
    assert state.covered
