"""Reading values out of Trading's answers, where everything is text (`ebayconnector.ebay.trading_xml`)."""

from __future__ import annotations

import re
from datetime import timedelta

from . import reading as r
from .reading import JsonObject, Unmappable

_NUMBER = re.compile(r"-?[0-9]{1,18}", re.ASCII)
_FLAGS = {"true": True, "1": True, "false": False, "0": False}
_DURATION = re.compile(
    r"-?P(?:(?P<years>\d+)Y)?(?:(?P<months>\d+)M)?(?:(?P<days>\d{1,6})D)?"
    r"(?:T(?:(?P<hours>\d{1,6})H)?(?:(?P<minutes>\d{1,6})M)?(?:(?P<seconds>\d{1,6})(?:\.\d+)?S)?)?",
    re.ASCII,
)


def number(record: JsonObject, *path: str) -> int | None:
    """The whole number written at `path`; None when missing."""
    text = r.text(record, *path).strip()
    if not text:
        return None
    if not _NUMBER.fullmatch(text):
        raise Unmappable(f"{'.'.join(path)} is not a whole number")
    return int(text)


def flag(record: JsonObject, *path: str) -> bool | None:
    """The boolean written at `path`; None when missing."""
    text = r.text(record, *path).strip()
    if not text:
        return None
    if text not in _FLAGS:
        raise Unmappable(f"{'.'.join(path)} is neither true nor false")
    return _FLAGS[text]


def duration(record: JsonObject, *path: str) -> timedelta | None:
    """The ISO 8601 duration at `path`; None when missing, or in months and years, which have no length."""
    text = r.text(record, *path).strip()
    if not text:
        return None
    match = _DURATION.fullmatch(text)
    if match is None:
        raise Unmappable(f"{'.'.join(path)} is not a duration")
    parts = {name: int(value) for name, value in match.groupdict().items() if value}
    if parts.pop("years", 0) or parts.pop("months", 0):
        return None
    length = timedelta(**parts)
    return -length if text.startswith("-") else length
