"""The JSON of returns (03 §7.3): a summary for the search, a detail with the history, apart from each other.

Ids are strings in both. `state` and `status` are two enumerations: an escalated return keeps its state.
"""

from random import Random

from ebayconnector.simulator.buyers import Buyer
from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.sites import Site
from ebayconnector.simulator.times import DAY_MS
from ebayconnector.simulator.trouble_body import ANSWER_DUE_MS, TroubleView, date, present
from ebayconnector.simulator.trouble_book import Trouble
from ebayconnector.simulator.trouble_lives import BUYER, ESCALATE, SELLER, Step, StepKind

_TIMEOUT_MS = 35 * DAY_MS
_REASONS = (
    ("DEFECTIVE_ITEM", "SNAD"),
    ("NOT_AS_DESCRIBED", "SNAD"),
    ("ARRIVED_DAMAGED", "SNAD"),
    ("WRONG_SIZE", "REMORSE"),
    ("NO_LONGER_NEED_ITEM", "REMORSE"),
    ("ORDERED_ACCIDENTALLY", "REMORSE"),
)
_COMMENTS = (
    "It does not work.",
    "Passt leider nicht – zu groß.",
    "Couleur différente de l’annonce",
    'arrived "broken" <see photo> & smells',
    "",
)


def state_of(steps: list[Step]) -> str:
    """The last state; not every step sets one."""
    return next(step.kind.state for step in reversed(steps) if step.kind.state)


def return_summary(view: TroubleView, trouble: Trouble) -> JsonObject:
    steps = trouble.seen(view.now_ms)
    last = steps[-1]
    body: JsonObject = {
        "returnId": str(trouble.number),
        "orderId": view.order_id(trouble),
        "buyerLoginName": view.facts(trouble).buyer.username,
        "sellerLoginName": view.seller.username,
        "currentType": "MONEY_BACK",
        "state": state_of(steps),
        "status": last.kind.status,
        "creationInfo": _creation(view, trouble),
        "sellerTotalRefund": _refund(view, trouble, steps),
        "buyerTotalRefund": _refund(view, trouble, steps),
        "sellerResponseDue": _due(last, SELLER),
        "buyerResponseDue": _due(last, BUYER),
        "escalationInfo": _escalation(trouble, view.now_ms),
        "sellerAvailableOptions": _options(trouble, last, SELLER),
        "buyerAvailableOptions": _options(trouble, last, BUYER),
        "returnPolicy": {"returnDays": 30, "rmaRequired": False},
        "timeoutDate": None if last.kind.ends else date(trouble.opened_ms + _TIMEOUT_MS),
    }
    return apply_patch(present(body), trouble.summary_patch)


def _creation(view: TroubleView, trouble: Trouble) -> JsonObject:
    line, source = view.line(trouble), view.source(trouble)
    reason, reason_type = source.choice(_REASONS)
    comments = source.choice(_COMMENTS)
    item = {"itemId": line.listing.item_id, "transactionId": line.line_item_id}
    info: JsonObject = {
        "creationDate": date(trouble.opened_ms),
        "item": item | {"returnQuantity": trouble.quantity},
        "reason": reason,
        "reasonType": reason_type,
        "type": "MONEY_BACK",
    }
    return info | {"comments": {"content": comments}} if comments else info


