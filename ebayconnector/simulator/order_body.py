"""The JSON of one order as getOrders and getOrder give it (03 §4.1), made from compact state on demand."""

from dataclasses import dataclass

from ebayconnector.simulator.buyers import Buyer
from ebayconnector.simulator.json_types import JsonObject, apply_patch
from ebayconnector.simulator.order_book import (
    CANCEL_ASKED,
    CANCEL_STATE,
    CANCELED,
    FULFILLED,
    FULFILMENT_STATUS,
    FULLY_REFUNDED,
    IN_PROGRESS,
    NO_CANCEL,
    NOT_STARTED,
    PARTIALLY_REFUNDED,
    PAYMENT_STATUS,
    OrderBook,
)
from ebayconnector.simulator.order_facts import Line, OrderFacts, order_facts
from ebayconnector.simulator.responses import json_bytes
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.sites import Site
from ebayconnector.simulator.times import DAY_MS, iso

EMAIL_KEPT_MS = 14 * DAY_MS  # 03 §0, 12
ADDRESS_KEPT_MS = 90 * DAY_MS


@dataclass(frozen=True, slots=True)
class View:
    """How a body is looked at: at what moment, from which address, with which field groups."""

    now_ms: int
    base_url: str
    tax_breakdown: bool = False
    cancel_requests: bool = False  # only getOrder fills them (03 §4.2)


@dataclass(frozen=True, slots=True)
class _Order:
    """One order at work: its facts beside its state."""

    book: OrderBook
    n: int
    seller: Seller
    facts: OrderFacts
    view: View

    @property
    def order_id(self) -> str:
        return self.book.order_id(self.n)

    @property
    def age_ms(self) -> int:
        return self.view.now_ms - self.book.created[self.n]

    def money(self, cents: int) -> JsonObject:
        return {"value": _decimal(cents), "currency": self.seller.site.currency}

    def paid_money(self, cents: int) -> JsonObject:
        """An amount that the buyer may have paid in another currency."""
        rate = self.facts.converted_rate
        if rate is None:
            return self.money(cents)
        paid, currency = _decimal(int(cents * rate)), self.facts.buyer.site.currency
        return self.money(cents) | {"convertedFromValue": paid, "convertedFromCurrency": currency}

    def line_total(self, line: Line) -> int:
        """Tax that eBay collects is part of the totals only with TAX_BREAKDOWN (contract, `total`)."""
        return line.total + (line.tax if self.view.tax_breakdown else 0)

    @property
    def total(self) -> int:
        return sum(self.line_total(line) for line in self.facts.lines)

    @property
    def due(self) -> int:
        """What the seller gets before refunds: without the tax that eBay collects."""
        return sum(line.total for line in self.facts.lines)

    @property
    def refunded(self) -> int:
        payment = self.book.payment[self.n]
        if payment == FULLY_REFUNDED:
            return self.due
        return max(1, int(self.due * self.facts.refund_share)) if payment == PARTIALLY_REFUNDED else 0


def _decimal(cents: int) -> str:
    return f"{cents // 100}.{cents % 100:02d}"


def order_body(book: OrderBook, n: int, seller: Seller, view: View) -> JsonObject:
    """One order; the same state seen at the same moment gives the same body."""
    facts = order_facts(seed=book.seed, seller_number=book.seller_number, site=seller.site, n=n)
    order = _Order(book, n, seller, facts, view)
    body = _head(order)
    body["buyer"] = _buyer(order)
    if facts.note is not None:
        body["buyerCheckoutNotes"] = facts.note
    body["pricingSummary"] = _pricing(order)
    body["cancelStatus"] = _cancel_status(order)
    body["paymentSummary"] = _payment_summary(order)
    body["fulfillmentStartInstructions"] = [_start_instruction(order)]
    body |= _fulfilment_hrefs(order)
    body["lineItems"] = [_line_item(order, at, line) for at, line in enumerate(facts.lines)]
    body |= _fees(order)
    patch = book.patches.get(n)
    return body if patch is None else apply_patch(body, patch)


def order_bytes(book: OrderBook, n: int, seller: Seller, view: View, *, kept: int = 0) -> bytes:
    """`order_body` as JSON; `kept`: how many of the book's are kept for the next time."""
    if not kept:
        return json_bytes(order_body(book, n, seller, view))
    age_ms = view.now_ms - book.created[n]
    shown = (age_ms <= EMAIL_KEPT_MS, age_ms <= ADDRESS_KEPT_MS)
    key = (n, book.revision[n], shown, view.base_url, view.tax_breakdown, view.cancel_requests)
    written = book.written.get(key)
    if written is None:
        if len(book.written) >= kept:
            book.written.clear()
        written = book.written[key] = json_bytes(order_body(book, n, seller, view))
    return written


