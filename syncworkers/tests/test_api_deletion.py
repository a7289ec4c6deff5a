"""Deleting a disconnected account's data: in steps, repeatable, never a connected one's."""

import threading

import pytest
from django.apps import apps
from django.db import connection, connections, transaction
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
from tokens.models import ApiPause, ConnectLog, EbayToken, TokenRefreshLog

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
    monkeypatch.setattr(erase, "_erase_account_row", lambda one: left.append(rows_of(one)) or real(one))
    assert erase.erase_account(account.pk, budget_s=60) is True
    assert not Order.objects.exists() and not OrderLineItem.objects.exists()
    assert left == [{"ApiPause": 1}]
    assert max(sizes) == 2


def test_a_job_without_time_left_queues_the_next(monkeypatch):
    account = disconnected()
    monkeypatch.setattr(erase, "erase_account", lambda pk: False)
    assert delete_account_data(account.pk) is False
    job = OrmQ.objects.get()
    assert (job.key, job.task["func"]) == ("core", "syncworkers.tasks.delete_account_data")
    assert job.task["args"] == (account.pk,)


def test_it_goes_on_where_it_was_killed(monkeypatch):
    account = disconnected()
    real, done = erase._empty, []

    def killed_after_two_tables(*args):
        if len(done) == 2:
            raise SystemExit
        done.append(args)
        return real(*args)

    monkeypatch.setattr(erase, "_empty", killed_after_two_tables)
    with pytest.raises(SystemExit):
        erase.erase_account(account.pk)
    assert not Order.objects.exists() and SyncState.objects.exists()
    monkeypatch.setattr(erase, "_empty", real)
    assert erase.erase_account(account.pk) is True
    assert rows_of(account) == {}
    assert erase.erase_account(account.pk) is True


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
