"""A deletion whose process is killed in the middle of a batch goes on and counts every row once."""

from __future__ import annotations

import signal
import subprocess
import sys
from datetime import timedelta

import psycopg
import pytest
from django.conf import settings
from django.db import connection
from django.utils import timezone
from django_q.models import OrmQ

from accounts.access import SYSTEM
from accounts.models import AuditEvent, EbayAccount
from syncworkers.models import Order
from syncworkers.services.erase import resume_deletions
from syncworkers.tasks import delete_account_data
from tests.factories import AccountFactory, OrderFactory
from tests.processes import child_env
from tests.waiting import eventually
from tokens.models import AccountDeletion
from tokens.services.disconnect import disconnect

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.slow,
]

_CHILD = """
import os, django
os.environ["DJANGO_SETTINGS_MODULE"] = "ebayconnector.settings"
django.setup()
from syncworkers.services import erase
erase.BATCH = 10
erase.erase_account(int(os.environ["ACCOUNT"]), budget_s=60)
"""


def somebody_waits() -> bool:
    with connection.cursor() as cursor:
        # Of this database: the server has another one for the other test process.
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity "
            "WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ebay_orders%'"
        )
        return cursor.fetchone()[0] > 0


def first_batch(account: EbayAccount) -> list[int]:
    """Orders by id, as a statement without an order finds them: by whichever index PostgreSQL prefers."""
    with connection.cursor() as cursor:
        cursor.execute('SELECT id FROM "ebay_orders" WHERE account_id = %s LIMIT 10', [account.pk])
        return [row_id for (row_id,) in cursor.fetchall()]


def test_a_killed_deletion_goes_on_and_counts_every_row_once():
    account = AccountFactory(house_name="Warehouse-A")
    OrderFactory.create_batch(35, account=account)
    later = Order.objects.exclude(pk__in=first_batch(account)).latest("pk")
    disconnect(account, delete_data=True, by=SYSTEM)
    OrmQ.objects.all().delete()
    with psycopg.connect(child_env()["DATABASE_URL"]) as blocker:
        # A batch after the first one meets a row that it cannot have.
        blocker.execute("SELECT 1 FROM ebay_orders WHERE id = %s FOR UPDATE", [later.pk])
        child = subprocess.Popen(
            [sys.executable, "-c", _CHILD], env=child_env(ACCOUNT=str(account.pk)), cwd=settings.BASE_DIR
        )
        try:
            eventually(somebody_waits, what="the child is in the middle of a batch")
        finally:
            child.send_signal(signal.SIGKILL)
            child.wait(30)
    deletion = AccountDeletion.objects.get()
    assert (deletion.status, deletion.deleted["ebay_orders"] in (10, 20, 30)) == ("running", True)
    left = 35 - deletion.deleted["ebay_orders"]
    eventually(lambda: Order.objects.count() == left, what="the batch of the dead process is rolled back")
    # Its lease still stands: nobody goes on before it is over.
    assert (resume_deletions(), delete_account_data(account.pk), Order.objects.count()) == (0, True, left)
    AccountDeletion.objects.update(lease_until=timezone.now() - timedelta(minutes=2))
    assert resume_deletions() == 1
    assert delete_account_data(*OrmQ.objects.get().task["args"]) is True
    deletion.refresh_from_db()
    assert (deletion.status, deletion.deleted["ebay_orders"], deletion.remaining) == ("done", 35, {})
    assert not EbayAccount.objects.exists()
    assert AuditEvent.objects.get(action="account_erased").detail["rows"]["ebay_orders"] == 35
