"""What notices tell about tokens, and that they close when it is over."""

from __future__ import annotations

import base64
import os
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import Notice
from accounts.notices import Kind
from ebayconnector import notice_checks
from ebayconnector.notice_checks import check_notices
from tests.factories import AccountFactory, give_token
from tests.simulator import connect
from tests.test_health import heartbeat
from tokens.models import (
    ApiQuota,
    ApplicationToken,
    BackgroundWorker,
    EbayToken,
    ProcessHeartbeat,
    RefreshTrigger,
    TokenRefreshLog,
)
from tokens.processes import key_ring_ids
from tokens.quotas import Counts
from tokens.sealing import Binding, key_ring
from tokens.services import notices
from tokens.services.connect import create_connect_link
from tokens.services.cycle import start_cycle
from tokens.services.disconnect import disconnect
from tokens.services.refresh import refresh_now

from .linked import change_token, expired_account, linked_account

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


@pytest.fixture
def account():
    """Connected just now: the schedule is not late yet."""
    return AccountFactory(house_name="Warehouse-A")


def told(*kinds: Kind) -> dict[str, str]:
    """The open notices (of these kinds) after a check, by title."""
    check_notices()
    notices = Notice.objects.filter(closed_at=None)
    if kinds:
        notices = notices.filter(kind__in=kinds)
    return dict(notices.values_list("title", "text"))


def test_all_well_is_no_notice(account):
    assert told() == {}
    assert BackgroundWorker.objects.get(worker_name="notice_check").last_status == "ok"


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        ({"refresh_error": "invalid_grant: revoked"}, "no longer accepts the consent (revoked)"),
        ({"refresh_token_sealed": ""}, "no_refresh_token"),
        ({"refresh_token_sealed": "ENC:v1:legacy"}, "decrypt_failed"),
        ({"refresh_token_expires_at": timezone.now() - DAY}, "The consent has expired"),
    ],
)
def test_an_account_that_needs_its_owner_is_told_with_the_reason(account, damage, reason):
    change_token(account, **damage)
    (text,) = told().values()
    assert reason in text
    notice = Notice.objects.get()
    assert (notice.kind, notice.account, notice.organization) == (
        Kind.NEEDS_RECONNECT, account, account.organization,
    )  # fmt: skip
    give_token(account, refresh_error="")
    assert told() == {}


def test_a_deactivated_account_is_nobodys_problem(account):
    change_token(account, refresh_error="invalid_grant: revoked")
    type(account).objects.update(is_active=False)
    assert told() == {}


@pytest.mark.parametrize(
    ("days", "stage"), [(61, 0), (60, 1), (31, 1), (30, 2), (8, 2), (7, 3), (1, 3), (None, 0)]
)
def test_the_end_of_a_consent_is_told_60_30_and_7_days_before(account, days, stage):
    ends = None if days is None else timezone.now() + days * DAY - timedelta(seconds=5)
    change_token(account, refresh_token_expires_at=ends)
    check_notices()
    assert [notice.stage for notice in Notice.objects.filter(kind=Kind.CONSENT_EXPIRING)] == [stage][:stage]


def test_a_refresh_that_keeps_failing_is_told_and_closed_by_a_success(account):
    for number in range(3):
        assert told() == {}
        change_token(account, refresh_error="server_error: 503")
        TokenRefreshLog.objects.create(
            account=account, triggered_by="scheduled", success=False,
            started_at=timezone.now() + number * timedelta(seconds=1),
        )  # fmt: skip
    assert "server_error: 503" in told()["The token of Warehouse-A is not refreshed"]
    change_token(account, refresh_error="")
    assert told() == {}


def test_a_lost_key_is_one_notice_for_all_its_accounts_and_heals(account, settings):
    AccountFactory(house_name="Outlet", organization=account.organization)
    ring = settings.TOKEN_ENCRYPTION_KEYS
    settings.TOKEN_ENCRYPTION_KEYS = [base64.urlsafe_b64encode(os.urandom(32)).decode()]
    ((title, text),) = told().items()
    assert title == "The key to the tokens of 2 accounts is missing"
    assert "Outlet, Warehouse-A" in text
    settings.TOKEN_ENCRYPTION_KEYS = ring
    assert told() == {}


