"""The OpenAPI description."""

import warnings
from io import StringIO

import pytest
from django.core.management import call_command
from rest_framework.test import APIClient

pytestmark = pytest.mark.django_db


@pytest.fixture
def schema():
    return APIClient().get("/api/schema/?format=json").json()


@pytest.mark.slow
def test_the_schema_is_valid_and_generates_without_a_warning(capsys):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        call_command("spectacular", "--fail-on-warn", "--validate", stdout=StringIO())
    assert capsys.readouterr().err == ""


def test_every_operation_says_what_it_takes_and_answers(schema):
    for address, operations in schema["paths"].items():
        for method, operation in operations.items():
            assert any(int(code) < 300 for code in operation["responses"]), (method, address)
            content = [answer.get("content") for answer in operation["responses"].values()]
            assert all(content), (method, address)
            assert operation.get("security") or address.startswith("/api/auth/"), (method, address)


def test_only_the_addresses_of_the_contract_are_described(schema):
    addresses = set(schema["paths"])
    assert {
        "/api/ebay/workers/run",
        "/api/ebay-accounts/",
        "/api/data/orders/",
        "/api/auth/token",
    } < addresses
    assert all(address.startswith("/api/") for address in addresses)
    bare = [address.rstrip("/") for address in addresses]
    assert len(bare) == len(set(bare))


def test_the_pages_are_served_from_here():
    page = APIClient().get("/api/docs/").content.decode()
    assert "swagger-ui" in page
    assert "/static/drf_spectacular_sidecar/" in page
    assert "https://" not in page
