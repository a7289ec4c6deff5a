"""What the three families of Post-Order share (03 §7)."""

from __future__ import annotations

from datetime import timedelta

# 03 §17: there is no Post-Order in the sandbox.
WITH_POST_ORDER = frozenset({"production", "simulator"})
# 03 §7: windows of 90 days are safe, 18 months are all there is; a little less survives clock differences.
POST_ORDER_WINDOW = timedelta(days=90)
POST_ORDER_LOOKBACK = timedelta(days=540)
