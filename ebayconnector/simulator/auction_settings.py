"""What can be set about auctions, Browse and Buy Offer."""

from dataclasses import asdict, dataclass
from typing import Literal, get_args

from ebayconnector.simulator.json_types import JsonObject

EndedItems = Literal["gone", "data"]
ENDED_ITEMS: tuple[str, ...] = get_args(EndedItems)
SameMaximum = Literal["accepted", "refused"]
SAME_MAXIMUM: tuple[str, ...] = get_args(SameMaximum)

# Marketplaces of Buy Offer and Browse, and what their visitors see prices in; the list is unverified.
MARKETPLACES = {
    "EBAY_US": "USD", "EBAY_CA": "CAD", "EBAY_GB": "GBP", "EBAY_AU": "AUD", "EBAY_AT": "EUR",
    "EBAY_BE": "EUR", "EBAY_CH": "CHF", "EBAY_DE": "EUR", "EBAY_ES": "EUR", "EBAY_FR": "EUR",
    "EBAY_IE": "EUR", "EBAY_IT": "EUR", "EBAY_NL": "EUR", "EBAY_PL": "PLN", "EBAY_HK": "HKD",
    "EBAY_SG": "SGD",
}  # fmt: skip

# Made up; per 1 USD.
RATES = {
    "USD": 1.0, "CAD": 1.38, "GBP": 0.79, "AUD": 1.52, "EUR": 0.92, "CHF": 0.88, "PLN": 3.97, "HKD": 7.81,
    "SGD": 1.34,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class BiddingSettings:
    """Where eBay's documents are silent (03 §8, §9).

    `ended_items`: what Browse says of an auction that is over, 404/11001 or its data. `same_maximum`: whether
    a bid of the maximum that stands already is taken or refused (120010). `browse_lag_s`: how old the bids
    are that Browse shows. `bid_limit`: the most that anybody may bid in whole units (120011).
    """

    ended_items: EndedItems = "gone"
    same_maximum: SameMaximum = "accepted"
    browse_lag_s: float = 0.0
    bid_limit: int = 1_000_000

    def as_json(self) -> JsonObject:
        return asdict(self)


def converted(cents: int, currency: str, wanted: str) -> int:
    """The amount in another currency."""
    return round(cents / RATES[currency] * RATES[wanted])
