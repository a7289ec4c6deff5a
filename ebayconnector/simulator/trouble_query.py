"""Query parameters of the Post-Order searches, checked, and the rows that answer them (03 §7)."""

import re
from calendar import monthrange
from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime

from starlette.datastructures import QueryParams

from ebayconnector.simulator.times import DAY_MS, SECOND_MS, parse_iso
from ebayconnector.simulator.trouble_body import TroubleView
from ebayconnector.simulator.trouble_book import Trouble
from ebayconnector.simulator.trouble_errors import (
    BAD_DATE,
    BAD_ITEM,
    BAD_VALUE,
    TOO_FEW_ROWS,
    TOO_MANY_ROWS,
    Refusals,
)
from ebayconnector.simulator.trouble_lives import Family, statuses
from ebayconnector.simulator.trouble_return_body import state_of
from ebayconnector.simulator.trouble_settings import PostOrderSettings

DEFAULT_LIMIT, MAX_LIMIT = 25, 200
OPEN_ENDED_MS = 90 * DAY_MS

_HORIZON_MONTHS = 18
_RETURN_STATES = frozenset(
    {
        "ALL_OPEN", "ALL_OPEN_REPLACEMENT", "ALL_OPEN_RETURN", "CLOSED", "EBAY_PLUS", "ITEM_DELIVERED",
        "ITEM_SHIPPED", "RETURN_STARTED", "SELLER_ACTION_DUE",
    }
)  # fmt: skip
_STARTED = frozenset({"RETURN_REQUESTED", "READY_FOR_SHIPPING"})
_ROLES = ("SELLER", "BUYER")
_RETURN_SORTS = ("FILING_DATE", "RETURN_ID")


