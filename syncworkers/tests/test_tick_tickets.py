"""Tickets for what may start, and none for what must wait: it would be taken, find nothing, leave another."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django_q.models import OrmQ

from accounts.models import EbayAccount
from syncworkers import locks
from syncworkers.locks import claim_next_run, startable_runs
from syncworkers.models import WorkerRun
from syncworkers.services import runs, tickets
from tests.factories import AccountFactory, RunFactory
from tokens.models import ApiPause

from .running import ago

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def families(monkeypatch):
    """Two runs of one account need two names."""
    monkeypatch.setattr(locks, "WORKERS", {"orders": None, "other": None, "third": None})


def queued(account: EbayAccount | None = None, **values) -> WorkerRun:
    return RunFactory(account=account or AccountFactory(token=False), **{"lane": 2, **values})


def running(account: EbayAccount, family: str = "other", **values) -> WorkerRun:
    return RunFactory(account=account, api_family=family, status="running", heartbeat_at=ago(), **values)


def a_paused_api() -> None:
    ApiPause.objects.create(environment="simulator", api="fulfillment", until=ago(minutes=-5))
    queued()


def a_paused_account() -> None:
    run = queued()
    ApiPause.objects.create(
        environment="simulator", api="fulfillment", until=ago(minutes=-5), account=run.account
    )


def two_runs_of_the_account() -> None:
    account = queued().account
    running(account, "other")
    running(account, "third")


def all_places_taken() -> None:
    for _ in range(5):
        running(AccountFactory(token=False))
    queued()


def enough_history() -> None:
    for _ in range(3):
        running(AccountFactory(token=False), lane=3)
    queued(lane=3)


def a_family_of_another_release() -> None:
    queued(api_family="unheard of")


def its_time_has_not_come() -> None:
    queued(not_before=ago(minutes=-1))


WAITS = [
    a_paused_api,
    a_paused_account,
    two_runs_of_the_account,
    all_places_taken,
    enough_history,
    a_family_of_another_release,
    its_time_has_not_come,
]


@pytest.mark.parametrize("why", WAITS)
def test_what_may_not_start_is_neither_claimed_nor_given_a_ticket(why: Callable[[], None]):
    why()
    assert claim_next_run(None) is None
    assert tickets.top_up() == 0
    other = queued(AccountFactory(token=False, environment="production"))
    free = why is not all_places_taken
    assert tickets.top_up() == int(free)
    claimed = claim_next_run(None)
    assert (claimed.run_id if claimed else None) == (other.pk if free else None)


@pytest.mark.parametrize("why", WAITS)
def test_a_ticket_that_finds_nothing_leaves_none(why: Callable[[], None]):
    why()
    assert runs.work() == 0
    assert not OrmQ.objects.exists()


def test_who_queues_a_run_leaves_a_ticket_although_it_may_have_to_wait():
    """The place that is taken now may be free before the caller commits; its owner looked too early."""
    two_runs_of_the_account()
    tickets.leave_ticket()
    tickets.leave_ticket()
    assert OrmQ.objects.count() == 1


def test_when_the_pause_is_over_there_is_a_ticket():
    a_paused_api()
    ApiPause.objects.update(until=ago(seconds=1))
    assert tickets.top_up() == 1


def test_a_running_run_of_the_account_does_not_stand_in_the_way_of_a_second(settings):
    """All places for accounts are taken, one of them by this account itself."""
    settings.SYNC_MAX_CONCURRENT_ACCOUNTS = 1
    account = queued().account
    running(account)
    assert startable_runs(at_most=9) == 1


def test_the_count_ends_at_its_limit():
    for _ in range(3):
        queued()
    assert startable_runs(at_most=2) == 2
