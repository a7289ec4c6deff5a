"""Which workers are stale beyond their promise, and what is somebody else's trouble."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from accounts.access import SYSTEM
from accounts.models import NoticeMail
from ebayconnector.notice_checks import check_notices
from syncworkers.models import SyncState
from syncworkers.ranges import Span
from syncworkers.registry import WORKERS, Windows
from syncworkers.services.notices import promise, stale_causes
from syncworkers.services.switches import press_red_button
from tests.factories import AccountFactory, SyncStateFactory
from tests.test_health import heartbeat
from tokens.models import ApiQuota, EbayToken, ProcessHeartbeat

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
WHOLE = next(worker for worker in WORKERS.values() if not isinstance(worker.reads, Windows))


@pytest.fixture
def account():
    for pid, name in enumerate(("core", "tokens", "sync")):
        heartbeat(name, pid)
    return AccountFactory(house_name="Warehouse-A", connected_at=timezone.now() - timedelta(days=9))


def complete(account, hours: float | None, family: str = "orders", **values) -> SyncState:
    """A worker that is complete up to so many hours ago; None: not up to any time."""
    now = timezone.now()
    covered = [] if hours is None else [Span(now - timedelta(days=3), now - hours * HOUR)]
    return SyncStateFactory(account=account, api_family=family, covered=covered, **values)


def titles() -> list[str]:
    return [cause.title for cause in stale_causes()]


@pytest.mark.parametrize(("hours", "stale"), [(0.2, False), (0.9, False), (1.1, True), (None, True)])
def test_a_worker_is_stale_beyond_its_promise(account, hours, stale):
    complete(account, hours, last_error="eBay did not answer")
    causes = stale_causes()
    assert [cause.title for cause in causes] == ["Orders of Warehouse-A is stale"] * stale
    assert all("should be within 1 h. The last error: eBay did not answer" in cause.text for cause in causes)


def test_the_promise_follows_the_pace_that_quotas_allow():
    assert promise(WORKERS["orders"], timedelta(minutes=5)) == HOUR
    assert promise(WORKERS["orders"], timedelta(hours=2)) == 12 * HOUR
    assert promise(WHOLE, timedelta(minutes=5)) == 24 * HOUR


def test_what_is_read_whole_may_take_a_day(account):
    for hours, stale in ((23, 0), (25, 1)):
        SyncState.objects.all().delete()
        SyncStateFactory(
            account=account, api_family=WHOLE.key, snapshot_at=timezone.now() - timedelta(hours=hours)
        )
        assert len(titles()) == stale


def test_a_new_account_has_time_to_begin(account):
    complete(AccountFactory(connected_at=timezone.now() - HOUR / 2), None)
    assert titles() == []


@pytest.mark.parametrize(
    "known",
    [
        lambda account: SyncState.objects.update(enabled=False),
        lambda account: type(account).objects.update(workers_enabled=False),
        lambda account: type(account).objects.update(is_active=False),
        lambda account: EbayToken.objects.update(refresh_error="invalid_grant: revoked"),
        lambda account: EbayToken.objects.update(refresh_error="server_error: 503"),
        lambda account: EbayToken.objects.update(granted_scopes=["another"]),
        lambda account: press_red_button(account.organization, enabled=False, reason="x", by=SYSTEM),
        lambda account: press_red_button(None, enabled=False, reason="x", by=SYSTEM),
    ],
)
def test_what_people_know_already_is_not_told_again(account, known):
    complete(account, 5)
    assert len(titles()) == 1
    known(account)
    assert titles() == []


def test_another_organisations_button_stops_only_their_workers(account):
    complete(account, 5)
    press_red_button(AccountFactory().organization, enabled=False, reason="x", by=SYSTEM)
    assert len(titles()) == 1


def test_a_quota_that_is_used_up_is_the_cause_of_what_waits_for_it(account, settings):
    # Longer than any pace that a quota may force upon it.
    complete(account, 60)
    assert len(titles()) == 1
    ApiQuota.objects.create(
        environment="simulator", client_id=settings.EBAY_APPLICATIONS["simulator"]["client_id"],
        api="fulfillment", daily_limit=100, made=100, reset_at=timezone.now() + HOUR,
        held_since=timezone.now(),
    )  # fmt: skip
    assert titles() == []


def test_without_the_clusters_there_is_one_cause_and_not_hundreds(account):
    for family in ("orders", "transactions"):
        complete(account, 5, family)
    ProcessHeartbeat.objects.filter(name="sync").delete()
    (cause,) = stale_causes()
    assert (cause.title, cause.account_id) == ("No worker runs", None)
    assert "“sync” is not running" in cause.text


def test_one_that_catches_up_within_a_quarter_of_an_hour_is_no_letter(account):
    complete(account, 5)
    check_notices()
    mail = NoticeMail.objects.get()
    assert round((mail.next_attempt_at - mail.created_at).total_seconds()) == 900


def test_ten_thousand_workers_are_not_loaded_to_find_none(account, django_assert_num_queries):
    complete(account, 0.1)
    with django_assert_num_queries(2):
        assert stale_causes() == []
