"""`/api/ebay/workers/…`: configuration, running, switches, cursor."""

from datetime import datetime, timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from syncworkers.models import SyncState, SyncSwitch, WorkerRun
from syncworkers.ranges import Span
from syncworkers.registry import WORKERS, families_for
from syncworkers.services.tick import tick
from tests.api_callers import as_machine, as_member, as_person
from tests.factories import (
    AccountFactory,
    MembershipFactory,
    OrganizationFactory,
    RunFactory,
    SyncStateFactory,
    UserFactory,
    give_token,
    member,
)

pytestmark = pytest.mark.django_db
AT = "/api/ebay/workers"


@pytest.fixture
def account():
    return AccountFactory()


@pytest.fixture
def operator(account):
    return as_member("operator", account.organization)


def test_config_has_the_words_of_the_contract(operator, account):
    end = timezone.now() - timedelta(seconds=90)
    SyncStateFactory(account=account, covered=[Span(end - timedelta(days=1), end)], last_error="oh")
    run = RunFactory(account=account, status="partial", summary_json={"pages": 2})
    body = operator.get(f"{AT}/config?account_id={account.pk}").json()
    assert body["account"] == {"id": account.pk, "house_name": account.house_name, "environment": "simulator"}
    assert (body["workers_enabled"], body["stopped_by"]) == (True, None)
    row = body["rows"][0]
    assert set(row) == {
        "api_family", "enabled", "primary_dedup_key", "cursor_type", "cursor_value", "last_run_at",
        "last_run_status", "last_run_summary", "last_success_at", "last_error", "lag_seconds", "next_run_at",
        "present_pass", "held_back_parts",
    }  # fmt: skip
    assert (row["api_family"], row["primary_dedup_key"], row["enabled"]) == ("orders", "order_id", True)
    assert (row["last_run_status"], row["last_run_summary"]) == (run.status, {"pages": 2})
    assert row["cursor_value"] == end.isoformat()
    assert 90 <= row["lag_seconds"] < 120
    assert [row["api_family"] for row in body["rows"]] == list(WORKERS)


def test_config_of_a_worker_that_never_ran(operator, account):
    row = operator.get(f"{AT}/config?account_id={account.pk}").json()["rows"][0]
    assert (row["last_run_status"], row["cursor_value"], row["lag_seconds"]) == (None, "", None)


def test_switching_a_worker(operator, account):
    body = {"account_id": account.pk, "api_family": "orders", "enabled": False}
    row = operator.post(f"{AT}/config", body, format="json").json()
    assert (row["api_family"], row["enabled"]) == ("orders", False)
    assert not SyncState.objects.get().enabled
    assert AuditEvent.objects.get().action == "worker_off"


def test_a_form_without_the_switch_does_not_switch_off(operator, account):
    form = f"account_id={account.pk}&api=orders"
    kind = "application/x-www-form-urlencoded"
    assert operator.generic("POST", f"{AT}/config", form, content_type=kind).status_code == 400
    assert operator.generic("POST", f"{AT}/global-toggle", "reason=x", content_type=kind).status_code == 400
    assert not SyncState.objects.exists() and not SyncSwitch.objects.exists()


@pytest.mark.parametrize(
    ("query", "body"),
    [("", {"api": "orders"}), ("", {"api_family": "orders"}), ("?api=orders", {}), ("?api_family=orders", {}),
     ("?api=orders", {"api_family": "orders"})],
)  # fmt: skip
def test_api_and_api_family_are_the_same_in_body_and_query(operator, account, query, body):
    answer = operator.post(f"{AT}/run{query}", {"account_id": account.pk, **body}, format="json").json()
    run = WorkerRun.objects.get()
    assert answer == {"status": "started", "run_id": run.pk}
    assert (run.api_family, run.trigger, run.lane) == ("orders", "api", 1)


def test_a_run_names_who_asked_and_is_audited(account):
    user = member("operator", account.organization)
    as_person(user).post(f"{AT}/run", {"account_id": account.pk, "api": "orders"}, format="json")
    assert WorkerRun.objects.get().requested_by == user.username
    event = AuditEvent.objects.get()
    assert (event.action, event.actor, event.result) == ("run", user, "started")
    assert event.ip_address == "127.0.0.1"


def test_a_machine_may_run_too(account):
    client = as_machine("operator", account.organization)
    body = {"account_id": account.pk, "api": "orders"}
    assert client.post(f"{AT}/run", body, format="json").json()["status"] == "started"
    assert WorkerRun.objects.get().requested_by.startswith("API key ERP")


def test_a_second_run_is_skipped_and_names_the_first(operator, account):
    body = {"account_id": account.pk, "api": "orders"}
    first = operator.post(f"{AT}/run", body, format="json").json()
    second = operator.post(f"{AT}/run", body, format="json").json()
    assert second == {
        "status": "skipped", "reason": "already_running", "reason_text": "It is running already",
        "run_id": first["run_id"],
    }  # fmt: skip


