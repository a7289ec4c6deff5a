"""Finances records (03 §5) to rows.

Signs: eBay's amounts are unsigned, `bookingEntry` says which way the money went. A transaction's amount is
what is left after its fees: 18 of a sale of 20 with fees of 2, and 18 to be paid for a refund of 20 for which
2 of fees come back (03 §5.1; the arithmetic is documented for sales, for the others it is assumed). So, seen
from the seller's money, `gross` + fees = `net`: 20 − 2 = 18, and −20 + 2 = −18. `gross` takes eBay's own
totalFeeAmount; that the single fees sum up to it (and whether it counts donations) is for others to check.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from decimal import Decimal
from typing import Any

from . import reading as r
from .reading import JsonObject, MappedRow, Maturity

_SIGNS = {"CREDIT": 1, "DEBIT": -1}
_FINAL_TRANSACTIONS = frozenset({"PAYOUT", "COMPLETED", "FAILED"})
_PAYOUT_MATURITY = {
    # A bank may still send the money back; then eBay tries again (REVERSED).
    "SUCCEEDED": Maturity.SETTLING,
    "TERMINAL_FAILED": Maturity.FINAL,
}
_FEE_LISTS = {"marketplaceFees": "marketplace_fee", "donations": "donation"}


def transaction_row(transaction: JsonObject) -> MappedRow:
    """Columns of `ebay_transactions` and its fees. Raises Unmappable without id or type, and on nonsense.

    Nothing may change any more once it is PAYOUT (with the payout's id), COMPLETED or FAILED.
    """
    currency = r.currency(transaction, "amount")
    sign = _SIGNS.get(r.text(transaction, "bookingEntry"))
    is_fee = r.text(transaction, "transactionType") == "NON_SALE_CHARGE"
    fees = _own_fee(transaction, sign) if is_fee else _fees(transaction, sign)
    status, payout_id = r.text(transaction, "transactionStatus"), _payout_id(transaction)
    return MappedRow(
        columns={
            "transaction_id": r.required_text(transaction, "transactionId"),
            "transaction_type": r.required_text(transaction, "transactionType"),
            "transaction_status": status,
            "booking_entry": r.text(transaction, "bookingEntry"),
            **_sums(transaction, currency, sign, is_fee),
            "currency": currency,
            "order_id": r.text(transaction, "orderId"),
            "payout_id": payout_id,
            "payout_reference": r.text(transaction, "payoutDetails", "payoutReference"),
            "buyer_username": r.text(transaction, "buyer", "username"),
            "fee_type": r.text(transaction, "feeType"),
            "memo": r.text(transaction, "transactionMemo"),
            "sales_record_reference": _sales_record_reference(transaction),
        },
        modified_at=None,
        children={"fees": fees},
        occurred_at=r.time(transaction, "transactionDate"),
        maturity=_transaction_maturity(status, payout_id),
    )


def payout_row(payout: JsonObject) -> MappedRow:
    """Columns of `ebay_payouts`. Raises Unmappable without a payoutId and on nonsense."""
    currency = r.currency(payout, "amount")
    status = r.text(payout, "payoutStatus")
    return MappedRow(
        columns={
            "payout_id": r.required_text(payout, "payoutId"),
            "payout_status": status,
            "status_description": r.text(payout, "payoutStatusDescription"),
            "amount": r.amount(payout, "amount"),
            "total_amount": _amount_in(currency, payout, "totalAmount"),
            "total_fee": _amount_in(currency, payout, "totalFee"),
            "currency": currency,
            "last_attempted_at": r.time(payout, "lastAttemptedPayoutDate"),
            "transaction_count": r.whole_number(payout, "transactionCount"),
            "instrument_type": r.text(payout, "payoutInstrument", "instrumentType"),
            "instrument_nickname": r.text(payout, "payoutInstrument", "nickname"),
            "instrument_last_four": r.text(payout, "payoutInstrument", "accountLastFourDigits"),
            "memo": r.text(payout, "payoutMemo"),
            "bank_reference": r.text(payout, "bankReference"),
        },
        modified_at=None,
        occurred_at=r.time(payout, "payoutDate"),
        maturity=_PAYOUT_MATURITY.get(status, Maturity.OPEN),
    )


def transfer_row(transfer: JsonObject) -> MappedRow:
    """Columns of `ebay_transfers`. Raises Unmappable without a transferId and on nonsense."""
    currency = r.currency(transfer, "transferAmount")
    charges = r.objects(transfer, "transferDetail", "charges")
    balance = ("transferDetail", "balanceAdjustment", "adjustmentAmount")
    return MappedRow(
        columns={
            "transfer_id": r.required_text(transfer, "transferId"),
            "transferred_at": r.time(transfer, "transactionDate"),
            "amount": r.amount(transfer, "transferAmount"),
            "charge_total": _amount_in(currency, transfer, "transferDetail", "totalChargeNetAmount"),
            "balance_used": _amount_in(currency, transfer, *balance),
            "currency": currency,
            "funding_type": r.text(transfer, "fundingSource", "type"),
            "funding_brand": r.text(transfer, "fundingSource", "brand"),
            "charge_count": len(charges),
            "order_ids": _order_ids(charges),
        },
        modified_at=None,
    )


def funds_row(funds: JsonObject) -> MappedRow:
    """Columns of `ebay_seller_funds`. Raises Unmappable without any currency, and on nonsense.

    eBay leaves out a part in which there is no money (getSellerFundsSummary): that is 0.
    """
    names = ("totalFunds", "availableFunds", "fundsOnHold", "processingFunds")
    currency = next(filter(None, [r.currency(funds, name) for name in names]), "")
    if not currency:
        raise r.Unmappable("totalFunds.currency is missing")
    return MappedRow(
        columns={
            "currency": currency,
            "total": _amount_in(currency, funds, "totalFunds"),
            "available": _part_of_funds(currency, funds, "availableFunds"),
            "on_hold": _part_of_funds(currency, funds, "fundsOnHold"),
            "processing": _part_of_funds(currency, funds, "processingFunds"),
        },
        modified_at=None,
    )


def _tax(transaction: JsonObject, currency: str) -> Decimal | None:
    """The contract spells it with a capital B; recorded answers of eBay's do not."""
    names = ("eBayCollectedTaxAmount", "ebayCollectedTaxAmount")
    found = (_amount_in(currency, transaction, name) for name in names)
    return next((tax for tax in found if tax is not None), None)


def _sums(
    transaction: JsonObject, currency: str, sign: int | None, is_fee: bool
) -> dict[str, Decimal | None]:
    amount = r.amount(transaction, "amount")
    fee_total = _amount_in(currency, transaction, "totalFeeAmount")
    fees_are_foreign = fee_total is None and r.amount(transaction, "totalFeeAmount") is not None
    gross = None if fees_are_foreign else _gross(amount, fee_total, is_fee)
    return {
        "amount": amount,
        "net": _signed(amount, sign),
        "gross": _signed(gross, sign),
        "fee_total": fee_total,
        "fee_basis": _amount_in(currency, transaction, "totalFeeBasisAmount"),
        "tax": _tax(transaction, currency),
    }


def _gross(amount: Decimal | None, fee_total: Decimal | None, is_fee: bool) -> Decimal | None:
    """Before fees, unsigned; a charge that is nothing but a fee has nothing before it."""
    if amount is None:
        return None
    return Decimal(0) if is_fee else amount + (fee_total or 0)


def _signed(amount: Decimal | None, sign: int | None) -> Decimal | None:
    """None where eBay does not say which way the money went."""
    return None if amount is None or sign is None else amount * sign


def _amount_in(currency: str, record: JsonObject, *path: str) -> Decimal | None:
    """The amount at `path` when it is in `currency`: one column cannot hold two currencies."""
    amount = r.amount(record, *path)
    return amount if r.currency(record, *path) in ("", currency) else None


def _part_of_funds(currency: str, funds: JsonObject, name: str) -> Decimal | None:
    return Decimal(0) if funds.get(name) is None else _amount_in(currency, funds, name)


def _payout_id(transaction: JsonObject) -> str:
    """The payout's id, at any of its places; of a split payout (mainland China) the first one's.

    With split payouts eBay gives payoutDetails.payoutIds instead, a list (eBay's type PayoutDetails).
    """
    found = r.text(transaction, "payoutId") or r.text(transaction, "payoutDetails", "payoutId")
    several = r.at(transaction, "payoutDetails", "payoutIds")
    if found or several is None:
        return found
    if not isinstance(several, list):
        raise r.Unmappable("payoutDetails.payoutIds is not a list")
    return r.text({"payoutIds": several[0]}, "payoutIds") if several else ""


def _transaction_maturity(status: str, payout_id: str) -> Maturity:
    """A payout's id may come later than the status that says so: until then it is looked for."""
    if status == "PAYOUT" and not payout_id:
        return Maturity.OPEN
    return Maturity.FINAL if status in _FINAL_TRANSACTIONS else Maturity.OPEN


def _sales_record_reference(transaction: JsonObject) -> str:
    """eBay writes 0 where there is none, which is always since February 2020."""
    reference = r.text(transaction, "salesRecordReference")
    return "" if reference == "0" else reference


def _order_ids(charges: list[JsonObject]) -> str:
    ids = []
    for index, charge in enumerate(charges):
        with _inside(f"transferDetail.charges[{index}]"):
            ids.append(r.text(charge, "orderId"))
    return ",".join(dict.fromkeys(filter(None, ids)))


def _own_fee(transaction: JsonObject, sign: int | None) -> list[dict[str, Any]]:
    """The one fee of a NON_SALE_CHARGE: the transaction itself."""
    amount = r.amount(transaction, "amount")
    return [
        {
            "position": 0,
            "kind": "non_sale_charge",
            "line_item_id": "",
            "fee_type": r.text(transaction, "feeType"),
            "amount": amount,
            "signed_amount": _signed(amount, sign),
            "currency": r.currency(transaction, "amount"),
            "memo": r.text(transaction, "transactionMemo"),
            "jurisdiction": _jurisdiction(transaction),
        }
    ]


def _fees(transaction: JsonObject, sign: int | None) -> list[dict[str, Any]]:
    """The fees and donations of all line items, in eBay's order."""
    fees: list[dict[str, Any]] = []
    for index, line in enumerate(r.objects(transaction, "orderLineItems")):
        with _inside(f"orderLineItems[{index}]"):
            fees += _line_fees(line, sign)
    return [{"position": position, **fee} for position, fee in enumerate(fees)]


def _line_fees(line: JsonObject, sign: int | None) -> list[dict[str, Any]]:
    line_item_id = r.text(line, "lineItemId")
    fees = []
    for name, kind in _FEE_LISTS.items():
        for index, fee in enumerate(r.objects(line, name)):
            with _inside(f"{name}[{index}]"):
                fees.append({"kind": kind, "line_item_id": line_item_id, **_fee_columns(fee, sign)})
    return fees


def _fee_columns(fee: JsonObject, sign: int | None) -> dict[str, Any]:
    amount = r.amount(fee, "amount")
    return {
        "fee_type": r.text(fee, "feeType"),
        "amount": amount,
        # Fees go the other way than their transaction: they cost at a sale and come back with a refund.
        "signed_amount": _signed(amount, None if sign is None else -sign),
        "currency": r.currency(fee, "amount"),
        "memo": r.text(fee, "feeMemo"),
        "jurisdiction": _jurisdiction(fee),
    }


def _jurisdiction(record: JsonObject) -> str:
    """`STATE CA`: the name alone would not tell states from countries."""
    parts = (r.text(record, "feeJurisdiction", name) for name in ("regionType", "regionName"))
    return " ".join(filter(None, parts))


@contextmanager
def _inside(place: str) -> Iterator[None]:
    """Prefix the field that Unmappable names with where it is."""
    try:
        yield
    except r.Unmappable as refused:
        raise r.Unmappable(f"{place}.{refused}") from None
