import html

import pytest

from .conftest import ACCEPT_URL, API, ORDERS, REJECT_URL, redirect_params


def test_agree_leads_to_the_accept_url_with_code_and_unchanged_state(sim):
    answer = sim.decide(sim.authorize())
    params = redirect_params(answer)
    assert answer.headers["location"].startswith(ACCEPT_URL + "&")
    assert params["state"] == "signed:state/with+odd&chars"
    assert params["expires_in"] == "299"
    assert params["code"].startswith("v^1.1#i^1#")


def test_code_is_percent_encoded_as_ebay_does(sim):
    location = sim.decide(sim.authorize()).headers["location"]
    assert "code=v%5E1.1%23i%5E1%23" in location


def test_decline_leads_to_the_reject_url_without_code(sim):
    answer = sim.decide(sim.authorize(), decision="decline")
    assert answer.headers["location"].startswith(REJECT_URL + "?error=access_denied&state=")
    assert "code" not in redirect_params(answer)


def test_no_state_gives_no_state(sim):
    assert "state" not in redirect_params(sim.decide(sim.authorize(state=None)))


def test_page_names_sellers_and_scopes_in_words(sim):
    page = sim.authorize().text
    assert "View your order fulfillments" in page
    assert '<option value="mueller_technik">' in page


def test_page_escapes_what_people_chose(sim):
    sim.control("POST", "/sellers", {"username": '"><script>alert(1)</script>'})
    page = sim.authorize().text
    assert "<script>" not in page
    assert html.escape('"><script>') in page


def test_consent_is_used_once(sim):
    page = sim.authorize()
    assert sim.decide(page).status_code == 302
    assert sim.decide(page).status_code == 400


def test_consent_page_grows_too_old(sim):
    page = sim.authorize()
    sim.control("POST", "/clock", {"advance_s": 601})
    assert sim.decide(page).status_code == 400


def test_unknown_seller_gets_no_code(sim):
    assert sim.decide(sim.authorize(), seller="nobody").status_code == 400


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": "Unknown"},
        {"client_id": None},
        {"redirect_uri": "http://accept.invalid/callback"},
        {"redirect_uri": None},
        {"response_type": "token"},
        {"scope": ""},
    ],
)
def test_bad_request_is_refused_in_json(sim, changes):
    answer = sim.authorize(**changes)
    assert answer.status_code == 400
    assert answer.json()["error_id"] == "invalid_request"
    assert answer.json()["http_status_code"] == 400


@pytest.mark.parametrize("scope", ["sell.postorder", "buy.offer.auction", "buy.item.bulk"])
def test_unknown_ungranted_or_client_scope_fails_the_whole_request(sim, scope):
    answer = sim.authorize(scope=f"{ORDERS} {API}/{scope}")
    assert answer.status_code == 400
    assert answer.json()["error_id"] == "invalid_scope"


def test_application_with_own_runame_and_granted_bidding(sim):
    bidding = f"{API}/buy.offer.auction"
    application = {
        "client_id": "Other-App",
        "client_secret": "other-secret-of-the-test",
        "runame": "Other-RuName",
        "accept_url": "http://other.invalid/back",
        "scopes": [API, bidding],
    }
    sim.control("POST", "/applications", application)
    page = sim.authorize(client_id="Other-App", redirect_uri="Other-RuName", scope=bidding)
    assert sim.decide(page).headers["location"].startswith("http://other.invalid/back?")
