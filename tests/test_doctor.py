"""`doctor`: what it finds, what it advises, and when it fails."""

from __future__ import annotations

import json
import socket
from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.db.migrations.recorder import MigrationRecorder
from django.utils import timezone
from django_q.models import Schedule

from accounts.models import NoticeMail
from ebayconnector.doctor import Level, diagnose, examination
from ebayconnector.ebay.tests.test_signatures import PRIVATE, PUBLIC
from ebayconnector.management.commands.doctor import Command
from ebayconnector.schedules import JOBS, write_schedules
from syncworkers.models import SyncState
from syncworkers.registry import WORKERS
from tests.factories import ACCESS_TOKEN, REFRESH_TOKEN, AccountFactory, NoticeFactory, give_token
from tests.test_health import CLUSTERS, heartbeat
from tokens import sealing
from tokens.models import (
    ApiPause,
    BackgroundWorker,
    EbayToken,
    NotificationSetup,
    ProcessHeartbeat,
    RefreshCycle,
    SigningKey,
)
from tokens.services.signing import key_binding

pytestmark = pytest.mark.slow

HOUR = timedelta(hours=1)


def ended_cycle(status="ok", errors=(), **values):
    now = timezone.now()
    RefreshCycle.objects.create(
        scheduled=True, status=status, started_at=now, finished_at=now, errors=list(errors), **values
    )
    BackgroundWorker.objects.update_or_create(
        worker_name="token_refresh_worker", defaults={"interval_seconds": 600, "last_started_at": now}
    )


def everything_runs(settings):
    settings.RELEASE = "development"
    settings.EBAY_NOTIFICATION_ENDPOINT = "https://example.com/webhooks/ebay/events"
    settings.EBAY_NOTIFICATION_VERIFICATION_TOKEN = "v" * 32
    for pid, name in enumerate(CLUSTERS):
        heartbeat(name, pid)
    write_schedules()
    ended_cycle()


@pytest.fixture
def well(db, settings):
    """A healthy installation without accounts: nothing to ask eBay."""
    everything_runs(settings)


@pytest.fixture
def account(well):
    return AccountFactory(house_name="Warehouse-A")


@pytest.fixture
def connected(transactional_db, settings, simulator):
    """A healthy installation with an account, outside of any transaction: eBay is really asked."""
    everything_runs(settings)
    NotificationSetup.objects.create(
        environment="simulator", endpoint=settings.EBAY_NOTIFICATION_ENDPOINT, set_up_at=timezone.now(),
        subscriptions={"MARKETPLACE_ACCOUNT_DELETION": "1"},
    )  # fmt: skip
    return AccountFactory(house_name="Warehouse-A")


def found(what):
    return [finding for finding in diagnose() if finding.what == what]


def only(what):
    (finding,) = found(what)
    return finding


def examined():
    """The command's exit code, its output and its JSON."""
    out = StringIO()
    try:
        call_command("doctor", json=True, stdout=out)
        code = 0
    except CommandError:
        code = 1
    return code, json.loads(out.getvalue())


def test_a_healthy_installation_passes(connected, simulator):
    code, document = examined()
    assert (code, document["problems"], document["warnings"]) == (0, 0, 0), document
    assert {finding["what"] for finding in document["findings"]} == {
        "settings", "database", "migrations", "clusters", "sniper", "release", "key_ring", "tokens", "keys",
        "schedules", "token refresh", "terminal", "keyset", "signing key", "eBay", "e-mail", "scopes",
        "accounts", "notifications", "pauses",
    }  # fmt: skip
    assert {finding["level"] for finding in document["findings"]} == {"ok"}
    assert len(simulator.requests(".")) == 1


def test_one_problem_is_exit_code_one(well):
    assert examined()[0] == 0
    ProcessHeartbeat.objects.filter(name="sync").delete()
    code, document = examined()
    assert (code, document["problems"]) == (1, 1)


def test_a_warning_alone_passes(well):
    Schedule.objects.create(name="somebody's own", func="x.y", next_run=timezone.now())
    code, document = examined()
    assert (code, document["warnings"]) == (0, 1)


