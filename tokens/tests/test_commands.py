"""The commands about tokens: refresh by hand, and looking at what is stored and what happened."""

from __future__ import annotations

import json
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEvent
from tests.factories import ACCESS_TOKEN, REFRESH_TOKEN, AccountFactory, give_token
from tokens.models import BackgroundWorker, ConnectLog, EbayToken, RefreshCycle, TokenRefreshLog
from tokens.tasks import start_refresh_cycle

from .linked import (
    change_token,
    expired_account,
    linked_account,
    nothing_sent,
    stored,
    stored_access_token,
    stored_refresh_token,
    token_posts,
)

pytestmark = pytest.mark.django_db(transaction=True)


def run(name, **options):
    """The command's output; a CommandError is the test's to expect."""
    out = StringIO()
    call_command(name, stdout=out, stderr=StringIO(), **options)
    return out.getvalue()


def refreshed(**options):
    """What `refresh_tokens` printed, and its error text ('' when it ended well)."""
    out, failure = StringIO(), ""
    try:
        call_command("refresh_tokens", stdout=out, stderr=StringIO(), **options)
    except CommandError as error:
        failure = str(error)
    return json.loads(out.getvalue()), failure


def paragraph(text, heading):
    """The lines below a heading."""
    return next(part for part in text.split("\n\n") if part.startswith(heading)).splitlines()[1:]


# -- refresh_tokens --------------------------------------------------------------------------------------


def test_a_cycle_refreshes_who_is_due_in_this_process(simulator):
    accounts = [expired_account(simulator, seller=0), linked_account(simulator, seller=1)]
    summary, failure = refreshed()
    assert summary == {"status": "ok", "accounts_checked": 1, "accounts_refreshed": 1, "errors": []}
    assert (failure, OrmQ.objects.count(), len(token_posts(simulator))) == ("", 0, 1)
    assert stored(accounts[0]).expires_at > timezone.now()


def test_nothing_due_is_ok_with_zeros(simulator):
    linked_account(simulator)
    summary, failure = refreshed()
    assert (summary["status"], summary["accounts_checked"], failure) == ("ok", 0, "")


@pytest.mark.parametrize(("failing", "status"), [(1, "partial"), (2, "error")])
def test_a_cycle_tells_of_failures_and_fails(simulator, failing, status):
    accounts = [expired_account(simulator, seller=number) for number in range(2)]
    for account in accounts[:failing]:
        change_token(account, refresh_token_sealed="ENC:v1:lost")
    summary, failure = refreshed()
    assert (summary["status"], failure) == (status, f"the result is {status}")
    assert summary["accounts_refreshed"] == 2 - failing
    assert {error["account_id"] for error in summary["errors"]} == {a.pk for a in accounts[:failing]}


def test_more_than_one_chunk(simulator, monkeypatch):
    monkeypatch.setattr("tokens.services.cycle.CHUNK", 1)
    for number in range(3):
        expired_account(simulator, seller=number)
    assert refreshed()[0]["accounts_refreshed"] == 3
    assert RefreshCycle.objects.get().open_chunks == []


def test_a_cycle_by_hand_does_not_pass_for_the_schedules(simulator):
    start_refresh_cycle()
    before = BackgroundWorker.objects.values().get()
    account = expired_account(simulator)
    refreshed()
    assert BackgroundWorker.objects.values().get() == before
    assert RefreshCycle.objects.order_by("-id").first().scheduled is False
    assert (stored(account).last_refreshed_by, TokenRefreshLog.objects.get().triggered_by) == (
        "admin",
        "admin",
    )


def test_a_cycle_by_hand_does_not_wait_for_the_pause_after_a_failure(simulator):
    account = expired_account(simulator)
    change_token(account, next_attempt_at=timezone.now() + timedelta(minutes=10))
    assert refreshed()[0]["accounts_refreshed"] == 1


def test_one_account_by_name_or_id_and_no_other(simulator):
    account, other = expired_account(simulator, house_name="Outlet"), expired_account(simulator, seller=1)
    summary, failure = refreshed(account="outlet")
    assert (summary["accounts_refreshed"], failure) == (1, "")
    assert stored(other).expires_at < timezone.now()
    assert refreshed(account=str(other.pk))[0]["accounts_refreshed"] == 1
    assert stored(account).last_refreshed_by == "admin"


def test_an_account_that_is_not_due_is_refreshed_by_force_only(simulator):
    account = linked_account(simulator)
    summary, failure = refreshed(account=str(account.pk))
    assert (summary["status"], summary["accounts_checked"], failure) == ("ok", 0, "")
    assert nothing_sent(simulator)
    assert refreshed(account=str(account.pk), force=True)[0]["accounts_refreshed"] == 1
    assert len(token_posts(simulator)) == 1


