"""`/api/admin/…`: token states, terminal, the scheduled refresh."""

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.models import AuditEvent
from tests.api_callers import as_member, as_person
from tests.factories import AccountFactory, MembershipFactory, OrganizationFactory, UserFactory, member
from tokens.models import BackgroundWorker, ConnectLog, RefreshCycle, TokenRefreshLog

pytestmark = pytest.mark.django_db
TOKENS = "/api/admin/ebay/tokens"
SCHEDULE = "/api/admin/workers/token-refresh/status"
ONCE = "/api/admin/ebay/workers/token-refresh/run-once"


def attempt(account, success, minutes_ago=1, by="scheduled"):
    at = timezone.now() - timedelta(minutes=minutes_ago)
    return TokenRefreshLog.objects.create(
        account=account, triggered_by=by, success=success, started_at=at, finished_at=at,
        error_code="" if success else "server_error",
    )  # fmt: skip


def exchange(account, **values):
    defaults = {"environment": account.environment, "action": "token_refreshed", "source": "scheduled"}
    return ConnectLog.objects.create(organization=account.organization, account=account, **defaults | values)


def test_token_states_tell_failures_since_the_last_success():
    account = AccountFactory()
    for success, minutes in ((False, 9), (True, 8), (False, 7), (False, 6)):
        attempt(account, success, minutes)
    attempt(AccountFactory(organization=account.organization, house_name="~"), True)
    first, second = as_member("admin", account.organization).get(f"{TOKENS}/status").json()["results"]
    assert (first["account_id"], first["failures_in_row"], first["last_refreshed_by"]) == (
        account.pk,
        2,
        "connect",
    )
    assert (first["status"], second["failures_in_row"]) == ("healthy", 0)


def test_token_states_take_the_same_queries_however_many(django_assert_num_queries):
    account = AccountFactory()
    AccountFactory.create_batch(4, organization=account.organization)
    client = as_member("admin", account.organization)
    with django_assert_num_queries(5):
        assert client.get(f"{TOKENS}/status").json()["count"] == 5


def test_an_account_without_token_has_nulls():
    account = AccountFactory(token=False)
    row = as_member("admin", account.organization).get(f"{TOKENS}/status").json()["results"][0]
    assert (row["status"], row["expires_at"], row["refresh_error"]) == ("not_connected", None, "")


def test_the_terminal_is_newest_first_and_filters():
    account, other = AccountFactory(), None
    other = AccountFactory(organization=account.organization, environment="sandbox")
    one = exchange(account, source="debug", action="token_refresh_debug")
    two = exchange(other)
    client = as_member("admin", account.organization)

    def ids(query=""):
        return [row["id"] for row in client.get(f"{TOKENS}/terminal-logs{query}").json()["results"]]

    assert ids() == [two.pk, one.pk]
    assert ids("?source=debug") == [one.pk]
    assert ids("?action=token_refreshed") == [two.pk]
    assert ids("?env=sandbox") == [two.pk]
    assert ids(f"?account_id={account.pk}") == [one.pk]
    assert ids("?limit=1") == [two.pk]
    assert client.get(f"{TOKENS}/terminal-logs?src=debug").status_code == 400


def test_exchanges_of_no_organisation_are_for_superusers():
    account = AccountFactory()
    row = ConnectLog.objects.create(environment="simulator", action="app_token_minted", source="schedule")
    assert as_member("admin", account.organization).get(f"{TOKENS}/terminal-logs").json()["count"] == 0
    root = as_person(UserFactory(is_superuser=True))
    assert [r["id"] for r in root.get(f"{TOKENS}/terminal-logs").json()["results"]] == [row.pk]


def test_attempts_of_one_account():
    account = AccountFactory()
    attempt(account, True, 5)
    attempt(account, False, 1)
    attempt(AccountFactory(organization=account.organization), True)
    client = as_member("admin", account.organization)
    body = client.get(f"{TOKENS}/logs/{account.pk}").json()
    assert [row["success"] for row in body["results"]] == [False, True]
    assert body["results"][0]["error_code"] == "server_error"


def test_who_is_admin_here_and_viewer_there_sees_only_here():
    here, there = AccountFactory(), AccountFactory()
    user = member("admin", here.organization)
    MembershipFactory(user=user, organization=there.organization, role="viewer")
    exchange(here), exchange(there)
    client = as_person(user)
    for list_ in ("status", "terminal-logs"):
        rows = client.get(f"{TOKENS}/{list_}").json()["results"]
        assert [row["account_id"] for row in rows] == [here.pk]
    assert client.get(f"{TOKENS}/logs/{there.pk}").status_code == 403
    body = {"ebay_account_id": there.pk}
    assert client.post("/api/admin/ebay/token/refresh-debug", body, format="json").status_code == 403


