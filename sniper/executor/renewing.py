"""A token that eBay refused at the moment of a bid: another one, by the one path, and the requests anew."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from sniper.claims.record import record_answers
from sniper.models import SnipeReason, SnipeStatus
from tokens.services.refresh import get_access_token

from .arming import with_token
from .deck import Deck
from .watch import Watch

logger = logging.getLogger(__name__)


class Renewing:
    """One job for each refused token, however many bids it was in."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._waiting: dict[str, list[Watch]] = {}

    def renew(self, watch: Watch, *, until_s: float) -> None:
        """Once for each snipe: afterwards its requests hold another token, or it has ended, or waits for
        the end of the auction."""
        watch.has_renewed = watch.is_renewing = True
        rejected, account_id = watch.refused_token, watch.row.account_id
        waiting = self._waiting.setdefault(rejected, [])
        waiting.append(watch)
        if len(waiting) > 1:
            return
        wait_s = max(until_s - time.monotonic(), 0.0)
        self._deck.urgent.submit(
            lambda: get_access_token(account_id, rejected=rejected, wait_s=wait_s),
            lambda result, error: self._renewed(rejected, result, error),
        )

    def _renewed(self, rejected: str, token: str | None, error: Exception | None) -> None:
        waiting = self._waiting.pop(rejected)
        for watch in waiting:
            watch.is_renewing = False
        if token is None:
            for watch in waiting:
                self._give_up(watch, error)
            return
        # Those that are still to come are spared the refusal.
        for watch in self._deck.watches.values():
            if watch.armed is not None and watch.armed.token == rejected:
                try:
                    watch.armed = with_token(watch.armed, watch.row, token)
                except ValueError as failure:
                    self._give_up(watch, failure)

    def _give_up(self, watch: Watch, error: Exception | None) -> None:
        """No token: what eBay said to the bid is how it ended, unless nobody knows what it said."""
        logger.warning("snipe %s: no token instead of the refused one: %s", watch.id, error)
        said = watch.refused_bid
        if said is None:
            return
        watch.resolves, watch.is_settled = False, True
        watch.row.status = SnipeStatus.BIDDING
        ended = replace(
            said, status=SnipeStatus.ERROR, reason=SnipeReason.TOKEN_REJECTED,
            message=f"{said.message}, and could not be had: {error}"[:500],
        )  # fmt: skip
        self._deck.records.submit(lambda connection: record_answers(connection, [ended]), _nothing)


def _nothing(result: Any, error: Exception | None) -> None:
    """What failed is in the log already."""
