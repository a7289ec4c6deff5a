"""Two writers of one run: nothing is lost between them, and what ends one ends the run."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

import pytest
from django.db import OperationalError, connection, models, transaction

from syncworkers import locks
from syncworkers.models import Order, SyncState, WorkerLog, WorkerRun
from syncworkers.registry import TABLES
from syncworkers.services import slices
from syncworkers.services.context import Progress
from syncworkers.services.store import upsert_page
from syncworkers.services.writers import SecondWriter
from tests.factories import AccountFactory

from .running import ORDERS, ago, in_threads, iso, run_orders, seller_account, stored, truth
from .test_store import order


def test_both_store_pages_and_their_counters_add_up(ebay, small_pages):
    ebay.reset(orders=100)
    account = seller_account(ebay)
    by_thread: dict[str, int] = {}

    def note(run: WorkerRun) -> None:
        name = threading.current_thread().name
        by_thread[name] = by_thread.get(name, 0) + 1

    run = run_orders(account, on_page=note)
    assert stored(account) == truth(ebay, account)
    assert len(by_thread) == 2
    pages = WorkerLog.objects.filter(run=run, event="page")
    assert run.pages == pages.count() == sum(by_thread.values())
    assert run.rows_stored == run.rows_fetched == Order.objects.count()


def test_the_fence_holds_for_both(ebay, small_pages):
    """Somebody ends the run while both write: neither stores another page."""
    ebay.reset(orders=100)
    account = seller_account(ebay)
    stored_then: list[int] = []

    def end(run: WorkerRun) -> None:
        if stored_then or threading.current_thread() is threading.main_thread():
            return
        with transaction.atomic():
            WorkerRun.objects.filter(pk=run.pk).update(status="abandoned")
            stored_then.append(Order.objects.count())

    run = run_orders(account, on_page=end)
    assert run.status == "abandoned"
    assert Order.objects.count() == stored_then[0] < 100


def test_a_page_that_did_not_pass_the_fence_is_not_stored(transactional_db, monkeypatch):
    with pytest.raises(RuntimeError, match="must pass the fence"), locks.storing(1):
        AccountFactory(token=False, house_name="never")
    assert not locks.fetch_one("SELECT 1 FROM ebay_accounts WHERE house_name = 'never'")


def test_a_lost_connection_of_the_second_writer_ends_the_run_and_it_is_asked_again(ebay, small_pages):
    ebay.reset(orders=100)
    account = seller_account(ebay)
    cut: list[int] = []

    def cut_once(run: WorkerRun) -> None:
        if threading.current_thread() is threading.main_thread() or cut:
            return
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_backend_pid()")
            cut.append(cursor.fetchone()[0])
            # As after a restart of the database, when the socket is gone.
            connection.connection.close()
        raise OperationalError("the connection is lost")

    with pytest.raises(OperationalError):
        run_orders(account, on_page=cut_once)
    run = WorkerRun.objects.get(status="partial")
    assert (run.reason, run.api_family) == ("internal_error", "orders")
    assert WorkerRun.objects.filter(status="queued", trigger="retry").count() == 1
    run_orders(account)
    assert stored(account) == truth(ebay, account)


def test_no_connection_is_left_open(ebay, small_pages):
    ebay.reset(orders=100)
    account = seller_account(ebay)
    run_orders(account)
    assert not [thread for thread in threading.enumerate() if thread.name.startswith("second-writer")]
    found = locks.fetch_one(
        "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() "
        "AND backend_type = 'client backend' AND pid <> pg_backend_pid() AND state <> 'idle'"
    )
    assert found == (0,)


@pytest.mark.django_db
def test_inside_a_transaction_there_is_one_writer():
    with SecondWriter() as writer:
        assert not writer.takes(pytest.fail)


def test_what_it_raises_comes_once(transactional_db):
    def fail() -> None:
        raise LookupError("of the page")

    with SecondWriter() as writer:
        assert writer.takes(fail)
        with pytest.raises(LookupError):
            writer.settle()
        writer.settle()


def test_one_page_waits_while_another_is_stored(transactional_db):
    stored_in_turn: list[int] = []
    begun, go_on = threading.Event(), threading.Event()

    def first() -> None:
        begun.set()
        assert go_on.wait(10)
        stored_in_turn.append(1)

    with SecondWriter() as writer:
        assert writer.takes(first, waiting=1)
        assert begun.wait(10)
        assert not writer.takes(pytest.fail)
        assert writer.takes(lambda: stored_in_turn.append(2), waiting=1)
        assert not writer.takes(pytest.fail, waiting=1)
        go_on.set()
        writer.settle()
        assert stored_in_turn == [1, 2]
        assert writer.takes(lambda: stored_in_turn.append(3))
    assert stored_in_turn == [1, 2, 3]


def test_after_a_failure_the_page_that_waits_is_not_stored(transactional_db):
    go_on = threading.Event()
    stored_after_it: list[int] = []

    def fail() -> None:
        assert go_on.wait(10)
        raise LookupError("of the page")

    with SecondWriter() as writer:
        assert writer.takes(fail, waiting=1)
        assert writer.takes(lambda: stored_after_it.append(1), waiting=1)
        go_on.set()
        with pytest.raises(LookupError):
            writer.settle()
        assert not writer.takes(lambda: stored_after_it.append(2), waiting=1)
        writer.settle()
    assert not stored_after_it


def test_a_slice_counts_as_read_only_when_the_other_writer_has_stored_its_pages(
    ebay, small_pages, monkeypatch
):
    """What fails is noticed at the last page, whose own rows are written by then."""
    ebay.reset(orders=0)
    seller = ebay.sellers()[0]["username"]
    ebay.post("orders", seller=seller, count=40, created_at=iso(ago(hours=2)))
    account = seller_account(ebay)
    usual = slices.store_rows

    def fail_beside(context, *args, **kwargs):
        result = usual(context, *args, **kwargs)
        if threading.current_thread() is not threading.main_thread():
            raise LookupError("of the second writer")
        return result

    monkeypatch.setattr(slices, "store_rows", fail_beside)
    with pytest.raises(LookupError):
        run_orders(account)
    assert not SyncState.objects.get(account=account, api_family="orders").covered
    monkeypatch.undo()
    run_orders(account)
    assert stored(account) == truth(ebay, account)


def test_two_pages_with_the_same_orders_never_wait_for_each_other_in_a_circle(transactional_db):
    account = AccountFactory(token=False)
    ids = [f"{number:03}" for number in range(200)]

    def page(order_ids, minute):
        orders = [order(one, at=f"2026-11-20T12:{minute:02}:00.000Z") for one in order_ids]
        with transaction.atomic():
            return upsert_page(ORDERS.table, account, orders).stored

    for minute in range(0, 16, 2):
        in_threads([partial(page, ids, minute), partial(page, ids[::-1], minute + 1)])
    assert Order.objects.count() == 200


STATISTICS = {
    "of other accounts": "ANALYZE ebay_orders",
    "of an empty table": "DELETE FROM ebay_orders; ANALYZE ebay_orders",
    "of a few rows": "DELETE FROM ebay_orders WHERE order_id <> '1'; ANALYZE ebay_orders",
}


@pytest.mark.parametrize("told", STATISTICS.values(), ids=STATISTICS.keys())
def test_keys_are_looked_up_in_their_index_whatever_the_statistics(transactional_db, told):
    """Of an account newer than they are, the planner believes that it has no rows: any index on the account
    looks as good to it then, and all of the account's rows would be read for each key."""
    known, new = AccountFactory(token=False), AccountFactory(token=False)
    fill(known, 3000)
    with connection.cursor() as cursor:
        cursor.execute(told)
    fill(new, 3000)
    with explained("SELECT t.content_hash") as plans:
        upsert_page(ORDERS.table, new, [order(f"{number}") for number in range(200)])
    # By whichever kind of index scan.
    assert "one_row_per_order" in plans[0]
    assert "Index Cond: ((order_id)::text = k.order_id)" in plans[0]


