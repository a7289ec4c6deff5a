"""Calls as bytes for sockets of one's own: a bid is made ready before its moment and only sent at it.

Nothing here touches the network, counts quotas or writes a log: who sends the bytes does.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

import msgspec

from .bidding import bid_body
from .endpoints import GET_BIDDING, PLACE_PROXY_BID, Endpoint
from .environments import Environment
from .money import Money

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class PreparedCall:
    """Where to connect, and the whole request. `request` holds the token and is in no repr."""

    host: str
    port: int
    tls: bool
    request: bytes = field(repr=False)


def prepare_bid(
    environment: Environment,
    *,
    access_token: str,
    item_id: str,
    maximum: Money,
    marketplace_id: str,
    adult_consent: bool = False,
) -> PreparedCall:
    """`place_proxy_bid` as bytes: the bidder's own token, the RESTful item id, the listing's currency.

    ValueError for a token, id or marketplace that cannot stand in a request; it quotes none of them.
    """
    body = msgspec.json.encode(bid_body(maximum, adult_consent=adult_consent))
    return _prepare(environment, PLACE_PROXY_BID, item_id, access_token, marketplace_id, body)


def prepare_bidding_read(
    environment: Environment, *, access_token: str, item_id: str, marketplace_id: str
) -> PreparedCall:
    """`get_bidding` as bytes. ValueError as for `prepare_bid`."""
    return _prepare(environment, GET_BIDDING, item_id, access_token, marketplace_id, None)


def prepare_probe(environment: Environment) -> PreparedCall:
    """The smallest question whose answer has eBay's `Date`: a HEAD of the API's root, without a token.

    Whatever its status, it measures the clock and the way there on the connections that bids will use.
    """
    return _request(environment.api, "HEAD", "/", {}, None)


def _prepare(
    environment: Environment,
    endpoint: Endpoint,
    item_id: str,
    access_token: str,
    marketplace_id: str,
    body: bytes | None,
) -> PreparedCall:
    headers = {
        "Authorization": f"Bearer {access_token}",
        "Accept": "application/json",
        "Accept-Language": "en-US",
        "X-EBAY-C-MARKETPLACE-ID": marketplace_id,
    }
    if not access_token or not marketplace_id:
        raise ValueError("a bid needs a token and a marketplace")
    url = urlsplit(endpoint.url(environment, {"item_id": item_id}))
    base = f"{url.scheme}://{url.netloc}"
    return _request(base, endpoint.method, url.path, headers, body)


def _request(base: str, method: str, path: str, headers: dict[str, str], body: bytes | None) -> PreparedCall:
    url = urlsplit(base)
    host, port = url.hostname or "", url.port or _PORTS[url.scheme]
    # Without compression: what little comes back is read at once.
    sent = {"Host": url.netloc, "User-Agent": "ebayconnector", "Accept-Encoding": "identity", **headers}
    if body is not None:
        sent |= {"Content-Type": "application/json", "Content-Length": str(len(body))}
    for name, value in sent.items():
        if not value.isascii() or not value.isprintable() or value != value.strip():
            raise ValueError(f"header {name} has a value that cannot be sent")
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {value}" for name, value in sent.items()), "", ""]
    return PreparedCall(host, port, url.scheme == "https", "\r\n".join(lines).encode() + (body or b""))
