"""The money of a payout: its transactions against its amount."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from syncworkers.money import Verdict, payout_money
from tests.factories import AccountFactory, PayoutFactory, TransactionFactory

pytestmark = pytest.mark.django_db


def payout_with(count, **values):
    """A payout with `count` sales of 18.00 each."""
    payout = PayoutFactory(**{"amount": 18 * count, "transaction_count": count, **values})
    for _ in range(count):
        inside(payout)
    return payout


def inside(payout, **values):
    return TransactionFactory(
        account=payout.account, payout_id=payout.payout_id, transaction_status="PAYOUT", **values
    )


def texts(statement):
    return [finding.text for finding in statement.findings]


def test_a_payout_whose_transactions_sum_up_reconciles():
    payout = payout_with(3)
    inside(payout, transaction_type="REFUND", booking_entry="DEBIT", gross="-10", net="-9", fee_total="1")
    payout.amount, payout.transaction_count = 45, 4
    statement = payout_money(payout)
    assert (statement.verdict, texts(statement)) == (Verdict.RECONCILES, [])
    assert [(line.words, line.amount) for line in statement.lines] == [
        ("Refund, before fees (1 transaction)", -10),
        ("Sale, before fees (3 transactions)", 60),
        ("Fee: final value fee", -5),
        ("Sum of the transactions", 45),
        ("The payout", 45),
    ]


def test_missing_transactions_are_counted_and_told():
    payout = payout_with(2, amount=54, transaction_count=3)
    statement = payout_money(payout)
    assert statement.verdict is Verdict.DIFFERS
    assert texts(statement) == [
        f"Payout {payout.payout_id} says 54.00 USD, its 2 stored transactions sum to 36.00 USD: "
        "18.00 USD are missing; eBay counts 3, 2 are stored."
    ]


def test_while_its_transactions_are_still_read_it_waits():
    payout = payout_with(1, amount=36, transaction_count=2, detail_at=None)
    statement = payout_money(payout)
    assert statement.verdict is Verdict.WAITING
    assert texts(statement)[0].endswith("eBay counts 2, 1 are stored; its transactions are still being read.")
    payout.detail_retry_at = timezone.now() + timedelta(hours=1)
    assert "reading them failed, next try after" in texts(payout_money(payout))[0]


def test_too_much_is_told_as_well():
    payout = payout_with(2, amount=18)
    assert "18.00 USD are too much" in texts(payout_money(payout))[0]


def test_the_sum_may_be_that_before_the_fee_for_sending_it():
    payout = payout_with(2, amount=34, total_amount=36, total_fee=2)
    assert payout_money(payout).verdict is Verdict.RECONCILES


def test_transactions_in_another_currency_cannot_be_compared():
    payout = payout_with(1)
    inside(payout, currency="EUR")
    statement = payout_money(payout)
    assert (statement.verdict, texts(statement)) == (
        Verdict.UNKNOWN,
        [
            "The payout is in USD, transactions of it are in EUR: what is in different currencies "
            "cannot be compared."
        ],
    )
    assert {line.currency for line in statement.lines} == {"USD", "EUR"}


def test_an_amount_without_a_direction_cannot_be_summed():
    payout = payout_with(1)
    inside(payout, net=None, gross=None, booking_entry="", fee_total=None)
    assert payout_money(payout).verdict is Verdict.UNKNOWN


@pytest.mark.parametrize(
    ("status", "verdict"), [("REVERSED", Verdict.DIFFERS), ("RETRYABLE_FAILED", Verdict.WAITING)]
)
def test_a_payout_that_did_not_arrive_is_told(status, verdict):
    statement = payout_money(payout_with(1, payout_status=status))
    assert statement.verdict is verdict
    assert texts(statement)[0].startswith("It did not arrive:")


def test_the_same_payout_id_of_another_account_is_another_payout():
    payout = payout_with(1)
    TransactionFactory(account=AccountFactory(), payout_id=payout.payout_id)
    assert payout_money(payout).verdict is Verdict.RECONCILES


@pytest.mark.parametrize("many", [1, 6])
def test_it_takes_the_same_queries_however_many_transactions(many, django_assert_num_queries):
    payout = payout_with(many)
    with django_assert_num_queries(2):
        assert payout_money(payout).verdict is Verdict.RECONCILES


def test_a_missing_transaction_is_told_even_when_the_sum_agrees():
    payout = payout_with(2, transaction_count=3)
    assert texts(payout_money(payout)) == [
        f"Payout {payout.payout_id} says 36.00 USD, its 2 stored transactions sum to 36.00 USD; "
        "eBay counts 3, 2 are stored."
    ]
