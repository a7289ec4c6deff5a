"""`/api/ebay-accounts/`."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEvent, EbayAccount
from tests.api_callers import as_member, as_person
from tests.factories import (
    ACCESS_TOKEN,
    REFRESH_TOKEN,
    AccountFactory,
    MembershipFactory,
    OrganizationFactory,
    UserFactory,
    give_token,
    member,
)
from tokens.models import ConnectTicket, EbayToken

pytestmark = pytest.mark.django_db
LIST = "/api/ebay-accounts/"
FIELDS = {
    "id", "ebay_user_id", "username", "house_name", "purpose", "environment", "marketplace_id", "site_id",
    "is_active", "status", "status_reason", "token",
}  # fmt: skip
WANTED = {"house_name": "Warehouse-Z", "purpose": "SELLER", "environment": "simulator"}


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def admin(account):
    return as_member("admin", account.organization)


def at(account, action=""):
    return f"{LIST}{account.pk}/{action}"


def test_the_fields_are_those_of_the_contract(admin, account):
    row = admin.get(at(account)).json()
    assert set(row) == FIELDS
    assert set(row["token"]) == {"expires_at", "last_refreshed_at", "refresh_error"}
    assert (row["status"], row["status_reason"]) == ("healthy", "")
    assert admin.get(LIST).json()["results"] == [row]


def test_no_answer_carries_a_token(admin, account):
    text = json.dumps([admin.get(LIST).json(), admin.get(at(account)).json()])
    assert ACCESS_TOKEN not in text and REFRESH_TOKEN not in text and "enc:v1" not in text


def test_an_account_without_token_is_not_connected(admin, account):
    EbayToken.objects.all().delete()
    row = admin.get(at(account)).json()
    assert row["token"] is None
    assert row["status"] == "not_connected"
    assert row["status_reason"]


def test_the_reason_of_a_status_is_told(admin, account):
    give_token(account, refresh_error="invalid_grant: revoked")
    row = admin.get(at(account)).json()
    assert row["status"] == "needs_reconnect"
    assert "revoked" in row["status_reason"]


def test_the_list_takes_the_same_queries_however_long(admin, account, django_assert_num_queries):
    AccountFactory.create_batch(4, organization=account.organization)
    # The login and its memberships, the count, the accounts with their tokens.
    with django_assert_num_queries(4):
        assert admin.get(LIST).json()["count"] == 5


def test_filters_and_ordering(admin, account):
    other = AccountFactory(
        organization=account.organization, house_name="Aaa", purpose="BUYER", is_active=False
    )

    def ids(query):
        return [row["id"] for row in admin.get(f"{LIST}?{query}").json()["results"]]

    assert ids("is_active=true") == [account.pk]
    assert ids("purpose=BUYER,BOTH") == [other.pk]
    assert ids("house_name=aaa") == [other.pk]
    assert ids("ordering=-house_name") == [account.pk, other.pk]
    assert ids("limit=1&offset=1") == [account.pk]


@pytest.mark.parametrize(
    "query", ["hous_name=x", "ordering=eias_token", "limit=no", "limit=0", "offset=-1", "organization=x",
              "organization=99999999999999999999", "house_name=%00", "is_active=perhaps"],
)  # fmt: skip
def test_a_query_that_is_not_understood_is_refused(admin, query):
    response = admin.get(f"{LIST}?{query}")
    assert response.status_code == 400
    assert query.partition("=")[0] in response.json()["error"]["details"]


def test_connecting_answers_a_one_use_link(admin, account):
    response = admin.post(LIST, {**WANTED, "organization": account.organization_id}, format="json")
    assert response.status_code == 201, response.content
    assert set(response.json()) == {"authorize_url", "expires_at"}
    assert "/ebay/connect/?ticket=" in response.json()["authorize_url"]
    ticket = ConnectTicket.objects.get()
    assert (ticket.house_name, ticket.environment, ticket.account) == ("Warehouse-Z", "simulator", None)
    assert AuditEvent.objects.get().action == "connect_started"


def test_a_member_of_one_organisation_need_not_name_it(admin):
    assert admin.post(LIST, WANTED, format="json").status_code == 201


def test_a_member_of_several_organisations_must_name_one(account):
    user = member("admin", account.organization)
    MembershipFactory(user=user, organization=OrganizationFactory())
    response = as_person(user).post(LIST, WANTED, format="json")
    assert response.status_code == 400
    assert "organization" in response.json()["error"]["details"]


def test_somebody_without_organisation_connects_nothing():
    assert as_person(UserFactory()).post(LIST, WANTED, format="json").status_code == 403


def test_connecting_for_a_foreign_organisation_reads_like_a_missing_one(admin):
    foreign = admin.post(LIST, {**WANTED, "organization": OrganizationFactory().pk}, format="json")
    missing = admin.post(LIST, {**WANTED, "organization": 10**9}, format="json")
    assert (foreign.status_code, foreign.json()) == (404, missing.json())


@pytest.mark.parametrize(
    "wrong",
    [
        {"environment": "moon"}, {"environment": None}, {"purpose": "EVIL"}, {"house_name": ""},
        {"house_name": "x" * 101}, {"house_name": "a\u0000b"}, {"house_name": "\ud800"},
        {"house_name": ["a"]}, {"organization": "x"}, {"organization": 10**30}, {"organization": -1},
        {"environment": "sandbox"},
    ],
)  # fmt: skip
def test_a_connection_that_cannot_be_is_refused(admin, wrong):
    body = json.dumps({**WANTED, **wrong})
    response = admin.generic("POST", LIST, body, content_type="application/json")
    assert response.status_code == 400, response.content
    assert not ConnectTicket.objects.exists()


def test_the_environment_has_no_default(admin):
    response = admin.post(LIST, {"house_name": "A", "purpose": "SELLER"}, format="json")
    assert "environment" in response.json()["error"]["details"]


def test_reconnecting_is_pinned_to_the_account(admin, account):
    response = admin.post(at(account, "reconnect"))
    assert response.status_code == 201
    assert ConnectTicket.objects.get().account == account


def test_changing_an_account(admin, account):
    change = {"house_name": "New", "purpose": "BOTH", "is_active": False, "workers_enabled": False}
    row = admin.patch(at(account), change, format="json").json()
    assert (row["house_name"], row["purpose"], row["is_active"]) == ("New", "BOTH", False)
    account.refresh_from_db()
    assert not account.workers_enabled
    assert AuditEvent.objects.get().action == "account_changed"


def test_a_form_that_leaves_a_switch_out_does_not_switch_it_off(admin, account):
    assert admin.patch(at(account), {"house_name": "New"}, format="multipart").status_code == 415
    form = "house_name=New"
    admin.generic("PATCH", at(account), form, content_type="application/x-www-form-urlencoded")
    account.refresh_from_db()
    assert (account.house_name, account.is_active, account.workers_enabled) == ("New", True, True)


def test_a_house_name_that_is_taken_answers_409(admin, account):
    other = AccountFactory(organization=account.organization)
    response = admin.patch(at(account), {"house_name": other.house_name.upper()}, format="json")
    assert response.status_code == 409
    error = response.json()["error"]
    assert error["code"] == "house_name_taken"
    assert other.house_name.upper() in error["message"]


@pytest.mark.parametrize(
    "wrong", [{"environment": "production"}, {"ebay_user_id": "x"}, {"house_name": " "}, {"purpose": ""},
              {"is_active": None}, {"is_active": "perhaps"}, ["house_name"]],
)  # fmt: skip
def test_a_change_that_cannot_be_is_refused(admin, account, wrong):
    assert admin.patch(at(account), wrong, format="json").status_code == 400
    assert EbayAccount.objects.get().environment == "simulator"
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("query", ["", "?data=", "?data=perhaps", "?keep=1"])
def test_disconnecting_needs_a_word_about_the_data(admin, account, query):
    assert admin.delete(at(account) + query).status_code == 400
    assert EbayToken.objects.filter(account=account).exists()


def test_disconnecting_keeps_the_data_when_told_so(admin, account):
    response = admin.delete(at(account) + "?data=keep")
    assert (response.status_code, response.json()) == (200, {"status": "disconnected"})
    account.refresh_from_db()
    assert not account.is_active and not EbayToken.objects.exists()
    assert not OrmQ.objects.exists()
    assert AuditEvent.objects.get(action="disconnected").detail == {"data": "keep"}
    assert admin.get(at(account)).json()["status"] == "not_connected"


def test_disconnecting_queues_the_deletion_when_told_so(admin, account):
    response = admin.delete(at(account) + "?data=delete")
    assert (response.status_code, response.json()) == (202, {"status": "deleting"})
    job = OrmQ.objects.get()
    assert job.key == "core"
    assert (job.task["func"], job.task["args"]) == ("syncworkers.tasks.delete_account_data", (account.pk,))
    assert not EbayToken.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_a_refresh_that_is_under_way_answers_503(admin, account):
    now = timezone.now()
    lease = "00000000-0000-0000-0000-000000000001"
    EbayToken.objects.update(lease_id=lease, lease_until=now + timedelta(seconds=30))
    response = admin.post(at(account, "refresh-token"))
    assert response.status_code == 503
    assert response["Retry-After"] == "5"
    assert response.json()["error"]["code"] == "refresh_under_way"


def test_a_refresh_without_token_tells_the_truth(admin, account):
    EbayToken.objects.all().delete()
    body = admin.post(at(account, "refresh-token")).json()
    assert body == {"success": False, "error_code": "not_connected", "error": body["error"]}
    assert body["error"]
    assert AuditEvent.objects.get().result.startswith("not_connected")


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_only_admins_connect_change_and_disconnect(account, role):
    client = as_member(role, account.organization)
    answers = [
        client.post(LIST, WANTED, format="json"),
        client.patch(at(account), {"house_name": "New"}, format="json"),
        client.delete(at(account) + "?data=delete"),
        client.post(at(account, "reconnect")),
    ]
    assert [answer.status_code for answer in answers] == [403] * 4
    assert "admin" in answers[0].json()["error"]["message"]
    assert EbayToken.objects.exists() and not ConnectTicket.objects.exists()


def test_an_operator_may_switch_the_workers_and_nothing_else(account):
    client = as_member("operator", account.organization)
    assert client.patch(at(account), {"workers_enabled": False}, format="json").status_code == 200
    both = {"workers_enabled": True, "purpose": "BUYER"}
    assert client.patch(at(account), both, format="json").status_code == 403
    account.refresh_from_db()
    assert (account.workers_enabled, account.purpose) == (False, "SELLER")


def test_a_viewer_may_not_refresh(account):
    assert as_member("viewer", account.organization).post(at(account, "refresh-token")).status_code == 403
