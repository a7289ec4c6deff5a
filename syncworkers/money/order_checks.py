"""Whether the numbers of an order agree: between the order, its transactions, their fees, their payouts."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from syncworkers.models import Order, Transaction

from .evidence import (
    OrderEvidence,
    collected_tax,
    fees_of,
    order_fee,
    order_refunds,
    order_tax,
)
from .statement import ZERO, Finding, counted, difference, differs, money_text, unknown, waiting

_NOT_PAID = {"PENDING": "is pending", "FAILED": "failed"}
# Of a payout that did not reach the bank: what that means.
PAYOUT_FATES = {
    "TERMINAL_FAILED": differs("its bank did not take it, and eBay does not try again"),
    "REVERSED": differs("the bank sent the money back"),
    "RETRYABLE_FAILED": waiting("its bank did not take it, and eBay tries again"),
}


def order_findings(evidence: OrderEvidence) -> list[Finding]:
    """What does not agree or cannot be known; nothing when all is well."""
    order = evidence.order
    if order is None:
        text = "The order itself is not stored: its total and fees cannot be compared."
        return [unknown(text), *_transaction_findings(evidence)]
    if not evidence.transactions:
        return [_nothing_yet(evidence, order)]
    return [*_order_findings(evidence, order), *_transaction_findings(evidence)]


def _nothing_yet(evidence: OrderEvidence, order: Order) -> Finding:
    if order.payment_status in _NOT_PAID:
        return waiting(f"Nothing yet: the buyer's payment {_NOT_PAID[order.payment_status]}.")
    return _no_sale(evidence, order)


def _no_sale(evidence: OrderEvidence, order: Order) -> Finding:
    if evidence.is_still_to_come(order.created_at_ebay):
        return waiting("No sale of this order is stored: transactions of that time are still to be read.")
    total = money_text(order.total, order.currency)
    return differs(
        f"The order's total is {total}, but eBay lists no sale of it; transactions of that time are read."
    )


def _order_findings(evidence: OrderEvidence, order: Order) -> Iterator[Finding]:
    others = [currency for currency in evidence.currencies if currency != order.currency]
    if others:
        yield unknown(
            f"The order is in {order.currency or 'no currency'}, transactions of it are in "
            f"{' and '.join(others)}: what is in different currencies cannot be compared."
        )
        return
    sales = evidence.of(order.currency, "SALE")
    if not sales:
        yield _no_sale(evidence, order)
    else:
        yield from _total_findings(order, sales)
        yield from _fee_findings(evidence, order, sales)
    yield from _refund_findings(evidence, order)


def _total_findings(order: Order, sales: list[Transaction]) -> Iterator[Finding]:
    """The total may be with or without the tax that eBay collects, and so may what the sales brought."""
    gross = _gross(sales)
    if order.total is None or gross is None:
        yield unknown("The order's total or what its sale brought is not known.")
        return
    tax = collected_tax(sales) or order_tax(order)
    if order.total - gross not in (ZERO, tax, -tax):
        text = (
            f"The order's total ({money_text(order.total, order.currency)}) differs from what its sales "
            f"brought ({money_text(gross, order.currency)}) {difference(order.total, gross, order.currency)}"
        )
        known = f"that is not the tax that eBay collected ({money_text(tax, order.currency)})"
        yield differs(f"{text}; {known if tax else 'neither tells of tax that eBay collected'}.")


def _fee_findings(evidence: OrderEvidence, order: Order, sales: list[Transaction]) -> Iterator[Finding]:
    """The order's fees may be with or without what was given back with refunds, and without donations."""
    said, charged = order_fee(order), _fee_total(sales)
    if said is None or charged is None:
        return
    back = _fee_total(evidence.of(order.currency, "REFUND")) or ZERO
    donated = sum(
        (fee.amount or ZERO for fee in fees_of(sales, order.currency) if fee.kind == "donation"), ZERO
    )
    if said not in {total - less for total in (charged, charged - back) for less in (ZERO, donated)}:
        yield differs(
            f"eBay's fees on the order ({money_text(said, order.currency)}) differ from the fees of its "
            f"transactions ({money_text(charged, order.currency)}) "
            f"{difference(said, charged, order.currency)}; a fee may have been changed later."
        )


