"""Health: a worker's call is the check; where there was none, a probe; each kept with latency and result."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db.models import F
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from django_q.models import OrmQ

from accounts.models import AuditEvent, Role
from ebayconnector.ebay import identity, trading
from tests.api_callers import as_member
from tests.factories import AccountFactory, MembershipFactory, give_token
from tokens import wire
from tokens.admin.latency import latency_plot
from tokens.models import ApiQuota, HealthCheck
from tokens.quotas import Lane
from tokens.services.clients import client_for
from tokens.services.health import probe, probe_accounts, start_probes, unchecked_accounts
from tokens.tasks import probe_accounts as probe_job

from .linked import change_token, linked_account, nothing_sent, token_posts

HOUR = timedelta(hours=1)


@pytest.fixture
def account(transactional_db, simulator):
    wire.transport.cache_clear()
    return linked_account(simulator, house_name="Warehouse-A")


def checks() -> list[tuple[str, bool, str]]:
    return list(HealthCheck.objects.order_by("id").values_list("checked_by", "ok", "error_code"))


def age(**by: int) -> None:
    HealthCheck.objects.update(checked_at=F("checked_at") - timedelta(**by))


def call_ebay(account, *, source: str = "worker", lane: Lane = Lane.SCHEDULE) -> None:
    identity.get_user(client_for(account, source=source, lane=lane).trying(1))


def test_a_workers_call_is_the_check_once_an_hour(account):
    call_ebay(account)
    call_ebay(account)
    assert checks() == [("call", True, "")]
    assert HealthCheck.objects.get().latency_ms >= 0
    assert unchecked_accounts() == []
    wire.transport.cache_clear()  # another process
    call_ebay(account)
    assert len(checks()) == 1
    age(minutes=51)
    wire.transport.cache_clear()
    call_ebay(account)
    assert len(checks()) == 2


def test_what_ebay_refuses_shows_no_health(account, simulator):
    simulator.fault("ws/api.dll", "status", status=500)
    with pytest.raises(Exception, match="500"):
        trading.get_user(client_for(account, source="worker").trying(1), site_id=0)
    simulator.delete("faults")
    change_token(account, expires_at=timezone.now() - HOUR, access_token_sealed="")
    simulator.post("tokens/revoke", seller=account.username)
    with pytest.raises(Exception, match="invalid_grant"):
        call_ebay(account)
    assert checks() == []


def test_bids_do_not_wait_for_a_row(account):
    call_ebay(account, lane=Lane.FIRST)
    assert checks() == []


def test_an_idle_account_is_probed_once_an_hour(account, simulator):
    assert start_probes() == 1
    job = OrmQ.objects.get()
    assert (job.key, job.task["args"]) == ("tokens", ([account.pk],))
    assert probe_job([account.pk]) == 1
    assert checks() == [("identity", True, "")]
    assert (start_probes(), probe_job([account.pk]), len(checks())) == (0, 0, 1)
    age(minutes=61)
    assert start_probes() == 1
    (sent,) = simulator.requests("commerce/identity")
    assert token_posts(simulator) == []
    assert sent["status"] == 200


def test_deactivated_accounts_are_left_alone(account, simulator):
    type(account).objects.update(is_active=False)
    assert (start_probes(), probe_accounts([account.pk]), nothing_sent(simulator)) == (0, 0, True)


@pytest.mark.parametrize(
    ("damage", "word"),
    [({"refresh_error": "invalid_grant: revoked"}, "invalid_grant"), ({"refresh_token_sealed": "x",
      "expires_at": timezone.now()}, "decrypt_failed")],
)  # fmt: skip
def test_an_account_without_a_usable_token_is_unwell_and_nothing_is_sent(account, simulator, damage, word):
    change_token(account, **damage)
    check = probe(account, lane=Lane.SCHEDULE)
    assert (check.ok, check.error_code, check.latency_ms) == (False, word, None)
    assert nothing_sent(simulator)


@pytest.mark.parametrize(
    ("kind", "more", "word"),
    [
        ("status", {"status": 503}, "server_error"),
        ("status", {"status": 429}, "rate_limited"),
        ("reset", {}, "network_error"),
        ("malformed_json", {}, "server_error"),
    ],
)
def test_a_failed_probe_is_kept_as_a_word(account, simulator, kind, more, word):
    simulator.fault("commerce/identity", kind, **more)
    check = probe(account, lane=Lane.SCHEDULE)
    assert (check.ok, check.error_code) == (False, word)
    assert (check.latency_ms is None) == (word == "network_error")


def test_a_token_of_somebody_else_is_unwell(account, simulator):
    theirs = simulator.post("tokens", seller=simulator.sellers()[1]["username"])
    give_token(account, access=theirs["access_token"], refresh=theirs["refresh_token"])
    for call in ("identity", "trading"):
        assert probe(account, call=call, lane=Lane.MANUAL).error_code == "other_user"


# -- Doors ------------------------------------------------------------------------------------------------


def test_the_api_checks_now_and_lists_the_history(account):
    operator = as_member(Role.OPERATOR, account.organization)
    address = f"/api/ebay-accounts/{account.pk}/health-check"
    answers = [
        operator.post(address).json(),
        operator.post(address, {"call": "trading"}, format="json").json(),
    ]
    assert [(one["ok"], one["checked_by"]) for one in answers] == [(True, "identity"), (True, "trading")]
    listed = operator.get(f"{address}s?ok=true&limit=1").json()
    assert (listed["count"], listed["results"][0]) == (2, answers[1])
    assert AuditEvent.objects.filter(action="health_check", result="ok").count() == 2
    assert as_member(Role.VIEWER, account.organization).post(address).status_code == 403
    assert operator.post(address, {"call": "guess"}, format="json").status_code == 400


def test_without_quota_nothing_is_asked_and_the_api_says_when_to_come_back(account, simulator, settings):
    now = timezone.now()
    ApiQuota.objects.create(
        environment="simulator", client_id=settings.EBAY_APPLICATIONS["simulator"]["client_id"],
        api="identity", daily_limit=10, made=10, reset_at=now + HOUR, held_since=now,
    )  # fmt: skip
    from tokens.allowances import allowances

    allowances().forget()
    answer = as_member(Role.OPERATOR, account.organization).post(
        f"/api/ebay-accounts/{account.pk}/health-check"
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (503, "quota")
    assert 0 < int(answer["Retry-After"]) <= 3600
    assert probe_accounts([account.pk]) == 0
    assert (checks(), nothing_sent(simulator)) == ([], True)


def test_the_account_page_shows_the_history_and_the_buttons_check(account):
    client = Client()
    client.force_login(MembershipFactory(organization=account.organization, role=Role.OPERATOR).user)
    act = reverse("admin:check_health", args=[account.pk])
    said = client.post(act, {"call": "trading"}, headers={"Accept": "application/json"}).json()
    assert "Warehouse-A is well" in said["message"]
    HealthCheck.objects.create(
        account=account, checked_at=timezone.now(), checked_by="call", ok=False, error_code="rate_limited"
    )
    page = client.get(reverse("admin:accounts_ebayaccount_change", args=[account.pk])).content.decode()
    assert page.count("ec-plot-mark") == 2
    assert page.count("ec-plot-failed") == 1
    assert "2 checks in a week, 1 failed" in page


# -- The picture ------------------------------------------------------------------------------------------


def at(hours_ago: float, latency: int | None = 100) -> HealthCheck:
    return HealthCheck(
        checked_at=NOW - timedelta(hours=hours_ago), latency_ms=latency, ok=latency is not None,
        error_code="" if latency is not None else "network_error",
    )  # fmt: skip


NOW = timezone.now()


def test_the_picture_runs_from_left_to_right_and_slow_is_high():
    plot = latency_plot([at(0, 400), at(84, 100)], now=NOW)
    old, new = plot.marks
    assert (old.x, new.x) == (500, 1000)
    assert new.y < old.y < 1000
    assert (plot.top_label, plot.middle_label) == ("500 ms", "250 ms")


def test_no_line_crosses_a_time_without_an_answer():
    plot = latency_plot([at(n) for n in (1, 2, 6, 7)] + [at(8, None), at(9), at(10)], now=NOW)
    assert [line.count(" ") + 1 for line in plot.lines] == [2, 2, 2]
    assert [mark.ok for mark in plot.marks].count(False) == 1
    assert "7 checks in a week, 1 failed; latency 100 ms in the middle" in plot.summary


def test_there_is_no_picture_of_nothing():
    assert latency_plot([at(24 * 8)], now=NOW) is None


@pytest.mark.django_db
def test_a_stranger_sees_no_checks():
    account = AccountFactory()
    client = as_member(Role.ADMIN, MembershipFactory().organization)
    assert client.get(f"/api/ebay-accounts/{account.pk}/health-checks").status_code == 404
