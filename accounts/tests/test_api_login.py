"""How API clients prove who they are."""

from datetime import timedelta

import pytest
from django.contrib.auth.hashers import make_password
from django.core.cache import cache
from django.utils import timezone
from rest_framework.test import APIClient
from rest_framework_simplejwt.tokens import RefreshToken

from accounts.models import ApiKey, Role
from tests.api_callers import as_browser, as_machine, as_member, as_person
from tests.factories import PASSWORD, AccountFactory, OrganizationFactory, UserFactory, member

pytestmark = pytest.mark.django_db
ACCOUNTS = "/api/ebay-accounts/"


@pytest.fixture(autouse=True)
def fresh_throttles():
    cache.clear()


def login(username, password=PASSWORD, **extra):
    body = {"username": username, "password": password}
    return APIClient().post("/api/auth/token", body, format="json", **extra)


def test_a_password_buys_tokens_that_work():
    user = member("viewer")
    tokens = login(user.username).json()
    assert set(tokens) == {"access", "refresh"}
    client = APIClient()
    client.credentials(HTTP_AUTHORIZATION=f"Bearer {tokens['access']}")
    assert client.get(ACCOUNTS).status_code == 200
    renewed = APIClient().post("/api/auth/token/refresh", {"refresh": tokens["refresh"]}, format="json")
    assert set(renewed.json()) == {"access"}


def test_a_wrong_password_is_401_in_the_error_shape():
    response = login(UserFactory().username, "wrong")
    assert response.status_code == 401
    assert response.json()["error"]["code"] == "not_authenticated"


def test_guessing_passwords_of_one_name_is_throttled_from_any_address():
    user = UserFactory(password=make_password(PASSWORD))
    statuses = [login(user.username, "wrong", REMOTE_ADDR=f"10.0.0.{n}").status_code for n in range(21)]
    assert statuses == [401] * 20 + [429]
    assert login(user.username).status_code == 429


def test_guessing_names_from_one_address_is_throttled_whatever_it_claims():
    answers = [login(f"name{n}", "wrong", HTTP_X_FORWARDED_FOR=f"10.0.0.{n}") for n in range(21)]
    assert answers[-1].status_code == 429
    assert answers[-1].json()["error"]["code"] == "throttled"
    assert int(answers[-1]["Retry-After"]) > 0


def test_a_token_outlives_neither_its_login_nor_its_activity():
    user = member("viewer")
    client, refresh = as_person(user), str(RefreshToken.for_user(user))
    user.is_active = False
    user.save()
    assert client.get(ACCOUNTS).status_code == 401
    user.delete()
    assert client.get(ACCOUNTS).status_code == 401
    answer = APIClient().post("/api/auth/token/refresh", {"refresh": refresh}, format="json")
    assert answer.status_code == 401


def test_an_api_key_reads_its_organisation_only():
    own, foreign = AccountFactory(), AccountFactory()
    rows = as_machine("viewer", own.organization).get(ACCOUNTS).json()["results"]
    assert [row["id"] for row in rows] == [own.pk]
    assert foreign.pk != own.pk


@pytest.mark.parametrize("header", ["Bearer", "Api-Key"])
def test_an_api_key_may_come_in_the_authorization_header(header):
    client = as_machine("viewer", OrganizationFactory())
    secret = client._credentials["HTTP_X_API_KEY"]
    assert APIClient().get(ACCOUNTS, HTTP_AUTHORIZATION=f"{header} {secret}").status_code == 200


@pytest.mark.parametrize("ended", ["expires_at", "revoked_at"])
def test_an_ended_api_key_opens_nothing(ended):
    client = as_machine("admin", OrganizationFactory())
    ApiKey.objects.update(**{ended: timezone.now() - timedelta(seconds=1)})
    assert client.get(ACCOUNTS).status_code == 401


def test_a_session_needs_the_csrf_token_to_act_but_not_to_read():
    account = AccountFactory()
    browser = as_browser(member(Role.ADMIN, account.organization))
    address, change = f"{ACCOUNTS}{account.pk}/", {"house_name": "Renamed"}
    assert browser.get(address).status_code == 200
    refused = browser.patch(address, change, format="json")
    assert refused.status_code == 403
    assert "CSRF" in refused.json()["error"]["message"]
    browser.cookies["csrftoken"] = token = "a" * 32
    assert browser.patch(address, change, format="json", HTTP_X_CSRFTOKEN=token).status_code == 200


@pytest.mark.parametrize("caller", [as_member, as_machine])
def test_tokens_and_keys_act_without_csrf(caller):
    account = AccountFactory()
    client = caller("admin", account.organization)
    client.handler.enforce_csrf_checks = True
    response = client.patch(f"{ACCOUNTS}{account.pk}/", {"house_name": "Renamed"}, format="json")
    assert response.status_code == 200
