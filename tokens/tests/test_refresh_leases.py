"""Several who want the same token: one asks, nobody waits for the dead, and late answers do not land."""

from __future__ import annotations

import subprocess
import sys
import threading
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import connections
from django.utils import timezone

from accounts.access import SYSTEM
from tests.processes import child_env
from tests.simulator import connect
from tests.waiting import eventually
from tokens import locks
from tokens.models import RefreshTrigger, TokenRefreshLog
from tokens.services.connect import create_connect_link
from tokens.services.refresh import (
    RefreshUnderWay,
    TokenUnavailable,
    failures_in_row,
    get_access_token,
    refresh_now,
)

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


class InThread(threading.Thread):
    """Runs a question beside the test; `answer()` is what it returned or raised."""

    def __init__(self, question: Callable[[], Any]) -> None:
        super().__init__(daemon=True)
        self._question = question
        self._outcome: Any = None
        self.start()

    def run(self) -> None:
        try:
            self._outcome = self._question()
        except TokenUnavailable as failure:
            self._outcome = failure
        finally:
            connections.close_all()

    def answer(self) -> Any:
        self.join(timeout=30)
        assert not self.is_alive()
        return self._outcome


def call_under_way(simulator, question: Callable[[], Any], delay_s: float) -> InThread:
    """`question` in a thread, its token call sent and its answer on hold."""
    simulator.fault("token", "slow", delay_s=delay_s)
    thread = InThread(question)
    eventually(lambda: token_posts(simulator), what="the token call is under way")
    return thread


def reconnect(account, seller: str):
    _, link = create_connect_link(
        organization=account.organization, house_name=account.house_name, purpose=account.purpose,
        environment=account.environment, by=SYSTEM, account=account,
    )  # fmt: skip
    response = connect(link, seller)
    assert response.status_code == 200, response.content


def age_lease(account) -> None:
    change_token(account, lease_until=timezone.now() - timedelta(seconds=1))


def hold_lease(account) -> None:
    """As if another process were asking eBay now."""
    change_token(
        account,
        lease_id="11111111-1111-1111-1111-111111111111",
        lease_until=timezone.now() + timedelta(seconds=30),
    )


def test_losers_wait_and_get_the_winners_token(simulator):
    account = expired_account(simulator)
    winner = call_under_way(simulator, lambda: get_access_token(account.pk), 0.7)
    losers = [InThread(lambda: get_access_token(account.pk)) for _ in range(3)]
    tokens = {winner.answer(), *(loser.answer() for loser in losers)}
    assert tokens == {stored_access_token(account)}
    assert len(token_posts(simulator)) == 1


def test_losers_get_the_winners_failure(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "slow", delay_s=0.7, before=True, count=1)
    simulator.post("tokens/revoke", seller=account.username)
    winner = InThread(lambda: get_access_token(account.pk))
    eventually(lambda: stored(account).lease_id)
    with pytest.raises(TokenUnavailable, match="invalid_grant"):
        get_access_token(account.pk)
    assert winner.answer().code == "invalid_grant"
    assert len(token_posts(simulator)) == 1


@pytest.mark.parametrize("moved", ["version", "consent_version"])
def test_who_read_before_somebody_elses_attempt_does_not_ask_again(simulator, moved):
    account = expired_account(simulator)
    read_before = locks.read_token(account.pk)
    change_token(account, **{moved: 2})
    assert locks.claim_refresh(read_before, by="on_demand") is None
    assert locks.claim_refresh(locks.read_token(account.pk), by="on_demand")


def test_a_short_wait_ends_with_refresh_under_way(simulator):
    account = expired_account(simulator)
    hold_lease(account)
    with pytest.raises(RefreshUnderWay) as failure:
        get_access_token(account.pk, wait_s=0)
    assert failure.value.retry_after
    assert not failure.value.needs_reconnect
    assert nothing_sent(simulator)


