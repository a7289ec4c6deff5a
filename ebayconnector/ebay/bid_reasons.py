"""What eBay's answer to a bid means, and what is to be done about it: the table of 03 §9."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from enum import StrEnum
from types import MappingProxyType

from .errors import EbayError
from .remote_errors import RemoteError


class Reaction(StrEnum):
    """What the bidder does next.

    REQUEST     our request is wrong: nothing to do before somebody repairs it
    TELL        the maximum does not go as it is: its owner decides
    OUTBID      the price is above it: read the minimum again, give up where it exceeds the maximum
    ENDED       too late
    INELIGIBLE  eBay or the seller does not let this user bid: eBay's words say why
    RECONNECT   the token or its scopes: the account's owner has to act
    WAIT        the application's quota is used up
    RESOLVE     the outcome is unknown: read the bidding before anything else
    """

    REQUEST = "request"
    TELL = "tell"
    OUTBID = "outbid"
    ENDED = "ended"
    INELIGIBLE = "ineligible"
    RECONNECT = "reconnect"
    WAIT = "wait"
    RESOLVE = "resolve"


class BidReason(StrEnum):
    """Why a bid does not stand, or is not known to; `reaction` is what follows."""

    ITEM_NOT_FOUND = "item_not_found"
    AMOUNT_INVALID = "amount_invalid"
    AMOUNT_MISSING = "amount_missing"
    CURRENCY_INVALID = "currency_invalid"
    MARKETPLACE_MISSING = "marketplace_missing"
    MARKETPLACE_UNSUPPORTED = "marketplace_unsupported"
    NO_DECIMALS = "no_decimals"
    ADULT_CONSENT_MISSING = "adult_consent_missing"
    CURRENCY_MISMATCH = "currency_mismatch"
    TOO_HIGH = "too_high"
    ABOVE_LIMIT = "above_limit"
    ABOVE_BUY_IT_NOW = "above_buy_it_now"
    CANNOT_LOWER = "cannot_lower"
    TOO_LOW = "too_low"
    AUCTION_ENDED = "auction_ended"
    BOUGHT_NOW = "bought_now"
    ITEM_GONE = "item_gone"
    IS_SELLER = "is_seller"
    NOT_ELIGIBLE = "not_eligible"
    SELLER_RESTRICTION = "seller_restriction"
    PRE_APPROVAL = "pre_approval"
    AGREEMENT = "agreement"
    ADULT_NOT_ALLOWED = "adult_not_allowed"
    PRIVACY_AGREEMENT = "privacy_agreement"
    BUSINESS_ONLY = "business_only"
    ITEM_UNAVAILABLE = "item_unavailable"
    PURCHASE_LIMIT = "purchase_limit"
    FEEDBACK = "feedback"
    SHIP_TO = "ship_to"
    PAYPAL = "paypal"
    POLICY = "policy"
    UNPAID_ITEMS = "unpaid_items"
    CARD_VERIFICATION = "card_verification"
    TOKEN_REJECTED = "token_rejected"
    ACCESS_NOT_GRANTED = "access_not_granted"
    QUOTA = "quota"
    SYSTEM_ERROR = "system_error"
    UNCLEAR = "unclear"
    REFUSED = "refused"

    @property
    def reaction(self) -> Reaction:
        return _REACTIONS.get(self, Reaction.INELIGIBLE)


NO_BIDDING_ACTIVITY = "120033"

_BY_ID: Mapping[str, BidReason] = MappingProxyType(
    {
        "1001": BidReason.TOKEN_REJECTED,
        "1002": BidReason.TOKEN_REJECTED,
        "1003": BidReason.TOKEN_REJECTED,
        "1100": BidReason.ACCESS_NOT_GRANTED,
        "2001": BidReason.QUOTA,
        "120000": BidReason.SYSTEM_ERROR,
        "120001": BidReason.ITEM_NOT_FOUND,
        "120002": BidReason.BOUGHT_NOW,
        "120003": BidReason.IS_SELLER,
        "120004": BidReason.NOT_ELIGIBLE,
        "120005": BidReason.ABOVE_BUY_IT_NOW,
        "120006": BidReason.SELLER_RESTRICTION,
        "120007": BidReason.TOO_HIGH,
        "120008": BidReason.TOO_LOW,
        "120009": BidReason.CURRENCY_MISMATCH,
        "120010": BidReason.CANNOT_LOWER,
        "120011": BidReason.ABOVE_LIMIT,
        "120012": BidReason.AUCTION_ENDED,
        "120013": BidReason.AMOUNT_INVALID,
        "120014": BidReason.CURRENCY_INVALID,
        "120015": BidReason.MARKETPLACE_MISSING,
        "120016": BidReason.AMOUNT_MISSING,
        "120017": BidReason.MARKETPLACE_UNSUPPORTED,
        "120018": BidReason.NO_DECIMALS,
        "120019": BidReason.PRE_APPROVAL,
        "120020": BidReason.AGREEMENT,
        "120021": BidReason.ADULT_NOT_ALLOWED,
        "120022": BidReason.PRIVACY_AGREEMENT,
        "120023": BidReason.BUSINESS_ONLY,
        "120024": BidReason.ITEM_UNAVAILABLE,
        "120025": BidReason.PURCHASE_LIMIT,
        "120026": BidReason.FEEDBACK,
        "120027": BidReason.SHIP_TO,
        "120028": BidReason.PAYPAL,
        "120029": BidReason.POLICY,
        "120030": BidReason.UNPAID_ITEMS,
        "120031": BidReason.CARD_VERIFICATION,
        "120032": BidReason.ADULT_CONSENT_MISSING,
    }
)

# A repeated bid of a maximum that already stands may be called lowering it: only the bidding tells.
_RESOLVED = (BidReason.CANNOT_LOWER, BidReason.SYSTEM_ERROR, BidReason.UNCLEAR)

_REACTIONS: Mapping[BidReason, Reaction] = MappingProxyType(
    {
        **dict.fromkeys(
            (
                BidReason.ITEM_NOT_FOUND,
                BidReason.AMOUNT_INVALID,
                BidReason.AMOUNT_MISSING,
                BidReason.CURRENCY_INVALID,
                BidReason.MARKETPLACE_MISSING,
                BidReason.MARKETPLACE_UNSUPPORTED,
                BidReason.NO_DECIMALS,
                BidReason.ADULT_CONSENT_MISSING,
                BidReason.CURRENCY_MISMATCH,
                BidReason.REFUSED,
            ),
            Reaction.REQUEST,
        ),
        BidReason.TOO_HIGH: Reaction.TELL,
        BidReason.ABOVE_LIMIT: Reaction.TELL,
        BidReason.ABOVE_BUY_IT_NOW: Reaction.TELL,
        BidReason.TOO_LOW: Reaction.OUTBID,
        BidReason.AUCTION_ENDED: Reaction.ENDED,
        BidReason.BOUGHT_NOW: Reaction.ENDED,
        BidReason.ITEM_GONE: Reaction.ENDED,
        BidReason.TOKEN_REJECTED: Reaction.RECONNECT,
        BidReason.ACCESS_NOT_GRANTED: Reaction.RECONNECT,
        BidReason.QUOTA: Reaction.WAIT,
        **dict.fromkeys(_RESOLVED, Reaction.RESOLVE),
    }
)


def bid_reason(status: int | None, errors: Iterable[RemoteError]) -> BidReason:
    """What an answer other than a success means. `status` None: there was no answer.

    5xx is never taken for a refusal, whatever its body says: the bid may stand.
    """
    if status is None or not 400 <= status < 500 or status == 408:
        known = {error.error_id for error in errors}
        return BidReason.SYSTEM_ERROR if "120000" in known else BidReason.UNCLEAR
    for error in errors:
        if error.error_id in _BY_ID and error.severity != "Warning":
            return _BY_ID[error.error_id]
    return _BY_STATUS.get(status, BidReason.REFUSED)


_BY_STATUS: Mapping[int, BidReason] = MappingProxyType(
    {
        401: BidReason.TOKEN_REJECTED,
        403: BidReason.ACCESS_NOT_GRANTED,
        404: BidReason.ITEM_GONE,
        429: BidReason.QUOTA,
    }
)


def reason_of(error: EbayError) -> BidReason:
    """What the error of a bid that was sent through the client means.

    An error that was raised before anything was sent (a token that cannot be had) has no status either and
    reads as UNCLEAR: reading the bidding clears it up.
    """
    return bid_reason(error.status, error.errors)


def is_no_activity(errors: Iterable[RemoteError]) -> bool:
    """eBay's way of saying that this user has no bid there (03 §9)."""
    return any(error.error_id == NO_BIDDING_ACTIVITY for error in errors)
