"""What is stored about the money of one order."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from functools import cached_property

from django.utils import timezone

from accounts.models import EbayAccount
from syncworkers.mappers import reading
from syncworkers.mappers.reading import JsonObject, Unmappable
from syncworkers.models import FinancesFee, Order, Payout, SyncState, Transaction
from syncworkers.ranges import Span

from .statement import ZERO

# Charges without an order's id refer to it; further away from the order than this they are not looked for.
_CHARGED_WITHIN = timedelta(days=90)
# eBay itself may take a while to book what has happened.
_BOOKED_WITHIN = timedelta(days=1)


@dataclass(frozen=True)
class OrderEvidence:
    """`order` is None while it is not stored; transactions are the oldest first, with their fees."""

    account: EbayAccount
    order_id: str
    order: Order | None
    transactions: list[Transaction]
    payouts: dict[str, Payout]

    @cached_property
    def currencies(self) -> list[str]:
        """The order's first; several are never added up."""
        own = [self.order.currency] if self.order else []
        found = [*own, *(transaction.currency for transaction in self.transactions)]
        return list(dict.fromkeys(filter(None, found)))

    def of(self, currency: str, *types: str) -> list[Transaction]:
        """The transactions of a currency; of all types, when none is named."""
        return [
            each
            for each in self.transactions
            if each.currency == currency and (not types or each.transaction_type in types)
        ]

    def is_still_to_come(self, at: datetime | None) -> bool:
        """Whether transactions of that moment may still be missing here: not read yet, or just now."""
        if at is None or at > timezone.now() - _BOOKED_WITHIN:
            return True
        return not any(span.start <= at < span.end for span in self._read_spans)

    @cached_property
    def _read_spans(self) -> list[Span]:
        state = SyncState.objects.filter(account=self.account, api_family="transactions").first()
        return state.covered if state else []


def order_evidence(account: EbayAccount, order_id: str) -> OrderEvidence:
    """Everything stored about the money of this order; a constant number of queries."""
    order = Order.objects.filter(account=account, order_id=order_id).first()
    rows = Transaction.objects.filter(account=account).prefetch_related("fees").order_by("occurred_at", "id")
    own = list(rows.filter(order_id=order_id))
    created_at = order.created_at_ebay if order else None
    if created_at is not None:
        own += rows.filter(
            order_id="",
            transaction_type="NON_SALE_CHARGE",
            occurred_at__range=(created_at, created_at + _CHARGED_WITHIN),
            payload__references__contains=[{"referenceType": "ORDER_ID", "referenceId": order_id}],
        )
    ids = {each.payout_id for each in own if each.payout_id}
    payouts = {each.payout_id: each for each in Payout.objects.filter(account=account, payout_id__in=ids)}
    return OrderEvidence(account, order_id, order, own, payouts)


def fees_of(transactions: list[Transaction], currency: str) -> Iterator[FinancesFee]:
    """The fees in that currency whose direction is known."""
    for transaction in transactions:
        for fee in transaction.fees.all():
            if fee.currency == currency and fee.signed_amount is not None:
                yield fee


def collected_tax(transactions: list[Transaction]) -> Decimal:
    """What eBay says that it collected, unsigned; 0 where it says nothing."""
    return sum((transaction.tax or ZERO for transaction in transactions), ZERO)


def order_tax(order: Order) -> Decimal:
    """The tax that eBay collected by the order's own lines, which say so where transactions do not."""
    taxes = [
        tax
        for line in _objects(order.payload, "lineItems")
        for tax in _objects(line, "ebayCollectAndRemitTaxes")
    ]
    return sum((_amount(tax, order.currency, "amount") or ZERO for tax in taxes), ZERO)


def order_fee(order: Order) -> Decimal | None:
    """eBay's fees as the order shows them (03 §4.1); None when it does not, or in another currency."""
    return _amount(order.payload, order.currency, "totalMarketplaceFee")


def order_refunds(order: Order) -> list[tuple[Decimal, bool, datetime | None]]:
    """Of each refund the order tells of: the amount, whether it is done, and when it was."""
    found = []
    for refund in _objects(order.payload, "paymentSummary", "refunds"):
        amount = _amount(refund, order.currency, "amount")
        if amount is not None:
            done = refund.get("refundStatus") in (None, "REFUNDED")
            found.append((amount, done, _time(refund, "refundDate")))
    return found


def _objects(record: JsonObject, *path: str) -> list[JsonObject]:
    """Parts that were never mapped may be nonsense, and then count as missing."""
    try:
        return reading.objects(record, *path)
    except Unmappable:
        return []


def _amount(record: JsonObject, currency: str, *path: str) -> Decimal | None:
    try:
        amount, found = reading.amount(record, *path), reading.currency(record, *path)
    except Unmappable:
        return None
    return amount if found == currency else None


def _time(record: JsonObject, name: str) -> datetime | None:
    try:
        return reading.time(record, name)
    except Unmappable:
        return None