def not_connected(account):
    account.token.delete()


def inactive(account):
    type(account).objects.update(is_active=False)


def switched_off(account):
    type(account).objects.update(workers_enabled=False)


def refused_consent(account):
    give_token(account, refresh_error="invalid_grant: revoked")


def other_scopes(account):
    give_token(account, granted_scopes=["https://api.ebay.com/oauth/api_scope"])


def worker_off(account):
    SyncStateFactory(account=account, enabled=False)


def failing(account):
    SyncStateFactory(account=account, breaker_until=timezone.now() + timedelta(hours=1))


@pytest.mark.parametrize(
    ("given", "reason"),
    [(not_connected, "not_connected"), (inactive, "account_inactive"), (switched_off, "workers_disabled"),
     (refused_consent, "needs_reconnect"), (other_scopes, "missing_scope"), (worker_off, "disabled"),
     (failing, "breaker_open")],
)  # fmt: skip
def test_a_run_that_cannot_start_says_why(operator, account, given, reason):
    given(account)
    answer = operator.post(f"{AT}/run", {"account_id": account.pk, "api": "orders"}, format="json").json()
    assert (answer["status"], answer["reason"], answer["run_id"]) == ("skipped", reason, None)
    assert not WorkerRun.objects.exists()


def test_run_all_of_one_account(operator, account):
    AccountFactory(organization=account.organization)
    body = operator.post(f"{AT}/run-all", {"account_id": account.pk}, format="json").json()
    assert [(row["account_id"], row["api_family"], row["status"]) for row in body["results"]] == [
        (account.pk, family, "started") for family in families_for(account.purpose)
    ]
    assert AuditEvent.objects.get().action == "run_all"


def test_run_all_of_everything_leaves_out_what_is_not_ours(account):
    active = AccountFactory(organization=account.organization)
    AccountFactory(organization=account.organization, is_active=False)
    user = member("operator", account.organization)
    MembershipFactory(user=user, organization=AccountFactory().organization, role="viewer")
    AccountFactory()
    results = as_person(user).post(f"{AT}/run-all").json()["results"]
    assert {row["account_id"] for row in results} == {account.pk, active.pk}


def test_the_red_button_stops_and_releases(operator, account):
    run = RunFactory(account=account)
    foreign = RunFactory()
    stop = {"enabled": False, "reason": "fire"}
    body = operator.post(f"{AT}/global-toggle", stop, format="json").json()
    assert (body["organization"], body["enabled"], body["reason"]) == (account.organization_id, False, "fire")
    assert body["changed_by"] and body["changed_at"]
    run.refresh_from_db(), foreign.refresh_from_db()
    assert (run.status, foreign.status) == ("cancelled", "queued")
    config = operator.get(f"{AT}/config?account_id={account.pk}").json()
    assert config["stopped_by"]["reason"] == "fire"
    operator.post(f"{AT}/global-toggle", {"enabled": True}, format="json")
    assert operator.get(f"{AT}/config?account_id={account.pk}").json()["stopped_by"] is None


def test_the_red_button_wants_a_reason_to_stop(operator):
    assert operator.post(f"{AT}/global-toggle", {"enabled": False}, format="json").status_code == 400
    assert not SyncSwitch.objects.exists()


def test_members_of_several_organisations_say_which_one(account):
    user = member("operator", account.organization)
    MembershipFactory(user=user, role="operator")
    client, stop = as_person(user), {"enabled": False, "reason": "x"}
    assert client.post(f"{AT}/global-toggle", stop, format="json").status_code == 400
    named = {**stop, "organization": account.organization_id}
    assert client.post(f"{AT}/global-toggle", named, format="json").status_code == 200


def test_only_superusers_stop_the_installation(operator):
    stop = {"enabled": False, "reason": "x", "installation": True}
    assert operator.post(f"{AT}/global-toggle", stop, format="json").status_code == 403
    body = as_person(UserFactory(is_superuser=True)).post(f"{AT}/global-toggle", stop, format="json").json()
    assert body["organization"] is None
    both = {**stop, "organization": OrganizationFactory().pk}
    assert (
        as_person(UserFactory(is_superuser=True)).post(f"{AT}/global-toggle", both, format="json").status_code
        == 400
    )


