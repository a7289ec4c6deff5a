"""When a record that changes without saying so is read again. Pure functions."""

from __future__ import annotations

from datetime import datetime, timedelta

from .mappers.reading import Maturity

# Ages at which it is read again; afterwards one that settles is taken as final.
STEPS = tuple(timedelta(hours=hours) for hours in (1, 6, 24, 3 * 24, 7 * 24, 14 * 24, 30 * 24, 60 * 24))
# One that is still open then is read again this often, until it is final.
_ON_AND_ON = timedelta(days=30)


def next_check(maturity: Maturity, occurred_at: datetime | None, *, now: datetime) -> datetime | None:
    """When to read it again, by eBay's clock like `occurred_at` and `now`; None: never."""
    if maturity is Maturity.FINAL:
        return None
    came = occurred_at or now
    later = next((came + step for step in STEPS if came + step > now), None)
    if later is not None or maturity is Maturity.SETTLING:
        return later
    return now + _ON_AND_ON
