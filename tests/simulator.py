"""The simulator's control API and its consent page, as tests use them."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import requests
from django.test import Client


class Simulator:
    """Speaks to `/_sim/…` of one running simulator; over one connection when it has a session."""

    def __init__(self, url: str, http: requests.Session | None = None) -> None:
        self.url = url
        self._request = (http or requests).request

    def _call(self, method: str, path: str, **kwargs: Any) -> Any:
        response = self._request(method, f"{self.url}/_sim/{path}", timeout=30, **kwargs)
        assert response.ok, response.text
        return response.json() if response.content else None

    def get(self, path: str, /, **params: Any) -> Any:
        return self._call("GET", path, params=params)

    def post(self, path: str, /, **body: Any) -> Any:
        return self._call("POST", path, json=body)

    def patch(self, path: str, /, **body: Any) -> Any:
        return self._call("PATCH", path, json=body)

    def delete(self, path: str, /, **params: Any) -> Any:
        return self._call("DELETE", path, params=params)

    def reset(self, **body: Any) -> None:
        self.delete("faults")
        self.post("drift", per_page=0)
        self.post("clock", offset_s=0, frozen=False)
        self.post("reset", **{"seed": 1, "orders": 60, **body})
        self.delete("requests")

    def sellers(self) -> list[dict[str, Any]]:
        return self.get("sellers")["sellers"]

    def fault(self, path: str, kind: str, **more: Any) -> Any:
        return self.post("faults", path=path, kind=kind, **more)

    def requests(self, path: str = "", **params: Any) -> list[dict[str, Any]]:
        wanted = {"path": path} if path else {}
        return self.get("requests", **wanted, **params)["requests"]

    def order_ids(self, seller: str) -> dict[str, str]:
        """orderId → lastModifiedDate, the truth."""
        return dict(self.get("truth/orders/ids", seller=seller))

    def everything(self, kind: str, seller: str) -> list[dict[str, Any]]:
        """`truth/<kind>` page by page: the list of the answer's only list."""
        rows: list[dict[str, Any]] = []
        while True:
            page = self.get(f"truth/{kind}", seller=seller, offset=len(rows), limit=1000)
            found = next(value for value in page.values() if isinstance(value, list))
            rows += found
            if not found or len(rows) >= page["total"]:
                return rows


def consent(authorize_url: str, seller: str, *, decision: str = "agree") -> str:
    """Drive eBay's consent page; returns the address that the browser is sent back to."""
    session = requests.Session()
    page = session.get(authorize_url, timeout=30)
    assert page.ok, page.text
    consent_id = re.search(r'name="consent_id" value="([^"]+)"', page.text)
    assert consent_id, page.text
    answer = session.post(
        f"{urlsplit(authorize_url).scheme}://{urlsplit(authorize_url).netloc}/oauth2/consent",
        data={"consent_id": consent_id[1], "seller": seller, "decision": decision},
        allow_redirects=False,
        timeout=30,
    )
    assert answer.status_code == 302, answer.text
    return answer.headers["Location"]


def connect(link: str, seller: str, *, client: Client | None = None, decision: str = "agree"):  # type: ignore[no-untyped-def]
    """Open our one-use link, consent at eBay, come back: the response of our callback."""
    client = client or Client()
    parts = urlsplit(link)
    started = client.get(f"{parts.path}?{parts.query}")
    assert started.status_code == 302, started.content
    back = urlsplit(consent(started["Location"], seller, decision=decision))
    return client.get(f"{back.path}?{back.query}")
