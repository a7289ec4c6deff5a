"""Query parameters of getPaymentDisputeSummaries, checked, and the rows that answer (03 §4.3)."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.datastructures import QueryParams

from ebayconnector.simulator.times import parse_iso
from ebayconnector.simulator.trouble_body import TroubleView
from ebayconnector.simulator.trouble_book import Trouble
from ebayconnector.simulator.trouble_errors import dispute_error
from ebayconnector.simulator.trouble_lives import statuses
from ebayconnector.simulator.trouble_query import OPEN_ENDED_MS, horizon_ms, whole

MAX_DISPUTES = 200


@dataclass(frozen=True, slots=True)
class DisputeSearch:
    order_id: str | None
    buyer: str | None
    from_ms: int
    to_ms: int
    statuses: frozenset[str] | None


def parse_disputes(params: QueryParams, now_ms: int) -> DisputeSearch:
    """An order id overrides all other filters. Raises EbayError 33001."""
    asked = frozenset(params.getlist("payment_dispute_status"))
    order_id = params.get("order_id")
    if order_id:
        return DisputeSearch(order_id, None, 0, now_ms, None)
    if asked - statuses("dispute"):
        raise dispute_error("payment_dispute_status", sorted(asked - statuses("dispute"))[0])
    from_ms, to_ms = _dispute_range(params, now_ms)
    return DisputeSearch(None, params.get("buyer_username"), from_ms, to_ms, asked or None)


def _dispute_range(params: QueryParams, now_ms: int) -> tuple[int, int]:
    """At most 90 days, from 18 months ago on; without dates all of it (unverified)."""
    from_ms, to_ms = _dispute_date(params, "open_date_from"), _dispute_date(params, "open_date_to")
    if from_ms is None and to_ms is None:
        return horizon_ms(now_ms), now_ms
    if from_ms is None:
        assert to_ms is not None
        return to_ms - OPEN_ENDED_MS, to_ms
    if from_ms < horizon_ms(now_ms):
        raise dispute_error("open_date_from", params["open_date_from"])
    to_ms = from_ms + OPEN_ENDED_MS if to_ms is None else to_ms
    if not from_ms <= to_ms <= from_ms + OPEN_ENDED_MS:
        raise dispute_error("open_date_to", params.get("open_date_to", ""))
    return from_ms, to_ms


def _dispute_date(params: QueryParams, name: str) -> int | None:
    text = params.get(name)
    at_ms = None if text is None else parse_iso(text)
    if text is not None and at_ms is None:
        raise dispute_error(name, text)
    return at_ms


def parse_dispute_page(params: QueryParams) -> tuple[int, int]:
    """`limit` 1 to 200, default 200, and `offset` in rows. Raises EbayError 33001."""
    limit, offset = whole(params.get("limit"), MAX_DISPUTES), whole(params.get("offset"), 0)
    if limit is None or not 1 <= limit <= MAX_DISPUTES:
        raise dispute_error("limit", params["limit"])
    if offset is None:
        raise dispute_error("offset", params["offset"])
    return limit, offset


def matching_disputes(view: TroubleView, search: DisputeSearch) -> Sequence[Trouble]:
    """Newest first."""
    rows = view.book.opened_between("dispute", search.from_ms, min(search.to_ms, view.now_ms))
    return [row for row in reversed(rows) if _dispute_matches(view, row, search)]


def _dispute_matches(view: TroubleView, row: Trouble, search: DisputeSearch) -> bool:
    if not row.listed:
        return False
    if search.order_id is not None:
        return view.order_id(row) == search.order_id
    if search.buyer is not None and view.facts(row).buyer.username != search.buyer:
        return False
    return search.statuses is None or row.last(view.now_ms).kind.status in search.statuses
