"""Off stops at the next call and loses nothing; on again begins spread over two minutes."""

from __future__ import annotations

import threading
from datetime import timedelta

import pytest
from django.db import connections, transaction
from django.utils import timezone

from accounts.access import SYSTEM, NotAllowed, principal_of_user
from accounts.models import AuditEvent, EbayAccount
from syncworkers.models import Order, SyncState, SyncSwitch, WorkerRun
from syncworkers.ranges import Span, to_millisecond
from syncworkers.services import history, runs, switches
from tests.factories import AccountFactory, RunFactory, SyncStateFactory, UserFactory, member
from tests.waiting import eventually

from .running import (
    GET_ORDERS,
    ORDERS,
    ago,
    execute,
    in_threads,
    run_orders,
    run_until_quiet,
    seller_account,
    somebody_waits_for_us,
    state_of,
    stored,
    truth,
)


def person(account: EbayAccount, role: str = "operator"):
    return principal_of_user(member(role, account.organization))


def superuser():
    return principal_of_user(UserFactory(is_superuser=True))


@pytest.mark.django_db
class TestSwitches:
    def test_a_worker_that_is_switched_off_loses_its_queued_run(self):
        account = AccountFactory()
        mine, theirs = RunFactory(account=account), RunFactory()
        state = switches.set_worker_enabled(account, ORDERS, False, by=person(account))
        assert not state.enabled
        mine.refresh_from_db()
        theirs.refresh_from_db()
        assert (mine.status, mine.reason, theirs.status) == ("cancelled", "disabled", "queued")
        assert AuditEvent.objects.get().action == "worker_off"

    def test_a_worker_that_is_switched_on_is_due(self):
        account = AccountFactory()
        SyncStateFactory(account=account, enabled=False, next_run_at=ago(days=9))
        state = switches.set_worker_enabled(account, ORDERS, True, by=person(account))
        state.refresh_from_db()
        assert state.enabled
        assert timezone.now() - state.next_run_at < timedelta(seconds=10)

    def test_an_account_that_is_switched_off_loses_its_queued_runs(self):
        account = AccountFactory()
        run = RunFactory(account=account)
        switches.set_account_workers(account, False, by=person(account))
        run.refresh_from_db()
        account.refresh_from_db()
        assert (run.status, account.workers_enabled) == ("cancelled", False)

    def test_the_red_button_cancels_what_is_queued_in_the_organisation(self):
        mine, theirs = RunFactory(), RunFactory()
        organization = mine.account.organization
        switch = switches.press_red_button(
            organization, enabled=False, reason="wrong prices", by=person(mine.account)
        )
        mine.refresh_from_db()
        theirs.refresh_from_db()
        assert (mine.status, mine.reason, theirs.status) == ("cancelled", "workers_disabled", "queued")
        assert (switch.enabled, switch.reason) == (False, "wrong prices")
        assert switch.changed_by_label
        assert AuditEvent.objects.get().detail["reason"] == "wrong prices"

    def test_the_installations_button_cancels_everywhere(self):
        made = [RunFactory(), RunFactory()]
        switches.press_red_button(None, enabled=False, reason="", by=superuser())
        assert set(WorkerRun.objects.values_list("status", flat=True)) == {"cancelled"}
        assert len(made) == 2

    def test_there_is_one_button_however_often_it_is_pressed(self):
        for enabled in (False, True, False):
            switches.press_red_button(None, enabled=enabled, reason="", by=superuser())
        assert SyncSwitch.objects.get().enabled is False

    @pytest.mark.parametrize("role", ["viewer", "operator", "admin"])
    def test_the_installations_button_is_for_superusers(self, role):
        with pytest.raises(NotAllowed):
            switches.press_red_button(None, enabled=False, reason="", by=person(AccountFactory(), role))
        assert not SyncSwitch.objects.exists()

    def test_viewers_and_strangers_may_switch_nothing(self):
        account = AccountFactory()
        for by in (person(account, "viewer"), person(AccountFactory(), "admin")):
            with pytest.raises(NotAllowed):
                switches.press_red_button(account.organization, enabled=False, reason="", by=by)
            with pytest.raises(NotAllowed):
                switches.set_worker_enabled(account, ORDERS, False, by=by)
            with pytest.raises(NotAllowed):
                switches.set_account_workers(account, False, by=by)
            with pytest.raises(NotAllowed):
                history.want_since(account, ORDERS, None, reason="", by=by)
        assert not SyncState.objects.filter(enabled=False).exists()
        assert not AuditEvent.objects.exists()

    @pytest.mark.parametrize("what", ["organization", "account"])
    def test_released_workers_that_are_due_start_within_two_minutes(self, what):
        account = AccountFactory()
        due = [
            SyncStateFactory(account=account, api_family=str(n), next_run_at=ago(hours=1)) for n in range(20)
        ]
        later = SyncStateFactory(next_run_at=ago(minutes=-30))
        other = SyncStateFactory(next_run_at=ago(hours=1))
        now = timezone.now()
        switch(what, account, True)
        times = [SyncState.objects.get(pk=state.pk).next_run_at for state in due]
        assert all(now <= at <= now + timedelta(minutes=2, seconds=10) for at in times)
        assert max(times) - min(times) > timedelta(seconds=30)
        for state in (later, other):
            before = state.next_run_at
            state.refresh_from_db()
            assert state.next_run_at == before


