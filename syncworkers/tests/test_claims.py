"""Who may run next: lanes, fairness, limits, and each run once, however many ask."""

from __future__ import annotations

import time
from datetime import timedelta

import pytest
from django.db import connection, transaction
from django.utils import timezone

from syncworkers import locks
from syncworkers.locks import (
    FenceLost,
    abandon_process_runs,
    abandon_silent_runs,
    beat,
    claim_next_run,
    claim_run,
    move_to_history,
)
from syncworkers.models import WorkerRun
from syncworkers.services import runs
from tests.factories import AccountFactory, OrganizationFactory, RunFactory, SyncStateFactory
from tokens.models import ApiPause, ProcessHeartbeat

from .running import ago, in_threads

pytestmark = pytest.mark.slow


def queued(account=None, *, lane: int = 1, family: str = "orders", minutes: float = 1, **more) -> WorkerRun:
    """A run that has waited for `minutes`."""
    at = timezone.now() - timedelta(minutes=minutes)
    account = account or AccountFactory(token=False)
    return RunFactory(account=account, api_family=family, lane=lane, queued_at=at, not_before=at, **more)


def running(account=None, *, lane: int = 2, family: str = "other", **more) -> WorkerRun:
    account = account or AccountFactory(token=False)
    values = {"status": "running", "heartbeat_at": timezone.now(), **more}
    return RunFactory(account=account, api_family=family, lane=lane, **values)


@pytest.fixture(autouse=True)
def any_family(monkeypatch):
    """Claims look at the family's name only: two of one account need two names."""
    monkeypatch.setattr(locks, "WORKERS", {"orders": None, "other": None, "third": None})


@pytest.mark.django_db
class TestOrder:
    def test_nothing_queued_nothing_claimed(self):
        assert claim_next_run(None) is None

    def test_a_claimed_run_is_running_and_known_to_its_process(self):
        process = ProcessHeartbeat.objects.create(
            host="h", pid=1, kind="cluster", name="sync", started_at=ago(), beat_at=ago()
        )
        run = queued()
        claimed = claim_next_run(process.pk)
        assert claimed == locks.Claimed(run.pk, run.account_id, "orders", 1)
        run.refresh_from_db()
        assert (run.status, run.process_id) == ("running", process.pk)
        assert timezone.now() - run.heartbeat_at < timedelta(seconds=5)

    def test_lanes_first_then_first_come(self):
        history, late, early, manual = (
            queued(lane=3, minutes=9), queued(lane=2, minutes=2), queued(lane=2, minutes=5),
            queued(lane=1, minutes=1),
        )  # fmt: skip
        order = [claim_next_run(None).run_id for _ in range(4)]
        assert order == [manual.pk, early.pk, late.pk, history.pk]

    def test_the_account_that_runs_less_comes_first(self):
        busy = running().account
        queued(busy, lane=2, minutes=9)
        idle = queued(lane=2, minutes=1)
        assert claim_next_run(None).run_id == idle.pk

    def test_a_run_whose_time_has_not_come_waits(self):
        queued(minutes=-1)
        assert claim_next_run(None) is None

    def test_a_family_of_another_release_is_left_to_it(self):
        queued(family="unheard of")
        assert claim_next_run(None) is None

    def test_at_most_two_runs_of_an_account(self):
        account = AccountFactory(token=False)
        running(account, family="other")
        running(account, family="third")
        queued(account)
        assert claim_next_run(None) is None

    def test_at_most_five_accounts_and_a_sixth_waits(self, settings):
        accounts = [running().account for _ in range(settings.SYNC_MAX_CONCURRENT_ACCOUNTS)]
        queued(minutes=9)
        second = queued(accounts[0])
        assert claim_next_run(None).run_id == second.pk
        assert claim_next_run(None) is None

    def test_history_leaves_one_worker(self, settings):
        settings.Q_WORKERS = 2
        running(lane=3)
        queued(lane=3, minutes=9)
        manual = queued(lane=1)
        assert claim_next_run(None).run_id == manual.pk
        assert claim_next_run(None) is None

    def test_a_single_worker_may_read_history(self, settings):
        settings.Q_WORKERS = 1
        queued(lane=3)
        assert claim_next_run(None) is not None

    def test_a_running_run_turns_to_history_only_while_there_is_room(self, settings):
        settings.Q_WORKERS = 3
        first, second, third = running(), running(), running()
        assert [move_to_history(run.pk) for run in (first, second, third)] == [True, True, False]
        third.refresh_from_db()
        assert third.lane == 2

    def test_a_paused_api_holds_its_runs_back(self):
        run = queued()
        pause = ApiPause.objects.create(environment="simulator", api="fulfillment", until=ago(minutes=-5))
        assert claim_next_run(None) is None
        pause.account = AccountFactory(token=False)
        pause.save()
        assert claim_next_run(None).run_id == run.pk

    def test_a_run_is_claimed_by_hand_once(self):
        run = queued()
        assert claim_run(run.pk, None) is not None
        assert claim_run(run.pk, None) is None


