"""After the end: how it came out (runs in a thread)."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from ebayconnector.ebay.bidding import Bidding, get_bidding
from ebayconnector.ebay.errors import EbayError, NotFound
from ebayconnector.ebay.items import get_item
from sniper.claims.record import Result, claim_check, record_result
from sniper.claims.schedule import Row
from sniper.claims.sql import Connection, connect
from sniper.models import AttemptOutcome, Snipe, SnipeAttempt, SnipeReason, SnipeStatus
from tokens import wire
from tokens.quotas import Lane
from tokens.services.clients import application_client_for, client_for
from tokens.services.refresh import TokenUnavailable

from .reactions import refusal

_CALL_WITHIN_S = 10.0
# Asked so often, at last every ten minutes: some three days.
_GIVE_UP_AFTER = 440
_GONE_AFTER = 8


@dataclass(frozen=True, slots=True)
class Tried:
    """What became of one attempt, as far as it is known."""

    outcome: str
    error_code: str = ""
    was_sent: bool = True

    @property
    def is_refused(self) -> bool:
        return self.outcome == AttemptOutcome.REFUSED


def check_result(row: Row, *, ebay_now: datetime) -> Result | None:
    """Ask eBay and write down what it says; None when somebody else does, or it is not due yet."""
    checks = claim_check(_connection(), row.id)
    if checks is None:
        return None
    result = _read(row, checks, ebay_now)
    record_result(_connection(), row.id, result)
    return result


_of_thread = threading.local()


def _connection() -> Connection:
    """The thread's own, a new one when the last is broken."""
    known: Connection | None = getattr(_of_thread, "connection", None)
    if known is None or known.closed or known.broken:
        known = _of_thread.connection = connect()
    return known


def _read(row: Row, checks: int, ebay_now: datetime) -> Result:
    snipe = Snipe.objects.select_related("account").get(pk=row.id)
    if snipe.paper:
        return _paper(snipe)
    attempts = [
        Tried(attempt.outcome, attempt.error_code, attempt.sent_at is not None)
        for attempt in SnipeAttempt.objects.filter(snipe=snipe).order_by("no")
    ]
    client = client_for(snipe.account, source="sniper", lane=Lane.FIRST).trying(1)
    client.marketplace_id = snipe.marketplace_id
    try:
        bidding = get_bidding(client, snipe.rest_item_id, deadline_s=_CALL_WITHIN_S)
    except NotFound as failure:
        gone = SnipeStatus.ERROR if checks >= _GONE_AFTER else None
        return Result(gone, SnipeReason.RESULT_UNKNOWN, message=f"{failure}", http_status=404)
    except (EbayError, TokenUnavailable) as failure:
        if isinstance(failure, TokenUnavailable) and attempts and all(tried.is_refused for tried in attempts):
            # Nothing of ours can stand there, and without a token eBay tells no more.
            return _no_bid(attempts, None)
        status = SnipeStatus.ERROR if checks >= _GIVE_UP_AFTER else None
        http_status = failure.status if isinstance(failure, EbayError) else None
        return Result(status, SnipeReason.RESULT_UNKNOWN, message=f"{failure}", http_status=http_status)
    return decide(bidding, attempts, maximum=snipe.max_bid_amount, end_time=snipe.end_time, now=ebay_now)


def decide(
    bidding: Bidding | None,
    attempts: Sequence[Tried],
    *,
    maximum: Decimal,
    end_time: datetime,
    now: datetime,
) -> Result:
    """What a clear reading after the end means. `bidding` None: eBay knows no bid of this user there."""
    if bidding is None:
        return _no_bid(attempts, None)
    price = bidding.current_price.value if bidding.current_price else None
    if not bidding.is_over:
        later = bidding.ends_at if bidding.ends_at is not None and bidding.ends_at > now else None
        return Result(
            None, message=f"eBay says it is not over, price {price}", end_time=later, http_status=200
        )
    if bidding.is_won:
        return Result(SnipeStatus.WON, "", price, f"won for {price}", http_status=200)
    if bidding.high_bidder:
        return _lost(SnipeReason.RESERVE_NOT_MET, price, "the seller's reserve price was not met")
    own = bidding.own_maximum
    if own is None or own.value < maximum:
        return _no_bid(attempts, price)
    return _lost(SnipeReason.OUTBID, price, f"somebody bid more; it went for {price}")


def _no_bid(attempts: Sequence[Tried], price: Decimal | None) -> Result:
    """eBay does not know our bid: refused, or it never arrived."""
    for tried in reversed(attempts):
        if tried.is_refused:
            status, reason, words = refusal(tried.error_code, ended_early=False)
            return Result(status, reason, price, words, http_status=200)
    if any(tried.outcome == AttemptOutcome.NOT_SENT or not tried.was_sent for tried in attempts):
        words = "the bid was recorded, and could not be sent in time"
        return Result(SnipeStatus.MISSED, SnipeReason.EBAY_UNREACHABLE, price, words, http_status=200)
    words = "the bid was sent, and eBay does not know it"
    return Result(SnipeStatus.MISSED, SnipeReason.NOT_RECEIVED, price, words, http_status=200)


def _lost(reason: SnipeReason, price: Decimal | None, words: str) -> Result:
    return Result(SnipeStatus.LOST, reason, price, words, http_status=200)


def _paper(snipe: Snipe) -> Result:
    """Paper mode bids nothing, and so cannot have won: what the item went for says what might have been."""
    words, price = "paper mode: no bid was sent", None
    try:
        client = application_client_for(
            snipe.account.environment, source="sniper", marketplace_id=snipe.marketplace_id, lane=Lane.FIRST
        )
        item = get_item(client.trying(1), snipe.item_id)
        price = item.current_price.value if item.current_price else None
    except (EbayError, TokenUnavailable, wire.ApplicationNotConfigured) as failure:
        words += f"; its final price is not known ({failure})"
    if price is not None:
        verdict = "was below" if price < snipe.max_bid_amount else "reached"
        words += f"; the final price {price} {snipe.currency} {verdict} the maximum"
    return Result(
        SnipeStatus.SKIPPED, SnipeReason.PAPER, price, words, endpoint="getItemByLegacyId",
        token_kind="application",
    )  # fmt: skip
