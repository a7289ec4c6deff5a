import time

import pytest
import requests

from .conftest import API, SELLER, error_id

ORDERS_PATH = "/sell/fulfillment/v1/order"


def fault(sim, kind, path=ORDERS_PATH, **fields):
    return sim.control("POST", "/faults", {"path": path, "kind": kind} | fields)["id"]


@pytest.mark.parametrize(
    ("kind", "status", "number"),
    [("expired_token", 401, 1001), ("rate_limited", 429, 2001), ("server_error", 500, 30500)],
)
def test_error_kinds_answer_in_the_apis_shape(sim, kind, status, number):
    fault(sim, kind)
    answer = sim.orders()
    assert (answer.status_code, error_id(answer)) == (status, number)
    assert "rlogid" in answer.headers


def test_fault_strikes_once_by_default(sim):
    fault(sim, "server_error")
    assert [sim.orders().status_code for _ in range(3)] == [500, 200, 200]


def test_count_and_skip(sim):
    fault(sim, "server_error", count=2, skip=1)
    assert [sim.orders().status_code for _ in range(4)] == [200, 500, 500, 200]


def test_null_count_is_for_ever_until_deleted(sim):
    fault_id = fault(sim, "server_error", count=None)
    assert [sim.orders().status_code for _ in range(3)] == [500] * 3
    assert sim.control("GET", "/faults")["faults"][0]["hits"] == 3
    assert sim.control("DELETE", f"/faults/{fault_id}") == {"removed": 1}
    assert sim.orders().status_code == 200


def test_path_is_searched_in_the_decoded_query(sim):
    fault(sim, "server_error", path=r"order\?.*lastmodifieddate:\[")
    assert sim.orders().status_code == 200
    assert sim.orders(filter=f"lastmodifieddate:[{sim.now()}..]").status_code == 500


def test_fault_for_one_grant_of_the_token_endpoint(sim):
    fault(sim, "server_error", path="#refresh_token$")
    assert sim.token(grant_type="client_credentials", scope=API).status_code == 200
    answer = sim.token(grant_type="refresh_token", refresh_token="x")
    assert (answer.status_code, answer.json()["error"]) == (500, "server_error")


def test_fault_for_one_method_or_seller(sim):
    fault(sim, "server_error", method="post")
    fault(sim, "server_error", seller="outback_spares")
    assert sim.orders().status_code == 200
    assert sim.orders(sim.mint("outback_spares")).status_code == 500


def test_retry_after(sim):
    fault(sim, "rate_limited", retry_after=17)
    assert sim.orders().headers["Retry-After"] == "17"


def test_unavailable_is_html(sim):
    fault(sim, "unavailable", retry_after=3)
    answer = sim.orders()
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "3")
    assert answer.headers["content-type"].startswith("text/html")


def test_malformed_json(sim):
    fault(sim, "malformed_json")
    answer = sim.orders()
    assert answer.status_code == 200
    with pytest.raises(requests.exceptions.JSONDecodeError):
        answer.json()


def test_wrong_content_type_and_empty_body(sim):
    fault(sim, "wrong_content_type")
    fault(sim, "empty_body")
    wrong, empty = sim.orders(), sim.orders()
    assert (wrong.status_code, wrong.headers["content-type"].partition(";")[0]) == (200, "text/html")
    assert (empty.status_code, empty.content) == (200, b"")


def test_any_status_and_any_body(sim):
    fault(sim, "status", status=418, body={"tea": True})
    fault(sim, "replace_body", body="<?xml version='1.0'?><x/>")
    teapot, replaced = sim.orders(), sim.orders()
    assert (teapot.status_code, teapot.json()) == (418, {"tea": True})
    assert (replaced.status_code, replaced.text) == (200, "<?xml version='1.0'?><x/>")


def test_slow_answer_comes_late_and_whole(sim):
    fault(sim, "slow", delay_s=0.3)
    started = time.perf_counter()
    assert len(sim.orders().json()["orders"]) == 50
    assert time.perf_counter() - started >= 0.3


