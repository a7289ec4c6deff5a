"""The money of one order: what it brought, what eBay kept, what went back, what was paid out."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from decimal import Decimal
from typing import TypeVar

from accounts.models import EbayAccount
from syncworkers.models import FinancesFee, Payout, Transaction

from .evidence import OrderEvidence, collected_tax, fees_of, order_evidence, order_tax
from .order_checks import order_findings
from .statement import ZERO, Line, PaidOut, Statement

_Row = TypeVar("_Row")

# Type of the transaction → kind of the line and its words, in the order of the statement.
_GROSS = {
    "SALE": ("sale", "Sales, before fees"),
    "REFUND": ("refund", "Refunds to the buyer"),
    "SHIPPING_LABEL": ("label", "Shipping labels"),
    "DISPUTE": ("dispute", "Held or taken for a payment dispute"),
    "CREDIT": ("credit", "Credits of eBay"),
    "NON_SALE_CHARGE": ("charge", "Charges of eBay"),
    "TRANSFER": ("transfer", "Transfers to eBay"),
}
_OPEN = {
    "FUNDS_PROCESSING": "Still open: eBay processes it",
    "FUNDS_ON_HOLD": "Still open: on hold",
    "FUNDS_AVAILABLE_FOR_PAYOUT": "Still open: waits for the next payout",
}


def order_money(account: EbayAccount, order_id: str) -> Statement:
    """The money of the order with this eBay id, as far as it is stored, and whether it adds up."""
    evidence = order_evidence(account, order_id)
    lines = [line for currency in evidence.currencies for line in _lines(evidence, currency)]
    return Statement(lines, order_findings(evidence), list(_paid_out(evidence)))


def _lines(evidence: OrderEvidence, currency: str) -> Iterator[Line]:
    transactions = evidence.of(currency)
    yield from _order_lines(evidence, currency)
    if not transactions:
        return
    yield from money_lines(transactions, currency)
    paid = sum_of(each.net for each in transactions if each.payout_id)
    if any(each.payout_id for each in transactions):
        yield Line("paid_out", "Of it paid out", paid, currency)
    yield from _open_lines(transactions, currency)


def _order_lines(evidence: OrderEvidence, currency: str) -> Iterator[Line]:
    order = evidence.order
    if order is not None and order.currency == currency:
        yield Line("order_total", "Order total", order.total, currency, is_sum=True)
    tax = _tax(evidence, currency)
    if tax:
        yield Line("tax", "Tax that eBay collected and pays itself", tax, currency)


def _tax(evidence: OrderEvidence, currency: str) -> Decimal:
    order = evidence.order
    collected = collected_tax(evidence.of(currency, "SALE"))
    if not collected and order is not None and order.currency == currency:
        collected = order_tax(order)
    return collected


def money_lines(transactions: list[Transaction], currency: str) -> Iterator[Line]:
    """Gross by type, fees by type, and the net that they make."""
    yield from _gross_lines(transactions, currency)
    yield from _fee_lines(transactions, currency)
    yield Line(
        "net", "What is left for the seller", sum_of(t.net for t in transactions), currency, is_sum=True
    )


def _gross_lines(transactions: list[Transaction], currency: str) -> Iterator[Line]:
    sums = _sums(transactions, lambda each: each.transaction_type, lambda each: each.gross)
    for type_ in [*_GROSS, *(sums.keys() - _GROSS.keys())]:
        if sums.get(type_):
            kind, words = _GROSS.get(type_, ("other", type_.replace("_", " ").capitalize()))
            yield Line(kind, words, sums[type_], currency)


def _fee_lines(transactions: list[Transaction], currency: str) -> Iterator[Line]:
    fees = list(fees_of(transactions, currency))
    for given_back, prefix in ((False, "Fee"), (True, "Fee given back")):
        some = [fee for fee in fees if _is_credit(fee) == given_back]
        for name, amount in _sums(some, lambda fee: fee.fee_type, lambda fee: fee.signed_amount).items():
            yield Line("fee", f"{prefix}: {fee_words(name)}", amount, currency)
    listed = sum_of(fee.signed_amount for fee in fees)
    known = [each for each in transactions if each.net is not None and each.gross is not None]
    rest = sum_of(each.net for each in known) - sum_of(each.gross for each in known) - listed
    if rest:
        yield Line("fee", "Fees that eBay does not itemise", rest, currency)


def _is_credit(fee: FinancesFee) -> bool:
    return (fee.signed_amount or ZERO) > ZERO


def _open_lines(transactions: list[Transaction], currency: str) -> Iterator[Line]:
    waiting = [each for each in transactions if not each.payout_id]
    for status, amount in _sums(waiting, lambda each: each.transaction_status, lambda each: each.net).items():
        words = _OPEN.get(status, f"Not in a payout: {status.replace('_', ' ').lower() or 'no status'}")
        yield Line("open", words, amount, currency)


def _paid_out(evidence: OrderEvidence) -> Iterator[PaidOut]:
    """One per payout and currency, in the order of the transactions."""
    parts: dict[tuple[str, str], Decimal] = defaultdict(lambda: ZERO)
    for each in evidence.transactions:
        if each.payout_id:
            parts[each.payout_id, each.currency] += each.net or ZERO
    for (payout_id, currency), amount in parts.items():
        payout: Payout | None = evidence.payouts.get(payout_id)
        status, paid_at = (payout.payout_status, payout.occurred_at) if payout else ("", None)
        yield PaidOut(payout_id, status, paid_at, amount, currency)


def sum_of(amounts: Iterable[Decimal | None]) -> Decimal:
    """Without those that are unknown."""
    return sum((amount for amount in amounts if amount is not None), ZERO)


def _sums(
    rows: Iterable[_Row], key: Callable[[_Row], str], amount: Callable[[_Row], Decimal | None]
) -> dict[str, Decimal]:
    sums: dict[str, Decimal] = defaultdict(lambda: ZERO)
    for row in rows:
        sums[key(row)] += amount(row) or ZERO
    return dict(sums)


def fee_words(fee_type: str) -> str:
    """`FINAL_VALUE_FEE_FIXED_PER_ORDER` → `final value fee fixed per order`."""
    return fee_type.replace("_", " ").lower() or "without a name"