def _head(order: _Order) -> JsonObject:
    book, n = order.book, order.n
    body: JsonObject = {"orderId": order.order_id}
    if order.facts.quirks.legacy_order_id:
        first = order.facts.lines[0]
        body["legacyOrderId"] = f"{first.listing.item_id}-{first.line_item_id}"
    body["creationDate"] = iso(book.created[n])
    body["lastModifiedDate"] = iso(book.modified[n])
    body["orderFulfillmentStatus"] = FULFILMENT_STATUS[book.fulfilment[n]]
    body["orderPaymentStatus"] = PAYMENT_STATUS[book.payment[n]]
    body["sellerId"] = order.seller.username
    if order.facts.quirks.sales_record:
        body["salesRecordReference"] = str(n + 1)
    return body


def _buyer(order: _Order) -> JsonObject:
    buyer = order.facts.buyer
    body: JsonObject = {"username": buyer.username}
    tax_address = {"stateOrProvince": buyer.state, "postalCode": buyer.postal_code}
    body["taxAddress"] = tax_address | {"countryCode": buyer.site.country}
    body["buyerRegistrationAddress"] = _contact(order, buyer)
    return body


def _contact(order: _Order, buyer: Buyer) -> JsonObject:
    """Name and address without what eBay no longer shows at the order's age (03 §0, 12)."""
    personal = order.age_ms <= ADDRESS_KEPT_MS
    contact: JsonObject = {"fullName": buyer.full_name} if personal else {}
    if personal and buyer.company:
        contact["companyName"] = buyer.company
    contact["contactAddress"] = _address(buyer, personal=personal)
    if personal:
        contact["primaryPhone"] = {"phoneNumber": buyer.phone}
    if order.age_ms <= EMAIL_KEPT_MS and not order.facts.quirks.email_absent:
        contact["email"] = buyer.email
    return contact


def _address(buyer: Buyer, *, personal: bool) -> JsonObject:
    address: JsonObject = {"addressLine1": buyer.address_line_1} if personal else {}
    if personal and buyer.address_line_2:
        address["addressLine2"] = buyer.address_line_2
    address |= {"city": buyer.city, "stateOrProvince": buyer.state}
    return address | {"postalCode": buyer.postal_code, "countryCode": buyer.site.country}


def _pricing(order: _Order) -> JsonObject:
    lines = order.facts.lines
    discount = sum(line.discount for line in lines)
    summary: JsonObject = {"priceSubtotal": order.paid_money(sum(line.cost for line in lines))}
    if discount:  # a negative number, says the contract
        summary["priceDiscount"] = order.money(discount) | {"value": f"-{_decimal(discount)}"}
    summary["deliveryCost"] = order.paid_money(sum(line.shipping for line in lines))
    summary["total"] = order.paid_money(order.total)
    return summary


def _cancel_status(order: _Order) -> JsonObject:
    state = order.book.cancel[order.n]
    status: JsonObject = {"cancelState": CANCEL_STATE[state]}
    if state == CANCELED:
        status["cancelledDate"] = iso(order.book.cancel_ms(order.n))
    elif order.facts.quirks.cancelled_date_null:
        status["cancelledDate"] = None
    asked = order.view.cancel_requests and state != NO_CANCEL
    status["cancelRequests"] = [_cancel_request(order)] if asked else []
    return status


def _cancel_request(order: _Order) -> JsonObject:
    at = iso(order.book.cancel_ms(order.n))
    pending = order.book.cancel[order.n] == CANCEL_ASKED
    request: JsonObject = {
        "cancelRequestId": str(int(order.facts.refund_id) + 11),
        "cancelReason": order.facts.cancel_reason,
        "cancelInitiator": "Seller" if order.facts.cancel_reason.startswith("OUT_OF") else "Buyer",
        "cancelRequestedDate": at,
        "cancelRequestState": "REQUESTED" if pending else "COMPLETED",
    }
    return request if pending else request | {"cancelCompletedDate": at}


def _payment_summary(order: _Order) -> JsonObject:
    payment: JsonObject = {
        "paymentMethod": "EBAY",
        "paymentReferenceId": order.facts.payment_reference,
        "paymentDate": iso(order.book.created[order.n]),
        "amount": order.paid_money(order.total),
        "paymentStatus": "PAID",
    }
    due = order.money(order.due - order.refunded)
    summary: JsonObject = {"totalDueSeller": due, "payments": [payment]}
    if order.refunded:
        summary["refunds"] = [_refund(order, order.refunded) | {"refundStatus": "REFUNDED"}]
    elif not order.facts.quirks.empty_refunds_absent:
        summary["refunds"] = []
    return summary


def _refund(order: _Order, cents: int) -> JsonObject:
    return {
        "refundId": order.facts.refund_id,
        "refundReferenceId": f"{order.facts.refund_id}00",
        "refundDate": iso(order.book.refund_ms(order.n)),
        "amount": order.money(cents),
    }