def test_an_account_that_needs_its_owner_is_no_success(simulator):
    account = expired_account(simulator)
    change_token(account, refresh_error="invalid_grant: revoked")
    with pytest.raises(CommandError, match="no longer accepts the consent"):
        run("refresh_tokens", account=str(account.pk))
    summary, failure = refreshed(account=str(account.pk), force=True)
    assert (summary["status"], bool(failure)) == ("error", True)
    assert nothing_sent(simulator)


def test_a_deactivated_account_is_said_to_be(simulator):
    account = expired_account(simulator, is_active=False)
    with pytest.raises(CommandError, match="is deactivated"):
        run("refresh_tokens", account=str(account.pk))


def test_debug_shows_the_exchange_masked(simulator):
    account = expired_account(simulator)
    sent = stored_refresh_token(account)
    simulator.post("tokens/revoke", seller=account.username)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("refresh_tokens", account=str(account.pk), debug=True, stdout=out)
    exchange = json.loads(out.getvalue())["exchange"]
    assert (exchange["action"], exchange["response"]["status"]) == ("token_refresh_debug", 400)
    assert "invalid_grant" in exchange["response"]["body"]
    assert exchange["request"]["headers"]["Authorization"] == "***REDACTED***"
    assert sent[10:40] not in out.getvalue()
    assert TokenRefreshLog.objects.get().triggered_by == "debug"


def test_debug_of_a_success_shows_no_token(simulator):
    account = linked_account(simulator)
    out = run("refresh_tokens", account=str(account.pk), force=True, debug=True)
    assert json.loads(out)["exchange"]["response"]["status"] == 200
    assert stored_access_token(account)[10:40] not in out


@pytest.mark.parametrize("option", ["force", "debug"])
def test_force_and_debug_are_for_one_account(simulator, option):
    expired_account(simulator)
    with pytest.raises(CommandError, match="need --account"):
        run("refresh_tokens", **{option: True})
    assert nothing_sent(simulator)


def test_who_refreshed_is_in_the_audit_trail(simulator):
    account = expired_account(simulator)
    refreshed(account=str(account.pk))
    refreshed()
    acts = AuditEvent.objects.order_by("id").values_list("action", "actor_label", "organization_id", "result")
    assert list(acts) == [
        ("token_refresh", "command line", account.organization_id, "ok"),
        ("refresh_cycle", "command line", None, "ok"),
    ]


# -- Which account ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("command", ["refresh_tokens", "inspect_tokens", "inspect_refresh_runtime"])
@pytest.mark.parametrize("wanted", ["Nobody", "999999999999999999999"])
def test_an_unknown_account(command, wanted):
    with pytest.raises(CommandError, match=f"there is no account {wanted}"):
        run(command, account=wanted)


def test_a_name_that_two_organisations_use():
    first, second = AccountFactory(house_name="Outlet"), AccountFactory(house_name="outlet")
    with pytest.raises(CommandError, match=rf"give the id: {first.pk} \(.*\), {second.pk} \("):
        run("inspect_tokens", account="Outlet")
    assert f"(id {second.pk}," in run("inspect_tokens", account=str(second.pk))


def test_the_active_account_has_its_name():
    AccountFactory(house_name="Outlet", is_active=False)
    active = AccountFactory(house_name="Outlet")
    assert run("inspect_tokens", account="Outlet").startswith(f"Outlet (id {active.pk},")


# -- inspect_tokens --------------------------------------------------------------------------------------


def test_stored_tokens_are_shown_masked():
    account = AccountFactory(house_name="Outlet")
    change_token(account, version=7, consent_version=3)
    out = run("inspect_tokens")
    sealed = EbayToken.objects.get().access_token_sealed
    assert "status          healthy" in out
    assert "versions        token 7, consent 3" in out
    access = next(line for line in out.splitlines() if "access token" in line)
    assert f"enc:…{sealed[-4:]} ({len(sealed)})" in access
    assert f"v^1.…AAAA ({len(ACCESS_TOKEN)})" in access
    assert sealed.split(":")[2] in access
    secrets = [ACCESS_TOKEN, REFRESH_TOKEN, sealed, sealed[20:60]]
    assert [secret for secret in secrets if secret in out] == []