def test_who_cannot_wait_takes_a_token_that_still_lives(simulator):
    account = linked_account(simulator, lives=timedelta(minutes=4))
    hold_lease(account)
    assert get_access_token(account.pk, wait_s=0) == stored_access_token(account)
    assert nothing_sent(simulator)


def test_a_refresh_on_request_waits_for_nobody(simulator):
    account = expired_account(simulator)
    hold_lease(account)
    assert refresh_now(account.pk, trigger=RefreshTrigger.ADMIN).error_code == "refresh_under_way"
    assert TokenRefreshLog.objects.count() == 0
    assert nothing_sent(simulator)


def test_a_sealed_token_fails_the_losers_too(simulator):
    account = expired_account(simulator)
    change_token(
        account, refresh_token_sealed="ENC:v1:x", next_attempt_at=timezone.now() + timedelta(minutes=1)
    )
    with pytest.raises(TokenUnavailable, match="decrypt_failed"):
        get_access_token(account.pk)


@pytest.mark.slow
def test_a_killed_owner_holds_the_token_only_as_long_as_its_lease(simulator):
    account = expired_account(simulator)
    simulator.fault("token", "slow", delay_s=30)
    code = (
        "import django; django.setup()\n"
        "from tokens.services.refresh import get_access_token\n"
        f"get_access_token({account.pk})"
    )
    child = subprocess.Popen([sys.executable, "-c", code], env=child_env(), cwd=settings.BASE_DIR)
    try:
        eventually(lambda: token_posts(simulator), what="the child asks eBay")
    finally:
        child.kill()
        child.wait()
    with pytest.raises(RefreshUnderWay):
        get_access_token(account.pk, wait_s=0)
    age_lease(account)
    assert get_access_token(account.pk) == stored_access_token(account)
    assert len(token_posts(simulator)) == 2
    died, done = TokenRefreshLog.objects.order_by("id")
    assert (died.success, died.finished_at) == (None, None)
    assert done.success


@pytest.mark.slow
def test_a_late_refusal_of_the_old_consent_does_not_land_on_the_new_one(simulator):
    account = expired_account(simulator)
    simulator.post("tokens/revoke", seller=account.username)
    late = call_under_way(simulator, lambda: get_access_token(account.pk), 3)
    reconnect(account, account.username)
    assert late.is_alive(), "the reconnect took too long for this test"
    new = stored_access_token(account)
    assert late.answer() == new
    row = stored(account)
    assert (row.refresh_error, row.next_attempt_at, row.consent_version) == ("", None, 2)
    assert stored_access_token(account) == new
    assert TokenRefreshLog.objects.get(triggered_by="on_demand").error_code == "invalid_grant"
    assert failures_in_row(account.pk) == 0


@pytest.mark.slow
def test_a_late_success_of_the_old_consent_does_not_land_on_the_new_one(simulator):
    account = expired_account(simulator)
    late = call_under_way(simulator, lambda: refresh_now(account.pk, trigger=RefreshTrigger.ADMIN), 3)
    reconnect(account, account.username)
    assert late.is_alive(), "the reconnect took too long for this test"
    new = stored_access_token(account), stored_refresh_token(account)
    assert late.answer().error_code == "refresh_under_way"
    assert (stored_access_token(account), stored_refresh_token(account)) == new
    assert stored(account).last_refreshed_by == "connect"
    assert "not stored" in TokenRefreshLog.objects.get(triggered_by="admin").error_message


def test_who_wakes_up_after_its_lease_changes_nothing(simulator):
    account = expired_account(simulator)
    frozen = call_under_way(simulator, lambda: get_access_token(account.pk), 1.5)
    age_lease(account)
    new = get_access_token(account.pk)
    version = stored(account).version
    assert frozen.is_alive(), "the second refresh took too long for this test"
    assert frozen.answer() == new == stored_access_token(account)
    assert stored(account).version == version


def test_an_account_disconnected_during_the_call_stays_disconnected(simulator):
    account = expired_account(simulator)
    late = call_under_way(simulator, lambda: get_access_token(account.pk), 0.7)
    stored(account).delete()
    assert late.answer().code == "not_connected"
