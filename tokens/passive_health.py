"""The cheapest health check: a worker's call that eBay answered well shows that the account's token works."""

from __future__ import annotations

import time
from datetime import timedelta

from ebayconnector.database import execute
from ebayconnector.ebay.transport import Call, Exchange

from .quotas import Lane

# An account is checked at least once in this time.
INTERVAL = timedelta(hours=1)
# A little before the hour is over, so that no probe is needed in between.
_NOTED_AGAIN_AFTER = INTERVAL - timedelta(minutes=10)
# How often one process asks the database whether a note is due.
_ASKED_EVERY_S = 300.0
_TRADING_SUCCESS = (b"<Ack>Success<", b"<Ack>Warning<")
# Trading says it in the first lines of its answers.
_TRADING_HEAD = 2_000

_NOTE = """
INSERT INTO ebay_health_checks (account_id, checked_at, checked_by, ok, latency_ms, error_code, error)
SELECT a.id, clock_timestamp(), 'call', true, %(latency)s, '', '' FROM ebay_accounts a
WHERE a.id = %(account)s AND NOT EXISTS (
  SELECT 1 FROM ebay_health_checks h
  WHERE h.account_id = a.id AND h.ok AND h.checked_at > clock_timestamp() - %(again)s)
"""


class NoteHealth:
    """Keeps one well answered call of each account per hour as its health check."""

    def __init__(self) -> None:
        self._asked: dict[int, float] = {}

    def before_call(self, call: Call) -> None:
        pass

    def after_exchange(self, exchange: Exchange) -> None:
        account_id = exchange.call.caller.account_id
        if account_id is None or not self._is_due(account_id) or not _shows_health(exchange):
            return
        self._asked[account_id] = time.monotonic()
        latency = round(exchange.duration_s * 1000)
        execute(_NOTE, {"account": account_id, "latency": latency, "again": _NOTED_AGAIN_AFTER})

    def _is_due(self, account_id: int) -> bool:
        asked = self._asked.get(account_id)
        return asked is None or time.monotonic() - asked > _ASKED_EVERY_S


def _shows_health(exchange: Exchange) -> bool:
    """An answer that only a good token gets. Probes keep their own results; bids must not wait for a row."""
    call = exchange.call
    if call.api == "token" or call.caller.source in ("health", "connect") or call.caller.lane == Lane.FIRST:
        return False
    if exchange.error or exchange.status is None or not 200 <= exchange.status < 300:
        return False
    head = (exchange.body or b"")[:_TRADING_HEAD]
    return call.api != "trading" or any(word in head for word in _TRADING_SUCCESS)
