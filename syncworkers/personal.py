"""Where the tables of eBay data keep what belongs to other people: data beside the mappers, for all tables.

A new table has its entry here (a test asks for it): what names people, and which parts are theirs.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

Path = tuple[str, ...]


@dataclass(frozen=True)
class Personal:
    """`columns` and `paths` (into the payload) name people by username or user id.

    `parts`: names of members that belong to them and go, with all that is in them, wherever they stand.
    `of`: the table whose rows this one says more about, under the same natural key; they are erased together.
    """

    columns: tuple[str, ...] = ()
    paths: tuple[Path, ...] = ()
    parts: frozenset[str] = frozenset()
    of: str = ""


# 03 §4.1, 4.3, 7: names, addresses, and what people wrote.
_LETTER = frozenset(
    {
        "Content",
        "MessageMedia",
        "RecipientUserID",
        "ReplyToUserID",
        "ResponseDetails",
        "SendToName",
        "Sender",
        "SendingUserID",
        "Subject",
        "Text",
    }
)
_POST_ORDER = frozenset(
    {
        "attributes",
        "buyer",
        "buyerAddress",
        "buyerLoginName",
        "comment",
        "comments",
        "content",
        "description",
        "fromParty",
        "note",
        "notes",
        "returnAddress",
        "seller",
        "sellerLoginName",
        "shipToAddress",
        "text",
        "toParty",
        "userName",
    }
)

PERSONAL: Mapping[str, Personal] = MappingProxyType(
    {
        "orders": Personal(
            columns=("buyer_username",),
            parts=frozenset(
                {"buyer", "buyerCheckoutNotes", "finalDestinationAddress", "giftDetails", "shipTo"}
            ),
        ),
        "transactions": Personal(columns=("buyer_username",), parts=frozenset({"buyer"})),
        "messages": Personal(columns=("sender", "recipient"), parts=_LETTER),
        "message_bodies": Personal(of="messages", parts=_LETTER),
        "active_inventory": Personal(
            paths=(("SellingStatus", "HighBidder", "UserID"),), parts=frozenset({"HighBidder"})
        ),
        "buyer": Personal(columns=("seller",), parts=frozenset({"Seller"})),
        "cases": Personal(columns=("buyer", "seller"), parts=_POST_ORDER),
        "case_details": Personal(of="cases", parts=_POST_ORDER),
        "inquiries": Personal(columns=("buyer", "seller"), parts=_POST_ORDER),
        "inquiry_details": Personal(of="inquiries", parts=_POST_ORDER),
        "returns": Personal(columns=("buyer", "seller"), parts=_POST_ORDER),
        "return_details": Personal(of="returns", parts=_POST_ORDER),
        "payment_disputes": Personal(columns=("buyer",), parts=frozenset({"buyerUsername"})),
        "payment_dispute_details": Personal(
            of="payment_disputes",
            parts=frozenset({"buyerProvided", "buyerUsername", "note", "returnAddress"}),
        ),
        # Money and goods of the account itself.
        "transfers": Personal(),
        "finances": Personal(),
        "seller_funds": Personal(),
        "inventory_items": Personal(),
        "offers": Personal(),
    }
)

# What of a removed part is looked for in the rest of the record: what points at one person.
_TELLING = frozenset(
    {
        "addressLine1",
        "buyer",
        "buyerLoginName",
        "buyerUsername",
        "companyName",
        "email",
        "fullName",
        "name",
        "phoneNumber",
        "recipientEmail",
        "RecipientUserID",
        "SendToName",
        "senderName",
        "Sender",
        "SendingUserID",
        "UserID",
        "username",
    }
)
_SHORTEST_TELLING = 4
# Texts of listings are the seller's; a buyer named like a thing must not take them along.
_SELLERS_OWN = frozenset({"Title", "ItemTitle", "itemTitle", "sku", "title"})
# Parts that hold names of both sides: the account's own is no reason to erase anything else.
_ERASED = ""


def names_in(spec: Personal, columns: Mapping[str, Any], payload: Mapping[str, Any]) -> set[str]:
    """Everybody whom a record names."""
    named = {columns[name] for name in spec.columns}
    named |= {value for path in spec.paths if isinstance(value := _at(payload, path), str)}
    return named - {""}


def _at(value: Any, path: Path) -> Any:
    for name in path:
        value = value.get(name) if isinstance(value, Mapping) else None
    return value


def without_people(spec: Personal, payload: dict[str, Any], *, own: Collection[str]) -> dict[str, Any]:
    """The record without the parts that belong to people, and without their names in what is left.

    `own`: names of the account, which stay where they stand. The same record always gives the same result.
    """
    mine = {name.lower() for name in own}
    telling = {text for text in _telling(payload, spec.parts) if text.lower() not in mine}
    rest: dict[str, Any] = _less(payload, spec.parts)
    if not telling:
        return rest
    words = "|".join(re.escape(text) for text in sorted(telling, key=lambda text: (-len(text), text)))
    cleaned: dict[str, Any] = _scrubbed(rest, re.compile(rf"(?<!\w)(?:{words})(?!\w)", re.IGNORECASE))
    return cleaned


def _telling(value: Any, parts: Collection[str], inside: bool = False, name: str = "") -> Iterator[str]:
    """Texts within the parts that would give a person away elsewhere."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield from _telling(item, parts, inside or key in parts, key)
    elif isinstance(value, list):
        for item in value:
            yield from _telling(item, parts, inside, name)
    elif inside and name in _TELLING and isinstance(value, str) and len(value) >= _SHORTEST_TELLING:
        yield value


def _less(value: Any, parts: Collection[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: _less(item, parts) for key, item in value.items() if key not in parts}
    return [_less(item, parts) for item in value] if isinstance(value, list) else value


def _scrubbed(value: Any, names: re.Pattern[str]) -> Any:
    if isinstance(value, Mapping):
        return {key: item if key in _SELLERS_OWN else _scrubbed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [_scrubbed(item, names) for item in value]
    return names.sub(_ERASED, value) if isinstance(value, str) else value
