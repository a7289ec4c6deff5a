"""By how much a bid must exceed the price, in cents, per currency (eBay's help on automatic bidding)."""

from bisect import bisect_right

_Table = tuple[tuple[int, int], ...]  # from this price on, this increment

_USD: _Table = (
    (0, 5), (1_00, 25), (5_00, 50), (25_00, 1_00), (100_00, 2_50), (250_00, 5_00), (500_00, 10_00),
    (1_000_00, 25_00), (2_500_00, 50_00), (5_000_00, 100_00),
)  # fmt: skip
_GBP: _Table = (
    (0, 5), (1_00, 20), (5_00, 50), (15_00, 1_00), (60_00, 2_00), (150_00, 5_00), (300_00, 10_00),
    (600_00, 20_00), (1_500_00, 50_00), (3_000_00, 100_00),
)  # fmt: skip
_EUR: _Table = ((0, 50), (50_00, 1_00), (500_00, 5_00), (1_000_00, 10_00), (5_000_00, 50_00))

# Australia and Canada have the American steps, as far as known.
_TABLES = {"GBP": _GBP, "EUR": _EUR}


def increment(price: int, currency: str) -> int:
    """What is added to a price of so many cents."""
    table = _TABLES.get(currency, _USD)
    return table[bisect_right(table, price, key=lambda row: row[0]) - 1][1]
