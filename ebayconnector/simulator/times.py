"""Times of the simulator: integers, milliseconds since 1970 UTC, written as eBay writes them."""

import re
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

SECOND_MS = 1_000
MINUTE_MS = 60 * SECOND_MS
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,3})?Z")
_PACIFIC = ZoneInfo("America/Los_Angeles")


def iso(at_ms: int) -> str:
    """`2026-11-21T08:25:43.511Z` (03 §0b)."""
    day, in_day = divmod(at_ms, DAY_MS)
    second, ms = divmod(in_day, SECOND_MS)
    return f"{_date_text(day)}T{second // 3600:02d}:{second // 60 % 60:02d}:{second % 60:02d}.{ms:03d}Z"


@lru_cache(maxsize=2_000)
def _date_text(day: int) -> str:
    return (_EPOCH + timedelta(days=day)).date().isoformat()


def parse_iso(text: str) -> int | None:
    """Milliseconds of an eBay time; None when it is not written as eBay wants it."""
    if not _ISO.fullmatch(text):
        return None
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:  # the thirtieth of February
        return None
    return (moment - _EPOCH) // timedelta(milliseconds=1)


def pacific_day(at_ms: int) -> str:
    """The day of eBay's quotas, which begins at midnight Pacific time (03 §14.1)."""
    return datetime.fromtimestamp(at_ms // 1000, _PACIFIC).date().isoformat()


def next_pacific_midnight_ms(at_ms: int) -> int:
    local = datetime.fromtimestamp(at_ms // 1000, _PACIFIC)
    midnight = datetime.combine(local.date() + timedelta(days=1), datetime.min.time(), tzinfo=_PACIFIC)
    return int(midnight.timestamp()) * 1000
