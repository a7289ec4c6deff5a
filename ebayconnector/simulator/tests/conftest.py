"""One simulator on a free port for the whole session; each test begins with a new world."""

import json
import re
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
import requests

from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.server import SimulatorServer

API = "https://api.ebay.com/oauth/api_scope"
ORDERS, IDENTITY = f"{API}/sell.fulfillment.readonly", f"{API}/commerce.identity.readonly"
APP = ("SimulatorApp-SIM-0001", "SIM-secret-0001-not-a-real-key")
RUNAME = "Simulator-RuName-1"
ACCEPT_URL = "http://accept.invalid/callback?kept=1"
REJECT_URL = "http://reject.invalid/declined"
SELLER = "thames_tools"

CONTRACTS = Path(__file__).resolve().parents[3].parent / "shared" / "contracts"


def counted(monkeypatch, module, name: str) -> list[None]:
    """Grows by one with each call of a function of the simulator, which runs in this process."""
    calls: list[None] = []
    original = getattr(module, name)

    def counting(*args, **kwargs):
        calls.append(None)
        return original(*args, **kwargs)

    monkeypatch.setattr(module, name, counting)
    return calls


class Sim:
    """A person at the browser, an application, and the control API, over real HTTP."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.http = requests.Session()
        # No look at the environment or at ~/.netrc before each request.
        self.http.trust_env = False

    def control(self, method: str, path: str, body=None, *, status: int = 200):
        answer = self.http.request(method, f"{self.url}/_sim{path}", json=body, timeout=30)
        assert answer.status_code == status, answer.text
        return answer.json()

    def authorize(self, **changes):
        params = {
            "client_id": APP[0],
            "redirect_uri": RUNAME,
            "response_type": "code",
            "scope": f"{API} {ORDERS} {IDENTITY}",
            "state": "signed:state/with+odd&chars",
        } | changes
        given = {name: value for name, value in params.items() if value is not None}
        return self.http.get(f"{self.url}/oauth2/authorize", params=given, timeout=30)

    def decide(self, page: requests.Response, decision: str = "agree", seller: str = SELLER):
        consent_id = re.search(r'name="consent_id" value="([^"]+)"', page.text)[1]
        form = {"consent_id": consent_id, "seller": seller, "decision": decision}
        return self.http.post(f"{self.url}/oauth2/consent", data=form, allow_redirects=False, timeout=30)

    def code(self, **changes) -> str:
        return redirect_params(self.decide(self.authorize(**changes)))["code"]

    def token(self, *, auth=APP, **form):
        return self.http.post(f"{self.url}/identity/v1/oauth2/token", data=form, auth=auth, timeout=30)

    def mint(self, seller: str = SELLER, **fields) -> str:
        return self.control("POST", "/tokens", {"seller": seller, **fields})["access_token"]

    def app_token(self) -> str:
        return self.token(grant_type="client_credentials", scope=API).json()["access_token"]

    def get(self, path: str, token: str | None, headers=None, **params):
        sent = dict(headers or {}) | ({"Authorization": f"Bearer {token}"} if token else {})
        return self.http.get(self.url + path, params=params, headers=sent, timeout=30)

    def orders(self, token: str | None = None, **params):
        return self.get("/sell/fulfillment/v1/order", token or self.mint(), **params)

    def all_orders(self, token: str, **params) -> list[dict]:
        """Every row by following `next`."""
        rows, page = [], self.orders(token, **params).json()
        while True:
            rows += page["orders"]
            if "next" not in page:
                return rows
            page = self.http.get(
                page["next"], headers={"Authorization": f"Bearer {token}"}, timeout=30
            ).json()

    def truth(self, seller: str = SELLER) -> list[dict]:
        return self.control("GET", f"/truth/orders?seller={seller}")["orders"]

    def new_order(self, seller: str = SELLER, **fields) -> str:
        return self.control("POST", "/orders", {"seller": seller, **fields})["orderIds"][0]

    def now(self) -> str:
        return self.control("GET", "/clock")["now"]

    def freeze(self) -> str:
        return self.control("POST", "/clock", {"frozen": True})["now"]


def redirect_params(answer: requests.Response) -> dict[str, str]:
    assert answer.status_code == 302, answer.text
    query = parse_qs(urlsplit(answer.headers["location"]).query, strict_parsing=True)
    return {name: values[0] for name, values in query.items()}


def error_id(answer: requests.Response) -> int:
    return answer.json()["errors"][0]["errorId"]


def contract(name: str) -> dict:
    path = CONTRACTS / name
    if not path.exists():
        pytest.skip(f"eBay's contracts are not beside this checkout: {name}")
    return json.loads(path.read_text())


@pytest.fixture(scope="session")
def server():
    config = SimulatorConfig(orders=120, accept_url=ACCEPT_URL, reject_url=REJECT_URL)
    with SimulatorServer(config) as running:
        yield running


@pytest.fixture
def sim(server):
    client = Sim(server.url)
    client.control(
        "POST",
        "/reset",
        {"seed": 1, "orders": 120, "arrivals_per_minute": 0, "changes_per_minute": 0, "sort": "newest_first"}
        | {"stock": 40, "stock_changes_per_minute": 0, "stock_sort": "oldest_first"}
        | {"inventory_offset": "page", "inventory_links": "absolute"}
        | {"messages": 60, "messages_per_minute": 0, "listings": 60, "listing_changes_per_minute": 0}
        | {"purchases": 24, "purchases_per_minute": 0}
        | {"trouble_share": 0.12, "trouble_changes_per_minute": 0},
    )
    yield client
    client.http.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The simulator's own tests are for those who change it: left out of `make test-fast`."""
    for item in items:
        if "/simulator/tests/" in str(item.path):
            item.add_marker(pytest.mark.slow)
