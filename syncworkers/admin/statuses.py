"""The tones of eBay's statuses; a word that is not here is grey."""

from __future__ import annotations

from django.utils.safestring import SafeString

from accounts.display import badge

from .codes import code_words
from .data_rows import status_badge

TRANSACTION_TONES = {"PAYOUT": "green", "COMPLETED": "green", "FUNDS_ON_HOLD": "amber", "FAILED": "red"}
PAYOUT_TONES = {
    "SUCCEEDED": "green", "RETRYABLE_FAILED": "amber", "TERMINAL_FAILED": "red", "REVERSED": "red",
}  # fmt: skip
OFFER_TONES = {"PUBLISHED": "green", "ACTIVE": "green", "ENDED": "amber", "OUT_OF_STOCK": "amber"}


def transaction_badge(word: str) -> SafeString:
    """`FUNDS_ON_HOLD` as "On hold", `PAYOUT` as "Paid out"."""
    shown = "PAID_OUT" if word == "PAYOUT" else word.removeprefix("FUNDS_")
    return status_badge(shown, {shown: TRANSACTION_TONES.get(word, "grey")})


# Where eBay waits for the seller.
_SELLERS_TURN = {"WAITING_SELLER_RESPONSE", "ACTION_NEEDED", "REFUND_AGREED_BUT_FAILED", "ESCALATED"}


def trouble_badge(word: str, *, is_gone: bool = False) -> SafeString:
    """Of a case, inquiry, return or payment dispute: grey when closed, red when it is the seller's turn; one
    that is gone from eBay says what it was last."""
    if is_gone:
        return badge(f"gone, was {code_words(word).lower() or 'unknown'}", "grey")
    if not word or "CLOSED" in word:
        return badge(code_words(word) or "unknown", "grey")
    return badge(code_words(word), "red" if word in _SELLERS_TURN else "amber")
