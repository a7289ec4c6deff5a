"""How far and how wide the two families of Finances read (03 §5)."""

from __future__ import annotations

from datetime import timedelta

# Windows of 90 days are right for both generations of the contract; five years are all there is.
FINANCES_WINDOW = timedelta(days=90)
FINANCES_LOOKBACK = timedelta(days=5 * 365)
