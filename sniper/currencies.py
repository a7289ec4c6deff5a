"""How many decimals an amount may have (eBay refuses more, 120018)."""

from __future__ import annotations

from decimal import Decimal

# ISO 4217 without a minor unit; all other currencies that eBay lists in have two decimals.
_WITHOUT_DECIMALS = frozenset({"CLP", "ISK", "JPY", "KRW", "PYG", "UGX", "VND", "XAF", "XOF", "XPF"})


def decimals_of(currency: str) -> int:
    return 0 if currency in _WITHOUT_DECIMALS else 2


def fits(amount: Decimal, currency: str) -> bool:
    """Whether the amount is finite and has no more decimals than its currency."""
    return amount.is_finite() and amount == amount.quantize(Decimal(1).scaleb(-decimals_of(currency)))


def as_written(amount: Decimal, currency: str) -> Decimal:
    """The amount with exactly the decimals of its currency, as it is sent. Only for one that `fits`."""
    return amount.quantize(Decimal(1).scaleb(-decimals_of(currency)))
