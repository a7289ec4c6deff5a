"""The Notification API by eBay's documentation (03 §10): error ids, paging, challenge, deliveries."""

import base64
import hashlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qs, urlsplit

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ebayconnector.simulator.tests.conftest import contract, error_id

BASE = "/commerce/notification/v1"
TOKEN = "a_verification_token-of-32-characters"


class Endpoint:
    """An endpoint that answers the challenge and takes what `answers` says, 204 afterwards."""

    def __init__(self) -> None:
        self.token = TOKEN
        self.answers: list[int] = []
        self.received: list[tuple[dict, bytes]] = []
        self.taken = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                code = parse_qs(urlsplit(self.path).query)["challenge_code"][0]
                answer = hashlib.sha256(f"{code}{outer.token}{outer.url}".encode()).hexdigest()
                self._send(200, json.dumps({"challengeResponse": answer}).encode())

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.received.append((dict(self.headers), body))
                outer.taken.set()
                self._send(outer.answers.pop(0) if outer.answers else 204, b"")

            def _send(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/events"
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()


@pytest.fixture
def endpoint():
    made = Endpoint()
    yield made
    made.server.shutdown()
    made.server.server_close()


@pytest.fixture
def api(sim):
    """Calls as the application."""
    token = sim.app_token()
    sim.control("POST", "/notices/settings", {"retry_s": 0.01, "refuse_local": False})

    def call(method, path, body=None, **params):
        headers = {"Authorization": f"Bearer {token}"}
        return sim.http.request(
            method, f"{sim.url}{BASE}{path}", json=body, headers=headers, params=params, timeout=30
        )

    return call


def destination(endpoint, **changes):
    delivery = {"endpoint": endpoint.url, "verificationToken": TOKEN} | changes.pop("delivery", {})
    return {"name": "ours", "status": "ENABLED", "deliveryConfig": delivery} | changes


def created(answer) -> str:
    assert (answer.status_code, answer.content) == (201, b"")
    return answer.headers["Location"].rpartition("/")[2]


def subscribe(api, endpoint, topic="MARKETPLACE_ACCOUNT_DELETION"):
    api("PUT", "/config", {"alertEmail": "ops@example.com"})
    destination_id = created(api("POST", "/destination", destination(endpoint)))
    return created(api("POST", "/subscription", subscription(destination_id, topicId=topic)))


def subscription(destination_id, **changes):
    payload = {"format": "JSON", "schemaVersion": "1.0", "deliveryProtocol": "HTTPS"}
    return {"destinationId": destination_id, "status": "ENABLED", "payload": payload} | changes


def test_a_user_token_is_not_enough(sim):
    assert error_id(sim.get(f"{BASE}/config", sim.mint())) == 1100


def test_the_config_comes_first(api, endpoint):
    assert (api("GET", "/config").status_code, error_id(api("GET", "/config"))) == (404, 195026)
    assert error_id(api("POST", "/destination", destination(endpoint))) == 195003
    assert error_id(api("PUT", "/config", {"alertEmail": "nobody"})) == 195025
    assert api("PUT", "/config", {"alertEmail": "ops@example.com"}).status_code == 204
    assert api("GET", "/config").json() == {"alertEmail": "ops@example.com"}


@pytest.mark.parametrize(
    ("changes", "wanted"),
    [
        ({"name": "x" * 65}, 195016),
        ({"name": "<b>"}, 195016),
        ({"status": "ON"}, 195018),
        ({"delivery": {"endpoint": "ftp://example.com"}}, 195017),
        ({"delivery": {"verificationToken": "short"}}, 195019),
        ({"delivery": {"verificationToken": "x" * 40}}, 195020),
    ],
)
def test_a_destination_is_checked_and_challenged(api, endpoint, changes, wanted):
    api("PUT", "/config", {"alertEmail": "ops@example.com"})
    assert error_id(api("POST", "/destination", destination(endpoint, **changes))) == wanted


def test_the_real_one_takes_no_local_address(api, sim, endpoint):
    api("PUT", "/config", {"alertEmail": "ops@example.com"})
    sim.control("POST", "/notices/settings", {"refuse_local": True})
    for address in (endpoint.url, "https://localhost/x", "https://10.0.0.1/x", "http://example.com/x"):
        refused = api("POST", "/destination", destination(endpoint, delivery={"endpoint": address}))
        assert error_id(refused) == 195017


def test_destinations_and_subscriptions_live_and_are_kept_apart(api, endpoint):
    subscription_id = subscribe(api, endpoint)
    destination_id = api("GET", "/destination").json()["destinations"][0]["destinationId"]
    assert error_id(api("POST", "/destination", destination(endpoint))) == 195021
    assert error_id(api("DELETE", f"/destination/{destination_id}")) == 195024
    again = subscription(destination_id, topicId="MARKETPLACE_ACCOUNT_DELETION")
    assert error_id(api("POST", "/subscription", again)) == 195012
    assert error_id(api("POST", "/subscription", again | {"topicId": "NONE"})) == 195002
    assert error_id(api("POST", "/subscription", again | {"topicId": "ITEM_AVAILABILITY"})) == 195011
    assert error_id(api("POST", "/subscription", again | {"destinationId": "x"})) == 195007
    assert api("POST", f"/subscription/{subscription_id}/disable").status_code == 204
    assert api("GET", f"/subscription/{subscription_id}").json()["status"] == "DISABLED"
    assert api("DELETE", f"/subscription/{subscription_id}").status_code == 204
    assert error_id(api("GET", f"/subscription/{subscription_id}")) == 195013
    assert api("DELETE", f"/destination/{destination_id}").status_code == 204
    assert error_id(api("GET", f"/destination/{destination_id}")) == 195022


def test_lists_have_pages(api):
    assert error_id(api("GET", "/topic", limit=9)) == 195004
    assert error_id(api("GET", "/topic", limit=10, continuation_token="x")) == 195005
    page = api("GET", "/topic", limit=10).json()
    assert page["total"] == len(page["topics"])
    assert {"topicId", "scope", "supportedPayloads"} <= set(page["topics"][0])
    assert error_id(api("GET", "/topic/NONE")) == 195002


def test_a_notice_is_signed_over_its_bytes_and_sent_again_until_it_is_taken(api, sim, endpoint):
    subscribe(api, endpoint)
    endpoint.answers = [500, 412]

    sent = sim.control("POST", "/notices", {"seller": "thames_tools"})

    assert [one["statuses"] for one in sent["deliveries"]] == [[500, 412, 204]]
    counts = [json.loads(body)["notification"]["publishAttemptCount"] for _, body in endpoint.received]
    assert counts == [1, 2, 3]
    headers, body = endpoint.received[0]
    parts = json.loads(base64.b64decode(headers["X-EBAY-SIGNATURE"]))
    assert (parts["alg"], parts["digest"]) == ("ecdsa", "SHA1")
    told = api("GET", f"/public_key/{parts['kid']}").json()
    assert "\n" not in told["key"]
    der = base64.b64decode(told["key"].split("-----")[2])
    load_der_public_key(der).verify(base64.b64decode(parts["signature"]), body, ec.ECDSA(hashes.SHA1()))
    assert error_id(api("GET", "/public_key/none")) == 195001


def test_it_is_sent_four_times_at_most(api, sim, endpoint):
    subscribe(api, endpoint)
    endpoint.answers = [500] * 9
    sent = sim.control("POST", "/notices", {"seller": "thames_tools"})
    assert sent["deliveries"][0]["statuses"] == [500] * 4


def test_a_test_is_sent_by_itself(api, sim, endpoint):
    subscription_id = subscribe(api, endpoint)
    assert api("POST", f"/subscription/{subscription_id}/test").status_code == 202
    assert endpoint.taken.wait(10)
    assert json.loads(endpoint.received[0][1])["notification"]["data"]["username"] == "test_user"


def test_rotation_forgets_the_old_key_only_when_told(api, sim):
    old = sim.control("GET", "/notices")["keys"][0]
    new = sim.control("POST", "/notices/rotate_key", {})["kid"]
    assert [api("GET", f"/public_key/{kid}").status_code for kid in (old, new)] == [200, 200]
    sim.control("POST", "/notices/rotate_key", {"forget": True})
    assert api("GET", f"/public_key/{old}").status_code == 404


def test_answers_are_those_of_the_contract(api, endpoint):
    schemas = contract("commerce_notification_v1_oas3.json")["components"]["schemas"]
    subscribe(api, endpoint)
    for path, name, schema in (
        ("/topic", "topics", "Topic"),
        ("/destination", "destinations", "Destination"),
        ("/subscription", "subscriptions", "Subscription"),
    ):
        row = api("GET", path).json()[name][0]
        assert set(row) - {"filterable"} <= set(schemas[schema]["properties"])
