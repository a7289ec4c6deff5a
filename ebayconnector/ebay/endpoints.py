"""The calls that we make, as data. Adding a call is adding an entry; the client needs no change.

`api` is the quota family that eBay counts the call under (03 §14.1).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Literal
from urllib.parse import quote

from .environments import Environment
from .trading_xml import Records

Host = Literal["api", "apiz", "apim", "auth"]
Auth = Literal["bearer", "iaf", "trading", "basic", "none"]
Kind = Literal["rest", "trading", "oauth"]

_SCOPE_ROOT = "https://api.ebay.com/oauth/api_scope"
SCOPE_BASE = _SCOPE_ROOT
SCOPE_FULFILLMENT = f"{_SCOPE_ROOT}/sell.fulfillment"
SCOPE_FULFILLMENT_READONLY = f"{_SCOPE_ROOT}/sell.fulfillment.readonly"
SCOPE_FINANCES = f"{_SCOPE_ROOT}/sell.finances"
SCOPE_INVENTORY = f"{_SCOPE_ROOT}/sell.inventory"
SCOPE_INVENTORY_READONLY = f"{_SCOPE_ROOT}/sell.inventory.readonly"
SCOPE_PAYMENT_DISPUTE = f"{_SCOPE_ROOT}/sell.payment.dispute"
SCOPE_IDENTITY = f"{_SCOPE_ROOT}/commerce.identity.readonly"
SCOPE_MESSAGE = f"{_SCOPE_ROOT}/commerce.message"
SCOPE_NOTIFICATION = f"{_SCOPE_ROOT}/commerce.notification.subscription"
SCOPE_OFFER_AUCTION = f"{_SCOPE_ROOT}/buy.offer.auction"

# The documented schema version that requests and answers follow (03 §3.1).
TRADING_VERSION = "1423"

_PLACEHOLDER = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One call of eBay's.

    `repeatable`: sending it twice does no harm, so that the client may try again. `deadline_s` bounds one
    attempt as a whole. `empty_ok`: a 204 has no body ("nothing to show"), nor need the answer to a change,
    but for a 200. `scopes`: any one of them suffices. `headers` are sent in addition to those of the kind of
    API.
    `signed`: eBay demands a message signature of sellers in the EU and UK (03 §12.2); sent for all.
    `records`: where a Trading answer keeps its records, which are read into `Answer.records` then.
    `raw_member`: the list in a JSON answer whose objects are left as eBay's bytes.
    """

    name: str
    api: str
    host: Host
    method: str
    path: str
    auth: Auth
    repeatable: bool
    deadline_s: float = 30.0
    empty_ok: bool = False
    scopes: tuple[str, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    signed: bool = False
    records: Records | None = None
    raw_member: str = ""

    @property
    def kind(self) -> Kind:
        """The family of request, answer and error shapes."""
        if self.auth == "trading":
            return "trading"
        return "oauth" if self.auth == "basic" else "rest"

    def url(self, environment: Environment, path: Mapping[str, str] | None = None) -> str:
        """The address with its placeholders filled and percent-encoded.

        ValueError for a value that would lead elsewhere (empty, `.`, `..`), one missing or one too many.
        """
        values = dict(path or {})
        filled = _PLACEHOLDER.sub(lambda match: _segment(match[1], values), self.path)
        if values:
            raise ValueError(f"{self.name} has no place for {', '.join(sorted(values))}")
        base: str = getattr(environment, self.host)
        return f"{base}{filled}"


def _segment(name: str, values: dict[str, str]) -> str:
    value = values.pop(name, "")
    if value in ("", ".", ".."):
        raise ValueError(f"{name} in the path cannot be {value!r}")
    return quote(value, safe="")


def trading_endpoint(name: str, *, repeatable: bool | None = None) -> Endpoint:
    """A Trading call by its name (03 §3.1); calls named `Get…` only read, so they are repeatable."""
    return Endpoint(
        name=name,
        api="trading",
        host="api",
        method="POST",
        path="/ws/api.dll",
        auth="trading",
        repeatable=name.startswith("Get") if repeatable is None else repeatable,
        scopes=(SCOPE_BASE,),
    )


# 03 §1.2. A code is good for one exchange only, so that call is never repeated.
TOKEN = Endpoint(
    name="exchangeCode",
    api="token",
    host="api",
    method="POST",
    path="/identity/v1/oauth2/token",
    auth="basic",
    repeatable=False,
)
# One attempt of at most 12 s: the lease under which a token is refreshed lasts 30 s.
REFRESH_TOKEN = replace(TOKEN, name="refreshToken", repeatable=True, deadline_s=12.0)
APPLICATION_TOKEN = replace(TOKEN, name="mintApplicationToken", repeatable=True, deadline_s=12.0)

GET_USER = Endpoint(
    name="getUser",
    api="identity",
    host="apiz",
    method="GET",
    path="/commerce/identity/v1/user/",
    auth="bearer",
    repeatable=True,
    scopes=(SCOPE_IDENTITY,),
)

TRADING_GET_USER = trading_endpoint("GetUser")

# What the Trading schema lets repeat in these records (03 §3.5–3.7); a name is a list wherever it stands.
_REPEATING = frozenset(
    {
        "CrossBorderTrade",
        "ExternalTransaction",
        "InternationalShippingServiceOption",
        "MessageMedia",
        "NameValueList",
        "PaymentMethods",
        "PictureURL",
        "SellerDiscount",
        "ShipToLocation",
        "ShipToLocations",
        "ShipmentTrackingDetails",
        "ShippingServiceOptions",
        "Transaction",
        "Value",
        "Variation",
        "VariationSpecificPictureSet",
    }
)
GET_MY_MESSAGES = replace(
    trading_endpoint("GetMyMessages"), records=Records(("Messages", "Message"), _REPEATING)
)
GET_MY_MESSAGES_SUMMARY = trading_endpoint("GetMyMessages")
GET_MY_EBAY_SELLING = replace(
    trading_endpoint("GetMyeBaySelling"), records=Records(("ActiveList", "ItemArray", "Item"), _REPEATING)
)
GET_MY_EBAY_BUYING = replace(
    trading_endpoint("GetMyeBayBuying"),
    records=Records(("WonList", "OrderTransactionArray", "OrderTransaction"), _REPEATING),
)

GET_ORDERS = Endpoint(
    name="getOrders",
    api="fulfillment",
    host="api",
    method="GET",
    path="/sell/fulfillment/v1/order",
    auth="bearer",
    repeatable=True,
    scopes=(SCOPE_FULFILLMENT_READONLY, SCOPE_FULFILLMENT),
    raw_member="orders",
)
GET_ORDER = replace(GET_ORDERS, name="getOrder", path="/sell/fulfillment/v1/order/{order_id}", raw_member="")

# 03 §5; 204 means "nothing found".
GET_TRANSACTIONS = Endpoint(
    name="getTransactions",
    api="finances",
    host="apiz",
    method="GET",
    path="/sell/finances/v1/transaction",
    auth="bearer",
    repeatable=True,
    empty_ok=True,
    scopes=(SCOPE_FINANCES,),
    signed=True,
)
GET_PAYOUTS = replace(GET_TRANSACTIONS, name="getPayouts", path="/sell/finances/v1/payout")
GET_TRANSFER = replace(
    GET_TRANSACTIONS,
    name="getTransfer",
    path="/sell/finances/v1/transfer/{transfer_id}",
    empty_ok=False,
)
GET_SELLER_FUNDS_SUMMARY = replace(
    GET_TRANSACTIONS, name="getSellerFundsSummary", path="/sell/finances/v1/seller_funds_summary"
)

# 03 §6. A 403/1100 may be an expired token there (03 §0, 7).
GET_INVENTORY_ITEMS = Endpoint(
    name="getInventoryItems",
    api="inventory",
    host="api",
    method="GET",
    path="/sell/inventory/v1/inventory_item",
    auth="bearer",
    repeatable=True,
    scopes=(SCOPE_INVENTORY_READONLY, SCOPE_INVENTORY),
)
GET_OFFERS = replace(GET_INVENTORY_ITEMS, name="getOffers", path="/sell/inventory/v1/offer")

# 03 §7. No scope is documented; users' tokens with the base scope are reported to work.
SEARCH_CASES = Endpoint(
    name="searchCases",
    api="postorder.case",
    host="api",
    method="GET",
    path="/post-order/v2/casemanagement/search",
    auth="iaf",
    repeatable=True,
    scopes=(SCOPE_BASE,),
    headers=(("Content-Type", "application/json"),),
)
GET_CASE = replace(SEARCH_CASES, name="getCase", path="/post-order/v2/casemanagement/{case_id}")
SEARCH_INQUIRIES = replace(
    SEARCH_CASES, name="searchInquiries", api="postorder.inquiry", path="/post-order/v2/inquiry/search"
)
GET_INQUIRY = replace(SEARCH_INQUIRIES, name="getInquiry", path="/post-order/v2/inquiry/{inquiry_id}")
SEARCH_RETURNS = replace(
    SEARCH_CASES, name="searchReturns", api="postorder.return", path="/post-order/v2/return/search"
)
GET_RETURN = replace(SEARCH_RETURNS, name="getReturn", path="/post-order/v2/return/{return_id}")

# 03 §4.3: the contract names api and apiz, its samples use apiz.
GET_PAYMENT_DISPUTES = Endpoint(
    name="getPaymentDisputeSummaries",
    api="payment_dispute",
    host="apiz",
    method="GET",
    path="/sell/fulfillment/v1/payment_dispute_summary",
    auth="bearer",
    repeatable=True,
    empty_ok=True,
    scopes=(SCOPE_PAYMENT_DISPUTE,),
)
GET_PAYMENT_DISPUTE = replace(
    GET_PAYMENT_DISPUTES,
    name="getPaymentDispute",
    path="/sell/fulfillment/v1/payment_dispute/{dispute_id}",
    empty_ok=False,
)

GET_RATE_LIMITS = Endpoint(
    name="getRateLimits",
    api="analytics",
    host="api",
    method="GET",
    path="/developer/analytics/v1_beta/rate_limit/",
    auth="bearer",
    repeatable=True,
    empty_ok=True,
    scopes=(SCOPE_BASE,),
)

# 03 §12.1, with an application token. The answer holds the private key, once.
CREATE_SIGNING_KEY = Endpoint(
    name="createSigningKey",
    api="key_management",
    host="apiz",
    method="POST",
    path="/developer/key_management/v1/signing_key",
    auth="bearer",
    repeatable=False,
    scopes=(SCOPE_BASE,),
)
GET_SIGNING_KEY = replace(
    CREATE_SIGNING_KEY,
    name="getSigningKey",
    method="GET",
    path="/developer/key_management/v1/signing_key/{signing_key_id}",
    repeatable=True,
)

# 03 §10, with an application token. What creates is answered 201 without a body, with a Location.
GET_NOTIFICATION_CONFIG = Endpoint(
    name="getConfig",
    api="notification",
    host="api",
    method="GET",
    path="/commerce/notification/v1/config",
    auth="bearer",
    repeatable=True,
    scopes=(SCOPE_BASE,),
)
UPDATE_NOTIFICATION_CONFIG = replace(
    GET_NOTIFICATION_CONFIG, name="updateConfig", method="PUT", empty_ok=True
)
GET_TOPICS = replace(GET_NOTIFICATION_CONFIG, name="getTopics", path="/commerce/notification/v1/topic")
GET_DESTINATIONS = replace(
    GET_NOTIFICATION_CONFIG, name="getDestinations", path="/commerce/notification/v1/destination"
)
CREATE_DESTINATION = replace(
    GET_DESTINATIONS, name="createDestination", method="POST", repeatable=False, empty_ok=True
)
UPDATE_DESTINATION = replace(
    GET_DESTINATIONS,
    name="updateDestination",
    method="PUT",
    path="/commerce/notification/v1/destination/{destination_id}",
    empty_ok=True,
)
GET_SUBSCRIPTIONS = replace(
    GET_NOTIFICATION_CONFIG, name="getSubscriptions", path="/commerce/notification/v1/subscription"
)
CREATE_SUBSCRIPTION = replace(
    GET_SUBSCRIPTIONS, name="createSubscription", method="POST", repeatable=False, empty_ok=True
)
UPDATE_SUBSCRIPTION = replace(
    GET_SUBSCRIPTIONS,
    name="updateSubscription",
    method="PUT",
    path="/commerce/notification/v1/subscription/{subscription_id}",
    empty_ok=True,
)
TEST_SUBSCRIPTION = replace(
    UPDATE_SUBSCRIPTION,
    name="testSubscription",
    method="POST",
    path="/commerce/notification/v1/subscription/{subscription_id}/test",
    repeatable=False,
)
GET_NOTIFICATION_KEY = replace(
    GET_NOTIFICATION_CONFIG,
    name="getPublicKey",
    path="/commerce/notification/v1/public_key/{public_key_id}",
    deadline_s=10.0,
)

# 03 §8: with an application token. An answer may be minutes old.
GET_ITEM_BY_LEGACY_ID = Endpoint(
    name="getItemByLegacyId",
    api="browse",
    host="api",
    method="GET",
    path="/buy/browse/v1/item/get_item_by_legacy_id",
    auth="bearer",
    repeatable=True,
    deadline_s=15.0,
    scopes=(SCOPE_BASE,),
)

# 03 §9: with the bidder's token. A bid is sent exactly once: without an answer its outcome is unknown, and
# only GET_BIDDING tells.
PLACE_PROXY_BID = Endpoint(
    name="placeProxyBid",
    api="buy_offer",
    host="api",
    method="POST",
    path="/buy/offer/v1_beta/bidding/{item_id}/place_proxy_bid",
    auth="bearer",
    repeatable=False,
    deadline_s=10.0,
    scopes=(SCOPE_OFFER_AUCTION,),
)
GET_BIDDING = replace(
    PLACE_PROXY_BID,
    name="getBidding",
    method="GET",
    path="/buy/offer/v1_beta/bidding/{item_id}",
    repeatable=True,
)