def _refund(view: TroubleView, trouble: Trouble, steps: list[Step]) -> JsonObject:
    cents = view.cents(trouble)
    refund = {"estimatedRefundAmount": view.amount(trouble, cents)}
    if any(step.kind.name == "accept" for step in steps):
        refund["actualRefundAmount"] = view.amount(trouble, max(1, cents // 2))
    elif any(step.kind.name == "refund" for step in steps):
        refund["actualRefundAmount"] = view.amount(trouble, cents)
    return refund


def _due(last: Step, party: str) -> JsonObject | None:
    if last.kind.waits != party:
        return None
    return {"activityDue": last.kind.due, "respondByDate": date(last.at_ms + ANSWER_DUE_MS)}


def _options(trouble: Trouble, last: Step, party: str) -> list[JsonObject]:
    if last.kind.waits != party:
        return []
    url = f"https://www.ebay.com/rtn/Return/ReturnsDetail?returnId={trouble.number}"
    return [{"actionType": last.kind.due, "actionURL": url}]


def _escalation(trouble: Trouble, now_ms: int) -> JsonObject | None:
    if trouble.case is None or not trouble.is_escalated(now_ms):
        return None
    return {"caseId": str(trouble.case.number)}


# -- the detail -------------------------------------------------------------------------------------------


def return_detail(view: TroubleView, trouble: Trouble) -> JsonObject:
    """What stands under `detail`. Its last change is the newest entry of responseHistory."""
    steps, line = trouble.seen(view.now_ms), view.line(trouble)
    item: JsonObject = {"itemId": line.listing.item_id, "transactionId": line.line_item_id}
    item |= {"itemTitle": line.listing.title, "itemPrice": view.amount(trouble, line.listing.price)}
    body: JsonObject = {
        "itemDetail": item | {"returnQuantity": trouble.quantity},
        "refundInfo": _refund_info(view, trouble, steps),
        "closeInfo": _close_info(steps[-1].kind),
        "returnShipmentInfo": _shipment(view, trouble, steps),
        "files": [],
        "marketplaceId": view.seller.site.marketplace,
        "buyerAddress": _buyer_address(view.facts(trouble).buyer),
        "sellerAddress": _seller_address(view.seller.first_name, view.seller.last_name, view.seller.site),
        "responseHistory": _response_history(view, trouble, steps),
    }
    return apply_patch(present(body), trouble.detail_patch)


def _refund_info(view: TroubleView, trouble: Trouble, steps: list[Step]) -> JsonObject:
    refund = _refund(view, trouble, steps)
    info = {"estimatedRefundDetail": {"totalAmount": refund["estimatedRefundAmount"]}}
    if "actualRefundAmount" in refund:
        info["actualRefundDetail"] = {"totalAmount": refund["actualRefundAmount"]}
    return info


def _close_info(kind: StepKind) -> JsonObject | None:
    if not kind.ends:
        return None
    if kind.actor == BUYER:
        return {"returnCloseReason": "BUYER_CLOSED", "buyerCloseReason": "ITEM_KEPT"}
    return {"returnCloseReason": "REFUNDED" if kind.actor == SELLER else "ESCALATED_OR_TIMED_OUT"}


def _shipment(view: TroubleView, trouble: Trouble, steps: list[Step]) -> JsonObject | None:
    shipped = next((step for step in steps if step.kind.name == "ship"), None)
    if shipped is None:
        return None
    arrived = any(step.kind.name == "deliver" for step in steps)
    tracking = {
        "carrierName": view.seller.site.carrier,
        "trackingNumber": _tracking_number(view.source(trouble)),
        "deliveryStatus": "DELIVERED" if arrived else "IN_TRANSIT",
    }
    return {"shipmentTracking": tracking | {"actualShipDate": date(shipped.at_ms)}}


def _tracking_number(source: Random) -> str:
    return f"RT{source.randrange(10**12, 10**13)}"


def _buyer_address(buyer: Buyer) -> JsonObject:
    address = {"addressLine1": buyer.address_line_1, "city": buyer.city, "stateOrProvince": buyer.state}
    address |= {"postalCode": buyer.postal_code, "country": buyer.site.country}
    return {"name": buyer.full_name, "address": address}


def _seller_address(first_name: str, last_name: str, site: Site) -> JsonObject:
    city, state, postal_code = site.places[0]
    address = {"addressLine1": site.streets[0], "city": city, "stateOrProvince": state}
    address |= {"postalCode": postal_code, "country": site.country}
    return {"name": f"{first_name} {last_name}", "address": address}


def _response_history(view: TroubleView, trouble: Trouble, steps: list[Step]) -> list[JsonObject]:
    rows: list[JsonObject] = []
    state = "INITIAL"
    for step in steps:
        before, state = state, step.kind.state or state
        row = {"activity": step.kind.activity, "author": step.kind.actor, "creationDate": date(step.at_ms)}
        row |= {"fromState": before, "toState": state}
        rows.append(row | _attributes(view, trouble, step.kind))
    return rows


def _attributes(view: TroubleView, trouble: Trouble, kind: StepKind) -> JsonObject:
    """What some activities bring along."""
    if kind.name == "ship":
        number = _tracking_number(view.source(trouble))
        return {"attributes": {"trackingNumber": number, "carrierUsed": view.seller.site.carrier}}
    if kind.name == "offer":
        half = view.amount(trouble, max(1, view.cents(trouble) // 2))
        return {"attributes": {"partialRefundAmount": half}, "notes": "Would half of it do?"}
    return {"notes": view.note(trouble)} if kind.name == ESCALATE else {}