def test_lines_say_what_is_wrong_and_what_to_do(well):
    ProcessHeartbeat.objects.filter(name="sync").delete()
    out = StringIO()
    with pytest.raises(CommandError, match="problems: 1"):
        call_command("doctor", stdout=out)
    lines = out.getvalue().splitlines()
    at = next(number for number, line in enumerate(lines) if line.startswith("problem"))
    assert lines[at].split()[1:5] == ["clusters", "not", "running:", "sync;"]
    assert lines[at + 1].strip().startswith("→ run each under a supervisor")
    assert lines[-1] == "problems: 1, warnings: 0"


# -- Machine ---------------------------------------------------------------------------------------------


def test_settings_that_a_system_check_refuses_are_reported_not_raised(well, settings):
    settings.SECRET_KEY = "short"
    out = StringIO()
    # As from the command line, where Django's own checks come first.
    with pytest.raises(CommandError, match="problems: 1"):
        Command(stdout=out).execute(json=True, skip_checks=False, force_color=False, no_color=True)
    finding = json.loads(out.getvalue())["findings"][0]
    assert (finding["level"], "ebayconnector.E001" in finding["detail"]) == ("problem", True)
    assert finding["advice"].startswith("Set SECRET_KEY")


def test_an_old_secret_key_that_still_counts_is_a_warning_without_the_key(well, settings):
    settings.SECRET_KEY_FALLBACKS = ["an-older-key-" + "k" * 40]
    fine, older = found("settings")
    assert (fine.level, older.level) == (Level.OK, Level.WARNING)
    assert older.detail.startswith("SECRET_KEY_FALLBACKS holds 1 older key:")
    assert "an-older-key" not in f"{older}"


def test_an_old_postgresql(well, monkeypatch):
    monkeypatch.setitem(connection.__dict__, "pg_version", 140_011)
    finding = only("database")
    assert (finding.level, finding.detail) == (Level.PROBLEM, "PostgreSQL 14.11 is too old")


def test_without_migrations_the_tables_are_not_looked_at(well):
    MigrationRecorder.Migration.objects.filter(app="syncworkers").delete()
    assert only("migrations").level == Level.PROBLEM
    assert found("accounts") == []


def test_no_database_address(well, settings):
    settings.DATABASE_URL = ""
    assert only("database").level == Level.PROBLEM
    assert found("accounts") == []


@pytest.mark.django_db(transaction=True)
def test_a_database_that_does_not_answer(monkeypatch):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        connection.close()
        monkeypatch.setitem(connection.settings_dict, "HOST", "127.0.0.1")
        monkeypatch.setitem(connection.settings_dict, "PORT", str(nobody.getsockname()[1]))
        findings = list(diagnose())
        connection.close()
    monkeypatch.undo()
    assert [finding.what for finding in findings] == ["settings", "database"]
    assert "refused" in findings[1].detail


def test_a_check_that_breaks_does_not_hide_the_others(well, monkeypatch):
    def broken():
        raise ZeroDivisionError

    monkeypatch.setitem(examination._CHECKS, "tokens", broken)
    assert only("tokens").detail == "could not be checked: ZeroDivisionError"
    assert only("pauses").level == Level.OK


@pytest.mark.parametrize(("field", "what"), [("release", "release"), ("key_ring", "key_ring")])
def test_a_process_that_differs(well, field, what):
    heartbeat("1", 99, kind="web", **{field: "another"})
    finding = only(what)
    assert (finding.level, "web 1" in finding.detail) == (Level.PROBLEM, True)


# -- Schedules and the refresh job -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"func": "os.remove"}, "was changed"),
        ({"minutes": 7}, "was changed"),
        ({"repeats": 3}, "was changed"),
        ({"next_run": timedelta(days=1)}, "starts in 24 h"),
        ({"next_run": timedelta(minutes=-3)}, "was to start 3 min ago"),
    ],
)
def test_a_schedule_that_is_not_as_it_should_be(well, change, words):
    values = {k: timezone.now() + v if isinstance(v, timedelta) else v for k, v in change.items()}
    Schedule.objects.filter(name="tick").update(**values)
    finding = only("schedules")
    assert (finding.level, finding.detail) == (Level.PROBLEM, f"tick {words}")
    assert finding.advice


def test_a_schedule_that_is_a_minute_late_is_on_time(well):
    Schedule.objects.update(next_run=timezone.now() - timedelta(minutes=1))
    assert only("schedules").level == Level.OK


def test_schedules_that_are_missing_or_double(well):
    Schedule.objects.filter(name="tick").delete()
    Schedule.objects.create(name="retention", func="x.y", next_run=timezone.now())
    details = [finding.detail for finding in found("schedules")]
    assert details == ["tick is missing", "retention is there 2 times"]
    assert len(JOBS) > len(details)


