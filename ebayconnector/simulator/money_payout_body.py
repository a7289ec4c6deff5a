"""The JSON of payouts, transfers, funds and summaries (03 §5.2)."""

from collections.abc import Iterable, Sequence

from ebayconnector.simulator.json_types import JsonObject
from ebayconnector.simulator.money_body import MoneyView, booking
from ebayconnector.simulator.money_entries import (
    ADJUSTMENT,
    CREDIT,
    DISPUTE,
    NEVER,
    NON_SALE_CHARGE,
    REFUND,
    SALE,
    SHIPPING_LABEL,
    TRANSFER,
    Entry,
    Payout,
)
from ebayconnector.simulator.money_facts import facts_of
from ebayconnector.simulator.money_ids import entry_id
from ebayconnector.simulator.money_statuses import (
    AVAILABLE,
    FAILED,
    INITIATED,
    ON_HOLD,
    PROCESSING,
    RETRYABLE,
    REVERSED,
    SUCCEEDED,
    TERMINAL,
    fate,
)
from ebayconnector.simulator.times import DAY_MS, iso

_DESCRIPTIONS = {
    INITIATED: "Preparing to send",
    SUCCEEDED: "Funds sent",
    REVERSED: "Waiting to retry : Money rejected by seller's bank",
    RETRYABLE: "Waiting to retry",
    TERMINAL: "Payout failed",
}
_SUMMARY = {
    "credit": (SALE, CREDIT),
    "refund": (REFUND,),
    "dispute": (DISPUTE,),
    "shippingLabel": (SHIPPING_LABEL,),
    "transfer": (TRANSFER,),
    "nonSaleCharge": (NON_SALE_CHARGE,),
    "adjustment": (ADJUSTMENT,),
    "balanceTransfer": (),
}


def payout_body(view: MoneyView, payout: Payout) -> JsonObject:
    fares, cents = fate(payout, view.now_ms), payout.cents
    body: JsonObject = {
        "payoutId": payout.id,
        "payoutStatus": fares.status,
        "payoutStatusDescription": _DESCRIPTIONS[fares.status],
        "amount": view.amount(cents),
        "payoutDate": iso(payout.date_ms),
    }
    if fares.last_attempt_ms is not None:
        body["lastAttemptedPayoutDate"] = iso(fares.last_attempt_ms)
    body["transactionCount"] = len(payout.entries)
    body["payoutInstrument"] = _instrument(view)
    if fares.status == INITIATED:
        body["payoutMemo"] = f"Expected by {iso(payout.date_ms + 2 * DAY_MS)[:10]}"
    if fares.status == SUCCEEDED and payout.dice % 2:
        body["bankReference"] = f"EBAY{payout.dice % 10**9:09d}"
    if view.full:
        body |= {"totalAmount": view.amount(cents), "totalFee": view.amount(0), "totalFeeDetails": []}
    return body


def _instrument(view: MoneyView) -> JsonObject:
    number = view.money.seller.number
    digits = f"{number * 7919 % 10_000:04d}"
    instrument: JsonObject = {"instrumentType": "BankAccount", "accountLastFourDigits": digits}
    return instrument | {"nickname": "Geschäftskonto"} if number % 2 else instrument


def payout_summary(view: MoneyView, payouts: Sequence[Payout]) -> JsonObject:
    """Counts are always there, the sum only when something was found."""
    body: JsonObject = {"payoutCount": len(payouts)}
    body["transactionCount"] = sum(len(payout.entries) for payout in payouts)
    if payouts:
        body["amount"] = view.amount(sum(payout.cents for payout in payouts))
    return body


def transaction_summary(
    view: MoneyView, entries: Sequence[Entry], kind: str | None, status: str
) -> JsonObject:
    """Count, amount and booking entry per sort of transaction; with a type asked for, only of that."""
    body: JsonObject = {}
    for name, kinds in _SUMMARY.items():
        if kind is None or kind in kinds:
            body |= _triple(view, name, [entry for entry in entries if entry.kind in kinds])
    if status == ON_HOLD:
        body |= _triple(view, "onHold", [entry for entry in entries if entry.kind == SALE])
    return body


def _triple(view: MoneyView, name: str, entries: Sequence[Entry]) -> JsonObject:
    if not entries:
        return {f"{name}Count": 0}
    total = sum(entry.signed for entry in entries)
    return {
        f"{name}Count": len(entries),
        f"{name}Amount": view.amount(abs(total)),
        f"{name}BookingEntry": booking(total),
    }


def funds_body(view: MoneyView, entries: Iterable[Entry]) -> JsonObject | None:
    """Funds that are still to be paid out; None when there are none."""
    sums = dict.fromkeys((AVAILABLE, ON_HOLD, PROCESSING), 0)
    for entry in entries:
        status = view.money.status(entry, view.now_ms)
        if status in sums and not (entry.kind == TRANSFER and entry.free_ms == NEVER):
            sums[status] += entry.signed
    names = {"availableFunds": AVAILABLE, "fundsOnHold": ON_HOLD, "processingFunds": PROCESSING}
    body = {name: view.amount(sums[status]) for name, status in names.items() if sums[status]}
    return {"totalFunds": view.amount(sum(sums.values()))} | body if body else None


def transfer_body(view: MoneyView, entry: Entry) -> JsonObject:
    """A transfer: what the seller owes eBay for a refund, and where eBay takes it from."""
    money, owed = view.money, view.amount(abs(entry.signed))
    facts = facts_of(money.book, money.seller.site, entry.n)
    charge: JsonObject = {"orderId": money.book.order_id(entry.n), "chargeNetAmount": owed}
    charge["refundId"] = facts.refund_id
    detail: JsonObject = {"charges": [charge], "totalChargeNetAmount": owed}
    detail["balanceAdjustment"] = {
        "adjustmentAmount": owed if is_from_funds(entry) else view.amount(0),
        "adjustmentType": "DEBIT",
    }
    return {
        "transferId": entry_id(money.book, entry),
        "transactionDate": iso(entry.date_ms),
        "fundingSource": _funding_source(view, entry),
        "transferAmount": owed,
        "transferDetail": detail,
    }


def is_from_funds(entry: Entry) -> bool:
    return entry.free_ms == entry.date_ms


def _funding_source(view: MoneyView, entry: Entry) -> JsonObject:
    if is_from_funds(entry):
        return {"type": "AVAILABLE_FUNDS"}
    if view.money.status(entry, view.now_ms) == FAILED:
        return {"type": "CREDIT_CARD", "brand": "Visa", "memo": "4242"}
    return {"type": "BANK", "brand": "Sparkasse München", "memo": None}