@pytest.mark.parametrize("role", ["viewer", "operator"])
def test_without_role_admin_there_is_nothing_to_see(role):
    account = AccountFactory()
    client = as_member(role, account.organization)
    addresses = [f"{TOKENS}/status", f"{TOKENS}/terminal-logs", f"{TOKENS}/logs/{account.pk}", SCHEDULE]
    assert [client.get(address).status_code for address in addresses] == [403] * 4
    assert client.post(ONCE).status_code == 403


def test_a_schedule_that_never_ran_is_overdue():
    body = as_member("admin", OrganizationFactory()).get(SCHEDULE).json()
    assert (body["worker_name"], body["interval_seconds"]) == ("token_refresh_worker", 600)
    assert (body["overdue"], body["last_started_at"], body["last_success_at"]) == (True, None, None)


def finished_cycle(status, minutes_ago, **values):
    at = timezone.now() - timedelta(minutes=minutes_ago)
    defaults = {"scheduled": True, "started_at": at, "finished_at": at + timedelta(seconds=30)}
    return RefreshCycle.objects.create(status=status, **defaults | values)


@pytest.fixture
def partial_cycle():
    """Of the last scheduled cycle: one account of ours failed, one refreshed, one foreign failed."""
    ours = AccountFactory()
    fine, foreign = AccountFactory(organization=ours.organization), AccountFactory()
    good = finished_cycle("ok", 12)
    errors = [
        {"account_id": ours.pk, "error": "server_error: ours"},
        {"account_id": foreign.pk, "error": "network_error: theirs"},
    ]
    last = finished_cycle("partial", 2, accounts_checked=3, accounts_refreshed=1, errors=errors)
    finished_cycle("ok", 1, scheduled=False)
    attempt(fine, True)
    TokenRefreshLog.objects.update(started_at=last.started_at + timedelta(seconds=1))
    BackgroundWorker.objects.create(
        worker_name="token_refresh_worker", interval_seconds=600, last_started_at=last.started_at,
        last_finished_at=last.finished_at, last_status="partial", runs_error_in_row=1,
    )  # fmt: skip
    return ours, foreign, good


def test_the_schedule_tells_each_organisation_of_its_own_accounts(partial_cycle):
    ours, _, good = partial_cycle
    body = as_member("admin", ours.organization).get(SCHEDULE).json()
    assert (body["last_status"], body["overdue"], body["runs_error_in_row"]) == ("partial", False, 1)
    assert body["last_success_at"] == good.finished_at.isoformat().replace("+00:00", "Z")
    assert body["last_summary"] == {
        "status": "partial", "accounts_checked": 2, "accounts_refreshed": 1,
        "errors": [{"account_id": ours.pk, "error": "server_error: ours"}],
    }  # fmt: skip
    assert body["last_error_message"] == "server_error: ours"


def test_superusers_see_the_whole_cycle(partial_cycle):
    summary = as_person(UserFactory(is_superuser=True)).get(SCHEDULE).json()["last_summary"]
    assert (summary["accounts_checked"], len(summary["errors"])) == (3, 2)


def test_a_superuser_starts_a_cycle_that_leaves_the_heartbeat_alone():
    body = as_person(UserFactory(is_superuser=True)).post(ONCE).json()
    cycle = RefreshCycle.objects.get()
    assert body["cycle_id"] == cycle.pk
    assert not cycle.scheduled and not BackgroundWorker.objects.exists()
    assert AuditEvent.objects.get().action == "refresh_cycle_started"


def test_an_admin_of_an_organisation_may_not_start_a_cycle_of_all():
    response = as_member("admin", OrganizationFactory()).post(ONCE)
    assert response.status_code == 403
    assert "superuser" in response.json()["error"]["message"]
    assert not RefreshCycle.objects.exists()


@pytest.mark.parametrize("body", [{}, {"ebay_account_id": "x"}, {"ebay_account_id": 10**30}, []])
def test_debug_without_a_usable_account_is_refused(body):
    client = as_member("admin", OrganizationFactory())
    assert client.post("/api/admin/ebay/token/refresh-debug", body, format="json").status_code == 400
