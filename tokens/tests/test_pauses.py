"""Pauses that eBay asked for hold for everybody, and only where they should."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone

from ebayconnector.ebay.errors import AccountLimited, RateLimited
from tests.factories import AccountFactory
from tokens.models import ApiPause
from tokens.services.pauses import pause_api, paused_until

pytestmark = pytest.mark.django_db
MINUTE = timedelta(minutes=1)


def lasts(until) -> timedelta:
    return until - timezone.now()


def test_ebays_word_counts():
    pause = lasts(pause_api(AccountFactory(), "trading", RateLimited(retry_after=600)))
    assert 9 * MINUTE < pause <= 10 * MINUTE


def test_ebays_word_counts_for_a_day_at_most():
    assert lasts(pause_api(AccountFactory(), "trading", RateLimited(retry_after=999_999_999))) <= timedelta(
        days=1
    )


def test_the_application_is_limited_for_all_its_accounts_in_that_environment():
    one, other = AccountFactory(), AccountFactory()
    elsewhere = AccountFactory(environment="sandbox")
    until = pause_api(one, "trading", RateLimited())
    assert paused_until(one, "trading") == paused_until(other, "trading") == until
    assert paused_until(elsewhere, "trading") is None
    assert paused_until(one, "fulfillment") is None


def test_one_limited_account_is_paused_alone():
    one, other = AccountFactory(), AccountFactory()
    until = pause_api(one, "trading", AccountLimited())
    assert paused_until(one, "trading") == until
    assert paused_until(other, "trading") is None


def test_the_longer_of_two_pauses_counts():
    account = AccountFactory()
    pause_api(account, "trading", AccountLimited(retry_after=60))
    longer = pause_api(account, "trading", RateLimited(retry_after=3000))
    assert paused_until(account, "trading") == longer


def test_calls_refused_together_pause_once():
    account = AccountFactory()
    assert {pause_api(account, "trading", RateLimited()) for _ in range(5)} == {ApiPause.objects.get().until}
    assert lasts(ApiPause.objects.get().until) <= MINUTE


def test_refused_again_after_the_pause_it_doubles_up_to_an_hour():
    account = AccountFactory()
    lengths = []
    for _ in range(8):
        lengths.append(lasts(pause_api(account, "trading", RateLimited())))
        length = ApiPause.objects.get().until - ApiPause.objects.get().set_at
        now = timezone.now()
        ApiPause.objects.update(set_at=now - length, until=now)
    minutes = [round(length / MINUTE) for length in lengths]
    assert minutes == [1, 2, 4, 8, 16, 32, 60, 60]


def test_a_pause_that_is_over_pauses_nothing():
    account = AccountFactory()
    pause_api(account, "trading", RateLimited())
    ApiPause.objects.update(until=timezone.now() - MINUTE)
    assert paused_until(account, "trading") is None