def test_a_refresh_schedule_that_stands_still(well):
    BackgroundWorker.objects.update(last_started_at=timezone.now() - HOUR)
    finding = only("token refresh")
    assert (finding.level, "last started: 1 h ago" in finding.detail) == (Level.PROBLEM, True)


@pytest.mark.parametrize(("status", "level"), [("error", Level.PROBLEM), ("partial", Level.WARNING)])
def test_a_refresh_cycle_that_failed(well, status, level):
    RefreshCycle.objects.update(finished_at=timezone.now() - 5 * HOUR)
    ended_cycle(status, [{"account_id": 1, "error": f"network_error: {ACCESS_TOKEN}"}])
    finding = only("token refresh")
    assert (finding.level, "last success: 5 h ago" in finding.detail) == (level, True)
    assert ACCESS_TOKEN not in finding.detail


def test_a_cycle_by_hand_does_not_hide_a_dead_schedule(well):
    BackgroundWorker.objects.update(last_started_at=timezone.now() - HOUR)
    now = timezone.now()
    RefreshCycle.objects.create(scheduled=False, status="ok", started_at=now, finished_at=now)
    assert only("token refresh").level == Level.PROBLEM


# -- Tokens and accounts ---------------------------------------------------------------------------------


def test_stored_tokens_are_counted_and_the_closed_ones_named(account):
    other = AccountFactory(house_name="Outlet")
    moved = EbayToken.objects.get(account=other).refresh_token_sealed
    EbayToken.objects.filter(account=account).update(refresh_token_sealed=moved)
    named, counted = found("tokens")
    assert named.detail.startswith(f"Warehouse-A (id {account.pk}): refresh_token: it was changed")
    assert "3 of 4 stored tokens open" in counted.detail
    assert {named.level, counted.level} == {Level.PROBLEM}


def test_tokens_of_a_deactivated_account_are_opened_too(account, settings):
    account.is_active = False
    account.save()
    assert "2 of 2" in only("tokens").detail
    settings.TOKEN_ENCRYPTION_KEYS = []
    assert "0 of 2" in found("tokens")[-1].detail


def test_a_keyset_that_is_missing_in_an_environment_in_use(account, settings):
    AccountFactory(environment="sandbox")
    AccountFactory(environment="production", is_active=False)
    settings.EBAY_APPLICATIONS = settings.EBAY_APPLICATIONS | {
        "sandbox": {"client_id": "", "client_secret": "x", "runame": "y"}
    }
    sandbox, simulator = found("keyset")
    assert (sandbox.level, "EBAY_SANDBOX_CLIENT_ID" in sandbox.detail) == (Level.PROBLEM, True)
    assert (simulator.level, simulator.detail) == (Level.OK, "simulator is configured")


def signing_key(**values):
    values = {"expires_at": timezone.now() + timedelta(days=900)} | values
    key = SigningKey(
        environment="simulator", client_id="SimulatorApp-SIM-0001", signing_key_id="key-1", cipher="ED25519",
        public_key=PUBLIC, created_at=timezone.now(), **values,
    )  # fmt: skip
    ring = sealing.key_ring()
    key.jwe_sealed = ring.seal("the-jwe", key_binding(key, "jwe"))
    key.private_key_sealed = ring.seal(PRIVATE, key_binding(key, "private_key"))
    key.save()
    return key


def test_a_signing_key_is_missed_only_where_a_seller_must_sign(account):
    assert only("signing key").level == Level.OK
    german = AccountFactory(house_name="Outlet-DE", marketplace_id="EBAY_DE")
    finding = only("signing key")
    assert (finding.level, f"Outlet-DE (id {german.pk})" in finding.detail) == (Level.WARNING, True)
    assert "Warehouse-A" not in finding.detail
    assert finding.advice == "manage.py setup_signing_key --environment simulator"
    signing_key()
    assert only("signing key").detail == "simulator: ED25519, ends in 900 days"


@pytest.mark.parametrize(("days", "level"), [(31, Level.OK), (29, Level.WARNING), (-1, Level.PROBLEM)])
def test_a_signing_key_near_its_end(account, days, level):
    signing_key(expires_at=timezone.now() + timedelta(days=days))
    assert only("signing key").level == level