def _start_instruction(order: _Order) -> JsonObject:
    site, created = order.seller.site, order.book.created[order.n]
    step: JsonObject = {
        "shipTo": _contact(order, order.facts.buyer),
        "shippingCarrierCode": site.carrier,
        "shippingServiceCode": site.shipping_service,
    }
    instruction: JsonObject = {
        "fulfillmentInstructionsType": "SHIP_TO",
        "minEstimatedDeliveryDate": iso(created + 3 * DAY_MS),
        "maxEstimatedDeliveryDate": iso(created + 7 * DAY_MS),
        "ebaySupportedFulfillment": False,
        "shippingStep": step,
    }
    if order.facts.quirks.final_destination:
        personal = order.age_ms <= ADDRESS_KEPT_MS
        instruction["finalDestinationAddress"] = _address(order.facts.buyer, personal=personal)
    return instruction


def _fulfilment_hrefs(order: _Order) -> JsonObject:
    if order.book.fulfilment[order.n] != NOT_STARTED:
        path = (
            f"/sell/fulfillment/v1/order/{order.order_id}/shipping_fulfillment/{order.facts.fulfilment_ref}"
        )
        return {"fulfillmentHrefs": [order.view.base_url + path]}
    return {} if order.facts.quirks.empty_hrefs_absent else {"fulfillmentHrefs": []}


def _line_status(order: _Order, at: int) -> str:
    """In a partly shipped order the first of several lines is on its way."""
    status = order.book.fulfilment[order.n]
    if status == IN_PROGRESS and len(order.facts.lines) > 1:
        status = FULFILLED if at == 0 else NOT_STARTED
    return FULFILMENT_STATUS[status]


def _line_item(order: _Order, at: int, line: Line) -> JsonObject:
    marketplace = order.seller.site.marketplace
    item: JsonObject = {"lineItemId": line.line_item_id, "legacyItemId": line.listing.item_id}
    if line.listing.variation_id is not None:
        item["legacyVariationId"] = line.listing.variation_id
        item["variationAspects"] = [{"name": k, "value": v} for k, v in line.listing.variation_aspects]
    if line.listing.sku is not None:
        item["sku"] = line.listing.sku
    item |= {
        "title": line.listing.title,
        "lineItemCost": order.paid_money(line.cost),
        "quantity": line.quantity,
        "soldFormat": line.listing.sold_format,
        "listingMarketplaceId": marketplace,
        "purchaseMarketplaceId": order.facts.buyer.site.marketplace
        if order.facts.converted_rate
        else marketplace,
        "lineItemFulfillmentStatus": _line_status(order, at),
        "total": order.paid_money(order.line_total(line)),
        "deliveryCost": {"shippingCost": order.paid_money(line.shipping)},
        "appliedPromotions": [],
    }
    return item | _line_details(order, at, line)


def _line_details(order: _Order, at: int, line: Line) -> JsonObject:
    created, site = order.book.created[order.n], order.seller.site
    details: JsonObject = {
        "properties": {
            "buyerProtection": True,
            "fromBestOffer": line.best_offer,
            "soldViaAdCampaign": line.ad_campaign,
        },
        "lineItemFulfillmentInstructions": {
            "shipByDate": iso(created + 2 * DAY_MS),
            "guaranteedDelivery": False,
        },
        "itemLocation": {"countryCode": site.country, "postalCode": site.places[0][2]},
    }
    if line.discount:
        details["discountedLineItemCost"] = order.paid_money(line.cost - line.discount)
    if order.view.tax_breakdown:
        tax = {"taxType": _tax_type(site), "amount": order.money(line.tax)}
        details["taxes"] = [tax] if line.tax else []
    elif order.facts.quirks.tax_container:
        details["taxes"] = []
    if line.tax:
        tax = {"taxType": _tax_type(site), "amount": order.money(line.tax)}
        details["ebayCollectAndRemitTaxes"] = [tax | {"collectionMethod": "NET"}]
    if order.refunded and at == 0:
        details["refunds"] = [_refund(order, min(order.refunded, line.total))]
    return details


def _tax_type(site: Site) -> str:
    return "STATE_SALES_TAX" if site.key == "US" else "GST"


def _fees(order: _Order) -> JsonObject:
    body: JsonObject = {"ebayCollectAndRemitTax": any(line.tax for line in order.facts.lines)}
    if order.facts.quirks.marketplace_fee:
        body["totalFeeBasisAmount"] = order.money(order.due)
        body["totalMarketplaceFee"] = order.money(order.due * 13 // 100 + 30)
    if order.facts.quirks.program:
        body["program"] = {"authenticityVerification": {"status": "PENDING"}}
    return body
