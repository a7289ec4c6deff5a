"""One error shape for everything."""

import pytest
from rest_framework.test import APIClient

from syncworkers.api.workers import Config
from tests.api_callers import as_member
from tests.factories import OrganizationFactory

pytestmark = pytest.mark.django_db


@pytest.fixture
def client():
    return as_member("admin", OrganizationFactory())


def shape(response):
    assert response["Content-Type"].startswith("application/json"), response.content
    body = response.json()
    assert set(body) == {"error"}
    assert set(body["error"]) == {"code", "message", "details"}
    assert body["error"]["message"]
    return response.status_code, body["error"]["code"]


def test_malformed_json(client):
    response = client.generic("POST", "/api/ebay/workers/run", "{not json", content_type="application/json")
    assert shape(response) == (400, "invalid")


@pytest.mark.parametrize("body", ["[]", '"text"', "7", "null"])
def test_a_body_that_is_no_object(client, body):
    response = client.generic("POST", "/api/ebay/workers/run", body, content_type="application/json")
    assert shape(response) == (400, "invalid")


def test_a_media_type_that_nobody_reads(client):
    response = client.generic("POST", "/api/ebay/workers/run", "<a/>", content_type="application/xml")
    assert shape(response) == (415, "unsupported_media_type")


@pytest.mark.parametrize("method", ["put", "delete", "patch"])
def test_a_method_that_does_not_exist(client, method):
    assert shape(getattr(client, method)("/api/ebay/workers/runs")) == (405, "method_not_allowed")


@pytest.mark.parametrize(
    "address",
    [
        "/api",
        "/api/",
        "/api/nothing",
        "/api/data/nothing/",
        "/ebay/workers/nothing",
        "/ebay-accounts/x/",
        "/api/data",
    ],
)
@pytest.mark.parametrize("method", ["get", "post", "delete"])
def test_addresses_that_do_not_exist(address, method):
    assert shape(getattr(APIClient(), method)(address)) == (404, "not_found")


def test_without_credentials():
    assert shape(APIClient().get("/api/ebay-accounts/")) == (401, "not_authenticated")


def test_a_fault_of_ours_is_json_without_details(client, monkeypatch):
    def broken(*args, **kwargs):
        raise RuntimeError("secret inner words")

    monkeypatch.setattr(Config, "get", broken)
    client.raise_request_exception = False
    response = client.get("/api/ebay/workers/config")
    assert shape(response) == (500, "server_error")
    assert b"inner words" not in response.content


def test_a_body_too_large_is_json(client, settings):
    settings.DATA_UPLOAD_MAX_MEMORY_SIZE = 10
    response = client.generic(
        "POST", "/api/ebay/workers/run", "account_id=1&api=orders",
        content_type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert shape(response) == (400, "invalid")


def test_nested_complaints_name_the_field(client):
    response = client.post("/api/ebay/workers/run", {"account_id": "x", "api": "orders"}, format="json")
    error = response.json()["error"]
    assert error["message"].startswith("account_id: ")
    assert set(error["details"]) == {"account_id"}