def test_a_token_that_does_not_open_says_why(settings):
    account = AccountFactory()
    change_token(account, access_token_sealed="", refresh_token_sealed="enc:v1:0badc0de:AAAA")
    out = run("inspect_tokens")
    assert "needs_reconnect" in out
    refresh = next(line for line in out.splitlines() if line.startswith("  refresh token"))
    assert refresh.endswith(
        "0badc0de  -                key 0badc0de is not in TOKEN_ENCRYPTION_KEYS of this process"
    )
    assert "nothing is stored" in out
    settings.TOKEN_ENCRYPTION_KEYS = []
    assert "of this process cannot be used (no key is set)" in run("inspect_tokens")


def test_what_opens_but_is_no_token():
    AccountFactory(token__access="plain secret text")
    out = run("inspect_tokens")
    assert "what is stored is not an eBay token" in out
    assert "plain secret text" not in out


def test_what_was_stored_unsealed_is_masked_too():
    change_token(AccountFactory(), access_token_sealed="plain secret text")
    out = run("inspect_tokens")
    assert "it is not sealed in this product's form" in out
    assert "plai…text (17)" in out


def test_an_account_without_token_and_a_deactivated_one():
    AccountFactory(token=False)
    AccountFactory(is_active=False)
    out = run("inspect_tokens")
    assert "not_connected" in out
    assert "simulator, deactivated)" in out


def test_text_from_elsewhere_cannot_steer_the_terminal():
    account = AccountFactory(house_name="Out\x1b[2Jlet")
    give_token(account, refresh_error=f"exception: \x1b]0;x {REFRESH_TOKEN}")
    out = run("inspect_tokens") + run("inspect_refresh_runtime")
    assert "\x1b" not in out
    assert REFRESH_TOKEN not in out


def test_no_accounts_at_all():
    assert run("inspect_tokens") == "there are no accounts\n"


# -- inspect_refresh_runtime -----------------------------------------------------------------------------


def test_the_runtime_after_a_schedule_and_a_failure_by_hand(simulator):
    start_refresh_cycle()
    account = expired_account(simulator, house_name="Outlet")
    simulator.post("tokens/revoke", seller=account.username)
    refreshed(account="Outlet")
    out = run("inspect_refresh_runtime")
    schedule = paragraph(out, "schedule")
    assert schedule[0].strip() == "token_refresh_worker, every 600 s"
    assert schedule[2].endswith("ok")
    assert "1 ok, 0 not ok" in schedule[4]
    (cycle,) = paragraph(out, "cycles")[1:]
    assert (cycle.split()[-2:], " schedule " in cycle, " ok " in cycle) == (["0", "0"], True, True)
    attempt = paragraph(out, f"attempts of Outlet (id {account.pk})")[1]
    assert "admin" in attempt
    assert "invalid_grant" in attempt
    exchange = paragraph(out, "exchanges")[1]
    assert "token_refresh_failed" in exchange
    assert "400" in exchange.split()


def test_a_dead_schedule_is_overdue():
    assert "OVERDUE" in run("inspect_refresh_runtime")
    BackgroundWorker.objects.create(
        worker_name="token_refresh_worker", interval_seconds=600, last_started_at=timezone.now(),
        last_error_message="network_error: no route",
    )  # fmt: skip
    out = run("inspect_refresh_runtime")
    assert "OVERDUE" not in out
    assert "no route" in out


def test_only_the_latest_of_each_account():
    accounts = [AccountFactory(), AccountFactory()]
    for account in accounts:
        for age in range(4):
            at = timezone.now() - timedelta(minutes=age)
            TokenRefreshLog.objects.create(
                account=account, triggered_by="scheduled", success=False, error_code=f"minus{age}",
                started_at=at, finished_at=at,
            )  # fmt: skip
    out = run("inspect_refresh_runtime", last=2)
    for account in accounts:
        lines = paragraph(out, f"attempts of {account} (id {account.pk})")[1:]
        assert ["minus0" in lines[0], "minus1" in lines[1], len(lines)] == [True, True, 2]


def test_an_attempt_whose_process_died_is_unfinished():
    TokenRefreshLog.objects.create(
        account=AccountFactory(), triggered_by="scheduled", started_at=timezone.now()
    )
    assert "unfinished" in run("inspect_refresh_runtime")


def test_one_accounts_runtime_only():
    mine, other = AccountFactory(), AccountFactory(house_name="Elsewhere")
    for account in (mine, other):
        ConnectLog.objects.create(
            account=account, organization=account.organization, environment="simulator",
            action="token_refreshed", source="scheduled", request={}, response={"status": 200},
        )  # fmt: skip
    out = run("inspect_refresh_runtime", account=str(mine.pk))
    assert out.count("token_refreshed") == 1
    assert "Elsewhere" not in out


def test_last_must_be_a_number_of_rows():
    with pytest.raises(CommandError, match="1 or more"):
        run("inspect_refresh_runtime", last=0)
