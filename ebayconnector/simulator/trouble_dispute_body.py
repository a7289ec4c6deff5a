"""The JSON of payment disputes (03 §4.3, contract): amounts are texts, dates are texts, `revision` counts."""

from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.money_facts import order_money
from ebayconnector.simulator.times import DAY_MS, iso
from ebayconnector.simulator.trouble_body import TroubleView, present
from ebayconnector.simulator.trouble_book import Trouble
from ebayconnector.simulator.trouble_lives import LOSE, WIN, Step

_ANSWER_DUE_MS = 5 * DAY_MS
_FEE_CENTS = 2000
_REASONS = (
    "ITEM_NOT_RECEIVED",
    "FRAUD",
    "SIGNIFICANTLY_NOT_AS_DESCRIBED",
    "TRANSACTION_ISSUE",
    "CREDIT_NOT_PROCESSED",
    "DUPLICATE_AMOUNT",
)
_OUTCOMES = {WIN: "SELLER_WON", LOSE: "SELLER_LOST"}
_ACTION_NEEDED, _CLOSED = "ACTION_NEEDED", "CLOSED"


def buyer_of(view: TroubleView, dispute: Trouble) -> str:
    return view.facts(dispute).buyer.username


def dispute_summary(view: TroubleView, dispute: Trouble) -> JsonObject:
    body = _shared(view, dispute)
    if dispute.number // 8 % 2 == 0:  # some answers say null where others say nothing
        body = {"respondByDate": None, "closedDate": None} | body
    return apply_patch(body, dispute.summary_patch)


def _shared(view: TroubleView, dispute: Trouble) -> JsonObject:
    last = dispute.last(view.now_ms)
    status = last.kind.status
    body = {
        "paymentDisputeId": str(dispute.number),
        "orderId": view.order_id(dispute),
        "paymentDisputeStatus": status,
        "reason": view.source(dispute).choice(_REASONS),
        "amount": _amount(view, _cents(view, dispute)),
        "buyerUsername": buyer_of(view, dispute),
        "openDate": iso(dispute.opened_ms),
        "respondByDate": iso(last.at_ms + _ANSWER_DUE_MS) if status == _ACTION_NEEDED else None,
        "closedDate": iso(last.at_ms) if status == _CLOSED else None,
    }
    return present(body)


def _cents(view: TroubleView, dispute: Trouble) -> int:
    """The whole order, as the transaction that takes the money says."""
    return order_money(view.book.orders, view.seller.site, dispute.n).due


def _amount(view: TroubleView, cents: int) -> JsonObject:
    return {"value": f"{cents // 100}.{cents % 100:02d}", "currency": view.seller.site.currency}


def dispute_detail(view: TroubleView, dispute: Trouble) -> JsonObject:
    """`revision` is the number of steps: it grows with each change."""
    steps = dispute.seen(view.now_ms)
    body = _shared(view, dispute)
    body |= {
        "revision": len(steps),
        "lineItems": _line_items(view, dispute),
        "availableChoices": None if _response(steps) else ["ACCEPT", "CONTEST"],
        "sellerResponse": _response(steps),
        "note": "Shipped on time, see tracking – Grüße" if _took(steps, "evidence") else None,
        "evidenceRequests": _evidence_requests(view, dispute, steps),
        "evidence": _evidence(view, dispute, steps),
        "resolution": _resolution(view, dispute, steps),
        "monetaryTransactions": _monetary_transactions(view, dispute, steps) or None,
    }
    if body["sellerResponse"] is None and steps[-1].kind.status == _CLOSED:
        body["availableChoices"] = None
    return apply_patch(present(body), dispute.detail_patch)


def dispute_activity(view: TroubleView, dispute: Trouble) -> JsonObject:
    rows = [
        {"activityDate": iso(step.at_ms), "activityType": step.kind.activity, "actor": step.kind.actor}
        for step in dispute.seen(view.now_ms)
    ]
    return {"activity": rows}


def _took(steps: list[Step], name: str) -> Step | None:
    return next((step for step in steps if step.kind.name == name), None)


def _response(steps: list[Step]) -> str | None:
    if _took(steps, "contest") is not None:
        return "CONTEST"
    return "ACCEPT" if _took(steps, "accept") is not None else None


def _line_items(view: TroubleView, dispute: Trouble) -> list[JsonObject]:
    lines = view.facts(dispute).lines
    return [{"itemId": line.listing.item_id, "lineItemId": line.line_item_id} for line in lines]


def _evidence_id(dispute: Trouble) -> str:
    return f"{dispute.number}1"


def _evidence_requests(view: TroubleView, dispute: Trouble, steps: list[Step]) -> list[JsonObject] | None:
    asked = _took(steps, "ask")
    if asked is None:
        return None
    request: JsonObject = {
        "evidenceId": _evidence_id(dispute),
        "evidenceType": "PROOF_OF_DELIVERY",
        "requestDate": iso(asked.at_ms),
        "respondByDate": iso(asked.at_ms + _ANSWER_DUE_MS),
        "lineItems": _line_items(view, dispute),
    }
    return [request]


def _evidence(view: TroubleView, dispute: Trouble, steps: list[Step]) -> list[JsonObject] | None:
    given = _took(steps, "evidence")
    if given is None:
        return None
    tracking = {"shipmentTrackingNumber": view.facts(dispute).fulfilment_ref}
    evidence: JsonObject = {
        "evidenceId": _evidence_id(dispute),
        "evidenceType": "PROOF_OF_DELIVERY",
        "providedDate": iso(given.at_ms),
        "lineItems": _line_items(view, dispute),
        "shipmentTracking": [tracking | {"shippingCarrierCode": view.seller.site.carrier}],
    }
    return [evidence]


def _resolution(view: TroubleView, dispute: Trouble, steps: list[Step]) -> JsonObject | None:
    last = steps[-1]
    if last.kind.status != _CLOSED:
        return None
    cents, outcome = _cents(view, dispute), _OUTCOMES.get(last.kind.name, "SELLER_ACCEPT")
    resolution: JsonObject = {"reasonForClosure": outcome}
    if outcome == "SELLER_WON" or not dispute.holds_funds:
        return resolution | {
            "protectionStatus": "FULLY_PROTECTED",
            "protectedAmount": _amount(view, cents),
        }
    resolution |= {"protectionStatus": "NOT_PROTECTED", "recoupAmount": _amount(view, cents)}
    if outcome == "SELLER_LOST":
        resolution["fees"] = _amount(view, _FEE_CENTS)
    return resolution


def _monetary_transactions(view: TroubleView, dispute: Trouble, steps: list[Step]) -> list[JsonObject]:
    resolution = _resolution(view, dispute, steps) or {}
    at = iso(steps[-1].at_ms)
    charges = (("RECOUP_AMOUNT", resolution.get("recoupAmount")), ("DISPUTE_FEE", resolution.get("fees")))
    return [
        {"date": at, "type": "CHARGE", "reason": reason, "amount": amount}
        for reason, amount in charges
        if amount is not None
    ]
