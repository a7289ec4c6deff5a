"""What the tests of auctions do again and again."""

from urllib.parse import quote

import requests

from .conftest import API

BUYER, OTHER = "northwind_parts", "thames_tools"
AUCTION_SCOPE = f"{API}/buy.offer.auction"


class Bidders:
    """Accounts that may bid, at one simulator."""

    def __init__(self, sim) -> None:
        self.sim = sim
        self._tokens: dict[str, str] = {}

    def token(self, seller: str = BUYER) -> str:
        if seller not in self._tokens:
            self._tokens[seller] = self.sim.mint(seller, scopes=[API, AUCTION_SCOPE])
        return self._tokens[seller]

    def auction(self, **fields) -> str:
        return self.sim.control("POST", "/auctions", {"ends_in_s": 600, "start": 10.0, **fields})["itemIds"][
            0
        ]

    def state(self, item_id: str) -> dict:
        return self.sim.control("GET", f"/auctions/{item_id}")

    def change(self, item_id: str, **fields) -> dict:
        return self.sim.control("PATCH", f"/auctions/{item_id}", fields)

    def bid(
        self,
        item_id: str,
        value: str,
        seller: str = BUYER,
        *,
        currency="USD",
        body=None,
        headers=None,
        token=None,
    ) -> requests.Response:
        sent = {"X-EBAY-C-MARKETPLACE-ID": "EBAY_US"} if headers is None else headers
        body = {"maxAmount": {"value": value, "currency": currency}} if body is None else body
        return self.sim.http.post(
            f"{self._path(item_id)}/place_proxy_bid",
            json=body,
            headers={"Authorization": f"Bearer {token or self.token(seller)}"} | sent,
            timeout=30,
        )

    def bidding(self, item_id: str, seller: str = BUYER) -> requests.Response:
        headers = {"Authorization": f"Bearer {self.token(seller)}", "X-EBAY-C-MARKETPLACE-ID": "EBAY_US"}
        return self.sim.http.get(self._path(item_id), headers=headers, timeout=30)

    def _path(self, item_id: str) -> str:
        rest_id = item_id if "|" in item_id else f"v1|{item_id}|0"
        return f"{self.sim.url}/buy/offer/v1_beta/bidding/{quote(rest_id, safe='')}"

    def browse(self, item_id: str, marketplace: str = "EBAY_US", **params) -> requests.Response:
        return self.sim.get(
            "/buy/browse/v1/item/get_item_by_legacy_id",
            self.sim.app_token(),
            {"X-EBAY-C-MARKETPLACE-ID": marketplace},
            legacy_item_id=item_id,
            **params,
        )

    def raises(self, item_id: str) -> list[dict]:
        return self.sim.control("GET", f"/posts/raises?item_id={item_id}")["raises"]

    def posts(self, item_id: str) -> list[dict]:
        return self.sim.control("GET", f"/posts?item_id={item_id}")["posts"]

    def advance(self, seconds: float) -> None:
        self.sim.control("POST", "/clock", {"advance_s": seconds})
