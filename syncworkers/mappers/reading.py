"""Reading values out of eBay's JSON: missing is allowed, nonsense is not."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any

from ebayconnector.ebay.timefmt import parse_ebay_time

JsonObject = Mapping[str, Any]

_AMOUNT = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d{1,3})?", re.ASCII)


class Unmappable(ValueError):
    """A record that cannot become a row; the text names the field."""


class Maturity(Enum):
    """Whether a record may still change without saying so.

    FINAL: never read again for its own sake. SETTLING: read again as it ages, then taken as final. OPEN: read
    again as it ages, and then on and on until it is final.
    """

    FINAL = "final"
    SETTLING = "settling"
    OPEN = "open"


@dataclass(frozen=True)
class MappedRow:
    """One record ready to store: typed columns, eBay's change time, and its children by relation name.

    `occurred_at` and `maturity` matter for records without a change time only: when the record came to be,
    and whether it must be read again.
    """

    columns: dict[str, Any]
    modified_at: datetime | None
    children: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    occurred_at: datetime | None = None
    maturity: Maturity = Maturity.FINAL


def text(record: JsonObject, *path: str) -> str:
    """The text at `path`, '' when missing; numbers are taken as text (ids come as either)."""
    value = at(record, *path)
    if value is None:
        return ""
    if type(value) is str:
        return value
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise Unmappable(f"{'.'.join(path)} is not a text")
    return str(value)


def required_text(record: JsonObject, *path: str) -> str:
    value = text(record, *path)
    if not value:
        raise Unmappable(f"{'.'.join(path)} is missing")
    return value


def whole_number(record: JsonObject, *path: str) -> int | None:
    value = at(record, *path)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int):
        raise Unmappable(f"{'.'.join(path)} is not a whole number")
    return value


def time(record: JsonObject, *path: str) -> datetime | None:
    value = at(record, *path)
    try:
        return parsed_time(value)
    except Unmappable:
        raise Unmappable(f"{'.'.join(path)} is not a time") from None


def parsed_time(value: Any) -> datetime | None:
    """A time as eBay writes it; None for null and ''."""
    if value is None or value == "":
        return None
    try:
        return parse_ebay_time(value)
    except (ValueError, TypeError):
        raise Unmappable("not a time") from None


def amount(record: JsonObject, *path: str) -> Decimal | None:
    """The `value` of eBay's money object at `path`."""
    value = at(record, *path, "value")
    try:
        return parsed_amount(value)
    except Unmappable:
        raise Unmappable(f"{'.'.join(path)} is not an amount") from None


def parsed_amount(value: Any) -> Decimal | None:
    """An amount as eBay writes it; None for null."""
    if value is None:
        return None
    # Decimal itself takes more than numbers: spaces, underscores, "NaN".
    digits = value if type(value) is str else str(value)
    if isinstance(value, bool) or not _AMOUNT.fullmatch(digits):
        raise Unmappable("not an amount")
    return Decimal(digits)


def currency(record: JsonObject, *path: str) -> str:
    return text(record, *path, "currency")


def objects(record: JsonObject, *path: str) -> list[JsonObject]:
    """The list of objects at `path`; missing is an empty list."""
    value = at(record, *path)
    if value is None:
        return []
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise Unmappable(f"{'.'.join(path)} is not a list")
    for item in value:
        if type(item) is not dict and not isinstance(item, Mapping):
            raise Unmappable(f"{'.'.join(path)} holds something that is not an object")
    return list(value)


def at(record: JsonObject, *path: str) -> Any:
    value: Any = record
    for name in path:
        if value is None:
            return None
        # Asked some hundred thousand times a minute: for the type itself first, then for what it can do.
        if type(value) is not dict and not isinstance(value, Mapping):
            raise Unmappable(f"{'.'.join(path)}: {name} is looked for in something that is not an object")
        value = value.get(name)
    return value