def _refund_findings(evidence: OrderEvidence, order: Order) -> Iterator[Finding]:
    told = order_refunds(order)
    if any(not done for _, done, _ in told):
        yield waiting("A refund of the order is not done yet.")
    said = sum((amount for amount, done, _ in told if done), ZERO)
    refunds = evidence.of(order.currency, "REFUND")
    gross = _gross(refunds)
    if gross is None:
        # Which transaction it is, another finding says.
        return
    booked, tax = -gross, collected_tax(refunds)
    if said - booked in (ZERO, tax, -tax):
        return
    last = max((at for _, done, at in told if done and at), default=None)
    yield _refunds_differ(
        evidence, order, said, booked, waits=said > booked and evidence.is_still_to_come(last)
    )


def _refunds_differ(
    evidence: OrderEvidence, order: Order, said: Decimal, booked: Decimal, *, waits: bool
) -> Finding:
    text = (
        f"The order tells of refunds of {money_text(said, order.currency)}, its transactions of "
        f"{money_text(booked, order.currency)}: they differ {difference(said, booked, order.currency)}"
    )
    if waits:
        return waiting(f"{text}; transactions of that time are still to be read.")
    if booked > said:
        return differs(f"{text}; the order may have been read before the last refund.")
    return differs(f"{text}.")


def _transaction_findings(evidence: OrderEvidence) -> Iterator[Finding]:
    for transaction in evidence.transactions:
        if transaction.net is None:
            yield unknown(
                f"{_name(transaction)} is in no sum: eBay does not say whether its amount came or went."
            )
        yield from _itemised(transaction)
    yield from _payout_findings(evidence)


def _itemised(transaction: Transaction) -> Iterator[Finding]:
    """eBay's own total of a transaction's fees is the sum of those listed, with or without donations."""
    total, currency = transaction.fee_total, transaction.currency
    fees = [fee for fee in transaction.fees.all() if fee.currency == currency]
    if total is None or not fees:
        return
    listed = sum((fee.amount or ZERO for fee in fees), ZERO)
    donated = sum((fee.amount or ZERO for fee in fees if fee.kind == "donation"), ZERO)
    if total not in (listed, listed - donated):
        yield differs(
            f"The fees listed for {_name(transaction)} sum to {money_text(listed, currency)}, eBay's own "
            f"total of them is {money_text(total, currency)}: they differ "
            f"{difference(listed, total, currency)}."
        )


def _payout_findings(evidence: OrderEvidence) -> Iterator[Finding]:
    nameless = [t for t in evidence.transactions if t.transaction_status == "PAYOUT" and not t.payout_id]
    if nameless:
        yield waiting(f"{counted(len(nameless), 'transaction')} paid out; eBay has not said in which payout.")
    for payout_id in dict.fromkeys(t.payout_id for t in evidence.transactions if t.payout_id):
        payout = evidence.payouts.get(payout_id)
        if payout is None:
            yield waiting(f"Payout {payout_id} is not stored yet: whether it was sent is not known.")
        elif payout.payout_status in PAYOUT_FATES:
            fate = PAYOUT_FATES[payout.payout_status]
            yield Finding(fate.verdict, f"Payout {payout_id} did not arrive: {fate.text}.")


def _name(transaction: Transaction) -> str:
    return f"{transaction.transaction_type} {transaction.transaction_id}"


def _gross(transactions: list[Transaction]) -> Decimal | None:
    """None when it is not known of each."""
    amounts = [transaction.gross for transaction in transactions]
    known = [amount for amount in amounts if amount is not None]
    return sum(known, ZERO) if len(known) == len(amounts) else None


def _fee_total(transactions: list[Transaction]) -> Decimal | None:
    amounts = [transaction.fee_total for transaction in transactions if transaction.fee_total is not None]
    return sum(amounts, ZERO) if amounts else None
