"""The money of an order: what adds up, what does not, and what it says then."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from syncworkers.models import Order
from syncworkers.money import Verdict, money_text, order_money
from syncworkers.ranges import Span
from tests.factories import (
    AccountFactory,
    FinancesFeeFactory,
    OrderFactory,
    PayoutFactory,
    SyncStateFactory,
    TransactionFactory,
)

pytestmark = pytest.mark.django_db
LONG_AGO = timedelta(days=30)


@pytest.fixture
def account():
    return AccountFactory()


def dollars(value, currency="USD"):
    return {"value": value, "currency": currency}


def order_of(account, total="20.00", *, fee=None, refunds=(), tax=None, **values):
    """An order of 30 days ago as eBay gives it."""
    payload = {"paymentSummary": {"refunds": [{"amount": dollars(each), **more} for each, more in refunds]}}
    if fee:
        payload["totalMarketplaceFee"] = dollars(fee)
    if tax:
        payload["lineItems"] = [{"ebayCollectAndRemitTaxes": [{"amount": dollars(tax)}]}]
    return OrderFactory(
        account=account,
        **{"total": total, "payload": payload, "created_at_ebay": timezone.now() - LONG_AGO, **values},
    )


def booked(order, type_="SALE", **values):
    return TransactionFactory(
        account=order.account,
        **{"order_id": order.order_id, "transaction_type": type_, "currency": order.currency, **values},
    )


def refund(order, gross, fee="0.00", **values):
    """A refund of `gross` to the buyer for which eBay gives `fee` back."""
    net = Decimal(fee) - Decimal(gross)
    return booked(
        order,
        "REFUND",
        booking_entry="DEBIT",
        gross=-Decimal(gross),
        net=net,
        amount=-net,
        fee_total=fee,
        **values,
    )


def everything_is_read(account):
    now = timezone.now()
    SyncStateFactory(
        account=account, api_family="transactions", covered=[Span(now - timedelta(days=90), now)]
    )


def money_of(order):
    return order_money(order.account, order.order_id)


def texts(statement):
    return [finding.text for finding in statement.findings]


def amounts(statement):
    """kind → sum of its lines."""
    sums = {}
    for line in statement.lines:
        sums[line.kind] = sums.get(line.kind, 0) + line.amount
    return sums


def test_a_sale_that_was_paid_out_reconciles(account):
    order = order_of(account, fee="2.00")
    payout = PayoutFactory(account=account)
    booked(order, payout_id=payout.payout_id, transaction_status="PAYOUT")
    statement = money_of(order)
    assert (statement.verdict, texts(statement)) == (Verdict.RECONCILES, [])
    assert amounts(statement) == {"order_total": 20, "sale": 20, "fee": -2, "net": 18, "paid_out": 18}
    (paid,) = statement.payouts
    assert (paid.payout_id, paid.status, paid.amount) == (payout.payout_id, "SUCCEEDED", 18)


def test_money_that_is_not_paid_out_is_still_open_and_no_contradiction(account):
    order = order_of(account)
    booked(order, transaction_status="FUNDS_ON_HOLD")
    statement = money_of(order)
    assert statement.verdict is Verdict.RECONCILES
    assert [(line.words, line.amount) for line in statement.lines if line.kind == "open"] == [
        ("Still open: on hold", 18)
    ]


@pytest.mark.parametrize(
    ("total", "gross"),
    [("20.00", "20.00"), ("21.60", "20.00"), ("20.00", "21.60")],
    ids=["neither", "order", "sale"],
)
def test_the_tax_that_ebay_collects_may_be_in_the_total_or_in_the_gross(account, total, gross):
    order = order_of(account, total)
    booked(order, gross=gross, net=Decimal(gross) - 2, tax="1.60")
    assert money_of(order).verdict is Verdict.RECONCILES


def test_the_orders_own_lines_tell_the_tax_where_transactions_do_not(account):
    order = order_of(account, "21.60", tax="1.60")
    booked(order)
    statement = money_of(order)
    assert statement.verdict is Verdict.RECONCILES
    assert amounts(statement)["tax"] == Decimal("1.60")


def test_a_total_that_is_no_tax_away_differs(account):
    order = order_of(account, "25.00")
    booked(order, tax="1.60")
    statement = money_of(order)
    assert statement.verdict is Verdict.DIFFERS
    assert texts(statement) == [
        "The order's total (25.00 USD) differs from what its sales brought (20.00 USD) by 5.00 USD; "
        "that is not the tax that eBay collected (1.60 USD)."
    ]


def test_fees_that_changed_are_told_with_both_sums(account):
    order = order_of(account, fee="2.00")
    booked(order, fee_total="2.20", net="17.80")
    statement = money_of(order)
    assert statement.verdict is Verdict.DIFFERS
    assert texts(statement) == [
        "eBay's fees on the order (2.00 USD) differ from the fees of its transactions (2.20 USD) "
        "by 0.20 USD; a fee may have been changed later."
    ]


def test_a_donation_may_be_in_the_total_of_fees_or_not(account):
    order = order_of(account, fee="1.50")
    sale = booked(order)
    sale.fees.all().delete()
    FinancesFeeFactory(transaction=sale, amount="1.50", signed_amount="-1.50")
    FinancesFeeFactory(transaction=sale, amount="0.50", signed_amount="-0.50", kind="donation")
    assert money_of(order).verdict is Verdict.RECONCILES


def test_fees_that_do_not_sum_up_to_ebays_own_total(account):
    order = order_of(account)
    sale = booked(order)
    sale.fees.update(amount="1.25", signed_amount="-1.25")
    statement = money_of(order)
    assert texts(statement) == [
        f"The fees listed for SALE {sale.transaction_id} sum to 1.25 USD, eBay's own total of them "
        "is 2.00 USD: they differ by 0.75 USD."
    ]
    # The lines still add up to the net.
    assert [line.words for line in statement.lines if line.amount == Decimal("-0.75")] == [
        "Fees that eBay does not itemise"
    ]
    assert amounts(statement)["sale"] + amounts(statement)["fee"] == amounts(statement)["net"] == 18


def test_a_partial_refund_may_share_the_id_of_its_sale(account):
    order = order_of(account, fee="2.00", refunds=[("10.00", {"refundStatus": "REFUNDED"})])
    sale = booked(order)
    refund(order, "10.00", "0.90", transaction_id=sale.transaction_id)
    statement = money_of(order)
    assert (statement.verdict, texts(statement)) == (Verdict.RECONCILES, [])
    assert amounts(statement)["refund"] == -10
    assert amounts(statement)["net"] == 18 - Decimal("9.10")
    assert "Fee given back: final value fee" in [line.words for line in statement.lines]


def test_two_partial_refunds_and_the_fees_less_what_came_back(account):
    order = order_of(account, fee="0.20", refunds=[("10.00", {}), ("10.00", {})])
    booked(order)
    refund(order, "10.00", "0.90")
    refund(order, "10.00", "0.90")
    assert money_of(order).verdict is Verdict.RECONCILES


def test_a_refund_may_be_told_with_its_tax(account):
    order = order_of(account, refunds=[("10.80", {})])
    booked(order)
    refund(order, "10.00", tax="0.80")
    assert money_of(order).verdict is Verdict.RECONCILES


def test_a_refund_without_its_transaction_waits_while_its_time_is_not_read(account):
    when = (timezone.now() - timedelta(days=3)).isoformat()
    order = order_of(account, refunds=[("10.00", {"refundDate": when})])
    booked(order)
    assert money_of(order).verdict is Verdict.WAITING
    everything_is_read(account)
    statement = money_of(order)
    assert statement.verdict is Verdict.DIFFERS
    assert texts(statement) == [
        "The order tells of refunds of 10.00 USD, its transactions of 0.00 USD: they differ by 10.00 USD."
    ]


def test_a_refund_that_is_not_done_is_waited_for(account):
    order = order_of(account, refunds=[("10.00", {"refundStatus": "PENDING"})])
    booked(order)
    assert texts(money_of(order)) == ["A refund of the order is not done yet."]


def test_more_refunds_than_the_order_tells_of(account):
    order = order_of(account)
    booked(order)
    refund(order, "5.00")
    statement = money_of(order)
    assert statement.verdict is Verdict.DIFFERS
    assert "the order may have been read before the last refund" in texts(statement)[0]


@pytest.mark.parametrize(("status", "words"), [("PENDING", "is pending"), ("FAILED", "failed")])
def test_an_order_that_is_not_paid_has_nothing_yet(account, status, words):
    everything_is_read(account)
    statement = money_of(order_of(account, payment_status=status))
    assert (statement.verdict, texts(statement)) == (
        Verdict.WAITING, [f"Nothing yet: the buyer's payment {words}."]
    )  # fmt: skip


def test_an_order_without_a_sale_waits_only_while_its_time_is_not_read(account):
    order = order_of(account)
    assert money_of(order).verdict is Verdict.WAITING
    everything_is_read(account)
    statement = money_of(order)
    assert statement.verdict is Verdict.DIFFERS
    assert "The order's total is 20.00 USD, but eBay lists no sale of it" in texts(statement)[0]
    Order.objects.update(created_at_ebay=timezone.now() - timedelta(hours=2))
    assert money_of(order).verdict is Verdict.WAITING


def test_different_currencies_are_not_compared(account):
    order = order_of(account, currency="GBP")
    booked(order, currency="USD")
    statement = money_of(order)
    assert (statement.verdict, texts(statement)) == (
        Verdict.UNKNOWN,
        [
            "The order is in GBP, transactions of it are in USD: what is in different currencies cannot be "
            "compared."
        ],
    )
    assert {line.currency for line in statement.lines if line.kind == "net"} == {"USD"}


def test_an_order_in_yen_reconciles_in_yen(account):
    order = order_of(account, "2000", currency="JPY")
    sale = booked(order, gross="2000", net="1800", fee_total="200", fees=False)
    FinancesFeeFactory(transaction=sale, amount="200", signed_amount="-200", currency="JPY")
    statement = money_of(order)
    assert statement.verdict is Verdict.RECONCILES
    assert {line.currency for line in statement.lines} == {"JPY"}


def test_an_amount_without_a_direction_is_in_no_sum(account):
    order = order_of(account)
    booked(order)
    booked(order, "ADJUSTMENT", booking_entry="", net=None, gross=None, fee_total=None, transaction_id="X-1")
    statement = money_of(order)
    assert statement.verdict is Verdict.UNKNOWN
    assert texts(statement) == [
        "ADJUSTMENT X-1 is in no sum: eBay does not say whether its amount came or went."
    ]
    assert amounts(statement)["net"] == 18


@pytest.mark.parametrize(
    ("status", "verdict"),
    [("INITIATED", "reconciles"), ("RETRYABLE_FAILED", "waiting"), ("REVERSED", "differs"),
     ("TERMINAL_FAILED", "differs")],
)  # fmt: skip
def test_a_payout_that_did_not_arrive_is_told(account, status, verdict):
    order = order_of(account)
    payout = PayoutFactory(account=account, payout_status=status)
    booked(order, payout_id=payout.payout_id, transaction_status="PAYOUT")
    statement = money_of(order)
    assert statement.verdict.value == verdict
    assert all(f"Payout {payout.payout_id} did not arrive" in text for text in texts(statement))


def test_a_payout_that_is_not_stored_or_not_named_yet(account):
    order = order_of(account)
    booked(order, payout_id="77", transaction_status="PAYOUT")
    booked(order, "SHIPPING_LABEL", transaction_status="PAYOUT", fee_total=None, gross="-4", net="-4")
    statement = money_of(order)
    assert statement.verdict is Verdict.WAITING
    assert texts(statement) == [
        "1 transaction paid out; eBay has not said in which payout.",
        "Payout 77 is not stored yet: whether it was sent is not known.",
    ]
    assert [(paid.payout_id, paid.status) for paid in statement.payouts] == [("77", "")]


def test_labels_and_charges_that_refer_to_the_order_are_part_of_it(account):
    order = order_of(account)
    booked(order)
    booked(order, "SHIPPING_LABEL", booking_entry="DEBIT", fee_total=None, gross="-4", net="-4")
    for order_id in (order.order_id, "another"):
        charge = booked(
            order, "NON_SALE_CHARGE", order_id="", fee_total=None, gross="0", net="-1", fees=False,
            payload={"references": [{"referenceType": "ORDER_ID", "referenceId": order_id}]},
        )  # fmt: skip
        FinancesFeeFactory(
            transaction=charge, kind="non_sale_charge", fee_type="AD_FEE", amount=1, signed_amount=-1
        )
    statement = money_of(order)
    assert statement.verdict is Verdict.RECONCILES
    assert amounts(statement) == {
        "order_total": 20, "sale": 20, "label": -4, "fee": -3, "net": 13, "open": 13,
    }  # fmt: skip


def test_an_order_that_is_not_stored_is_told_and_its_money_shown(account):
    TransactionFactory(account=account, order_id="12-3")
    statement = order_money(account, "12-3")
    assert statement.verdict is Verdict.UNKNOWN
    assert "The order itself is not stored" in texts(statement)[0]
    assert amounts(statement)["net"] == 18


def test_another_accounts_transactions_are_not_counted(account):
    order = order_of(account)
    booked(order)
    TransactionFactory(order_id=order.order_id)
    assert amounts(money_of(order))["net"] == 18


def test_nonsense_in_parts_that_were_never_mapped_counts_as_missing(account):
    order = order_of(account)
    order.payload = {
        "totalMarketplaceFee": {"value": "much", "currency": "USD"},
        "paymentSummary": {"refunds": "none"},
        "lineItems": [3],
    }
    order.save()
    booked(order)
    assert money_of(order).verdict is Verdict.RECONCILES


@pytest.mark.parametrize("many", [1, 5])
def test_it_takes_the_same_queries_however_many_transactions(account, django_assert_num_queries, many):
    order = order_of(account)
    for _ in range(many):
        booked(order)
    # Order, transactions, their fees, charges that refer to it.
    with django_assert_num_queries(4):
        money_of(order)


@pytest.mark.parametrize(
    ("amount", "text"),
    [("1234.5000", "1,234.50 USD"), ("-0.0050", "-0.005 USD"), ("-0.00", "0.00 USD"), (None, "unknown")],
)
def test_amounts_in_words(amount, text):
    assert money_text(Decimal(amount) if amount else None, "USD") == text
