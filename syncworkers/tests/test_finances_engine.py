"""Transactions and payouts through the engine: windows, looks at what is not final, details."""

from __future__ import annotations

import importlib
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from django.db import connection
from django.db.models.functions import Now

from accounts.access import SYSTEM
from ebayconnector.ebay.timefmt import parse_ebay_time
from syncworkers.models import (
    FinancesFee,
    Payout,
    QuarantinedRecord,
    SellerFunds,
    SyncState,
    Transaction,
    Transfer,
    WorkerLog,
    WorkerRun,
)
from syncworkers.registry import WORKERS
from syncworkers.services import history
from tests.factories import PayoutFactory
from tokens import wire
from tokens.models import SigningKey
from tokens.services.signing_setup import set_up_signing_key

from .running import PageClock, ago, execute, let_time_pass, run_family, seller_account, state_of, whole_truth

pytestmark = [pytest.mark.django_db, pytest.mark.slow]
GET_TRANSACTIONS = r"^/sell/finances/v1/transaction\?"
DAY_S = 86_400.0


@pytest.fixture
def account(ebay, settings):
    settings.SYNC_BACKFILL = {"finances": timedelta(days=20)}
    ebay.reset(orders=300)
    return seller_account(ebay)


def stored(account):
    rows = Transaction.objects.filter(account=account)
    return {(row.transaction_id, row.transaction_type): row.payload for row in rows}


def true(ebay, account, days=90.0):
    since = ebay_now(ebay) - timedelta(days=days) + timedelta(minutes=1)
    rows = whole_truth(ebay, "transactions", account)
    return {
        (row["transactionId"], row["transactionType"]): row
        for row in rows
        if parse_ebay_time(row["transactionDate"]) >= since
    }


def ebay_now(ebay):
    return parse_ebay_time(ebay.get("clock")["now"])


def true_payouts(ebay, account, days=20):
    since = ebay_now(ebay) - timedelta(days=days) + timedelta(minutes=1)
    rows = whole_truth(ebay, "payouts", account)
    return {row["payoutId"]: row for row in rows if parse_ebay_time(row["payoutDate"]) >= since}


def stored_payouts(account):
    return {row.payout_id: row.payload for row in Payout.objects.filter(account=account)}


def not_final(account):
    return Transaction.objects.filter(account=account, maturity="open")


def fees_of(transaction):
    return {(fee.line_item_id, fee.fee_type, str(fee.amount)) for fee in transaction.fees.all()}


def test_all_transactions_with_their_fees_and_transfers_are_stored(ebay, account):
    assert run_family(account, "transactions").status == "completed"
    assert stored(account) == true(ebay, account)
    assert Transfer.objects.count() == Transaction.objects.filter(transaction_type="TRANSFER").count() > 0
    known = {row["transferId"] for row in whole_truth(ebay, "transfers", account)}
    assert set(Transfer.objects.values_list("transfer_id", flat=True)) <= known
    sale = Transaction.objects.filter(transaction_type="SALE").first()
    lines = [fee for line in sale.payload["orderLineItems"] for fee in line.get("marketplaceFees", [])]
    assert sale.fees.filter(kind="marketplace_fee").count() == len(lines) > 0


def test_a_sale_and_its_refund_may_share_their_id(ebay, account):
    run_family(account, "transactions")
    with connection.cursor() as cursor:
        cursor.execute("SELECT count(*) - count(DISTINCT transaction_id) FROM ebay_transactions")
        assert cursor.fetchone()[0] > 0


def test_a_second_run_over_the_same_writes_no_row(ebay, account):
    run_family(account, "transactions")
    before = dict(Transaction.objects.values_list("pk", "changed_at"))
    assert run_family(account, "transactions").rows_stored == 0
    assert dict(Transaction.objects.values_list("pk", "changed_at")) == before
    assert Transfer.objects.count() == len(ebay.requests("/transfer/", limit=1000))


def test_statuses_that_change_with_time_are_found_as_records_age(ebay, account):
    run_family(account, "transactions")
    open_before = not_final(account).count()
    for days in (1, 2, 4):
        let_time_pass(ebay, days * DAY_S)
        assert run_family(account, "transactions").status == "completed"
    let_time_pass(ebay, 8 * DAY_S)
    run_family(account, "transactions")
    assert 0 <= not_final(account).count() < open_before
    now, truth = stored(account), true(ebay, account, days=120)
    assert now == {key: truth[key] for key in now}