def horizon_ms(now_ms: int) -> int:
    """18 months back, to the millisecond; the end of a month has the last day of an earlier one."""
    now = datetime.fromtimestamp(now_ms // SECOND_MS, UTC)
    months = now.year * 12 + now.month - 1 - _HORIZON_MONTHS
    year, month = months // 12, months % 12 + 1
    then = now.replace(year=year, month=month, day=min(now.day, monthrange(year, month)[1]))
    return int(then.timestamp()) * SECOND_MS + now_ms % SECOND_MS


@dataclass(frozen=True, slots=True)
class Names:
    """What a search calls its parameters, and the total of its answer."""

    dates: str
    status: str
    total: str


NAMES: dict[Family, Names] = {
    "case": Names("case_creation_date_range", "case_status_filter", "totalNumberOfCases"),
    "inquiry": Names("inquiry_creation_date_range", "inquiry_status", "totalNumberOfInquiries"),
    "return": Names("creation_date_range", "return_state", "total"),
}


@dataclass(frozen=True, slots=True)
class Search:
    """One Post-Order search; both ends of the range are inclusive, None means any."""

    from_ms: int
    to_ms: int
    statuses: frozenset[str] | None
    states: frozenset[str] | None
    item_id: str | None
    transaction_id: str | None
    order_id: str | None
    return_id: str | None
    as_buyer: bool
    sort: str | None


def parse_search(
    params: QueryParams, family: Family, settings: PostOrderSettings, refuse: Refusals, now_ms: int
) -> Search:
    """Raises EbayError 400 for dates, ids, statuses and sorts that are none."""
    names = NAMES[family]
    from_ms, to_ms = _range(params, names.dates, settings, refuse, now_ms)
    known = _RETURN_STATES if family == "return" else statuses(family)
    return Search(
        from_ms=from_ms,
        to_ms=to_ms,
        statuses=_words(params, names.status, known, refuse),
        states=_words(params, "states", None, refuse) if family == "return" else None,
        item_id=_digits(params, "item_id", refuse),
        transaction_id=_digits(params, "transaction_id", refuse),
        order_id=params.get("order_id"),
        return_id=params.get("return_id") if family != "inquiry" else None,
        as_buyer=family == "return" and _role(params, refuse) == "BUYER",
        sort=_return_sort(params, refuse) if family == "return" else None,
    )


def _range(
    params: QueryParams, prefix: str, settings: PostOrderSettings, refuse: Refusals, now_ms: int
) -> tuple[int, int]:
    """Only a start: 90 days from there. Only an end: 90 days up to it. None: 18 months (unverified)."""
    given = [_moment(params, f"{prefix}_{end}", refuse) for end in ("from", "to")]
    from_ms, to_ms = given
    if from_ms is None:
        from_ms = horizon_ms(now_ms) if to_ms is None else to_ms - OPEN_ENDED_MS
        return from_ms, now_ms if to_ms is None else to_ms
    if from_ms < horizon_ms(now_ms):
        raise refuse(BAD_DATE, name=f"{prefix}_from", value=params[f"{prefix}_from"])
    if to_ms is None:
        return from_ms, from_ms + OPEN_ENDED_MS
    if not from_ms <= to_ms <= from_ms + settings.max_span_days * DAY_MS:
        raise refuse(BAD_DATE, name=f"{prefix}_to", value=params[f"{prefix}_to"])
    return from_ms, to_ms


def _moment(params: QueryParams, name: str, refuse: Refusals) -> int | None:
    text = params.get(name)
    if text is None:
        return None
    at_ms = parse_iso(text)
    if at_ms is None:
        raise refuse(BAD_DATE, name=name, value=text)
    return at_ms


def _words(
    params: QueryParams, name: str, known: Collection[str] | None, refuse: Refusals
) -> frozenset[str] | None:
    """Values that are given several times or with commas between them."""
    words = frozenset(word for text in params.getlist(name) for word in text.split(",") if word)
    unknown = sorted(words - frozenset(known)) if known is not None else []
    if unknown:
        raise refuse(BAD_VALUE, name=name, value=unknown[0])
    return words or None


def _digits(params: QueryParams, name: str, refuse: Refusals) -> str | None:
    text = params.get(name)
    if text is not None and not (text.isascii() and text.isdigit()):
        raise refuse(BAD_ITEM, name=name, value=text)
    return text


def _role(params: QueryParams, refuse: Refusals) -> str:
    role = params.get("role", "SELLER")
    if role not in _ROLES:
        raise refuse(BAD_VALUE, name="role", value=role)
    return role


def _return_sort(params: QueryParams, refuse: Refusals) -> str | None:
    """`+FIELD` or `-FIELD`; a plus that nobody encoded arrives as a blank."""
    text = params.get("sort")
    if text is None:
        return None
    sort = text.replace(" ", "+", 1)
    if sort[:1] not in ("+", "-") or sort[1:] not in _RETURN_SORTS:
        raise refuse(BAD_VALUE, name="sort", value=text)
    return sort


def parse_page(params: QueryParams, refuse: Refusals) -> tuple[int, int]:
    """`limit` and `offset` as they were given. Raises EbayError 1401, 1402 or 1105."""
    limit = whole(params.get("limit"), DEFAULT_LIMIT)
    if limit is None or limit < 1:
        raise refuse(TOO_FEW_ROWS, name="limit", value=params["limit"])
    if limit > MAX_LIMIT:
        raise refuse(TOO_MANY_ROWS, name="limit", value=params["limit"])
    offset = whole(params.get("offset"), 0)
    if offset is None:
        raise refuse(BAD_VALUE, name="offset", value=params["offset"])
    return limit, offset


def whole(text: str | None, default: int) -> int | None:
    """A number of at most nine digits; None when the text is none."""
    if text is None:
        return default
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def matching(view: TroubleView, family: Family, search: Search, settings: PostOrderSettings) -> list[Trouble]:
    """All rows of a search in the order of the list. Inquiries that were escalated have left it (03 §7.2)."""
    rows = view.book.opened_between(family, search.from_ms, min(search.to_ms, view.now_ms))
    rows = [] if search.as_buyer else [row for row in rows if _matches(view, row, search)]
    return _sorted(rows, search.sort, settings)


def _matches(view: TroubleView, row: Trouble, search: Search) -> bool:
    if not row.listed or (row.family == "inquiry" and row.is_escalated(view.now_ms)):
        return False
    if search.return_id is not None and search.return_id != _return_id(row):
        return False
    if search.order_id is not None and search.order_id != view.order_id(row):
        return False
    if search.item_id is not None and search.item_id != view.line(row).listing.item_id:
        return False
    if search.transaction_id is not None and search.transaction_id != view.line(row).line_item_id:
        return False
    return _has_status(view, row, search)


def _return_id(row: Trouble) -> str | None:
    if row.family == "return":
        return str(row.number)
    return str(row.origin.number) if row.origin is not None and row.origin.family == "return" else None


def _has_status(view: TroubleView, row: Trouble, search: Search) -> bool:
    if search.states is not None and state_of(row.seen(view.now_ms)) not in search.states:
        return False
    if search.statuses is None:
        return True
    if row.family == "return":
        return any(is_in_return_state(row, name, view.now_ms) for name in search.statuses)
    return row.last(view.now_ms).kind.status in search.statuses


def is_in_return_state(row: Trouble, name: str, now_ms: int) -> bool:
    """Whether a return belongs to one of the groups that `return_state` names."""
    kind = row.last(now_ms).kind
    match name:
        case "ALL_OPEN" | "ALL_OPEN_RETURN":
            return not kind.ends
        case "SELLER_ACTION_DUE":
            return kind.waits == "SELLER"
        case "RETURN_STARTED":
            return kind.status in _STARTED
        case _:
            return kind.status == name


def _sorted(rows: list[Trouble], sort: str | None, settings: PostOrderSettings) -> list[Trouble]:
    if settings.sort == "by_id" or (sort is not None and sort.endswith("RETURN_ID")):
        rows = sorted(rows, key=lambda row: row.number)
    if sort is not None:
        return rows if sort.startswith("+") else rows[::-1]
    return rows[::-1] if settings.sort == "newest_first" else rows


def first_row(settings: PostOrderSettings, limit: int, offset: int) -> int:
    """Where a page begins: at a row, or at a page counted from one, where zero is the first too."""
    return offset if settings.offset == "row" else (max(offset, 1) - 1) * limit
