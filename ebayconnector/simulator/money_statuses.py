"""When payouts leave, and how they fare (03 §5.2)."""

from dataclasses import dataclass

from ebayconnector.simulator.money_entries import Payout
from ebayconnector.simulator.sellers import Seller
from ebayconnector.simulator.times import DAY_MS, HOUR_MS, MINUTE_MS

PROCESSING, AVAILABLE = "FUNDS_PROCESSING", "FUNDS_AVAILABLE_FOR_PAYOUT"
ON_HOLD, PAID_OUT = "FUNDS_ON_HOLD", "PAYOUT"
COMPLETED, FAILED = "COMPLETED", "FAILED"
TRANSACTION_STATUSES = (PAID_OUT, PROCESSING, AVAILABLE, ON_HOLD, COMPLETED, FAILED)

INITIATED, SUCCEEDED, RETRYABLE = "INITIATED", "SUCCEEDED", "RETRYABLE_FAILED"
TERMINAL, REVERSED = "TERMINAL_FAILED", "REVERSED"
PAYOUT_STATUSES = (INITIATED, SUCCEEDED, RETRYABLE, TERMINAL, REVERSED)

_TUESDAY_MS = 5 * DAY_MS  # 6 January 1970
_TRY_MS, _RETRY_MS, _RETURN_MS = 6 * HOUR_MS, 3 * DAY_MS, 5 * DAY_MS


@dataclass(frozen=True, slots=True)
class Fate:
    status: str
    last_attempt_ms: int | None = None


def is_weekly(seller: Seller) -> bool:
    return seller.number % 4 == 0


def next_payout_ms(seller: Seller, free_ms: int) -> int:
    """The first payout at or after a moment: daily, for some sellers on Tuesdays, at a minute of theirs."""
    every_ms = 7 * DAY_MS if is_weekly(seller) else DAY_MS
    start_ms = _TUESDAY_MS + 14 * HOUR_MS + seller.number % 60 * MINUTE_MS
    return start_ms + -(-(free_ms - start_ms) // every_ms) * every_ms


def fate(payout: Payout, now_ms: int) -> Fate:
    """Sent within a day and a half; one in 33 fails first and is tried again, one in 100 comes back."""
    if payout.status is not None:
        failed = payout.status in (RETRYABLE, TERMINAL)
        return Fate(payout.status, payout.date_ms + _TRY_MS if failed else None)
    age_ms, luck = now_ms - payout.date_ms, payout.dice % 1000
    if luck < 30:
        return _failing(payout, age_ms, for_good=luck < 4)
    if age_ms < 4 * HOUR_MS + payout.dice // 1000 % 26 * HOUR_MS:
        return Fate(INITIATED)
    return Fate(REVERSED if luck >= 990 and age_ms >= _RETURN_MS else SUCCEEDED)


def _failing(payout: Payout, age_ms: int, *, for_good: bool) -> Fate:
    if age_ms < _TRY_MS:
        return Fate(INITIATED)
    if age_ms < _RETRY_MS:
        return Fate(RETRYABLE, payout.date_ms + _TRY_MS)
    return Fate(TERMINAL, payout.date_ms + _RETRY_MS) if for_good else Fate(SUCCEEDED)