def test_what_ebay_no_longer_lists_as_open_is_read_at_once(ebay, account):
    run_family(account, "transactions")
    row = not_final(account).filter(transaction_type="SALE", check_at__gt=ago(hours=-2)).first()
    ebay.patch(f"transactions/{row.transaction_id}", seller=account.username, transactionStatus="FAILED")
    run_family(account, "transactions")
    row.refresh_from_db()
    assert row.transaction_status != "FAILED"
    SyncState.objects.update(statuses_asked_at=ago(hours=7))
    assert run_family(account, "transactions").status == "completed"
    row.refresh_from_db()
    assert (row.transaction_status, row.maturity, row.check_at) == ("FAILED", "final", None)
    assert WorkerLog.objects.filter(event="statuses", message__contains="1 others have changed").exists()


def test_what_somebody_changed_while_it_was_looked_at_stays_due(ebay, account):
    """Nobody knows which of the two answers is the newer one: the next run asks once more."""
    run_family(account, "transactions")
    row = not_final(account).filter(transaction_type="SALE").first()
    due, meanwhile = row.occurred_at, Now() + timedelta(hours=1)
    Transaction.objects.filter(pk=row.pk).update(check_at=due, changed_at=meanwhile)
    ebay.patch(f"transactions/{row.transaction_id}", seller=account.username, transactionStatus="FAILED")
    run_family(account, "transactions")
    row.refresh_from_db()
    assert (row.transaction_status == "FAILED", row.check_at) == (False, due)
    Transaction.objects.filter(pk=row.pk).update(changed_at=Now())
    run_family(account, "transactions")
    row.refresh_from_db()
    assert (row.transaction_status, row.check_at) == ("FAILED", None)


def test_what_is_older_than_ebay_lists_is_not_asked_for(ebay, account):
    """It would be refused, run for run."""
    run_family(account, "transactions")
    row = not_final(account).first()
    ancient = ebay_now(ebay) - WORKERS["transactions"].longest_lookback - timedelta(days=1)
    Transaction.objects.filter(pk=row.pk).update(occurred_at=ancient, check_at=ancient)
    SyncState.objects.update(statuses_asked_at=ago(hours=7))
    assert run_family(account, "transactions").status == "completed"
    calls = [str(call) for call in ebay.requests(GET_TRANSACTIONS, limit=10_000)]
    assert calls and not any(f"{ancient:%Y-%m}" in call for call in calls)


def test_fees_are_replaced_as_a_set(ebay, account):
    run_family(account, "transactions")
    row = not_final(account).filter(transaction_type="SALE").first()
    ebay.patch(
        f"transactions/{row.transaction_id}",
        seller=account.username,
        fee={"feeType": "AD_FEE_LATER", "amount": "0.42"},
    )
    Transaction.objects.filter(pk=row.pk).update(check_at=ago(minutes=1))
    run_family(account, "transactions")
    row.refresh_from_db()
    expected = {
        (line["lineItemId"], fee["feeType"], f"{float(fee['amount']['value']):.4f}")
        for line in row.payload["orderLineItems"]
        for fee in line.get("marketplaceFees", [])
    }
    assert any(kind == "AD_FEE_LATER" for _, kind, _ in expected)
    assert {fee for fee in fees_of(row) if fee in expected} == expected
    assert FinancesFee.objects.filter(fee_type="AD_FEE_LATER").count() == 1


def test_payouts_bring_their_transactions_with_them(ebay, account):
    assert run_family(account, "finances").status == "completed"
    assert stored_payouts(account) == true_payouts(ebay, account)
    # The transactions family never ran: all of these came with a payout.
    truth = {key: row for key, row in true(ebay, account, days=400).items() if row.get("payoutId")}
    covered = {key: row for key, row in truth.items() if row["payoutId"] in stored_payouts(account)}
    assert stored(account) == covered
    for payout in Payout.objects.all():
        assert Transaction.objects.filter(payout_id=payout.payout_id).count() == payout.transaction_count