def test_a_key_that_only_another_process_lacks_is_told_with_its_name(account):
    old = {"started_at": timezone.now() - timedelta(minutes=5)}
    heartbeat("core", 1, key_ids=key_ring_ids(), **old)
    odd = heartbeat("tokens", 2, key_ring="another", key_ids=["0badcafe"], **old)
    found = told()
    text = found.pop("The key to the tokens of Warehouse-A is missing")
    assert "TOKEN_ENCRYPTION_KEYS of cluster tokens on h does not hold it" in text
    assert list(found) == ["Processes run with different key rings"]
    ProcessHeartbeat.objects.filter(pk=odd.pk).update(key_ids=["0badcafe", *key_ring_ids()])
    assert list(told()) == ["Processes run with different key rings"]


def test_a_lost_key_of_the_installations_own_secrets_is_told_to_superusers(settings):
    binding = Binding.of_application("token", "simulator", "app")
    sealed = key_ring().seal("v^1.1#an application's", binding)
    ApplicationToken.objects.create(
        environment="simulator", client_id="app", scopes_key="s", token_sealed=sealed, version=1
    )
    assert told() == {}
    lost, settings.TOKEN_ENCRYPTION_KEYS = (
        key_ring().newest_id,
        [base64.urlsafe_b64encode(os.urandom(32)).decode()],
    )
    ((title, text),) = told().items()
    assert title == f"Key {lost} is missing"
    assert "tokens_applicationtoken.token" in text
    assert [notice.organization for notice in Notice.objects.all()] == [None]


def test_a_process_with_another_key_ring_or_release_is_told_to_superusers(account):
    old = {"started_at": timezone.now() - timedelta(minutes=5)}
    heartbeat("core", 1, **old)
    odd = heartbeat("sync", 2, key_ring="another", release="older", **old)
    assert set(told()) == {
        "Processes run with different key rings", "Processes run with different releases"
    }  # fmt: skip
    assert {notice.organization for notice in Notice.objects.all()} == {None}
    odd.delete()
    # One that has just started replaces the others one by one.
    heartbeat("sync", 3, key_ring="another")
    assert told() == {}


# -- The schedule -----------------------------------------------------------------------------------------


def age_schedule(minutes: int) -> None:
    BackgroundWorker.objects.filter(worker_name="token_refresh_worker").update(
        last_started_at=timezone.now() - timedelta(minutes=minutes)
    )


def test_a_schedule_that_missed_two_turns_is_dead_whatever_people_do_by_hand(account):
    start_cycle(scheduled=True)
    age_schedule(19)
    assert told() == {}
    age_schedule(21)
    start_cycle(scheduled=False)
    assert list(told()) == ["The scheduled token refresh stands still"]
    start_cycle(scheduled=True)
    assert told() == {}


def test_a_schedule_that_never_started_is_dead(account):
    EbayToken.objects.update(consented_at=F("consented_at") - timedelta(minutes=21))
    assert "never started" in told()["The scheduled token refresh stands still"]


def test_cycles_whose_work_nobody_does_are_a_dead_schedule(account):
    change_token(account, expires_at=timezone.now())
    cycles = [start_cycle(scheduled=True)]
    for _ in range(2):
        type(cycles[0]).objects.update(started_at=F("started_at") - timedelta(minutes=10))
        cycles.append(start_cycle(scheduled=True))
    assert "“tokens” runs" in told()["The scheduled token refresh stands still"]


def test_another_cluster_looks_when_the_schedule_does_not(account):
    assert not notice_checks.stand_in()
    check_notices()
    assert not notice_checks.stand_in()
    change_token(account, refresh_error="invalid_grant: revoked")
    BackgroundWorker.objects.update(last_started_at=timezone.now() - timedelta(minutes=4))
    assert notice_checks.stand_in()
    assert Notice.objects.get().kind == Kind.NEEDS_RECONNECT


