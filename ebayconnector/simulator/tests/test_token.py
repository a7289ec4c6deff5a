import pytest

from .conftest import API, APP, IDENTITY, ORDERS, RUNAME, SELLER, error_id

BAD_CODE = "the provided authorization grant code is invalid or was issued to another client"
BAD_REFRESH = "the provided authorization refresh token is invalid or was issued to another client"


def exchange(sim, code, **changes):
    return sim.token(**({"grant_type": "authorization_code", "code": code, "redirect_uri": RUNAME} | changes))


def refresh(sim, token, **form):
    return sim.token(grant_type="refresh_token", refresh_token=token, **form)


def test_code_gives_access_and_refresh_token(sim):
    answer = exchange(sim, sim.code())
    body = answer.json()
    assert answer.status_code == 200
    assert set(body) == {
        "access_token",
        "expires_in",
        "refresh_token",
        "refresh_token_expires_in",
        "token_type",
    }
    assert (body["expires_in"], body["refresh_token_expires_in"]) == (7200, 47_304_000)
    assert body["token_type"] == "User Access Token"


def test_access_token_looks_like_ebays(sim):
    token = exchange(sim, sim.code()).json()["access_token"]
    assert token.startswith("v^1.1#i^1#")
    assert 1_500 <= len(token) <= 2_000
    assert all(character in token for character in "^#/+=")


def test_code_is_used_once(sim):
    code = sim.code()
    assert exchange(sim, code).status_code == 200
    second = exchange(sim, code)
    assert second.status_code == 400
    assert second.json() == {
        "error": "invalid_grant",
        "error_description": BAD_CODE,
    }


def test_code_lives_299_seconds(sim):
    sim.freeze()
    in_time, late = sim.code(), sim.code()
    sim.control("POST", "/clock", {"advance_s": 298.9})
    assert exchange(sim, in_time).status_code == 200
    sim.control("POST", "/clock", {"advance_s": 0.1})
    assert exchange(sim, late).json()["error"] == "invalid_grant"


def test_code_encoded_twice_is_invalid(sim):
    code = sim.code().replace("^", "%5E").replace("#", "%23")
    assert exchange(sim, code).json()["error"] == "invalid_grant"


def test_wrong_runame_is_refused_and_the_code_still_good(sim):
    code = sim.code()
    assert exchange(sim, code, redirect_uri="http://accept.invalid/").json()["error"] == "invalid_request"
    assert exchange(sim, code).status_code == 200


def test_refresh_answers_without_refresh_token(sim):
    tokens = exchange(sim, sim.code()).json()
    body = refresh(sim, tokens["refresh_token"]).json()
    assert set(body) == {"access_token", "expires_in", "token_type"}
    assert body["access_token"] != tokens["access_token"]
    assert sim.orders(body["access_token"]).status_code == 200


def test_refresh_narrows_scopes(sim):
    tokens = exchange(sim, sim.code()).json()
    narrow = refresh(sim, tokens["refresh_token"], scope=f"{API} {IDENTITY}").json()["access_token"]
    assert sim.get("/commerce/identity/v1/user/", narrow).status_code == 200
    assert error_id(sim.orders(narrow)) == 1100


def test_refresh_never_widens_scopes(sim):
    tokens = exchange(sim, sim.code(scope=ORDERS)).json()
    answer = refresh(sim, tokens["refresh_token"], scope=f"{ORDERS} {API}/sell.finances")
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


def test_refresh_token_of_another_client_is_invalid(sim):
    tokens = exchange(sim, sim.code()).json()
    other = {
        "client_id": "B",
        "client_secret": "secret-of-b",
        "runame": "R-B",
        "accept_url": "http://b.invalid/",
    }
    sim.control("POST", "/applications", other)
    form = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    answer = sim.token(auth=("B", "secret-of-b"), **form)
    assert answer.json()["error"] == "invalid_grant"


def test_refresh_token_lives_eighteen_months(sim):
    tokens = exchange(sim, sim.code()).json()
    sim.control("POST", "/clock", {"advance_s": 47_304_001})
    answer = refresh(sim, tokens["refresh_token"])
    assert answer.json() == {
        "error": "invalid_grant",
        "error_description": BAD_REFRESH,
    }


def test_revocation_ends_refresh_and_access(sim):
    tokens = exchange(sim, sim.code()).json()
    assert sim.control("POST", "/tokens/revoke", {"seller": SELLER, "reason": "password_changed"}) == {
        "revoked": 1
    }
    assert refresh(sim, tokens["refresh_token"]).json()["error"] == "invalid_grant"
    assert error_id(sim.orders(tokens["access_token"])) == 1001


def test_new_consent_after_revocation_works(sim):
    sim.mint()
    sim.control("POST", "/tokens/revoke", {"seller": SELLER})
    assert exchange(sim, sim.code()).status_code == 200


def test_access_tokens_expire_on_demand_and_refresh_heals(sim):
    tokens = exchange(sim, sim.code()).json()
    sim.control("POST", "/tokens/expire", {"seller": SELLER})
    answer = sim.orders(tokens["access_token"])
    assert (answer.status_code, error_id(answer)) == (401, 1001)
    assert sim.orders(refresh(sim, tokens["refresh_token"]).json()["access_token"]).status_code == 200


def test_access_token_lives_7200_seconds(sim):
    sim.freeze()
    token = sim.mint()
    sim.control("POST", "/clock", {"advance_s": 7199})
    assert sim.orders(token).status_code == 200
    sim.control("POST", "/clock", {"advance_s": 1})
    assert sim.orders(token).status_code == 401


def test_client_credentials_give_an_application_token(sim):
    body = sim.token(grant_type="client_credentials", scope=API).json()
    assert body["token_type"] == "Application Access Token"
    assert set(body) == {"access_token", "expires_in", "token_type"}


@pytest.mark.parametrize("scope", [None, ORDERS, f"{API}/unheard.of"])
def test_client_credentials_want_scopes_of_that_grant(sim, scope):
    form = {"grant_type": "client_credentials"} | ({"scope": scope} if scope else {})
    answer = sim.token(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


@pytest.mark.parametrize("auth", [None, (APP[0], "wrong"), ("wrong", APP[1])])
def test_wrong_client_is_401_invalid_client(sim, auth):
    answer = sim.token(auth=auth, grant_type="client_credentials", scope=API)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"scope": API}, "invalid_request"),
        ({"grant_type": "refresh_token"}, "invalid_request"),
        ({"grant_type": "authorization_code", "redirect_uri": RUNAME}, "invalid_request"),
    ],
)
def test_malformed_token_request(sim, form, error):
    answer = sim.token(**form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


def test_json_body_is_no_form(sim):
    body = {"grant_type": "client_credentials", "scope": API}
    answer = sim.http.post(f"{sim.url}/identity/v1/oauth2/token", json=body, auth=APP, timeout=30)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


def test_daily_token_quota_answers_in_the_rest_shape(sim):
    sim.control("POST", "/quotas", {"api": "token.client_credentials", "used": 1_000})
    answer = sim.token(grant_type="client_credentials", scope=API)
    assert (answer.status_code, error_id(answer)) == (429, 2001)
    assert "error" not in answer.json()
