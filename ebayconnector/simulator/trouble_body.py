"""The JSON of inquiries and cases (03 §7.1, §7.2), and what all Post-Order bodies share.

Search results hold ids as numbers, details as strings; dates are objects, amounts are numbers.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from random import Random

from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.order_facts import Line, OrderFacts
from ebayconnector.simulator.randomness import rng
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS, SECOND_MS, iso
from ebayconnector.simulator.trouble_book import Trouble, TroubleBook
from ebayconnector.simulator.trouble_lives import APPEAL, BUYER, CLOSE, ESCALATE, SELLER, Step

ANSWER_DUE_MS = 3 * DAY_MS  # how long a party has, made up

_EXPIRES_MS = 30 * DAY_MS
_BUYER_WINS = 0.6
_NOTES = (
    "Where is my parcel?",
    "Noch nicht angekommen – bitte prüfen Sie das!",
    "Le colis n’est jamais arrivé 😕",
    "tracking says <delivered> & nobody saw it",
    "line one\nline two",
)


@dataclass(frozen=True, slots=True)
class TroubleView:
    """One seller's troubles at a moment."""

    book: TroubleBook
    seller: Seller
    now_ms: int

    def facts(self, trouble: Trouble) -> OrderFacts:
        return self.book.facts(trouble.n)

    def line(self, trouble: Trouble) -> Line:
        return self.facts(trouble).lines[trouble.line]

    def order_id(self, trouble: Trouble) -> str:
        return self.book.orders.order_id(trouble.n)

    def cents(self, trouble: Trouble) -> int:
        """What the claimed part of the line cost, shipping included."""
        line = self.line(trouble)
        return max(1, line.total * trouble.quantity // line.quantity)

    def source(self, trouble: Trouble) -> Random:
        """The randomness of what never changes in a trouble."""
        return rng(self.book.orders.seed, trouble.number)

    def amount(self, trouble: Trouble, cents: int) -> JsonObject:
        """`value` as a number; converted where the buyer paid in another currency."""
        amount: JsonObject = {"value": cents / 100, "currency": self.seller.site.currency}
        facts = self.facts(trouble)
        if facts.converted_rate is None:
            return amount
        rate, currency = facts.converted_rate, facts.buyer.site.currency
        amount |= {"convertedFromValue": int(cents * rate) / 100, "convertedFromCurrency": currency}
        return amount | {"exchangeRate": f"{1 / rate:.6f}"}

    def note(self, trouble: Trouble) -> str:
        return self.source(trouble).choice(_NOTES)


def date(at_ms: int) -> JsonObject:
    moment = datetime.fromtimestamp(at_ms // SECOND_MS, UTC)
    return {"value": iso(at_ms), "formattedValue": f"{moment:%b} {moment.day}, {moment.year}"}


def last_date(steps: list[Step], actor: str) -> JsonObject | None:
    """When one of the parties did something for the last time; None when never."""
    return next((date(step.at_ms) for step in reversed(steps) if step.kind.actor == actor), None)


def present(body: JsonObject) -> JsonObject:
    return {name: value for name, value in body.items() if value is not None}


def _member(view: TroubleView, trouble: Trouble, id_name: str, status_name: str) -> JsonObject:
    """A row of the case or inquiry search: no type, no order id."""
    line, last = view.line(trouble), trouble.last(view.now_ms)
    body = {
        id_name: trouble.number,
        "itemId": int(line.listing.item_id),
        "transactionId": int(line.line_item_id),
        "buyer": view.facts(trouble).buyer.username,
        "seller": view.seller.username,
        status_name: last.kind.status,
        "claimAmount": view.amount(trouble, view.cents(trouble)),
        "creationDate": date(trouble.opened_ms),
        "lastModifiedDate": date(last.at_ms),
        "respondByDate": date(last.at_ms + ANSWER_DUE_MS) if last.kind.waits else None,
    }
    return apply_patch(present(body), trouble.summary_patch)


def _history(view: TroubleView, trouble: Trouble) -> list[JsonObject]:
    steps = trouble.seen(view.now_ms)
    rows = [
        {"action": step.kind.activity, "actor": step.kind.actor, "date": date(step.at_ms)} for step in steps
    ]
    rows[0]["description"] = view.note(trouble)
    return rows


def _refund_amounts(view: TroubleView, trouble: Trouble) -> list[JsonObject]:
    """What the buyer got: of the seller, or by a decision of eBay."""
    names = {step.kind.name for step in trouble.seen(view.now_ms)}
    paid = "refund" in names or (trouble.family == "case" and CLOSE in names)
    if not paid and "cs_close" in names:
        paid = view.source(trouble).random() < _BUYER_WINS
    return [view.amount(trouble, view.cents(trouble))] if paid else []


# -- cases ------------------------------------------------------------------------------------------------


def case_summary(view: TroubleView, case: Trouble) -> JsonObject:
    return _member(view, case, "caseId", "caseStatusEnum")


def case_detail(view: TroubleView, case: Trouble) -> JsonObject:
    origin, steps, line = case.origin, case.seen(view.now_ms), view.line(case)
    of_return = origin is not None and origin.family == "return"
    body: JsonObject = {
        "caseId": str(case.number),
        "caseType": "RETURN" if of_return else "ITEM_NOT_RECEIVED",
        "status": steps[-1].kind.status,
        "itemId": line.listing.item_id,
        "transactionId": line.line_item_id,
        "returnId": str(origin.number) if origin is not None and of_return else None,
        "initiator": BUYER,
        "escalateReason": "SELLER_DID_NOT_ACCEPT_RETURN" if of_return else "BUYER_STILL_NO_ITEM",
        "caseQuantity": case.quantity,
        "claimAmount": view.amount(case, view.cents(case)),
        "creationDate": date(case.opened_ms),
        "lastModifiedDate": date(steps[-1].at_ms),
        "caseDetails": _case_details(view, case, steps),
        "caseHistoryDetails": {"history": _history(view, case)},
        "actionDeadlines": [],
        "appealDetails": _appeal(steps),
    }
    return apply_patch(present(body), case.detail_patch)


def _case_details(view: TroubleView, case: Trouble, steps: list[Step]) -> JsonObject:
    details = {
        "creationDate": date(case.opened_ms),
        "escalationDate": date(case.opened_ms),
        "expirationDate": date(case.opened_ms + _EXPIRES_MS),
        "lastBuyerRespDate": last_date(steps, BUYER),
        "lastSellerRespDate": last_date(steps, SELLER),
        "refundAmounts": _refund_amounts(view, case),
        "refundDeadlineDate": date(steps[-1].at_ms + ANSWER_DUE_MS) if steps[-1].kind.waits else None,
    }
    return present(details)


def _appeal(steps: list[Step]) -> JsonObject:
    appeal = next((step for step in steps if step.kind.name == APPEAL), None)
    if appeal is None:
        return {}
    return {"appealStatus": "SELLER_APPEALED", "appealDate": date(appeal.at_ms)}


# -- inquiries --------------------------------------------------------------------------------------------


def inquiry_summary(view: TroubleView, inquiry: Trouble) -> JsonObject:
    return _member(view, inquiry, "inquiryId", "inquiryStatusEnum")


def inquiry_detail(view: TroubleView, inquiry: Trouble) -> JsonObject:
    """Without lastModifiedDate, which only the search has, and without the id of its case."""
    steps, line = inquiry.seen(view.now_ms), view.line(inquiry)
    body: JsonObject = {
        "inquiryId": str(inquiry.number),
        "state": steps[-1].kind.state,
        "status": steps[-1].kind.status,
        "initiator": BUYER,
        "itemId": line.listing.item_id,
        "transactionId": line.line_item_id,
        "claimAmount": view.amount(inquiry, view.cents(inquiry)),
        "inquiryQuantity": inquiry.quantity,
        "inquiryDetails": _inquiry_details(view, inquiry, steps),
        "inquiryHistoryDetails": _inquiry_history(view, inquiry, steps),
        "itemDetails": {
            "itemTitle": line.listing.title,
            "itemPrice": view.amount(inquiry, line.listing.price),
        },
        "sellerMakeItRightByDate": date(inquiry.opened_ms + ANSWER_DUE_MS),
        "shippingCost": view.amount(inquiry, line.shipping),
    }
    return apply_patch(body, inquiry.detail_patch)


def _inquiry_details(view: TroubleView, inquiry: Trouble, steps: list[Step]) -> JsonObject:
    escalated = next((step for step in steps if step.kind.name == ESCALATE), None)
    details = {
        "creationDate": date(inquiry.opened_ms),
        "escalationDate": date(escalated.at_ms) if escalated else None,
        "expirationDate": date(inquiry.opened_ms + _EXPIRES_MS),
        "lastBuyerRespDate": last_date(steps, BUYER),
        "refundAmounts": _refund_amounts(view, inquiry),
        "refundDeadlineDate": None if steps[-1].kind.ends else date(inquiry.opened_ms + _EXPIRES_MS),
        "totalAmount": view.amount(inquiry, view.line(inquiry).total),
    }
    return present(details)


def _inquiry_history(view: TroubleView, inquiry: Trouble, steps: list[Step]) -> JsonObject:
    history: JsonObject = {"history": _history(view, inquiry)}
    if any(step.kind.name == "track" for step in steps):
        arrived = any(step.kind.name == CLOSE for step in steps)
        history["shipmentTrackingDetails"] = {
            "carrier": view.seller.site.carrier,
            "trackingNumber": view.facts(inquiry).fulfilment_ref,
            "currentStatus": "DELIVERED" if arrived else "IN_TRANSIT",
        }
    return history
