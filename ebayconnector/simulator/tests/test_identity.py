import jsonschema
import pytest

from .conftest import API, IDENTITY, contract, error_id

USER = "/commerce/identity/v1/user/"


def test_user_of_the_token(sim):
    body = sim.get(USER, sim.mint("flohmarkt_anna", scopes=[IDENTITY])).json()
    assert (body["username"], body["accountType"]) == ("flohmarkt_anna", "INDIVIDUAL")
    assert (body["registrationMarketplaceId"], body["status"]) == ("EBAY_DE", "CONFIRMED")
    assert set(body) == {"userId", "username", "accountType", "registrationMarketplaceId", "status"}


def test_path_without_slash_is_served_too(sim):
    token = sim.mint()
    assert sim.get(USER.rstrip("/"), token).json() == sim.get(USER, token).json()


@pytest.mark.parametrize(
    ("seller", "block"), [("thames_tools", "business"), ("flohmarkt_anna", "individual")]
)
def test_extra_scopes_fill_one_account_block(sim, seller, block):
    body = sim.get(USER, sim.mint(seller)).json()
    other = {"business": "individual", "individual": "business"}[block]
    assert {"email", "primaryPhone"} <= set(body[f"{block}Account"])
    assert f"{other}Account" not in body


@pytest.mark.parametrize("seller", ["thames_tools", "flohmarkt_anna"])
def test_user_fits_the_contract(sim, seller):
    document = contract("commerce_identity_v1_oas3.json")
    schema = {"$ref": "#/components/schemas/UserResponse", "components": document["components"]}
    body = sim.get(USER, sim.mint(seller)).json()
    jsonschema.validate(body, schema)
    properties = document["components"]["schemas"]["UserResponse"]["properties"]
    assert set(body) <= set(properties)


def test_rename_keeps_the_user_id(sim):
    token = sim.mint()
    before = sim.get(USER, token).json()
    sim.control("PATCH", "/sellers/thames_tools", {"username": "thames_new", "status": "ACCOUNTONHOLD"})
    after = sim.get(USER, token).json()
    assert (after["username"], after["status"]) == ("thames_new", "ACCOUNTONHOLD")
    assert after["userId"] == before["userId"]


def test_identity_survives_another_seed(sim):
    before = sim.get(USER, sim.mint()).json()["userId"]
    sim.control("POST", "/reset", {"seed": 99})
    assert sim.get(USER, sim.mint()).json()["userId"] == before


def test_missing_scope(sim):
    answer = sim.get(USER, sim.mint(scopes=[API]))
    assert (answer.status_code, error_id(answer)) == (403, 1100)


def test_missing_token(sim):
    answer = sim.get(USER, None)
    assert (answer.status_code, error_id(answer)) == (400, 1002)


@pytest.mark.parametrize("header", ["Basic abc", "IAF v^1.1#i^1#x", "v^1.1#i^1#x"])
def test_other_token_type(sim, header):
    answer = sim.get(USER, None, headers={"Authorization": header})
    assert (answer.status_code, error_id(answer)) == (400, 1003)


def test_unknown_token(sim):
    answer = sim.get(USER, "v^1.1#i^1#unknown")
    assert (answer.status_code, error_id(answer)) == (401, 1001)


def test_application_token_lacks_permission(sim):
    answer = sim.get(USER, sim.app_token())
    assert (answer.status_code, error_id(answer)) == (403, 1100)


def test_unknown_path_answers_in_ebays_shape(sim):
    answer = sim.get("/sell/nowhere/v1/x", sim.mint())
    assert (answer.status_code, error_id(answer)) == (404, 2002)
