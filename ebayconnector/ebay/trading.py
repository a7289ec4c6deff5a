"""The Trading API: XML calls (03 §3)."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime

from lxml import etree

from .answers import Answer
from .client import EbayClient
from .endpoints import TRADING_GET_USER, TRADING_VERSION, Endpoint, trading_endpoint
from .errors import BadAnswer
from .marketplaces import site_for_marketplace
from .remote_errors import RemoteError, trading_errors
from .timefmt import parse_ebay_time

_NAMESPACE = "urn:ebay:apis:eBLBaseComponents"


@dataclass(frozen=True, slots=True)
class TradingUser:
    """`eias_token` is eBay's stable key of a user (no secret); `site` is a word such as "Germany"."""

    user_id: str
    eias_token: str
    site: str
    status: str
    email: str | None = field(default=None, repr=False)


def call(
    client: EbayClient,
    name: str,
    *,
    site_id: int,
    body_elements: bytes = b"",
    endpoint: Endpoint | None = None,
) -> etree._Element:
    """Calls `name` and returns the root of its answer, tags without namespaces.

    `body_elements` is the inside of the request, already XML. An answer with `PartialFailure` or `Warning` is
    returned; `warnings_of` has its errors. `Failure` raises the class that fits (03 §3.2).
    """
    answer = client.call(
        endpoint or trading_endpoint(name),
        xml=_request(name, body_elements),
        headers={"X-EBAY-API-SITEID": str(site_id)},
    )
    return answer.xml()


def read(client: EbayClient, endpoint: Endpoint, body_elements: bytes) -> Answer:
    """Calls `endpoint` on the site of the client's marketplace (US where that has none); the whole answer.

    Its errors as `call`'s; `Answer.records` has the records, where `endpoint` says where they are.
    """
    return client.call(
        endpoint,
        xml=_request(endpoint.name, body_elements),
        headers={"X-EBAY-API-SITEID": str(_site_id(client))},
    )


def read_whole(
    client: EbayClient, endpoint: Endpoint, body_elements: bytes, *, but: Collection[str] = ()
) -> Answer:
    """As `read`, where what is missing would be taken for gone: `BadAnswer` for a `PartialFailure`, unless
    all that failed did so for a reason in `but`."""
    answer = read(client, endpoint, body_elements)
    if _text(answer.xml(), "Ack") == "PartialFailure":
        ids = [error.error_id for error in warnings_of(answer.xml())]
        if not ids or not set(but).issuperset(ids):
            raise answer.bad(f"only a part of the answer (PartialFailure {', '.join(ids)})")
    return answer


def _site_id(client: EbayClient) -> int:
    site = site_for_marketplace(client.marketplace_id)
    return site.site_id if site else 0


def get_user(client: EbayClient, site_id: int) -> TradingUser:
    """The owner of the client's token (03 §3.4). `BadAnswer` when the answer lacks the user's id or key."""
    root = call(client, TRADING_GET_USER.name, site_id=site_id, endpoint=TRADING_GET_USER)
    email = _text(root, "User/Email")
    user = TradingUser(
        user_id=_text(root, "User/UserID"),
        eias_token=_text(root, "User/EIASToken"),
        site=_text(root, "User/Site"),
        status=_text(root, "User/Status"),
        # eBay writes words such as "Invalid Request" here when it does not tell.
        email=email if "@" in email else None,
    )
    if not user.user_id or not user.eias_token:
        raise BadAnswer("no UserID or EIASToken", endpoint=TRADING_GET_USER.name, status=200)
    return user


def warnings_of(root: etree._Element) -> tuple[RemoteError, ...]:
    """What eBay reported beside the data: warnings, and the errors of a `PartialFailure`."""
    return trading_errors(root)


def timestamp_of(root: etree._Element) -> datetime | None:
    """eBay's time of the answer; None when it has none that can be read."""
    try:
        return parse_ebay_time(_text(root, "Timestamp"))
    except ValueError:
        return None


def _request(name: str, body_elements: bytes) -> bytes:
    head = (
        f'<?xml version="1.0" encoding="utf-8"?>\n<{name}Request xmlns="{_NAMESPACE}">'
        f"<ErrorLanguage>en_US</ErrorLanguage><WarningLevel>High</WarningLevel><Version>{TRADING_VERSION}</Version>"
    )
    return head.encode() + body_elements + f"</{name}Request>".encode()


def _text(root: etree._Element, path: str) -> str:
    return (root.findtext(path) or "").strip()
