"""eBay's daily quotas: who may still call, how far the schedule stretches, where the day will end.

Pure functions of the counts at a moment. The counting itself is `allowances`, whose SQL follows the same
rules as `room` (a test holds them together).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType

from ebayconnector.ebay.analytics import RateLimit

DAY = timedelta(days=1)
BLOCK = 10


class Lane(IntEnum):
    """How urgent a call is. A lane may not touch what is kept for those above it."""

    FIRST = 0  # tokens and snipes: never refused, never waiting
    MANUAL = 1
    SCHEDULE = 2
    HISTORY = 3


# Hundredths of the limit that a lane may fill.
MANUAL_PERCENT = 99
SCHEDULE_PERCENT = 95
# The schedule is paced to a little less than it may use: runs differ, and chance should refuse none.
PACE_PERCENT = 94
# What history gets of the day even when the schedule could use all of it: half at once, so that a new account
# arrives at any time of day, and the rest by the clock, so that the next one does too.
HISTORY_PERCENT = 10
# A stretched interval stays a time that can be written down.
_LARGEST_STRETCH = 10_000.0
# Near the end of a lane's part blocks shrink to this share of what is left, so that no process sits on it.
SHARE_OF_ROOM = 20

# Calls per application and day, 03 §14.1. They count until eBay's own numbers are read.
DEFAULT_LIMITS: Mapping[str, int] = MappingProxyType(
    {
        "trading": 5_000,
        "fulfillment": 100_000,
        "payment_dispute": 250_000,
        "finances": 15_000,
        "inventory": 2_000_000,
        "identity": 5_000,
        "analytics": 5_000,
        "postorder.return": 5_000,
        "postorder.inquiry": 5_000,
        "postorder.case": 5_000,
        "postorder.cancellation": 5_000,
        "notification": 10_000,
        "browse": 5_000,
        "token.authorization_code": 10_000,
        "token.refresh_token": 50_000,
        "token.client_credentials": 1_000,
        # eBay publishes no number for these; the guesses are careful.
        "message": 5_000,
        "buy_offer": 1_000,
        "key_management": 1_000,
    }
)
# For an API that the table does not know: as few as any known one has.
UNKNOWN_LIMIT = 1_000

# The token endpoint has a quota for each kind of grant (03 §14.1).
_GRANTS = {
    "exchangeCode": "token.authorization_code",
    "refreshToken": "token.refresh_token",
    "mintApplicationToken": "token.client_credentials",
}


def quota_api(api: str, endpoint: str) -> str:
    """The quota that eBay counts a call under."""
    return _GRANTS.get(endpoint, api) if api == "token" else api


def lane_of(api: str, asked: int) -> Lane:
    """The lane of a call: grants of tokens go first whoever asks for them."""
    return Lane.FIRST if api == "token" else Lane(asked)


def default_limit(api: str) -> int:
    return DEFAULT_LIMITS.get(api, UNKNOWN_LIMIT)


# -- Who may call -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Counts:
    """One quota at one moment. `used` includes what processes still hold; `left` is the time to the reset.

    `scheduled_per_day`: what the schedule would call in a whole day at the wanted intervals.
    """

    limit: int
    used: int
    history_used: int
    scheduled_per_day: float
    left: timedelta

    @property
    def left_of_day(self) -> float:
        """The part of the day that is still to come, 0 to 1 (a day of 25 hours begins with 1)."""
        return min(max(self.left / DAY, 0.0), 1.0)


def ceiling(limit: int, percent: int) -> int:
    return limit * percent // 100


def room(lane: Lane, counts: Counts) -> int:
    """How many calls the lane may make now; zero or less: none. The first lane is not asked."""
    if lane == Lane.MANUAL:
        return ceiling(counts.limit, MANUAL_PERCENT) - counts.used
    free = ceiling(counts.limit, SCHEDULE_PERCENT) - counts.used
    if lane == Lane.SCHEDULE:
        return free
    needed = math.ceil(counts.scheduled_per_day * counts.left_of_day)
    due = math.floor(counts.limit * HISTORY_PERCENT / 100 * (1 - counts.left_of_day / 2))
    return max(free - needed, min(due - counts.history_used, free))


def block_size(room: int, asked: int = BLOCK) -> int:
    """How many calls a process is given at once."""
    return max(0, min(asked, room, max(1, room // SHARE_OF_ROOM)))


# -- How far the schedule stretches -----------------------------------------------------------------------


@dataclass(frozen=True)
class Demand:
    """What one family asks of one API: `accounts` runs of `calls` calls in every `wanted` interval."""

    accounts: int
    calls: float
    wanted: timedelta

    @property
    def per_day(self) -> float:
        return self.accounts * self.calls * (DAY / self.wanted)


def per_day(demands: Iterable[Demand]) -> float:
    """The calls of a whole day at the wanted intervals."""
    return sum(demand.per_day for demand in demands)


def schedule_budget(counts: Counts) -> float:
    """The calls that are left for the schedule until the reset, less what history may still want."""
    free = ceiling(counts.limit, PACE_PERCENT) - counts.used
    share = counts.limit * HISTORY_PERCENT / 100
    return max(0.0, free - max(0.0, min(share * counts.left_of_day, share - counts.history_used)))


def stretch(counts: Counts, wanted_per_day: float) -> float:
    """By how much all intervals of the API grow so that the budget lasts to the reset.

    1: not at all; infinite: nothing is left today.
    """
    needed = wanted_per_day * counts.left_of_day
    budget = schedule_budget(counts)
    if needed <= budget:
        return 1.0
    return needed / budget if budget > 0 else math.inf


def whole_day_stretch(limit: int, wanted_per_day: float) -> float:
    """The same for a day that begins."""
    fresh = Counts(limit, used=0, history_used=0, scheduled_per_day=wanted_per_day, left=DAY)
    return stretch(fresh, wanted_per_day)


def effective_interval(wanted: timedelta, counts: Counts, wanted_per_day: float) -> timedelta:
    """What the quota makes of a wanted interval; never shorter.

    An interval that reaches beyond the reset goes on at the pace of the new day: the part of it that has
    passed by then counts.
    """
    today = wanted * min(stretch(counts, wanted_per_day), _LARGEST_STRETCH)
    if today <= counts.left or today == wanted:
        return today
    tomorrow = wanted * min(whole_day_stretch(counts.limit, wanted_per_day), _LARGEST_STRETCH)
    return max(wanted, counts.left + tomorrow * (1 - counts.left / today))


def forecast(counts: Counts, wanted_per_day: float) -> int:
    """How many calls will have been used at the reset if the schedule goes on as it is paced now."""
    today = stretch(counts, wanted_per_day)
    coming = wanted_per_day * counts.left_of_day / today if math.isfinite(today) else 0.0
    return counts.used + round(coming)


# -- eBay's own numbers -----------------------------------------------------------------------------------

# The resources of getRateLimits (03 §11), as production answers were seen to spell them in public; the
# identity and key management ones are guesses. A resource that is not here is another quota.
_RESOURCES = {
    "sell.fulfillment": "fulfillment",
    "sell.fulfillment.order": "fulfillment",
    "sell.fulfillment.payment_dispute": "payment_dispute",
    "sell.fulfillment.payment_dispute_summary": "payment_dispute",
    "sell.finances": "finances",
    "payoutapi.sell.finances": "finances",
    "sell.inventory": "inventory",
    "commerce.identity": "identity",
    "commerce.message": "message",
    "commerce.notification": "notification",
    "developer.analytics": "analytics",
    "developer.analytics.app_rate_limit": "analytics",
    "developer.key_management": "key_management",
    "buy.browse": "browse",
    "buy.offer": "buy_offer",
    "buy.offer.bidding": "buy_offer",
    "post-order.return": "postorder.return",
    "post-order.inquiry": "postorder.inquiry",
    "post-order.casemanagement": "postorder.case",
    "post-order.cancellation": "postorder.cancellation",
}
# Trading is one pool (03 §14.1), but eBay lists it by call. What others do with calls that we never make
# must not stop us.
_TRADING = frozenset({"tradingapi", "getuser", "getmymessages", "getmyebayselling", "getmyebaybuying"})
# eBay states 89,999 s for some daily quotas.
_DAILY = (DAY, timedelta(hours=25))


@dataclass(frozen=True)
class Reported:
    """What eBay says of one quota. `reset_at` is None when it did not say."""

    limit: int
    count: int
    remaining: int
    reset_at: datetime | None


def reported_quotas(rates: Sequence[RateLimit]) -> dict[str, Reported]:
    """eBay's daily numbers by our names. Where several resources share a name, the tightest one counts.

    Shorter windows (300 s, 60 s) are left to the pause after a 429.
    """
    found: dict[str, Reported] = {}
    for rate in rates:
        api = _api_of(rate)
        if api is None or not (rate.window is None or _DAILY[0] <= rate.window <= _DAILY[1]):
            continue
        known = found.get(api)
        if known is None or rate.remaining < known.remaining:
            found[api] = Reported(rate.limit, rate.count, rate.remaining, rate.reset_at)
    return found


def _api_of(rate: RateLimit) -> str | None:
    if "trading" in rate.api_context or "trading" in rate.api_name:
        return "trading" if rate.resource in _TRADING else None
    return _RESOURCES.get(rate.resource)
