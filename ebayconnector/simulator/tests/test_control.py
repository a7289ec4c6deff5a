import pytest

from .conftest import API, APP, SELLER


def test_overview_lists_calls(sim):
    assert "POST /_sim/reset" in sim.control("GET", "/")["calls"]


def test_state_tells_the_world(sim):
    state = sim.control("GET", "/state")
    assert state["seed"] == 1
    assert {seller["orders"] for seller in state["sellers"]} == {120}
    assert {seller["site"] for seller in state["sellers"]} == {"US", "GB", "DE", "FR", "AU"}


def test_a_reset_begins_at_another_time_if_one_is_named(sim):
    sim.control("POST", "/reset", {"seed": 5, "orders": 7, "now": "2026-01-05T09:00:00.000Z"})
    assert sim.control("GET", "/clock")["now"].startswith("2026-01-05T09:00:0")
    seller = sim.control("GET", "/sellers")["sellers"][0]["username"]
    orders = sim.control("GET", f"/truth/orders?seller={seller}")["orders"]
    assert len(orders) == 7
    assert max(order["creationDate"] for order in orders) < "2026-01-05T09:00:01"


def test_reset_drops_tokens_log_and_troubles_and_keeps_applications(sim):
    application = {
        "client_id": "Kept",
        "client_secret": "s",
        "runame": "R-Kept",
        "accept_url": "http://k.invalid/",
    }
    sim.control("POST", "/applications", application)
    token = sim.mint()
    sim.control("POST", "/faults", {"path": "/", "kind": "server_error"})
    sim.control("POST", "/clock", {"advance_s": 1e6})
    sim.control("POST", "/reset", {"seed": 5, "orders": 7})
    state = sim.control("GET", "/state")
    assert "Kept" in state["applications"]
    assert (state["seed"], state["faults"], state["clock"]["offset_s"]) == (5, [], 0)
    assert sim.orders(token).status_code == 401
    assert len(sim.truth()) == 7


def test_request_log_holds_what_was_sent(sim):
    sim.orders(sim.mint(), limit=3)
    entry = sim.control("GET", "/requests?path=/sell/")["requests"][-1]
    assert (entry["method"], entry["path"], entry["query"]) == (
        "GET",
        "/sell/fulfillment/v1/order",
        "limit=3",
    )
    assert (entry["seller"], entry["application"], entry["token_kind"]) == (SELLER, APP[0], "user")
    assert entry["headers"]["authorization"].startswith("Bearer v^1.1#")
    assert entry["status"] == 200


def test_request_log_holds_bodies_and_token_calls(sim):
    sim.token(grant_type="client_credentials", scope=API)
    entry = sim.control("GET", "/requests?path=%23client_credentials")["requests"][-1]
    assert entry["body"].startswith("grant_type=client_credentials&scope=")
    assert (entry["application"], entry["token_kind"]) == (APP[0], "basic")


def test_request_log_pages_by_seq_and_counts(sim):
    token = sim.mint()
    for _ in range(4):
        sim.orders(token, limit=1)
    last_two = sim.control("GET", "/requests?limit=2")["requests"]
    first = sim.control("GET", f"/requests?limit=1&after={last_two[0]['seq']}")["requests"]
    assert first == [last_two[1]]
    assert sim.control("GET", "/requests/count?path=/sell/") == {"count": 4}
    assert sim.control("DELETE", "/requests") == {"removed": 4}
    assert sim.control("GET", "/requests/count") == {"count": 0}


def test_control_calls_are_not_logged(sim):
    sim.control("GET", "/state")
    assert sim.control("GET", "/requests/count") == {"count": 0}


def test_seller_is_added_with_site_and_orders(sim):
    added = sim.control("POST", "/sellers", {"username": "novak", "site": "IT", "orders": 3})
    assert (added["registrationMarketplaceId"], added["tradingSite"]) == ("EBAY_IT", "Italy")
    assert len(sim.truth("novak")) == 3


def test_renamed_seller_appears_in_orders(sim):
    sim.control("PATCH", f"/sellers/{SELLER}", {"username": "renamed"})
    assert {row["sellerId"] for row in sim.truth("renamed")} == {"renamed"}


def test_truth_is_what_get_orders_gives(sim):
    sim.freeze()
    rows = sim.orders(sim.mint(), limit=200).json()["orders"]
    truth = {row["orderId"]: row for row in sim.truth()}
    assert all(truth[row["orderId"]] == row for row in rows)
    pairs = sim.control("GET", f"/truth/orders/ids?seller={SELLER}")
    assert pairs == [[row["orderId"], row["lastModifiedDate"]] for row in truth.values()]


def test_truth_pages(sim):
    whole = sim.truth()
    page = sim.control("GET", f"/truth/orders?seller={SELLER}&offset=5&limit=2")
    assert (page["orders"], page["total"]) == (whole[5:7], 120)


def test_new_orders_are_now(sim):
    now = sim.freeze()
    ids = sim.control("POST", "/orders", {"seller": SELLER, "count": 3})["orderIds"]
    rows = sim.orders(orderIds=",".join(ids)).json()["orders"]
    assert {(row["creationDate"], row["lastModifiedDate"]) for row in rows} == {(now, now)}


