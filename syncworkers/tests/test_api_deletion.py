"""Deleting a disconnected account's data: in steps, repeatable, never a connected one's."""

import threading
import time
from datetime import timedelta

import pytest
from django.apps import apps
from django.db import connection, connections, transaction
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEvent, EbayAccount
from syncworkers.models import (
    FailedSlice,
    Order,
    OrderLineItem,
    QuarantinedRecord,
    SyncState,
    WorkerLog,
    WorkerRun,
)
from syncworkers.services import erase
from syncworkers.tasks import delete_account_data
from tests.api_callers import as_member
from tests.factories import (
    AccountFactory,
    OrderFactory,
    OrderLineItemFactory,
    RunFactory,
    SyncStateFactory,
    give_token,
)
from tokens.models import AccountDeletion, ApiPause, ConnectLog, EbayToken, TokenRefreshLog
from tokens.services.disconnect import plan_deletion

pytestmark = pytest.mark.django_db


def filled(orders=3):
    """An account with a row in every table that knows it."""
    account = AccountFactory()
    now = account.connected_at
    for order in OrderFactory.create_batch(orders, account=account):
        OrderLineItemFactory.create_batch(2, order=order)
    SyncStateFactory(account=account)
    WorkerLog.objects.create(run=RunFactory(account=account), event="page", message="m")
    QuarantinedRecord.objects.create(
        account=account,
        api_family="orders",
        record_key="k",
        evidence={},
        error="e",
        last_seen_at=now,
        start_at=now,
        end_at=now,
    )
    FailedSlice.objects.create(
        account=account,
        api_family="orders",
        start_at=now,
        end_at=now,
        reason="drift",
        failed_at=now,
        retry_at=now,
    )
    TokenRefreshLog.objects.create(account=account, triggered_by="admin", started_at=now)
    ConnectLog.objects.create(account=account, organization=account.organization, environment="simulator",
                              action="token_refreshed", source="admin")  # fmt: skip
    ApiPause.objects.create(
        environment="simulator", api="fulfillment", account=account, until=now, reason="r"
    )
    return account


def disconnected(orders=3):
    account = filled(orders)
    EbayAccount.objects.filter(pk=account.pk).update(is_active=False)
    EbayToken.objects.filter(account=account).delete()
    return account


def rows_of(account):
    """Rows left per table, found by asking every model that has an account; logs hang on runs."""
    counts = {
        model.__name__: model._default_manager.filter(account_id=account.pk).count()
        for model in apps.get_models()
        if any(field.attname == "account_id" and field.related_model is EbayAccount
               for field in model._meta.concrete_fields if field.is_relation)
    }  # fmt: skip
    counts["WorkerLog"] = WorkerLog.objects.filter(run__account_id=account.pk).count()
    return {name: count for name, count in counts.items() if count}


def test_everything_of_the_account_goes_and_nothing_else():
    account, other = disconnected(), filled()
    before = rows_of(other)
    assert len(rows_of(account)) >= 9
    assert delete_account_data(account.pk) is True
    assert rows_of(account) == {}
    assert not EbayAccount.objects.filter(pk=account.pk).exists()
    assert rows_of(other) == before
    assert AuditEvent.objects.get().action == "account_erased"


def test_batches_are_small_and_leave_next_to_nothing_to_the_cascade(monkeypatch):
    monkeypatch.setattr(erase, "BATCH", 2)
    account = disconnected(orders=5)
    real, left, sizes = erase._erase_account_row, [], []
    execute = erase.execute

    def counted(*args):
        sizes.append(execute(*args))
        return sizes[-1]

    monkeypatch.setattr(erase, "execute", counted)
    monkeypatch.setattr(
        erase, "_erase_account_row", lambda one, share: left.append(rows_of(one)) or real(one, share)
    )
    assert erase.erase_account(account.pk, budget_s=60) is True
    assert not Order.objects.exists() and not OrderLineItem.objects.exists()
    assert left == [{"ApiPause": 1}]
    # Two orders with the two lines of each.
    assert max(sizes) == 4


def test_a_job_without_time_left_queues_the_next(monkeypatch):
    account = disconnected()
    monkeypatch.setattr(erase, "erase_account", lambda pk: False)
    assert delete_account_data(account.pk) is False
    job = OrmQ.objects.get()
    assert (job.key, job.task["func"]) == ("core", "syncworkers.tasks.delete_account_data")
    assert job.task["args"] == (account.pk,)


def test_it_goes_on_where_it_ended_and_the_progress_says_how_far(monkeypatch):
    account = disconnected()
    real, done = erase._empty, []

    def ends_after_the_orders(rows, share):
        if Order in done:
            raise SystemExit
        done.append(rows.model)
        return real(rows, share)

    monkeypatch.setattr(erase, "_empty", ends_after_the_orders)
    with pytest.raises(SystemExit):
        erase.erase_account(account.pk)
    assert not Order.objects.exists() and WorkerRun.objects.exists()
    deletion = AccountDeletion.objects.get()
    assert (deletion.deleted["ebay_orders"], deletion.remaining["ebay_orders"]) == (3, 0)
    assert (deletion.status, 0 < deletion.percent < 100) == ("running", True)
    monkeypatch.setattr(erase, "_empty", real)
    assert erase.erase_account(account.pk) is True
    assert rows_of(account) == {}
    assert erase.erase_account(account.pk) is True
    deletion.refresh_from_db()
    assert (deletion.status, deletion.percent, deletion.rows_deleted) == ("done", 100, deletion.rows_total)