OFF = [
    ("worker", "disabled"), ("account", "disabled"), ("organization", "workers_disabled"),
    ("installation", "workers_disabled"), ("cancel", "cancelled"), ("deactivate", "account_inactive"),
]  # fmt: skip


def switch(what: str, account: EbayAccount, enabled: bool) -> None:
    match what:
        case "worker":
            switches.set_worker_enabled(account, ORDERS, enabled, by=SYSTEM)
        case "account":
            switches.set_account_workers(account, enabled, by=SYSTEM)
        case "organization":
            switches.press_red_button(account.organization, enabled=enabled, reason="", by=SYSTEM)
        case "installation":
            switches.press_red_button(None, enabled=enabled, reason="", by=SYSTEM)
        case "cancel" if not enabled:
            runs.cancel_run(WorkerRun.objects.get(status="running"), by="olga")
        case "deactivate":
            EbayAccount.objects.filter(pk=account.pk).update(is_active=enabled)


@pytest.mark.slow
@pytest.mark.parametrize(("what", "reason"), OFF)
def test_a_running_run_ends_at_the_next_page_and_goes_on_later(ebay, small_pages, what, reason):
    """Another thread switches off while eBay thinks about the third page and those after it."""
    account = seller_account(ebay)
    ebay.fault("/sell/fulfillment", "slow", skip=2, count=None, delay_s=2.0)

    def switch_off() -> None:
        try:
            eventually(lambda: len(ebay.requests(GET_ORDERS)) >= 3, what="the third page is asked for")
            switch(what, EbayAccount.objects.get(pk=account.pk), False)
        finally:
            connections.close_all()

    hand = threading.Thread(target=switch_off)
    hand.start()
    run = run_orders(account)
    hand.join()
    assert (run.status, run.reason) == ("cancelled", reason)
    # Beside the page that notices it, the other writer may have one in hand and one that waits.
    assert 1 <= run.pages <= 5
    assert run.rows_stored < len(truth(ebay, account))
    assert not WorkerRun.objects.filter(status="queued").exists()
    covered, orders = state_of(account).covered, Order.objects.count()
    assert orders == run.rows_stored

    ebay.delete("faults")
    switch(what, account, True)
    account = EbayAccount.objects.get(pk=account.pk)
    run_until_quiet(account)
    assert stored(account) == truth(ebay, account)
    assert state_of(account).covered[0].start <= (covered[0].start if covered else timezone.now())


def test_a_run_claimed_before_the_button_was_pressed_is_skipped(ebay):
    account = seller_account(ebay)
    requested = runs.request_run(account, ORDERS, trigger="manual", by="olga")
    SyncSwitch.objects.create(organization=None, enabled=False)
    run = execute(requested.run_id)
    assert (run.status, run.reason) == ("skipped", "workers_disabled")
    assert ebay.requests(GET_ORDERS) == []


@pytest.mark.django_db
class TestHistory:
    def test_a_wish_is_kept_and_audited(self):
        account = AccountFactory()
        state = history.want_since(account, ORDERS, ago(days=400), reason="tax audit", by=person(account))
        assert abs(state.wanted_from - ago(days=400)) < timedelta(seconds=10)
        event = AuditEvent.objects.get()
        assert (event.action, event.detail["before"], event.detail["reason"]) == (
            "cursor", "backfill", "tax audit",
        )  # fmt: skip
        history.want_since(account, ORDERS, None, reason="enough", by=person(account))
        assert SyncState.objects.get().wanted_from is None

    def test_what_nobody_wanted_is_looked_at_again_for_what_became_visible_late(self):
        account, asked, narrow = AccountFactory(), ago(hours=1), ago(days=5)
        SyncStateFactory(account=account, wanted_from=narrow, late_read_at=asked)
        state = history.want_since(account, ORDERS, None, reason="all again", by=person(account))
        assert state.late_read_at == narrow
        SyncState.objects.update(late_read_at=asked)
        state = history.want_since(account, ORDERS, narrow, reason="from a default", by=person(account))
        assert state.late_read_at == asked

    def test_a_wish_keeps_what_a_run_takes_out_of_the_coverage_meanwhile(self, transactional_db):
        """The run's page is stored, and not committed yet, while the wish is written."""
        account = AccountFactory()
        start, middle, end = (to_millisecond(ago(days=days)) for days in (9, 2, 1))
        whole, rest = Span(start, end), Span(start, middle)
        state = SyncStateFactory(account=account, covered=[whole])
        by, begun = person(account), threading.Event()

        def take_out() -> None:
            with transaction.atomic():
                SyncState.objects.filter(pk=state.pk).update(covered=[rest])
                begun.set()
                eventually(somebody_waits_for_us)

        def wish() -> None:
            assert begun.wait(timeout=20)
            history.want_since(account, ORDERS, ago(days=400), reason="tax audit", by=by)

        in_threads([take_out, wish])
        state.refresh_from_db()
        assert state.covered == [rest]
        assert state.wanted_from < ago(days=399)

    @pytest.mark.parametrize("since", [ago(days=731), ago(days=-1)])
    def test_a_start_that_ebay_does_not_give_is_refused(self, since):
        account = AccountFactory()
        with pytest.raises(history.UnusableStart):
            history.want_since(account, ORDERS, since, reason="", by=person(account))
        assert not AuditEvent.objects.exists()
