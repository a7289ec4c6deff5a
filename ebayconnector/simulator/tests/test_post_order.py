"""Who may call the Post-Order APIs and what their errors look like (03 §0, 6, 7; §7)."""

import pytest

from .conftest import API, contract
from .troubles import FAMILIES, ID_NAMES, RESOURCES, Troubles, errors_of, refused, troubled

ALL = pytest.mark.parametrize("family", FAMILIES)
CONTRACTS = {"case": "case_oas3.json", "inquiry": "inquiry_oas3.json", "return": "return_oas3.json"}


@pytest.fixture
def caller(sim):
    return troubled(sim)


@ALL
def test_paths_are_those_of_the_contract(caller, family):
    document = contract(CONTRACTS[family])
    resource = RESOURCES[family]
    assert document["servers"][0]["variables"]["basePath"]["default"] == "/post-order/v2"
    assert "get" in document["paths"][f"/{resource}/search"]
    assert "get" in document["paths"][f"/{resource}/{{{ID_NAMES[family]}}}"]
    number = caller.ids(family)[0]
    assert caller.detail(family, number).status_code == 200


@ALL
@pytest.mark.parametrize("scheme", ["Bearer {}", "TOKEN {}", "{}", None])
def test_only_iaf_is_taken(caller, family, scheme):
    header = scheme and scheme.format(caller.token)
    for path in (f"/{RESOURCES[family]}/search", f"/{RESOURCES[family]}/1"):
        refused(caller.get(path, {"Authorization": header}), 401, 1302)


@ALL
def test_a_token_that_ended_gets_a_bare_401(caller, family):
    caller.sim.control("POST", "/tokens/expire", {"seller": caller.seller})
    for answer in (caller.search(family), caller.detail(family, "1")):
        assert (answer.status_code, answer.content) == (401, b"")


@pytest.mark.parametrize("kind", ["revoked", "unknown"])
def test_a_token_of_nobody_gets_a_bare_401(caller, kind):
    caller.sim.control("POST", "/tokens/revoke", {"seller": caller.seller})
    token = caller.token if kind == "revoked" else "v^1.1#i^1#unknown"
    answer = caller.get("/return/search", {"Authorization": f"IAF {token}"})
    assert (answer.status_code, answer.content) == (401, b"")


def test_a_token_without_user_or_scope_is_refused(caller):
    scopes = [f"{API}/commerce.identity.readonly"]
    for token in (caller.sim.app_token(), caller.sim.mint(scopes=scopes)):
        refused(caller.get("/return/search", {"Authorization": f"IAF {token}"}), 403, 1308)
    enough = caller.sim.mint(scopes=[API])
    assert caller.get("/return/search", {"Authorization": f"IAF {enough}"}).status_code == 200


@ALL
@pytest.mark.parametrize("marketplace", [None, "", "US"])
def test_marketplace_is_required(caller, family, marketplace):
    for path in (f"/{RESOURCES[family]}/search", f"/{RESOURCES[family]}/1"):
        refused(caller.get(path, {"X-EBAY-C-MARKETPLACE-ID": marketplace}), 400, 1102)


@ALL
def test_each_family_has_its_own_quota(caller, family):
    limits = caller.sim.control("GET", "/state")["quotas"]["limits"]
    assert limits[f"postorder.{family}"] == limits["postorder.cancellation"] == 5_000
    caller.sim.control("POST", "/quotas", {"api": f"postorder.{family}", "limit": 2})
    answers = [caller.search(family), caller.detail(family, "1"), caller.search(family)]
    assert [answer.status_code for answer in answers] == [200, 404, 429]
    assert [caller.search(other).status_code for other in FAMILIES if other != family] == [200, 200]


# -- errors -----------------------------------------------------------------------------------------------


def test_each_method_has_its_own_error_shape(caller):
    bodies = {family: caller.detail(family, "1").json() for family in FAMILIES}
    assert isinstance(bodies["case"]["error"], list)
    assert isinstance(bodies["inquiry"]["errorMessage"]["error"], dict)
    assert isinstance(bodies["return"]["errorMessage"]["error"], list)
    error = bodies["return"]["errorMessage"]["error"][0]
    assert error["parameter"] == [{"name": "returnId", "value": "1"}]
    assert (error["domain"], error["severity"], error["category"], error["httpStatusCode"]) == (
        "returnErrorDomain",
        "ERROR",
        "REQUEST",
        "404",
    )


@ALL
@pytest.mark.parametrize(
    ("shape", "kinds"),
    [
        ("list", (list, type(None))),
        ("message_list", (type(None), list)),
        ("message_object", (type(None), dict)),
    ],
)
def test_error_shape_can_be_set_for_all(caller, family, shape, kinds):
    caller.sim.control("POST", "/post_order", {"error_shape": shape})
    body = caller.detail(family, "1").json()
    inside = body.get("errorMessage", {}).get("error")
    assert (type(body.get("error")), type(inside)) == kinds


@ALL
@pytest.mark.parametrize("number", ["1", "x", "-1", "9" * 5_000, "foreign"])
def test_unknown_and_foreign_ids_are_404(caller, family, number):
    if number == "foreign":
        number = Troubles(caller.sim, "mueller_technik").ids(family)[0]
    refused(caller.detail(family, number), 404, 1304 if family == "return" else 1301)


def test_an_id_of_another_family_is_404(caller):
    refused(caller.detail("case", caller.ids("return")[0]), 404, 1301)


@ALL
def test_faults_speak_post_order(caller, family):
    for kind, status in (("expired_token", 401), ("server_error", 500)):
        caller.sim.control("POST", "/faults", {"path": "/post-order/", "kind": kind})
        answer = caller.search(family)
        assert answer.status_code == status
        if kind == "expired_token":
            assert answer.content == b""
        else:
            assert errors_of(answer)[0]["errorId"] == 1001