class TestManyAtOnce:
    def test_eight_claimers_take_each_run_once(self, transactional_db, settings):
        settings.SYNC_MAX_CONCURRENT_ACCOUNTS = 100
        made = {queued(lane=1 + n % 2).pk for n in range(40)}

        def claim_all() -> list[int]:
            taken = []
            while (claimed := claim_next_run(None)) is not None:
                taken.append(claimed.run_id)
            return taken

        taken = [run_id for share in in_threads([claim_all] * 8) for run_id in share]
        assert sorted(taken) == sorted(made)

    def test_the_limits_hold_when_all_claim_together(self, transactional_db, settings):
        settings.Q_WORKERS = 3
        for _ in range(8):
            account = AccountFactory(token=False)
            for family in ("orders", "other", "third"):
                queued(account, family=family, lane=2)
        claims = in_threads([lambda: [claim_next_run(None) for _ in range(4)]] * 8)
        taken = [claimed for share in claims for claimed in share if claimed]
        accounts = [claimed.account_id for claimed in taken]
        assert len(set(accounts)) == settings.SYNC_MAX_CONCURRENT_ACCOUNTS
        assert max(accounts.count(account) for account in set(accounts)) == 2
        assert len(taken) == 10

    def test_history_never_takes_the_last_worker_when_all_claim_together(self, transactional_db, settings):
        settings.Q_WORKERS = 4
        for _ in range(8):
            queued(lane=3)
        assert len([c for c in in_threads([lambda: claim_next_run(None)] * 8) if c]) == 3

    def test_a_frozen_claimer_costs_the_others_a_moment_only(self, transactional_db):
        run = queued()
        other = connection.copy()
        try:
            with other.cursor() as cursor:
                cursor.execute("BEGIN")
                cursor.execute("SELECT pg_advisory_xact_lock(%s)", [locks._CLAIM_LOCK])
            with connection.cursor() as cursor:
                cursor.execute("SET lock_timeout = '200ms'")
            began = time.monotonic()
            assert claim_next_run(None) is None
            assert time.monotonic() - began < 5
        finally:
            other.close()
        assert claim_next_run(None).run_id == run.pk
        connection.close()


@pytest.fixture
def live_run(transactional_db) -> WorkerRun:
    account = AccountFactory(token=False)
    SyncStateFactory(account=account)
    return running(account, family="orders", lane=3)


class TestFence:
    def test_a_beat_moves_the_heartbeat_by_the_databases_clock(self, live_run):
        WorkerRun.objects.update(heartbeat_at=ago(minutes=9))
        signals = beat(live_run.pk)
        live_run.refresh_from_db()
        assert timezone.now() - live_run.heartbeat_at < timedelta(seconds=5)
        assert signals == locks.Signals(None, True, True, True, True, False, False, at=signals.at)
        assert abs(signals.at - live_run.heartbeat_at) < timedelta(seconds=1)

    @pytest.mark.parametrize("status", ["abandoned", "cancelled", "completed", "queued"])
    def test_a_run_that_is_not_running_is_lost(self, live_run, status):
        WorkerRun.objects.update(status=status)
        with pytest.raises(FenceLost):
            beat(live_run.pk)

    def test_nothing_written_behind_a_lost_fence_stays(self, live_run):
        WorkerRun.objects.update(status="abandoned")
        with pytest.raises(FenceLost), locks.fenced(live_run.pk):
            OrganizationFactory(name="never")
        assert not locks.fetch_one("SELECT 1 FROM accounts_organization WHERE name = 'never'")

    def test_silent_runs_are_abandoned_and_asked_again(self, live_run):
        WorkerRun.objects.update(heartbeat_at=ago(minutes=11))
        assert runs.abandon_silent() == 1
        old, new = WorkerRun.objects.order_by("id")
        assert (old.status, old.reason) == ("abandoned", "silent")
        assert "00:10:00" in old.error
        assert (new.status, new.lane, new.trigger) == ("queued", 3, "retry")

    def test_a_run_that_beats_is_left_alone(self, live_run):
        WorkerRun.objects.update(heartbeat_at=ago(minutes=9))
        assert runs.abandon_silent() == 0

    def test_a_run_that_writes_a_page_at_this_moment_is_left_alone(self, live_run):
        WorkerRun.objects.update(heartbeat_at=ago(minutes=11))
        with transaction.atomic():
            beat(live_run.pk)
            (abandoned,) = in_threads([lambda: abandon_silent_runs(timedelta(minutes=10))])
        assert abandoned == []

    def test_runs_of_a_dead_process_do_not_wait_for_the_silence(self, live_run):
        process = ProcessHeartbeat.objects.create(
            host="h", pid=1, kind="cluster", name="sync", started_at=ago(), beat_at=ago()
        )
        assert abandon_process_runs(process.pk) == []
        WorkerRun.objects.update(process=process)
        assert runs.abandon_runs_of(process.pk) == 1
        assert WorkerRun.objects.get(status="queued").requested_by == "after its process ended"

    def test_a_waiting_manual_run_is_seen_only_if_it_could_start(self, live_run):
        assert not beat(live_run.pk).manual_run_waits
        waiting = queued(lane=1)
        assert beat(live_run.pk).manual_run_waits
        pause = ApiPause.objects.create(environment="simulator", api="fulfillment", until=ago(minutes=-5))
        assert not beat(live_run.pk).manual_run_waits
        pause.delete()
        running(waiting.account, family="other")
        running(waiting.account, family="third")
        assert not beat(live_run.pk).manual_run_waits

    def test_a_waiting_run_of_another_releases_family_is_for_that_release(self, live_run):
        queued(lane=1, family="eleventh")
        assert not beat(live_run.pk).manual_run_waits

    def test_work_ends_when_its_process_is_told_to_stop(self, live_run, monkeypatch):
        process = ProcessHeartbeat.objects.create(
            host="h", pid=1, kind="cluster", name="sync", started_at=ago(), beat_at=ago(), stopping_at=ago()
        )
        monkeypatch.setenv("CLUSTER_HEARTBEAT_ID", str(process.pk))
        queued()
        assert runs.work() == 0
        assert WorkerRun.objects.filter(status="queued").count() == 1
        WorkerRun.objects.update(process=process)
        assert beat(live_run.pk).process_stopping
