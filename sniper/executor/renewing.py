"""A token that eBay refused at the moment of a bid: another one, by the one path, and the requests anew."""

from __future__ import annotations

import logging
import time
from dataclasses import replace
from typing import Any

from sniper.claims.record import Answer, record_answers
from sniper.claims.schedule import Row
from sniper.models import SnipeReason, SnipeStatus
from tokens.services.refresh import TokenUnavailable, get_access_token

from .arming import with_token
from .deck import Deck
from .watch import Armed, Watch

logger = logging.getLogger(__name__)

# For all that wait for it: the first of them may have less time left than the others.
_WAIT_S = 10.0
_AGAIN_S = 0.1


class Renewing:
    """One job for each refused token, however many bids it was in."""

    def __init__(self, deck: Deck) -> None:
        self._deck = deck
        self._waiting: dict[str, list[Watch]] = {}

    def renew(self, watch: Watch) -> None:
        """Afterwards its requests hold another token, or it has ended because only a person can help, or
        this may be asked for again: what failed may pass."""
        watch.is_renewing = True
        rejected, row, armed = watch.refused_token, watch.row, watch.armed
        waiting = self._waiting.setdefault(rejected, [])
        waiting.append(watch)
        if len(waiting) > 1:
            return
        self._deck.urgent.submit(
            lambda: _another(row, armed, rejected),
            lambda result, error: self._renewed(rejected, result, error),
        )

    def _renewed(self, rejected: str, token: str | None, error: Exception | None) -> None:
        waiting = self._waiting.pop(rejected)
        for watch in waiting:
            watch.is_renewing = False
            watch.has_renewed = token is not None
            watch.read_again_s = time.monotonic() + (0.0 if token else _AGAIN_S)
        if token is not None:
            self._spread(rejected, token)
            return
        logger.warning("no token instead of a refused one: %s", error)
        if isinstance(error, TokenUnavailable) and error.retry_after is None:
            self._end([watch.refused_bid for watch in waiting if watch.refused_bid], error)
            for watch in waiting:
                watch.resolves, watch.is_settled = False, True
                watch.row.status = SnipeStatus.BIDDING

    def _spread(self, rejected: str, token: str) -> None:
        """Those that are still to come are spared the refusal."""
        for watch in self._deck.watches.values():
            if watch.armed is not None and watch.armed.token == rejected:
                watch.armed = with_token(watch.armed, watch.row, token)

    def _end(self, refused: list[Answer], error: TokenUnavailable) -> None:
        """What eBay said to the bid is how it ended; where nobody knows what it said, the end decides."""
        ended = [
            replace(
                said, status=SnipeStatus.ERROR, reason=SnipeReason.TOKEN_REJECTED,
                message=f"{said.message}, and could not be had: {error}"[:500],
            )
            for said in refused
        ]  # fmt: skip
        if ended:
            self._deck.records.submit(lambda connection: record_answers(connection, ended), _nothing)


def _another(row: Row, armed: Armed | None, rejected: str) -> str:
    """Raises TokenUnavailable, and ValueError for one that cannot stand in a request."""
    token = get_access_token(row.account_id, rejected=rejected, wait_s=_WAIT_S)
    if armed is not None:
        with_token(armed, row, token)
    return token


def _nothing(result: Any, error: Exception | None) -> None:
    """What failed is in the log already."""
