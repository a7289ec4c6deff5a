"""What the simulator books, read by the engine, reconciles: for sellers of several sites."""

from __future__ import annotations

from collections import Counter

import pytest

from syncworkers.models import Order, Payout, Transaction, WorkerRun
from syncworkers.money import Verdict, order_money, payout_money

from .running import execute, run_family, seller_account

pytestmark = [pytest.mark.django_db, pytest.mark.slow]


def read(account, *families):
    """Runs and their follow-ups until nothing is left to do."""
    for family in families:
        run = run_family(account, family)
        while run.more:
            run = execute(WorkerRun.objects.get(account=account, api_family=family, status="queued").pk)
        assert run.status == "completed", (family, run.error)


def order_statements(account):
    return {
        order.order_id: order_money(account, order.order_id)
        for order in Order.objects.filter(account=account)
    }


def seller_of(ebay, number, generation="v1.18"):
    ebay.reset(orders=120)
    ebay.post("finances", generation=generation, signatures="never")
    return seller_account(ebay, number)


FATES = {"the bank sent the money back", "its bank did not take it, and eBay does not try again"}


@pytest.mark.parametrize(("number", "generation"), [(0, "v1.9"), (1, "v1.18"), (2, "v1.18")])
def test_orders_and_payouts_of_the_simulator_reconcile(ebay, number, generation):
    account = seller_of(ebay, number, generation)
    read(account, "orders", "transactions", "finances")
    statements = order_statements(account)
    findings = [finding for statement in statements.values() for finding in statement.findings]
    # Payouts that came back from the bank are told as what differs, and nothing else.
    differing = [finding.text for finding in findings if finding.verdict is Verdict.DIFFERS]
    assert [text for text in differing if not any(fate in text for fate in FATES)] == []
    verdicts = Counter(statement.verdict for statement in statements.values())
    assert verdicts[Verdict.RECONCILES] > 0.8 * len(statements) > 50, findings
    assert Transaction.objects.filter(transaction_type="REFUND").exists()
    payouts = list(Payout.objects.filter(account=account, payout_status="SUCCEEDED"))
    assert len(payouts) > 5
    assert [payout_money(payout).findings for payout in payouts] == [[]] * len(payouts)


def test_a_fee_that_was_changed_afterwards_is_found(ebay):
    account = seller_of(ebay, 0)
    read(account, "orders", "transactions")
    sale = next(
        row
        for row in Transaction.objects.filter(transaction_type="SALE", transaction_status="FUNDS_PROCESSING")
        if "totalMarketplaceFee" in Order.objects.get(order_id=row.order_id).payload
    )
    ebay.patch(
        f"transactions/{sale.transaction_id}", seller=account.username,
        fee={"feeType": "AD_FEE", "amount": "1.23"},
    )  # fmt: skip
    Transaction.objects.filter(pk=sale.pk).update(check_at=sale.occurred_at)
    read(account, "transactions")
    statement = order_money(account, sale.order_id)
    assert statement.verdict is Verdict.DIFFERS
    assert [f"by 1.23 {sale.currency}" in finding.text for finding in statement.findings] == [True]
