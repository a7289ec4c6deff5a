"""Times as eBay writes and reads them: ISO-8601, UTC, milliseconds, `Z` (03 §0b)."""

from __future__ import annotations

import re
from datetime import UTC, datetime

_EBAY_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|\+00:?00)", re.ASCII)


def ebay_time(moment: datetime) -> str:
    """`2026-11-21T08:25:43.511Z` for an aware time; microseconds are cut, not rounded. Naive: ValueError."""
    if moment.utcoffset() is None:
        raise ValueError("a time for eBay needs a time zone")
    utc = moment.astimezone(UTC)
    return f"{utc.replace(tzinfo=None).isoformat(timespec='milliseconds')}Z"


def parse_ebay_time(text: str) -> datetime:
    """The aware UTC time that eBay wrote, with or without fractions of a second. Else: ValueError."""
    text = text.strip() if isinstance(text, str) else ""
    if not _EBAY_TIME.fullmatch(text):
        raise ValueError(f"not an eBay time: {text[:40]!r}")
    return datetime.fromisoformat(text)
