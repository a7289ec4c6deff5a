"""The JSON of transactions as getTransactions gives it (03 §5.1), made from entries on demand."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal

from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.listings import LISTINGS_PER_SELLER, listing
from ebayconnector.simulator.money_book import HandFee, MoneyBook, names_order
from ebayconnector.simulator.money_entries import (
    ADJUSTMENT,
    CREDIT,
    DISPUTE,
    NEVER,
    NO_ORDER,
    NON_SALE_CHARGE,
    REFUND,
    SALE,
    SHIPPING_LABEL,
    SUBSCRIPTION,
    TRANSFER,
    Entry,
    charge_month,
    month_ms,
)
from ebayconnector.simulator.money_facts import LineFee, LineMoney, facts_of, refund_lines, sale_lines
from ebayconnector.simulator.money_ids import entry_id
from ebayconnector.simulator.money_settings import Generation
from ebayconnector.simulator.money_statuses import ON_HOLD, PAID_OUT
from ebayconnector.simulator.order_facts import OrderFacts
from ebayconnector.simulator.randomness import mix
from ebayconnector.simulator.times import DAY_MS, iso

_ENTITIES = {"US": "eBay Commerce Inc.", "GB": "eBay Commerce UK Ltd", "AU": "eBay Marketplaces GmbH"}
_EU_ENTITY = "eBay S.à r.l."
_MEMO_SALT = 63


@dataclass(frozen=True, slots=True)
class MoneyView:
    """One seller's money looked at: at what moment, by which contract."""

    money: MoneyBook
    now_ms: int
    generation: Generation

    @property
    def full(self) -> bool:
        """Whether fields that v1.9.0 does not know are given."""
        return self.generation == "v1.18"

    def amount(self, cents: int) -> JsonObject:
        return {"value": decimal(cents), "currency": self.money.seller.site.currency}


def decimal(cents: int) -> str:
    """As live answers write it: `195.0`, `2.3`, `0.44`."""
    sign, cents = ("-" if cents < 0 else ""), abs(cents)
    return f"{sign}{cents // 100}.{cents % 100:02d}".removesuffix("0")


def transaction_body(view: MoneyView, entry: Entry) -> JsonObject:
    """One transaction; the same state seen at the same moment gives the same body."""
    money = view.money
    status = money.status(entry, view.now_ms)
    body: JsonObject = {"transactionId": entry_id(money.book, entry)}
    if names_order(entry):
        body["orderId"] = money.book.order_id(entry.n)
    body |= _payout_fields(view, entry, status)
    body["salesRecordReference"] = "0"  # what eBay gives for all records after February 2020
    if names_order(entry):
        body["buyer"] = {"username": money.money_of(entry.n).buyer}
    body["transactionType"] = entry.kind
    body["amount"] = _amount(view, entry)
    body |= _fees(view, entry)
    body["bookingEntry"] = booking(entry.signed)
    body["transactionDate"] = iso(entry.date_ms)
    body["transactionStatus"] = status
    body |= _words(view, entry, status)
    hand = money.hands.get(entry.key)
    return apply_patch(body, hand.patch) if hand else body


def booking(signed: int) -> str:
    return "DEBIT" if signed < 0 else "CREDIT"


def _payout_fields(view: MoneyView, entry: Entry, status: str) -> JsonObject:
    payout = entry.payout
    if status != PAID_OUT or payout is None or payout.date_ms > view.now_ms:
        return {}
    fields: JsonObject = {"payoutId": payout.id}
    if view.full:
        reference = f"P{payout.dice % 10**8:08d}"
        fields["payoutDetails"] = {"payoutId": payout.id, "payoutReference": reference}
    return fields


def _amount(view: MoneyView, entry: Entry) -> JsonObject:
    """Without a sign. A sale abroad also tells what the buyer's currency was."""
    amount = view.amount(abs(entry.signed))
    if entry.kind != SALE:
        return amount
    facts = facts_of(view.money.book, view.money.seller.site, entry.n)
    return amount | _conversion(facts, abs(entry.signed))


def _conversion(facts: OrderFacts, cents: int) -> JsonObject:
    if facts.converted_rate is None:
        return {}
    rate = Decimal(1) / Decimal(facts.converted_rate)
    return {
        "convertedFromValue": decimal(int(cents * facts.converted_rate)),
        "convertedFromCurrency": facts.buyer.site.currency,
        "exchangeRate": str(rate.quantize(Decimal("0.000001"), ROUND_HALF_UP)),
    }


def _fees(view: MoneyView, entry: Entry) -> JsonObject:
    if entry.kind == SALE:
        return _sale_fees(view, entry)
    return _refund_fees(view, entry) if entry.kind == REFUND else {}


def _sale_fees(view: MoneyView, entry: Entry) -> JsonObject:
    money = view.money
    order = money.money_of(entry.n)
    hand = money.hands.get(entry.key)
    added = hand.fees if hand else ()
    fields: JsonObject = {"totalFeeBasisAmount": view.amount(order.due)}
    fields["totalFeeAmount"] = view.amount(order.fee + sum(one.fee.cents for one in added))
    lines = sale_lines(money.book, money.seller.site, entry.n)
    fields["orderLineItems"] = _lines(view, lines, added)
    return fields | _tax(view, order.tax)