@pytest.mark.parametrize(
    ("value", "expected"),
    [("2026-01-31", "2026-01-31T00:00:00+00:00"), ("2026-01-31T08:00:00", "2026-01-31T08:00:00+00:00"),
     ("2026-01-31T08:00:00+02:00", "2026-01-31T06:00:00+00:00")],
)  # fmt: skip
def test_a_cursor_sets_how_far_back_and_is_audited(operator, account, value, expected):
    body = {"account_id": account.pk, "api_family": "orders", "value": value, "reason": "audit"}
    with_travel = datetime.fromisoformat(expected)
    answer = operator.post(f"{AT}/cursor", body, format="json")
    assert answer.status_code == 200, answer.content
    assert SyncState.objects.get().wanted_from == with_travel
    assert answer.json()["wanted_from"] == with_travel.isoformat().replace("+00:00", "Z")
    event = AuditEvent.objects.get()
    assert (event.action, event.detail["reason"], event.detail["before"]) == ("cursor", "audit", "backfill")


def test_backfill_returns_to_the_familys_own_setting(operator, account):
    SyncStateFactory(account=account, wanted_from=timezone.now())
    for wish in ({"backfill": True}, {"value": "backfill"}):
        body = {"account_id": account.pk, "api_family": "orders", "reason": "audit", **wish}
        assert operator.post(f"{AT}/cursor", body, format="json").json()["wanted_from"] is None
    assert SyncState.objects.get().wanted_from is None


@pytest.mark.parametrize(
    "wrong",
    [{"value": "yesterday"}, {"value": "2026-13-01"}, {"value": "2026-02-30T00:00:00Z"}, {"value": ""},
     {"value": "2999-01-01"}, {"value": "2001-01-01"}, {"value": "0001-01-01T00:00:00+14:00"},
     {"value": "2026-01-01", "reason": ""}, {"value": "2026-01-01", "backfill": True}, {"value": None}, {},
     {"value": "1767225600"}, {"value": "2026-01-01\u0000"}],
)  # fmt: skip
def test_a_cursor_that_cannot_be_read_changes_nothing(operator, account, wrong):
    body = {"account_id": account.pk, "api_family": "orders", "reason": "audit", **wrong}
    response = operator.post(f"{AT}/cursor", body, format="json")
    assert response.status_code == 400, response.content
    assert response.json()["error"]["message"]
    assert not SyncState.objects.filter(wanted_from__isnull=False).exists()
    assert not AuditEvent.objects.exists()


@pytest.mark.parametrize("action", ["run", "config", "cursor"])
@pytest.mark.parametrize("name", ["", "nothing", "Orders", 7, ["orders"], {"a": 1}, None])
def test_an_unknown_family_lists_those_there_are(operator, account, action, name):
    body = {"account_id": account.pk, "api": name, "enabled": True, "value": "2026-01-01", "reason": "x"}
    response = operator.post(f"{AT}/{action}", body, format="json")
    assert response.status_code == 400
    if name in ("nothing", "Orders"):
        assert ", ".join(WORKERS) in response.json()["error"]["message"]


def test_two_different_families_are_refused(operator, account):
    response = operator.post(
        f"{AT}/run?api=orders", {"account_id": account.pk, "api": "returns"}, format="json"
    )
    assert response.status_code == 400


@pytest.mark.parametrize("number", ["x", None, "", -1, 0, 10**30, 1.5, True, [1]])
@pytest.mark.parametrize("action", ["run", "config", "cursor"])
def test_an_account_that_is_no_number_is_refused(operator, action, number):
    body = {"account_id": number, "api": "orders", "enabled": True, "value": "2026-01-01", "reason": "x"}
    assert operator.post(f"{AT}/{action}", body, format="json").status_code in (400, 404)
    assert not AuditEvent.objects.exists()


def test_viewers_read_but_do_not_act(account):
    viewer, run = as_member("viewer", account.organization), RunFactory(account=account)
    family = {"account_id": account.pk, "api": "orders"}
    acts = {
        "run": family,
        "run-all": {"account_id": account.pk},
        "config": {**family, "enabled": False},
        "global-toggle": {"enabled": False, "reason": "x"},
        "cursor": {**family, "value": "2026-01-01", "reason": "x"},
        f"runs/{run.pk}/cancel": {},
    }
    answers = {name: viewer.post(f"{AT}/{name}", body, format="json") for name, body in acts.items()}
    assert {name: answer.status_code for name, answer in answers.items()} == dict.fromkeys(acts, 403)
    assert viewer.post(f"{AT}/run-all").status_code == 403
    assert viewer.get(f"{AT}/config?account_id={account.pk}").status_code == 200
    assert not AuditEvent.objects.exists() and not SyncSwitch.objects.exists()
    assert list(WorkerRun.objects.values_list("status", flat=True)) == ["queued"]


def test_a_worker_that_was_run_by_hand_first_is_scheduled_too(operator, account):
    operator.post(f"{AT}/run", {"account_id": account.pk, "api": "orders"}, format="json")
    WorkerRun.objects.update(status="completed")
    tick()
    assert WorkerRun.objects.filter(trigger="schedule").count() == 1
