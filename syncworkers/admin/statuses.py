"""The tones of eBay's statuses; a word that is not here is grey."""

from __future__ import annotations

TRANSACTION_TONES = {"PAYOUT": "green", "COMPLETED": "green", "FUNDS_ON_HOLD": "amber", "FAILED": "red"}
PAYOUT_TONES = {
    "SUCCEEDED": "green", "RETRYABLE_FAILED": "amber", "TERMINAL_FAILED": "red", "REVERSED": "red",
}  # fmt: skip
OFFER_TONES = {"PUBLISHED": "green", "ACTIVE": "green", "ENDED": "amber", "OUT_OF_STOCK": "amber"}