def test_a_signing_key_that_does_not_open(account):
    key = signing_key()
    SigningKey.objects.update(private_key_sealed=key.jwe_sealed)
    finding = only("signing key")
    assert (finding.level, "belongs to another" in finding.detail) == (Level.PROBLEM, True)
    assert PRIVATE not in f"{finding}"


def test_ebay_that_does_not_answer(connected, settings):
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        settings.EBAY_SIMULATOR_URL = f"http://127.0.0.1:{nobody.getsockname()[1]}"
        finding = only("eBay")
    assert (finding.level, finding.detail.endswith("Connection refused")) == (Level.PROBLEM, True)


@pytest.mark.parametrize("kind", ["server_error", "rate_limited", "cut"])
def test_an_error_is_an_answer(connected, simulator, kind):
    simulator.fault("/", kind)
    assert only("eBay").level == Level.OK


def test_ebay_is_asked_without_credentials(connected, simulator):
    only("eBay")
    (entry,) = simulator.requests(".")
    assert "authorization" not in {name.lower() for name in entry["headers"]}


def test_a_scope_that_was_not_granted(account):
    give_token(account, granted_scopes=["https://api.ebay.com/oauth/api_scope"])
    finding = only("scopes")
    assert finding.level == Level.PROBLEM
    assert "sell.fulfillment.readonly or sell.fulfillment (for orders)" in finding.detail
    for family in WORKERS:
        SyncState.objects.create(account=account, api_family=family, enabled=False)
    assert only("scopes").level == Level.OK


@pytest.mark.parametrize(
    ("values", "level", "words"),
    [
        ({"refresh_error": "invalid_grant: revoked"}, Level.PROBLEM, "needs_reconnect"),
        ({"refresh_error": "network_error: no route"}, Level.WARNING, "no route"),
        ({"expires_at": timedelta(minutes=-1)}, Level.WARNING, "expired"),
        ({"refresh_token_expires_at": timedelta(days=59)}, Level.WARNING, "consent ends in 59 days"),
    ],
)
def test_accounts_that_are_not_well(account, values, level, words):
    now = timezone.now() + timedelta(minutes=1)
    give_token(account, **{k: now + v if isinstance(v, timedelta) else v for k, v in values.items()})
    if "expires_at" in values:
        give_token(account, expires_at=timezone.now() - HOUR)
    finding = only("accounts")
    assert (finding.level, words in finding.detail) == (level, True), finding
    assert finding.detail.startswith(f"Warehouse-A (id {account.pk})")


def test_a_deactivated_account_needs_nobody(account):
    give_token(account, refresh_error="invalid_grant: revoked")
    account.is_active = False
    account.save()
    assert only("accounts").level == Level.OK


def test_a_pause_is_a_warning_until_it_ends(well):
    now = timezone.now()
    ApiPause.objects.create(environment="production", api="trading", until=now + HOUR, reason="429")
    ApiPause.objects.create(environment="production", api="finances", until=now - HOUR, reason="429")
    finding = only("pauses")
    assert (finding.level, "production trading, all accounts" in finding.detail) == (Level.WARNING, True)


def test_no_secret_is_shown(connected, settings):
    give_token(connected, refresh_error=f"exception: {REFRESH_TOKEN}")
    give_token(AccountFactory(), refresh_token_sealed=REFRESH_TOKEN)
    AccountFactory(token__refresh="no token but secret")
    document = examined()[1]
    assert [f["level"] for f in document["findings"] if f["what"] == "accounts"] == [
        "warning", "problem", "problem",
    ]  # fmt: skip
    secrets = [ACCESS_TOKEN, REFRESH_TOKEN, "but secret", settings.SECRET_KEY]
    secrets += [*settings.TOKEN_ENCRYPTION_KEYS, settings.EBAY_APPLICATIONS["simulator"]["client_secret"]]
    text = json.dumps(document, ensure_ascii=False)
    assert [secret for secret in secrets if secret in text] == []


def test_notices_that_cannot_be_sent(account):
    mail = {"created_at": timezone.now(), "next_attempt_at": timezone.now(), "attempts": 1}
    NoticeMail.objects.create(notice=NoticeFactory(account=account), stage=1, error="SMTP says no", **mail)
    finding = only("e-mail")
    assert (finding.level, finding.detail) == (Level.PROBLEM, "notices that cannot be sent: 1: SMTP says no")