def _refund_fees(view: MoneyView, entry: Entry) -> JsonObject:
    """The fees here are credits: eBay takes less than the buyer got back (03 §5.1)."""
    money, refund = view.money, entry.refund
    assert refund is not None
    fields: JsonObject = {"totalFeeBasisAmount": view.amount(refund.gross)}
    fields["totalFeeAmount"] = view.amount(refund.fee_credit)
    lines = refund_lines(money.book, money.seller.site, entry.n, refund)
    fields["orderLineItems"] = _lines(view, lines, ())
    return fields | _tax(view, refund.tax)


def _tax(view: MoneyView, cents: int) -> JsonObject:
    """Not in v1.9.0. Documents write eBayCollectedTaxAmount, live answers ebayCollectedTaxAmount: half the
    sellers get the one, half the other.
    """
    if not view.full or not cents:
        return {}
    spelled = "eBayCollectedTaxAmount" if view.money.seller.number % 2 else "ebayCollectedTaxAmount"
    return {spelled: view.amount(cents)}


def _lines(view: MoneyView, lines: Sequence[LineMoney], added: Sequence[HandFee]) -> list[JsonObject]:
    return [
        _line(view, line, [one.fee for one in added if one.line_item_id == line.line_item_id])
        for line in lines
    ]


def _line(view: MoneyView, line: LineMoney, added: Sequence[LineFee]) -> JsonObject:
    body: JsonObject = {"lineItemId": line.line_item_id, "feeBasisAmount": view.amount(line.basis)}
    fees = [*line.fees, *added]
    if not view.full:  # v1.9.0 knows no donations; what was given is one of the fees there
        fees += line.donations
    body["marketplaceFees"] = [_fee(view, fee) for fee in fees]
    if view.full and line.donations:
        body["donations"] = [_fee(view, fee) for fee in line.donations]
    return body


def _fee(view: MoneyView, fee: LineFee) -> JsonObject:
    body: JsonObject = {"feeType": fee.kind, "amount": view.amount(fee.cents)}
    return body | {"feeMemo": fee.memo} if fee.memo else body


def _words(view: MoneyView, entry: Entry, status: str) -> JsonObject:
    """Memo, references, fee type, and who pays."""
    fields = _charge_words(view, entry) if entry.n == NO_ORDER else _order_words(view, entry)
    if status == ON_HOLD:
        release = "" if entry.free_ms == NEVER else f" Estimated release on {iso(entry.free_ms)[:10]}"
        fields["transactionMemo"] = f"Funds on hold.{release}"
    if entry.kind != TRANSFER:
        fields["paymentsEntity"] = _ENTITIES.get(view.money.seller.site.key, _EU_ENTITY)
    return fields


def _order_words(view: MoneyView, entry: Entry) -> JsonObject:
    book, order_id = view.money.book, view.money.book.order_id(entry.n)
    case_id = str(5_000_000_000 + mix(book.seed, book.seller_number, _MEMO_SALT, entry.n) % 10**9)
    match entry.kind:
        case kind if kind == NON_SALE_CHARGE:
            facts = facts_of(book, view.money.seller.site, entry.n)
            item_id = facts.lines[0].listing.item_id
            return {"feeType": "AD_FEE", "references": references(ITEM_ID=item_id, ORDER_ID=order_id)}
        case kind if kind in (DISPUTE, CREDIT):
            return {"references": references(CASE_ID=case_id)}
        case kind if kind == TRANSFER:
            return {
                "transactionMemo": "TRANSFER_TO",
                "references": references(ORDER_ID=order_id, RETURN_ID=case_id),
            }
        case kind if kind == SHIPPING_LABEL:
            return {"transactionMemo": "Shipping label refund" if entry.signed > 0 else "Shipping label"}
        case kind if kind == REFUND and entry.n % 2:
            return {"references": references(RETURN_ID=case_id)}
        case _:
            return {}


def references(**ids: str) -> list[JsonObject]:
    return [{"referenceId": value, "referenceType": kind} for kind, value in ids.items()]


def _charge_words(view: MoneyView, entry: Entry) -> JsonObject:
    month, number = charge_month(entry)
    if entry.kind == NON_SALE_CHARGE and number == SUBSCRIPTION:
        first, last = iso(month_ms(month))[:10], iso(month_ms(month + 1) - DAY_MS)[:10]
        return {"feeType": "OTHER_FEES", "transactionMemo": f"{first} - {last}"}
    if entry.kind == NON_SALE_CHARGE:
        return _insertion_fee(view, month)
    memo = "Correction of an earlier charge" if entry.kind == ADJUSTMENT else "Promotional credit"
    return {"transactionMemo": memo}


def _insertion_fee(view: MoneyView, month: int) -> JsonObject:
    seller, seed = view.money.seller, view.money.book.seed
    sold = listing(seed, seller.number, seller.site.key, month % LISTINGS_PER_SELLER)
    fields: JsonObject = {"feeType": "INSERTION_FEE", "references": references(ITEM_ID=sold.item_id)}
    if view.full and seller.site.key == "US":
        fields["feeJurisdiction"] = {"regionType": "STATE", "regionName": "CA"}
    return fields
