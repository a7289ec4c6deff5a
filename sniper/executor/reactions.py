"""What eBay's refusal of a bid makes of the snipe."""

from __future__ import annotations

from ebayconnector.ebay.bid_reasons import BidReason, Reaction
from sniper.models import SnipeReason, SnipeStatus

Refusal = tuple[SnipeStatus, SnipeReason, str]

_REASONS = {reason.value: reason for reason in BidReason}
_ERRORS = {
    Reaction.REQUEST: SnipeReason.REFUSED,
    Reaction.TELL: SnipeReason.AMOUNT_REFUSED,
    Reaction.INELIGIBLE: SnipeReason.NOT_ELIGIBLE,
    Reaction.WAIT: SnipeReason.QUOTA,
}


def refusal(error_code: str, *, ended_early: bool, words: str = "") -> Refusal:
    """Status, reason and words for a refused bid. `error_code` is a `BidReason`.

    `ended_early`: it was sent well before the end that we knew.
    """
    reason = _REASONS.get(error_code, BidReason.REFUSED)
    said = f"eBay refused the bid ({reason.value})" + (f": {words}" if words else "")
    if reason.reaction == Reaction.OUTBID:
        return SnipeStatus.LOST, SnipeReason.TOO_LOW, said
    if reason == BidReason.BOUGHT_NOW:
        return SnipeStatus.LOST, SnipeReason.BOUGHT_NOW, said
    if reason.reaction == Reaction.ENDED:
        if ended_early or reason == BidReason.ITEM_GONE:
            return SnipeStatus.LOST, SnipeReason.ENDED_EARLY, said
        return SnipeStatus.MISSED, SnipeReason.TOO_LATE, said
    if reason == BidReason.ACCESS_NOT_GRANTED:
        return SnipeStatus.ERROR, SnipeReason.ACCESS_NOT_GRANTED, said
    if reason == BidReason.TOKEN_REJECTED:
        return SnipeStatus.ERROR, SnipeReason.TOKEN_REJECTED, said
    return SnipeStatus.ERROR, _ERRORS.get(reason.reaction, SnipeReason.REFUSED), said
