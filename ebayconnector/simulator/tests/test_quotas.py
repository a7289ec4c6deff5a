import jsonschema
import pytest

from .conftest import APP, contract, error_id

RATE_LIMIT = "/developer/analytics/v1_beta/rate_limit/"


def rates(sim, **params):
    answer = sim.get(RATE_LIMIT, sim.app_token(), **params)
    return {
        resource["name"]: resource.get("rates", [{}])[0]
        for limit in answer.json()["rateLimits"]
        for resource in limit["resources"]
    }


@pytest.mark.parametrize(
    ("api", "path"),
    [("fulfillment", "/sell/fulfillment/v1/order"), ("identity", "/commerce/identity/v1/user/")],
)
def test_quota_of_the_application_ends_for_all_its_sellers(sim, api, path):
    sim.control("POST", "/quotas", {"api": api, "limit": 2})
    answers = [
        sim.get(path, sim.mint(seller)) for seller in ("thames_tools", "outback_spares", "brocante_zoe")
    ]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert error_id(answers[2]) == 2001


def test_quota_returns_at_pacific_midnight(sim):
    sim.control("POST", "/clock", {"now": "2026-11-21T07:59:59.000Z", "frozen": True})
    sim.control("POST", "/quotas", {"api": "fulfillment", "used": 100_000})
    token = sim.mint()
    assert sim.orders(token).status_code == 429
    sim.control("POST", "/clock", {"advance_s": 1})
    assert sim.orders(token).status_code == 200


def test_refused_tokens_do_not_count(sim):
    sim.orders("v^1.1#i^1#unknown")
    assert sim.control("GET", "/state")["quotas"]["used"] == {}


def test_analytics_report_what_was_used(sim):
    sim.control("POST", "/clock", {"now": "2026-07-01T12:00:00.000Z", "frozen": True})
    token = sim.mint()
    for _ in range(3):
        sim.orders(token)
    found = rates(sim)
    assert found["sell.fulfillment.order"] == {
        "limit": 100_000,
        "count": 3,
        "remaining": 99_997,
        "reset": "2026-07-02T07:00:00.000Z",
        "timeWindow": 86_400,
    }
    assert found["tradingapi"] == {}  # never used, no rates


def test_analytics_list_post_order_by_resource(sim):
    headers = {"Authorization": f"IAF {sim.mint()}", "X-EBAY-C-MARKETPLACE-ID": "EBAY_GB"}
    sim.get("/post-order/v2/casemanagement/search", None, headers)
    found = rates(sim, api_context="post-order")
    assert found["post-order.casemanagement"]["count"] == 1
    assert found["post-order.return"] == found["post-order.inquiry"] == {}


def test_analytics_filter_by_context_and_name(sim):
    selling = set(rates(sim, api_context="sell"))
    assert {"sell.fulfillment.order", "sell.fulfillment.payment_dispute", "sell.inventory"} <= selling
    assert not {"commerce.identity", "tradingapi"} & selling
    assert set(rates(sim, api_name="identity")) == {"commerce.identity"}
    assert set(rates(sim, api_context="buy")) == {"buy.browse", "buy.offer"}
    answer = sim.get(RATE_LIMIT, sim.app_token(), api_context="support")
    assert (answer.status_code, answer.content) == (204, b"")


def test_analytics_want_an_application_token(sim):
    answer = sim.get(RATE_LIMIT, sim.mint())
    assert (answer.status_code, error_id(answer)) == (403, 1100)


def test_analytics_fit_the_contract(sim):
    document = contract("developer_analytics_v1_beta_oas3.json")
    sim.orders()
    body = sim.get(RATE_LIMIT, sim.app_token()).json()
    jsonschema.validate(
        body, {"$ref": "#/components/schemas/RateLimitsResponse", "components": document["components"]}
    )
    assert body["rateLimits"][0]["resources"][0]["rates"]


def test_used_can_be_set_for_one_application(sim):
    sim.control("POST", "/quotas", {"api": "trading", "used": 4_999, "client_id": APP[0]})
    assert sim.control("GET", "/state")["quotas"]["used"][APP[0]] == {"trading": 4_999}
