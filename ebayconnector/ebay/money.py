"""Amounts of money as the REST APIs write them: a decimal text and a currency (03 §0b)."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

_AMOUNT = re.compile(r"-?\d{1,15}(?:\.\d{1,6})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Money:
    """`currency` is an ISO 4217 code; two amounts are compared only after their currencies."""

    value: Decimal
    currency: str

    def __str__(self) -> str:
        return f"{self.value:f} {self.currency}"

    def as_json(self) -> dict[str, str]:
        """eBay's Amount: `{"value": "25.00", "currency": "USD"}`."""
        return {"value": f"{self.value:f}", "currency": self.currency}


def money(amount: Any) -> Money | None:
    """The amount as it stands; None when it is missing or none."""
    return _money(amount, "value", "currency")


def original_money(amount: Any) -> Money | None:
    """The amount before eBay converted it for the marketplace: in the listing's own currency (03 §8.1).

    None when it is missing or none.
    """
    return _money(amount, "convertedFromValue", "convertedFromCurrency") or money(amount)


def _money(amount: Any, value_name: str, currency_name: str) -> Money | None:
    if not isinstance(amount, dict):
        return None
    value, currency = amount.get(value_name), amount.get(currency_name)
    if not isinstance(value, str) or not isinstance(currency, str):
        return None
    if not _AMOUNT.fullmatch(value) or not _CURRENCY.fullmatch(currency):
        return None
    return Money(Decimal(value), currency)
