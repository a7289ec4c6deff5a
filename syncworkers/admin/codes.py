"""eBay's codes as words: `NOT_AS_DESCRIBED` as "Not as described", `AskSellerQuestion` in three words.

The filters, the CSV files and the payload keep the code.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from django.contrib.admin import display

# Where the code's own letters are no words.
_KNOWN = {
    "CS_CLOSED": "Closed by eBay",
    "WAITING_CS": "Waiting for eBay",
    "EBP": "eBay decides",
    "INR": "Item not received",
    "SNAD": "Significantly not as described",
    "NONE_REQUESTED": "None asked for",
    "CANCEL_CLOSED_FOR_COMMITMENT": "Too late to ask",
}
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")


def code_words(code: str) -> str:
    """The code in words; '' for ''. What is no code stays as it is."""
    if code in _KNOWN:
        return _KNOWN[code]
    if code.isupper():
        return code.replace("_", " ").capitalize()
    if code.isidentifier() and _HUMP.search(code):
        return _HUMP.sub(" ", code).capitalize()
    return code.replace("_", " ")


def name_words(name: str) -> str:
    """The name of a field of eBay's: `sellerTotalRefund` is "Seller total refund", `itemId` "Item ID"."""
    words = _HUMP.sub(" ", name).replace("_", " ").lower().split()
    text = " ".join("ID" if word == "id" else word for word in words)
    return text[:1].upper() + text[1:]


def coded(field: str, description: str = "") -> Callable[[Any, Any], str]:
    """A column and field of an admin that shows `field` in words: `reason_words = coded("reason")`."""

    @display(description=description or field.replace("_", " "), ordering=field)
    def shown(self: Any, row: Any) -> str:
        return code_words(getattr(row, field))

    return shown