def test_overrides_merge_deeply_and_null_deletes(sim):
    overrides = {"buyer": {"username": "x"}, "pricingSummary": None, "new": {"a": [1]}}
    order_id = sim.new_order(overrides=overrides)
    row = sim.orders(orderIds=order_id).json()["orders"][0]
    assert row["buyer"]["username"] == "x"
    assert "taxAddress" in row["buyer"]
    assert "pricingSummary" not in row
    assert row["new"] == {"a": [1]}


def test_later_overrides_add_to_earlier_ones(sim):
    order_id = sim.new_order(overrides={"buyer": {"username": "x", "taxAddress": None}})
    sim.control("PATCH", f"/orders/{order_id}", {"seller": SELLER, "overrides": {"buyer": {"loyal": True}}})
    buyer = sim.orders(orderIds=order_id).json()["orders"][0]["buyer"]
    assert (buyer["username"], buyer["loyal"]) == ("x", True)
    assert "taxAddress" not in buyer


def test_overridden_dates_and_status_are_found_by_filters(sim):
    day = "2026-11-01T10:00:00.000Z"
    sim.control("POST", "/clock", {"now": "2026-11-20T00:00:00.000Z", "frozen": True})
    overrides = {
        "lastModifiedDate": day,
        "orderFulfillmentStatus": "FULFILLED",
        "orderPaymentStatus": "PENDING",
    }
    order_id = sim.new_order(created_at=day, overrides=overrides)
    given = f"lastmodifieddate:[{day}..{day}],orderfulfillmentstatus:{{FULFILLED|IN_PROGRESS}}"
    (row,) = sim.orders(filter=given).json()["orders"]
    assert (row["orderId"], row["orderPaymentStatus"]) == (order_id, "PENDING")


def test_touch_moves_the_change_date_and_no_touch_does_not(sim):
    order_id = sim.truth()[50]["orderId"]
    before = sim.truth()[50]["lastModifiedDate"]
    now = sim.freeze()
    path = f"/orders/{order_id}"
    silent = sim.control("PATCH", path, {"seller": SELLER, "overrides": {"a": 1}, "touch": False})
    touched = sim.control("PATCH", path, {"seller": SELLER})
    assert (silent["lastModifiedDate"], touched["lastModifiedDate"]) == (before, now)
    assert sim.orders(orderIds=order_id).json()["orders"][0]["a"] == 1


def test_removed_order_is_gone(sim):
    order_id = sim.truth()[-1]["orderId"]
    sim.control("DELETE", f"/orders/{order_id}?seller={SELLER}")
    assert len(sim.truth()) == 119
    assert sim.get(f"/sell/fulfillment/v1/order/{order_id}", sim.mint()).status_code == 404
    sim.control("DELETE", f"/orders/{order_id}?seller={SELLER}", status=400)


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/reset", {"seed": "one"}),
        ("POST", "/reset", {"seed": 3, "orders": -1}),
        ("POST", "/reset", {"seed": 3, "sort": "sideways"}),
        ("POST", "/reset", {"sed": 3}),
        ("POST", "/reset", [1]),
        ("POST", "/clock", {"now": "yesterday", "advance_s": 99}),
        ("POST", "/clock", {"offset_s": 99, "frozen": "yes"}),
        ("POST", "/sellers", {"username": SELLER}),
        ("POST", "/sellers", {"username": "new", "site": "MOON"}),
        ("PATCH", f"/sellers/{SELLER}", {"username": "outback_spares"}),
        ("PATCH", "/sellers/nobody", {"username": "x"}),
        ("POST", "/applications", {"client_id": "x"}),
        ("POST", "/tokens", {"seller": "nobody"}),
        ("POST", "/tokens", {"seller": SELLER, "scopes": ["x"]}),
        ("POST", "/tokens/revoke", {}),
        ("POST", "/orders", {"seller": SELLER, "overrides": {"orderId": "1"}}),
        ("POST", "/orders", {"seller": SELLER, "overrides": {"orderFulfillmentStatus": "LOST"}}),
        ("POST", "/orders", {"seller": SELLER, "created_at": "2026-11-21"}),
        ("POST", "/orders/change", {"seller": SELLER, "kind": "explode"}),
        ("PATCH", "/orders/00-00000-00000", {"seller": SELLER}),
        ("POST", "/drift", {"per_page": -1}),
        ("POST", "/quotas", {"api": "nothing", "limit": 1}),
        ("POST", "/latency", {"path": "/x"}),
        ("GET", "/requests?limit=many", None),
        ("GET", "/truth/orders", None),
    ],
)
def test_wrong_call_says_so_and_changes_nothing(sim, method, path, body):
    def world():
        state = sim.control("GET", "/state")
        del state["clock"]["now"]
        return state

    before = world()
    assert sim.control(method, path, body, status=400)["error"]
    assert world() == before


def test_unknown_control_call_is_404(sim):
    assert "GET /_sim/" in sim.control("GET", "/nothing", status=404)["error"]