def test_what_says_how_complete_the_data_is_goes_before_the_data(monkeypatch):
    """Connected again in the middle, an account must not take what was deleted for read."""
    account, real = disconnected(), erase._empty
    monkeypatch.setattr(erase, "_empty", lambda rows, share: rows.model is not Order and real(rows, share))
    assert erase.erase_account(account.pk) is False
    assert Order.objects.exists()
    assert not SyncState.objects.exists()


def test_connected_again_in_the_middle_nothing_more_is_deleted(monkeypatch):
    account, real = disconnected(), erase._delete_batch

    def meanwhile(rows, share):
        if rows.table == "ebay_orders":
            EbayAccount.objects.filter(pk=account.pk).update(is_active=True)
        return real(rows, share)

    monkeypatch.setattr(erase, "_delete_batch", meanwhile)
    assert erase.erase_account(account.pk) is False
    assert Order.objects.count() == 3
    assert erase.erase_account(account.pk) is True
    assert AccountDeletion.objects.get().status == "stopped"
    assert Order.objects.count() == 3


def test_connected_again_in_the_middle_what_is_left_is_whole(monkeypatch):
    """Whoever reads an order that has not changed does not look at its lines."""
    account, real = disconnected(), erase._delete_batch
    monkeypatch.setattr(erase, "BATCH", 1)

    def meanwhile(rows, share):
        if Order.objects.count() == 2:
            EbayAccount.objects.filter(pk=account.pk).update(is_active=True)
        return real(rows, share)

    monkeypatch.setattr(erase, "_delete_batch", meanwhile)
    assert erase.erase_account(account.pk) is False
    assert [order.line_items.count() for order in Order.objects.all()] == [2, 2]


def test_two_jobs_do_not_delete_side_by_side():
    account = disconnected()
    held = erase._claim(plan_deletion(account, requested_by="olga"), deadline=0)
    assert erase.erase_account(account.pk) is True
    assert Order.objects.count() == 3
    erase._release(held)
    assert erase.erase_account(account.pk) is True
    assert not Order.objects.exists()


@pytest.mark.parametrize("deleted", [{}, {"ebay_orders": 1}], ids=["while counting", "in the middle"])
def test_who_lost_the_lease_deletes_nothing_more(deleted):
    """A process that was frozen for longer than its lease, and wakes up beside the one that went on."""
    account = disconnected()
    frozen = erase._claim(plan_deletion(account, requested_by="olga"), deadline=time.monotonic() + 60)
    frozen.deleted = deleted
    AccountDeletion.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    held = erase._claim(plan_deletion(account, requested_by="olga"), deadline=time.monotonic() + 60)
    with pytest.raises(erase._LeaseLost):
        erase._erase(account, frozen)
    assert Order.objects.count() == 3
    assert AccountDeletion.objects.get().lease_id == held.lease_id


def test_a_deletion_whose_process_died_is_taken_up_again():
    account = disconnected()
    plan_deletion(account, requested_by="olga")
    assert erase.resume_deletions() == 0
    AccountDeletion.objects.update(requested_at=timezone.now() - timedelta(minutes=2))
    assert erase.resume_deletions() == 1
    assert OrmQ.objects.get().task["args"] == (account.pk,)
    delete_account_data(account.pk)
    assert erase.resume_deletions() == 0


def test_time_over_stops_between_batches():
    account = disconnected()
    assert erase.erase_account(account.pk, budget_s=-1) is False
    assert Order.objects.exists() and EbayAccount.objects.filter(pk=account.pk).exists()
    assert not WorkerRun.objects.filter(status="queued").exists()


@pytest.mark.parametrize("again", ["active", "token"])
def test_an_account_that_was_connected_again_keeps_its_data(again):
    account = disconnected()
    if again == "active":
        EbayAccount.objects.filter(pk=account.pk).update(is_active=True)
    else:
        give_token(account)
    assert erase.erase_account(account.pk) is True
    assert Order.objects.count() == 3


def test_disconnecting_by_api_and_the_job_end_in_404():
    account = filled()
    client = as_member("admin", account.organization)
    address = f"/api/ebay-accounts/{account.pk}/"
    assert client.delete(f"{address}?data=delete").status_code == 202
    assert client.get(address).json()["is_active"] is False
    assert delete_account_data(account.pk) is True
    assert client.get(address).status_code == 404
    actions = list(AuditEvent.objects.order_by("id").values_list("action", flat=True))
    assert actions == ["account_changed", "disconnected", "account_erased"]


@pytest.mark.django_db(transaction=True)
def test_a_page_that_is_being_written_is_waited_for():
    account = disconnected()
    held, release = threading.Event(), threading.Event()

    def page():
        with transaction.atomic():
            WorkerRun.objects.select_for_update().get(account=account)
            held.set()
            release.wait(30)
        connections.close_all()

    writer = threading.Thread(target=page)
    writer.start()
    assert held.wait(30)
    with connection.cursor() as cursor:
        cursor.execute("SET lock_timeout = '50ms'")
    try:
        assert erase.erase_account(account.pk) is False
        assert Order.objects.count() == 3
    finally:
        release.set()
        writer.join()
        connection.close()
    assert erase.erase_account(account.pk) is True
    assert rows_of(account) == {}
