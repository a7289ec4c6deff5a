"""Quotas in the API and in the console."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from tests.api_callers import as_member
from tests.factories import AccountFactory, OrganizationFactory, SyncStateFactory, member
from tokens import wire
from tokens.models import ApiPause, ApiQuota

pytestmark = pytest.mark.django_db
ADDRESS = "/api/ebay/workers/quotas"


@pytest.fixture
def account():
    account = AccountFactory()
    SyncStateFactory(account=account)
    return account


def quota(*, api="fulfillment", limit=100, **values) -> ApiQuota:
    key, now = wire.quota_key("simulator", api), timezone.now()
    return ApiQuota.objects.create(
        environment="simulator", client_id=key.client_id, api=api, daily_limit=limit,
        reset_at=now + timedelta(hours=12), held_since=now, **values,
    )  # fmt: skip


def page(client, user, name="quotas") -> str:
    client.force_login(user)
    answer = client.get(reverse(f"admin:{name}"))
    assert answer.status_code == 200
    return answer.content.decode()


def test_a_viewer_reads_limit_use_forecast_and_intervals(account):
    row = quota(made=10, held=5)
    answer = as_member("viewer", account.organization).get(ADDRESS).json()
    assert (answer["count"], answer["next"], answer["previous"]) == (1, None, None)
    line = answer["results"][0]
    family = line.pop("families")[0]
    assert line == {
        "environment": "simulator", "api": "fulfillment", "status": "stretched", "limit": 100, "used": 15,
        "remaining": 85, "forecast": 89, "wanted_per_day": 288, "reported_at": None, "paused_until": None,
        "reset_at": line["reset_at"],
    }  # fmt: skip
    assert abs(timezone.datetime.fromisoformat(line["reset_at"]) - row.reset_at) < timedelta(seconds=1)
    assert family["effective_interval_seconds"] > family["wanted_interval_seconds"] == 300
    assert (family["api_family"], family["accounts"], family["calls_per_run"]) == ("orders", 1, 1.0)


def test_scarcest_first_and_by_pages(account):
    quota(limit=100_000)
    quota(api="identity", made=90)
    reader = as_member("viewer", account.organization)
    assert [line["api"] for line in reader.get(ADDRESS).json()["results"]] == ["identity", "fulfillment"]
    assert [line["api"] for line in reader.get(f"{ADDRESS}?limit=1&offset=1").json()["results"]] == [
        "fulfillment"
    ]


def test_a_misspelt_parameter_is_refused(account):
    assert as_member("viewer", account.organization).get(f"{ADDRESS}?api=x").status_code == 400


def test_who_has_no_account_sees_no_numbers(account, client):
    quota(made=77)
    assert as_member("admin", OrganizationFactory()).get(ADDRESS).json()["results"] == []
    assert "77 of 100" not in page(client, member("admin"))


def test_the_page_says_what_is_stretched_and_what_to_do(account, client):
    quota(made=15)
    body = page(client, member("viewer", account.organization))
    assert "15 of 100" in body
    assert "wanted 5 min" in body
    assert "Application Growth Check" in body


def test_the_page_says_what_waits_for_the_reset(account, client):
    quota(made=96)
    assert "waits for the reset" in page(client, member("viewer", account.organization), "quota_rows")


def test_the_page_says_that_ebay_paused_an_api(account, client):
    quota(made=1, limit=100_000)
    ApiPause.objects.create(
        environment="simulator", api="fulfillment", until=timezone.now() + timedelta(minutes=10)
    )
    assert "Calls go on" in page(client, member("viewer", account.organization))


def test_the_navigation_leads_there(account, client):
    assert reverse("admin:quotas") in page(client, member("viewer", account.organization), "index")


def test_without_calls_the_page_says_so(client):
    assert "No calls today" in page(client, member("viewer"))