def test_a_new_payout_moves_its_transactions_without_waiting_for_their_age(ebay, account):
    run_family(account, "transactions")
    run_family(account, "finances")
    known = list(Payout.objects.values_list("payout_id", flat=True))
    let_time_pass(ebay, 3 * DAY_S)
    SyncState.objects.filter(api_family="transactions").delete()
    run_family(account, "finances")
    new = Payout.objects.exclude(payout_id__in=known).latest("occurred_at")
    assert Transaction.objects.filter(payout_id=new.payout_id).count() == new.transaction_count > 0


def test_the_details_of_an_unchanged_payout_are_asked_once(ebay, account):
    run_family(account, "finances")
    asked = len(ebay.requests("payoutId", limit=10_000))
    assert asked == Payout.objects.count()
    run_family(account, "finances")
    assert len(ebay.requests("payoutId", limit=10_000)) == asked


def test_funds_that_are_gone_are_closed_and_come_back(ebay, account):
    run_family(account, "finances")
    funds = SellerFunds.objects.get()
    assert funds.total > 0
    ebay.fault("/seller_funds_summary", "status", status=204, count=1)
    SellerFunds.objects.update(changed_at=ago(days=2))
    run_family(account, "finances")
    funds.refresh_from_db()
    assert funds.closed_at is not None and funds.changed_at > ago(days=1)
    SellerFunds.objects.update(changed_at=ago(days=2))
    run_family(account, "finances")
    funds.refresh_from_db()
    assert funds.closed_at is None and funds.changed_at > ago(days=1)


def windows_asked(ebay):
    found = []
    for entry in ebay.requests(GET_TRANSACTIONS, limit=10_000):
        for text in parse_qs(entry["query"]).get("filter", []):
            match = re.fullmatch(r"transactionDate:\[(.+)\.\.(.+)\]", text)
            if match:
                found.append((parse_ebay_time(match[1]), parse_ebay_time(match[2])))
    return found


@pytest.mark.parametrize("generation", ["v1.9", "v1.18"])
def test_no_window_is_longer_than_ebay_takes(ebay, account, generation):
    ebay.post("finances", generation=generation)
    since = datetime.now(UTC) - timedelta(days=400)
    history.want_since(account, WORKERS["transactions"], since, reason="audit", by=SYSTEM)
    assert run_family(account, "transactions").status == "completed"
    assert max(end - start for start, end in windows_asked(ebay)) <= timedelta(days=90)
    assert state_of(account, "transactions").covered[0].start <= since
    assert set(stored(account)) == set(true(ebay, account, days=400))


def test_runs_out_of_time_leave_nothing_out(ebay, account, monkeypatch):
    clock = PageClock()
    monkeypatch.setattr("syncworkers.services.context.time", clock)
    done = [run_family(account, "finances", deadline=clock.after_some_details)]
    while done[-1].more:
        assert len(done) < 100
        waiting = WorkerRun.objects.get(account=account, status="queued")
        done.append(execute(waiting.pk, deadline=clock.after_some_details))
    assert len(done) > 1
    assert stored_payouts(account) == true_payouts(ebay, account, days=20)
    assert not Payout.objects.filter(detail_at=None).exists()


def test_a_transfer_that_ebay_fails_on_waits_and_heals(ebay, account):
    ebay.fault("/transfer/", "server_error", count=3)
    run = run_family(account, "transactions")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    missing = Transaction.objects.filter(transaction_type="TRANSFER", detail_at=None)
    assert missing.count() == 1 and missing.get().detail_retry_at is not None
    assert run_family(account, "transactions").status == "completed"
    assert missing.count() == 1
    missing.update(detail_retry_at=ago(seconds=1))
    run_family(account, "transactions")
    assert missing.count() == 0


@pytest.fixture
def british(ebay):
    ebay.reset(orders=60)
    return seller_account(ebay, number=1)


def test_a_seller_in_the_uk_is_refused_in_words_without_a_signing_key(ebay, british):
    run = run_family(british, "transactions")
    assert (run.status, run.reason) == ("error", "signature_refused")
    assert "setup_signing_key" in run.error
    assert not Transaction.objects.exists()
    # Nothing that a minute would heal.
    assert not WorkerRun.objects.filter(status="queued").exists()


