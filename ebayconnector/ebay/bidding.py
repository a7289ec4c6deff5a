"""Buy Offer: bids on auctions with the bidder's own token (03 §9).

`v1_beta` is a Limited Release: production needs eBay's approval, and a keyset without it lacks the scope.
A bid can only be raised and never be taken back. A bid whose answer is missing may stand: nothing here sends
it again, and `get_bidding` tells.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from .bid_reasons import is_no_activity
from .client import EbayClient
from .endpoints import GET_BIDDING, PLACE_PROXY_BID, Endpoint
from .errors import NotFound, Refused
from .money import Money, money
from .timefmt import parse_ebay_time

# Before everything else, with the tokens: our own governor of quotas must not hold a bid back.
FIRST_LANE = 0


@dataclass(frozen=True, slots=True)
class Bidding:
    """The auction as one bidder sees it. `own_maximum` is the proof of a bid, `high_bidder` of leading.

    `reserve_met` is None where there is no reserve price. `status` is LIVE or ENDED.
    """

    item_id: str
    status: str
    ends_at: datetime | None
    bid_count: int
    current_price: Money | None
    own_maximum: Money | None
    proxy_bid_id: str
    high_bidder: bool
    reserve_met: bool | None
    suggested: tuple[Money, ...] = ()

    @property
    def is_over(self) -> bool:
        return self.status == "ENDED"

    @property
    def is_won(self) -> bool:
        """Ended, leading, and not below the seller's reserve."""
        return self.is_over and self.high_bidder and self.reserve_met is not False

    def holds(self, maximum: Money) -> bool:
        """Whether eBay knows a maximum of this bidder at least that high."""
        own = self.own_maximum
        return own is not None and own.currency == maximum.currency and own.value >= maximum.value


def place_proxy_bid(
    client: EbayClient,
    item_id: str,
    *,
    maximum: Money,
    adult_consent: bool = False,
    deadline_s: float | None = None,
) -> str:
    """Bid up to `maximum` on the RESTful `item_id`; answers eBay's id of the proxy bid.

    Sent once, in the first lane. Raises the classes of `errors`; `bid_reasons.reason_of` says what they
    mean. What is not a clear refusal leaves the outcome unknown. A success does not say who leads.
    """
    answer = client.in_lane(FIRST_LANE).call(
        _within(PLACE_PROXY_BID, deadline_s),
        path={"item_id": item_id},
        json=bid_body(maximum, adult_consent=adult_consent),
    )
    proxy_bid_id = answer.json().get("proxyBidId")
    if not isinstance(proxy_bid_id, str) or not proxy_bid_id:
        error = answer.bad("no proxyBidId")
        error.retryable = False
        raise error
    return proxy_bid_id


def get_bidding(client: EbayClient, item_id: str, *, deadline_s: float | None = None) -> Bidding | None:
    """The auction as the bidder sees it; None: eBay knows no bid of this user there (120033).

    In the first lane. Raises the classes of `errors`; NotFound: the item is gone.
    """
    try:
        answer = client.in_lane(FIRST_LANE).call(_within(GET_BIDDING, deadline_s), path={"item_id": item_id})
    except (Refused, NotFound) as error:
        if is_no_activity(error.errors):
            return None
        raise
    try:
        return read_bidding(answer.json())
    except ValueError as error:
        raise answer.bad(str(error)) from None


def bid_body(maximum: Money, *, adult_consent: bool) -> dict[str, Any]:
    """PlaceProxyBidRequest. VAT is no part of a bid; the currency must be the listing's."""
    return {"maxAmount": maximum.as_json(), "userConsent": {"adultOnlyItem": adult_consent}}


def read_bidding(document: dict[str, Any]) -> Bidding:
    """The bidding in a decoded answer. ValueError when it does not say how the auction and the bid stand."""
    status, high_bidder = document.get("auctionStatus"), document.get("highBidder")
    if status not in ("LIVE", "ENDED"):
        raise ValueError("auctionStatus is neither LIVE nor ENDED")
    if not isinstance(high_bidder, bool):
        raise ValueError("no highBidder")
    own, reserve, count = (document.get(name) for name in ("currentProxyBid", "reservePriceMet", "bidCount"))
    own = own if isinstance(own, dict) else {}
    return Bidding(
        item_id=str(document.get("itemId") or ""),
        status=status,
        ends_at=_time(document.get("auctionEndDate")),
        bid_count=count if isinstance(count, int) else 0,
        current_price=money(document.get("currentPrice")),
        own_maximum=money(own.get("maxAmount")),
        proxy_bid_id=str(own.get("proxyBidId") or ""),
        high_bidder=high_bidder,
        reserve_met=reserve if isinstance(reserve, bool) else None,
        suggested=_amounts(document.get("suggestedBidAmounts")),
    )


def _within(endpoint: Endpoint, deadline_s: float | None) -> Endpoint:
    return endpoint if deadline_s is None else replace(endpoint, deadline_s=deadline_s)


def _time(value: Any) -> datetime | None:
    return parse_ebay_time(value) if isinstance(value, str) else None


def _amounts(values: Any) -> tuple[Money, ...]:
    found = [money(value) for value in values] if isinstance(values, list) else []
    return tuple(amount for amount in found if amount)
