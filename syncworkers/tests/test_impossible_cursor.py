"""A stored cursor that cannot be true is an error that a person sees, never "nothing to do"."""

from __future__ import annotations

import time

import pytest
from django.db import connection

from accounts.access import SYSTEM
from syncworkers.locks import claim_run
from syncworkers.models import Order, SyncState, Trigger
from syncworkers.registry import WORKERS
from syncworkers.services import execution, history, runs
from tests.test_flows import connected

pytestmark = pytest.mark.django_db(transaction=True)


def run_orders(account):
    requested = runs.request_run(account, WORKERS["orders"], trigger=Trigger.MANUAL, by="olga")
    return execution.execute_run(claim_run(requested.run_id, None), deadline=time.monotonic() + 60)


@pytest.mark.parametrize(
    "covered",
    ["{[2026-01-01,2031-01-01)}", "{[1970-01-01,1990-01-01)}", "{(,2026-01-01)}", "{[2026-01-01,)}"],
)
def test_it_is_said_and_nothing_is_read_until_it_is_set_again(simulator, covered):
    account = connected(simulator)
    runs.ensure_state(account, WORKERS["orders"])
    with connection.cursor() as cursor:
        cursor.execute("UPDATE ebay_sync_state SET covered = %s::tstzmultirange", [covered])
    simulator.delete("requests")

    run = run_orders(account)
    assert (run.status, run.reason) == ("error", "bad_cursor")
    assert "cannot be true" in run.error
    assert SyncState.objects.get().last_error == run.error
    assert simulator.requests("/sell/fulfillment") == []

    history.want_since(account, WORKERS["orders"], None, reason="was edited by hand", by=SYSTEM)
    assert run_orders(account).status == "completed"
    assert Order.objects.count() > 10