def test_with_a_signing_key_a_seller_in_the_uk_is_served(ebay, british):
    set_up_signing_key("simulator")
    assert run_family(british, "transactions").status == "completed"
    assert run_family(british, "finances").status == "completed"
    assert set(stored(british)) >= set(true(ebay, british))
    calls = ebay.requests("/sell/finances/v1/", limit=10_000)
    assert all(call["headers"].get("signature-input") for call in calls)


def test_an_expired_key_is_named_and_a_new_one_heals(ebay, british):
    set_up_signing_key("simulator")
    key_id = SigningKey.objects.get().signing_key_id
    ebay.post(f"signing_keys/{key_id}/expire")
    run = run_family(british, "transactions")
    assert (run.status, run.reason) == ("error", "signature_refused")
    set_up_signing_key("simulator", force=True)
    assert run_family(british, "transactions").status == "completed"


def test_a_clock_that_is_ahead_covers_nothing_that_is_to_come(ebay, account):
    """Until eBay's first answer nobody knows better, and it takes any end for transactions."""
    ebay.post("clock", advance_s=-7200.0)
    wire.clock.cache_clear()
    assert run_family(account, "transactions").status == "completed"
    (covered,) = state_of(account, "transactions").covered
    assert covered.end <= ebay_now(ebay)


def test_payouts_that_come_back_from_the_bank_are_found_when_they_are_paid(ebay, account):
    run_family(account, "finances")
    payout = Payout.objects.filter(payout_status="SUCCEEDED").order_by("occurred_at")[0]
    for status in ("REVERSED", "SUCCEEDED"):
        ebay.patch(f"payouts/{payout.payout_id}", seller=account.username, payoutStatus=status)
        Payout.objects.filter(pk=payout.pk, payout_status="SUCCEEDED").update(check_at=ago(seconds=1))
        let_time_pass(ebay, 7 * 3600)
        run_family(account, "finances")
        payout.refresh_from_db()
        assert payout.payout_status == status


def test_funds_that_ebay_does_not_answer_for_hold_up_nothing_else(ebay, account):
    ebay.fault("seller_funds_summary", "server_error", count=None)
    run = run_family(account, "finances")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert "Funds" in run.error
    assert not Payout.objects.filter(detail_at=None).exists()
    assert state_of(account, "finances").covered[0].length > timedelta(days=19)


@pytest.mark.parametrize("status", [400, 404])
def test_funds_that_ebay_refuses_hold_up_nothing_else(ebay, account, status):
    ebay.fault("seller_funds_summary", "status", status=status, body="<h1>no route</h1>", count=None)
    run = run_family(account, "finances")
    assert (run.status, run.reason) == ("partial", "ebay_refused")
    assert state_of(account, "finances").covered[0].length > timedelta(days=19)


def test_a_summary_with_nothing_in_it_closes_no_funds(ebay, account):
    run_family(account, "finances")
    ebay.fault("seller_funds_summary", "replace_body", body="{}")
    run = run_family(account, "finances")
    assert (run.status, run.reason) == ("partial", "ebay_unavailable")
    assert SellerFunds.objects.get().closed_at is None


def test_funds_that_cannot_be_read_leave_those_that_are_stored(ebay, account):
    run_family(account, "finances")
    ebay.fault("seller_funds_summary", "replace_body", body='{"totalFunds":{"value":"x","currency":"USD"}}')
    run_family(account, "finances")
    assert QuarantinedRecord.objects.get().record_key == "seller_funds funds"
    assert SellerFunds.objects.get().closed_at is None


def test_payouts_that_were_taken_for_final_are_looked_at_again_after_an_upgrade():
    migration = importlib.import_module("syncworkers.migrations.0012_what_is_looked_at_again")
    reversed_ = PayoutFactory(payout_status="REVERSED", maturity="final", check_at=None)
    failed = PayoutFactory(payout_status="TERMINAL_FAILED", maturity="final", check_at=None)
    with connection.cursor() as cursor:
        cursor.execute(migration._LOOK_AGAIN)
    for row, maturity in ((reversed_, "open"), (failed, "final")):
        row.refresh_from_db()
        assert (row.maturity, row.check_at is None) == (maturity, maturity == "final")
