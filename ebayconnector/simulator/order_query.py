"""getOrders' query parameters: grammar, checks and the rows that answer them (03 §4.1)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from ebayconnector.simulator.config import SortOrder
from ebayconnector.simulator.ebay_errors import fulfillment_error
from ebayconnector.simulator.order_book import (
    FULFILLED,
    IN_PROGRESS,
    NOT_STARTED,
    RETENTION_MS,
    OrderBook,
)
from ebayconnector.simulator.times import DAY_MS, parse_iso

DEFAULT_LIMIT, MAX_LIMIT, MAX_ORDER_IDS = 50, 200, 50
DEFAULT_LOOKBACK_MS = 90 * DAY_MS
_ANSWERS_KEPT = 4

_DATE_FILTERS = ("creationdate", "lastmodifieddate")
_STATUS_FILTER = "orderfulfillmentstatus"
_STATUS_SETS = {
    frozenset({"NOT_STARTED", "IN_PROGRESS"}): frozenset({NOT_STARTED, IN_PROGRESS}),
    frozenset({"FULFILLED", "IN_PROGRESS"}): frozenset({FULFILLED, IN_PROGRESS}),
}
_CRITERION = re.compile(r"([^:,\[\]{}]*):(\[[^\]]*\]|\{[^}]*\}|[^,]*)(?:,|$)")


@dataclass(frozen=True, slots=True)
class OrderQuery:
    """Which orders are asked for; both ends of the range are inclusive, `statuses` None means any."""

    by_change: bool
    from_ms: int
    to_ms: int
    statuses: frozenset[int] | None


def parse_query(filter_text: str | None, now_ms: int) -> OrderQuery:
    """Read `filter`. Without a date filter: created in the last 90 days. Raises EbayError 307xx/308xx."""
    criteria = _criteria(filter_text or "")
    statuses = _statuses(criteria[_STATUS_FILTER]) if _STATUS_FILTER in criteria else None
    ranges = {name: _range(name, criteria[name]) for name in _DATE_FILTERS if name in criteria}
    if not ranges:
        return OrderQuery(False, now_ms - DEFAULT_LOOKBACK_MS, now_ms, statuses)
    name = next(name for name in _DATE_FILTERS if name in ranges)  # creationdate wins over lastmodifieddate
    from_ms, to_ms = ranges[name]
    _check_range(from_ms, to_ms, now_ms)
    return OrderQuery(name == "lastmodifieddate", from_ms, now_ms if to_ms is None else to_ms, statuses)


def _criteria(text: str) -> dict[str, str]:
    criteria: dict[str, str] = {}
    position = 0
    while position < len(text):
        match = _CRITERION.match(text, position)
        if match is None:
            raise fulfillment_error(30700, text[position:])
        name, value = match.group(1).strip(), match.group(2)
        if name not in (*_DATE_FILTERS, _STATUS_FILTER):
            raise fulfillment_error(30700, name)
        criteria[name] = value
        position = match.end()
    return criteria


def _statuses(value: str) -> frozenset[int]:
    names = (
        frozenset(value.strip("{}").split("|"))
        if value.startswith("{") and value.endswith("}")
        else frozenset()
    )
    if names not in _STATUS_SETS:
        raise fulfillment_error(30800, value, _STATUS_FILTER)
    return _STATUS_SETS[names]


def _range(name: str, value: str) -> tuple[int, int | None]:
    if not (value.startswith("[") and value.endswith("]")) or value.count("..") != 1:
        raise fulfillment_error(30800, value, name)
    start, end = value[1:-1].split("..")
    if not start:
        raise fulfillment_error(30820)
    return _date(start), _date(end) if end else None


def _date(text: str) -> int:
    at_ms = parse_iso(text)
    if at_ms is None:
        raise fulfillment_error(30810)
    return at_ms


def _check_range(from_ms: int, to_ms: int | None, now_ms: int) -> None:
    if from_ms > now_ms or (to_ms is not None and to_ms > now_ms):
        raise fulfillment_error(30850)
    if to_ms is not None and from_ms > to_ms:
        raise fulfillment_error(30840)
    if from_ms < now_ms - RETENTION_MS:
        raise fulfillment_error(30830)


def parse_page(params: Mapping[str, str]) -> tuple[int, int]:
    """`limit` and `offset`. Raises EbayError 31100 or 31000."""
    limit = _whole(params.get("limit"), DEFAULT_LIMIT)
    if limit is None or not 1 <= limit <= MAX_LIMIT:
        raise fulfillment_error(31100, params.get("limit", ""))
    offset = _whole(params.get("offset"), 0)
    if offset is None:
        raise fulfillment_error(31000, params.get("offset", ""))
    return limit, offset


def _whole(text: str | None, default: int) -> int | None:
    """A number of at most nine digits; None when the text is none."""
    if text is None:
        return default
    return int(text) if re.fullmatch(r"[0-9]{1,9}", text) else None


def matching_orders(book: OrderBook, query: OrderQuery, sort: SortOrder, now_ms: int) -> list[int]:
    """Places of all orders that answer a query, in the order of the list.

    Kept until the book changes: whoever pages through 200,000 rows asks for the same list again and again.
    """
    span = book.span(query.from_ms, min(query.to_ms, now_ms), by_change=query.by_change)
    retained, _ = book.span(now_ms - RETENTION_MS, now_ms, by_change=False)
    key = (query.by_change, query.statuses, sort, span, retained)
    answer = book.answers.get(key)
    if answer is None:
        if len(book.answers) >= _ANSWERS_KEPT:
            book.answers.clear()
        answer = book.answers[key] = _select(book, query, sort, span, oldest_ms=now_ms - RETENTION_MS)
    return answer


def _select(
    book: OrderBook, query: OrderQuery, sort: SortOrder, span: tuple[int, int], *, oldest_ms: int
) -> list[int]:
    created, fulfilment = book.created, book.fulfilment
    places = book.places(span, by_change=query.by_change)
    if query.by_change:
        places = [n for n in places if created[n] >= oldest_ms]
        places.sort(key=created.__getitem__)
    if query.statuses is not None:
        places = [n for n in places if fulfilment[n] in query.statuses]
    if sort == "by_id":
        places.sort(key=book.id_number)
    elif sort == "newest_first":
        places.reverse()
    return places