def test_line_items_of_changed_orders_are_looked_up_in_their_index_without_statistics(transactional_db):
    """Of a table without any the planner believes that two hundred orders have all line items there are."""
    account = AccountFactory(token=False)
    for page in range(15):
        upsert_page(ORDERS.table, account, [order(f"{page}-{number}") for number in range(200)])
    changed = [order(f"1-{number}", "2026-11-20T12:00:01.000Z") for number in range(200)]
    with explained("SELECT c.id FROM unnest") as plans:
        upsert_page(ORDERS.table, account, changed)
    assert "one_row_per_line_item" in plans[0]
    assert "Seq Scan" not in plans[0]


@contextmanager
def explained(start: str) -> Iterator[list[str]]:
    """The plans of the statements that start so."""
    plans: list[str] = []

    def explain(execute, sql, params, many, context):
        if sql.startswith(start):
            with connection.cursor() as cursor:
                cursor.execute(f"EXPLAIN {sql}", params)
                plans.append("\n".join(row[0] for row in cursor.fetchall()))
        return execute(sql, params, many, context)

    with connection.execute_wrapper(explain):
        yield plans


def test_every_table_can_look_its_keys_up_without_the_account(db):
    for table in TABLES.values():
        keys = [
            constraint.fields
            for constraint in table.model._meta.constraints
            if isinstance(constraint, models.UniqueConstraint)
        ]
        assert (*table.natural_key, "account") in keys, table.key


def fill(account, count: int) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO ebay_orders (account_id, house_name, payload, content_hash, order_id, "
            "fulfillment_status, payment_status, cancel_state, buyer_username, ship_to_name, "
            "ship_to_country, currency, line_item_count, sales_record_reference) "
            "SELECT %s, '', '{}', '', n::text, '', '', '', '', '', '', '', 0, '' "
            "FROM generate_series(1, %s) n",
            [account.pk, count],
        )


def test_of_two_pages_the_later_ones_counters_stay():
    run, progress = WorkerRun(), Progress()
    progress.page_stored(run, {"pages": 2, "rows_stored": 20})
    progress.page_stored(run, {"pages": 1, "rows_stored": 10})
    assert (run.pages, run.rows_stored, progress.pages, progress.stored) == (2, 20, 2, 20)