def test_a_check_that_fails_leaves_its_notices_and_lets_the_others_go_on(account, monkeypatch):
    change_token(account, refresh_error="invalid_grant: revoked")
    assert told()
    broken = notice_checks.Check(notices.ACCOUNT_KINDS, lambda: 1 / 0)
    monkeypatch.setattr(notice_checks, "CHECKS", (broken, *notice_checks.CHECKS[1:]))
    EbayToken.objects.update(consented_at=F("consented_at") - DAY)
    assert set(told()) == {"Warehouse-A must be reconnected", "The scheduled token refresh stands still"}
    worker = BackgroundWorker.objects.get(worker_name="notice_check")
    assert (worker.last_status, "ZeroDivisionError" in worker.last_error_message) == ("partial", True)


# -- Quotas -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("used", "left_hours", "stage"),
    [
        (0, 24, 0),
        (790, 23, 0),
        (800, 12, 1),
        (800, 6, 0),
        (940, 2, 0),
        (949, 6, 1),
        (950, 1, 2),
        (1000, 12, 2),
    ],
)
def test_a_quota_is_about_to_end_when_it_is_far_ahead_of_the_day(used, left_hours, stage):
    counts = Counts(1000, used, 0, 0, timedelta(hours=left_hours))
    assert notices.quota_stage(counts) == stage


def test_a_quota_is_told_to_those_who_have_accounts_there_and_closes_with_the_day(account, settings):
    AccountFactory(environment="sandbox")
    now, client_id = timezone.now(), settings.EBAY_APPLICATIONS["simulator"]["client_id"]
    row = ApiQuota.objects.create(
        environment="simulator", client_id=client_id, api="trading",
        daily_limit=5000, made=4800, reset_at=now + timedelta(hours=9), held_since=now,
    )  # fmt: skip
    ApiQuota.objects.create(
        environment="simulator", client_id="a keyset of yore", api="trading", daily_limit=1, made=1,
        reset_at=now + timedelta(hours=9), held_since=now,
    )  # fmt: skip
    assert list(told()) == ["eBay's quota of trading calls in simulator is used up"]
    assert Notice.objects.get().organization == account.organization
    ApiQuota.objects.filter(pk=row.pk).update(reset_at=now)
    assert told() == {}


# -- Events: nobody waits for the next check -------------------------------------------------------------


def open_kinds() -> list[str]:
    return list(Notice.objects.filter(closed_at=None).values_list("kind", flat=True))


@pytest.mark.django_db(transaction=True)
def test_a_revoked_consent_is_told_at_once_and_a_reconnect_closes_it_at_once(simulator):
    account = expired_account(simulator)
    simulator.post("tokens/revoke", seller=account.username)
    refresh_now(account.pk, trigger=RefreshTrigger.SCHEDULED)
    assert open_kinds() == [Kind.NEEDS_RECONNECT]
    _, link = create_connect_link(
        organization=account.organization, account=account, house_name=account.house_name, purpose="SELLER",
        environment="simulator", by=SYSTEM,
    )  # fmt: skip
    assert connect(link, account.username).status_code == 200
    assert open_kinds() == []


@pytest.mark.django_db(transaction=True)
def test_a_success_closes_what_failed_at_once(simulator):
    account = linked_account(simulator)
    change_token(account, refresh_error="server_error: 503")
    TokenRefreshLog.objects.bulk_create(
        TokenRefreshLog(account=account, triggered_by="admin", success=False, started_at=timezone.now())
        for _ in range(3)
    )
    check_notices()
    assert open_kinds() == [Kind.REFRESH_FAILING]
    assert refresh_now(account.pk, trigger=RefreshTrigger.ADMIN).success
    assert open_kinds() == []


def test_disconnecting_closes_the_notices_of_the_account(account):
    change_token(account, refresh_error="invalid_grant: revoked")
    check_notices()
    disconnect(account, delete_data=False, by=SYSTEM)
    assert open_kinds() == []
