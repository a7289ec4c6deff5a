"""What every table should hold, from what the simulator says is true.

The records come from its control API, in the shape in which eBay gives them. What is XML at eBay goes through
our own reading of XML, and its lists through what makes records of them; `numbers` does not.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from accounts.models import EbayAccount
from ebayconnector.ebay import buying, endpoints, selling
from ebayconnector.ebay.endpoints import Endpoint
from ebayconnector.ebay.post_order_search import with_text_ids
from ebayconnector.ebay.trading_xml import read_records
from ebayconnector.simulator.trading_xml import Answer, TradingCall, answer_response

from .world import World

Record = dict[str, Any]
_LINKS = ("orderId", "caseId")


@dataclass
class Truth:
    """Records by table; what eBay lists no longer although it exists (`unlisted`, by table: keys), what leads
    from a record to its order and case (`links`), and how many rows a listing or purchase has (`numbers`)."""

    records: dict[str, list[Record]]
    unlisted: dict[str, set[str]] = field(default_factory=dict)
    links: dict[str, dict[str, Record]] = field(default_factory=dict)
    legacy_skus: set[str] = field(default_factory=set)
    numbers: dict[str, dict[str, int]] = field(default_factory=dict)


def read_truth(world: World, account: EbayAccount) -> Truth:
    def all_of(kind: str) -> list[Record]:
        return world.everything(kind, account)

    listings, purchases = all_of("listings"), all_of("purchases")
    truth = Truth(
        {
            "orders": all_of("orders"),
            "transactions": all_of("transactions"),
            "finances": all_of("payouts"),
            "transfers": all_of("transfers"),
            "seller_funds": [funds]
            if (funds := world.ebay.get("truth/funds", seller=account.username))
            else [],
            "inventory_items": all_of("items"),
            "offers": all_of("offers"),
            **_letters(all_of("messages")),
            "active_inventory": _listings(listings),
            "buyer": _purchases(purchases),
        }
    )
    truth.numbers = {
        "active_inventory": {each["ItemID"]: _variations(each) for each in listings},
        "buyer": {line_id: 1 for each in purchases for line_id in each["ids"]},
    }
    stock = world.ebay.get("stock", seller=account.username)["items"]
    truth.legacy_skus = {item["sku"] for item in stock if item["legacy"]}
    for kind in ("cases", "inquiries", "returns", "disputes"):
        _add_troubles(truth, kind, all_of(kind))
    return truth


def _add_troubles(truth: Truth, kind: str, found: list[Record]) -> None:
    table = "payment_disputes" if kind == "disputes" else kind
    details = {"inquiries": "inquiry_details", "disputes": "payment_dispute_details"}
    truth.records[table] = [with_text_ids(each["summary"]) for each in found]
    truth.records[details.get(kind, f"{kind[:-1]}_details")] = [
        _return_detail(each) if kind == "returns" else with_text_ids(each["detail"]) for each in found
    ]
    truth.links[table] = {each["id"]: {name: each[name] or "" for name in _LINKS} for each in found}
    if kind == "inquiries":
        truth.unlisted[table] = {each["id"] for each in found if each["escalated"]}


def _return_detail(each: Record) -> Record:
    """Both field groups, as `post_order.get_return` puts them together."""
    parts = {"summary": with_text_ids(each["summary"]), "detail": with_text_ids(each["detail"])}
    return {"returnId": each["id"], **parts}


def _letters(found: list[Record]) -> dict[str, list[Record]]:
    whole = _as_xml(endpoints.GET_MY_MESSAGES, found)
    heads = [{k: v for k, v in each.items() if k not in ("Text", "Content")} for each in whole]
    return {"messages": heads, "message_bodies": whole}


def _listings(found: list[Record]) -> list[Record]:
    """As if each had been read at its end."""
    ended = [{k: v for k, v in each.items() if k != "EndsAt"} | {"TimeLeft": "PT0S"} for each in found]
    items = _as_xml(endpoints.GET_MY_EBAY_SELLING, ended)
    pairs = zip(items, found, strict=True)
    return [record for item, each in pairs for record in selling._of_item(item, each["EndsAt"])]


def _variations(listing: Record) -> int:
    return len(listing.get("Variations", {}).get("Variation", ())) or 1


def _purchases(found: list[Record]) -> list[Record]:
    bare = [{name: value for name, value in each.items() if name != "ids"} for each in found]
    entries = _as_xml(endpoints.GET_MY_EBAY_BUYING, bare)
    return [record for entry in entries for record in buying._of_entry(entry)]


def _as_xml(endpoint: Endpoint, found: list[Record]) -> list[Record]:
    """The records as they are when they have been XML, which the simulator writes."""
    assert endpoint.records is not None
    body: Any = found
    for name in reversed(endpoint.records.path):
        body = {name: body}
    call = TradingCall(name=endpoint.name, language="en", at_ms=0, root=None)
    _, records = read_records(bytes(answer_response(call, Answer(body)).body), endpoint.records)
    return records


def without(record: Any, path: tuple[str, ...]) -> Any:
    """A copy without what is at `path`; `*` is every element of a list."""
    head, *rest = path
    if head == "*":
        return [without(item, tuple(rest)) for item in record] if isinstance(record, list) else record
    if not isinstance(record, Mapping) or head not in record:
        return record
    if not rest:
        return {name: value for name, value in record.items() if name != head}
    return {**record, head: without(record[head], tuple(rest))}