def test_slow_does_not_hold_up_others(sim):
    fault(sim, "slow", delay_s=30)
    with pytest.raises(requests.Timeout):
        requests.get(sim.url + ORDERS_PATH, timeout=0.2)
    assert sim.orders().status_code == 200
    statuses = [entry["status"] for entry in sim.control("GET", "/requests")["requests"]]
    assert statuses == [None, 200]  # the first is still on its way


def test_drip_sends_the_body_in_pieces(sim):
    fault(sim, "drip", delay_s=0.3)
    token = sim.mint()
    headers = {"Authorization": f"Bearer {token}"}
    started = time.perf_counter()
    with sim.http.get(sim.url + ORDERS_PATH, headers=headers, stream=True, timeout=30) as answer:
        until_headers_s = time.perf_counter() - started
        assert len(answer.json()["orders"]) == 50
    assert time.perf_counter() - started >= 0.3 > until_headers_s


def test_cut_promises_the_whole_body_and_closes_in_the_middle(sim):
    fault(sim, "cut")
    with pytest.raises(requests.exceptions.ChunkedEncodingError):
        sim.orders()
    assert sim.orders().status_code == 200


def test_reset_closes_without_an_answer(sim):
    fault(sim, "reset")
    with pytest.raises(requests.ConnectionError, match="ConnectionResetError"):
        sim.orders()
    entry = sim.control("GET", f"/requests?path={ORDERS_PATH}")["requests"][-1]
    assert (entry["status"], entry["fault"]) == (0, "reset")


@pytest.mark.parametrize("kind", ["reset", "cut"])
def test_lost_answers_come_after_the_work(sim, kind):
    code = sim.code()
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": "Simulator-RuName-1"}
    fault(sim, kind, path="#authorization_code$")
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        sim.token(**form)
    assert sim.token(**form).json()["error"] == "invalid_grant"


@pytest.mark.parametrize("kind", ["reset", "cut", "server_error"])
def test_faults_before_the_work_leave_it_undone(sim, kind):
    form = {"grant_type": "authorization_code", "code": sim.code(), "redirect_uri": "Simulator-RuName-1"}
    fault(sim, kind, path="#authorization_code$", before=True)
    try:
        assert sim.token(**form).status_code == 500
    except requests.ConnectionError:
        assert kind != "server_error"
    assert sim.token(**form).status_code == 200


def test_error_fault_after_the_work_on_wish(sim):
    form = {"grant_type": "authorization_code", "code": sim.code(), "redirect_uri": "Simulator-RuName-1"}
    fault(sim, "server_error", path="#authorization_code$", before=False)
    assert sim.token(**form).status_code == 500
    assert sim.token(**form).json()["error"] == "invalid_grant"


def test_expired_token_fault_at_the_token_endpoint_is_invalid_grant(sim):
    fault(sim, "expired_token", path="#refresh_token")
    answer = sim.token(grant_type="refresh_token", refresh_token="x")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


def test_latency_of_a_path(sim):
    sim.control("POST", "/latency", {"path": ORDERS_PATH, "seconds": 0.2})
    token, started = sim.mint(), time.perf_counter()
    sim.orders(token, limit=1)
    assert time.perf_counter() - started >= 0.2
    assert sim.control("POST", "/latency", {"path": ORDERS_PATH, "seconds": 0}) == {}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"path": "/x"},
        {"kind": "slow"},
        {"path": "(", "kind": "slow"},
        {"path": "/x", "kind": "nonsense"},
        {"path": "/x", "kind": "status"},
        {"path": "/x", "kind": "status", "status": 799},
        {"path": "/x", "kind": "slow", "count": 0},
        {"path": "/x", "kind": "slow", "delay_s": "1"},
        {"path": "/x", "kind": "slow", "typo": 1},
    ],
)
def test_wrong_fault_changes_nothing(sim, body):
    assert sim.control("POST", "/faults", body, status=400)["error"]
    assert sim.control("GET", "/faults") == {"faults": []}
    assert sim.orders(sim.mint(SELLER)).status_code == 200
