"""`manage.py sync`."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from syncworkers.models import Order, SyncState, WorkerRun
from syncworkers.registry import families_for
from tests.factories import AccountFactory, RunFactory

from .running import seller_account, state_of, stored, truth


def sync(*arguments: str) -> str:
    out = StringIO()
    call_command("sync", *arguments, stdout=out)
    return out.getvalue()


@pytest.mark.django_db
class TestAsking:
    def test_it_queues_runs_of_all_active_accounts(self):
        one, two, _gone = AccountFactory(), AccountFactory(), AccountFactory(is_active=False)
        answer = sync("orders")
        assert f"{one.house_name} orders: run" in answer
        runs = WorkerRun.objects.order_by("account_id")
        assert [(run.account_id, run.lane, run.trigger) for run in runs] == [
            (one.pk, 1, "command"), (two.pk, 1, "command"),
        ]  # fmt: skip

    def test_all_means_all_families_that_are_switched_on(self):
        account = AccountFactory()
        answer = sync("--all")
        assert set(WorkerRun.objects.values_list("api_family", flat=True)) == set(
            families_for(account.purpose)
        )
        assert "orders: run" in answer and "buyer: skipped: The worker is switched off" in answer

    def test_a_family_that_is_switched_off_and_named_is_a_failure(self):
        AccountFactory()
        with pytest.raises(CommandError, match="1 of the runs did not complete"):
            sync("buyer")

    @pytest.mark.parametrize(
        ("arguments", "words"),
        [
            (["socks"], "unknown family socks; there are: orders"),
            ([], "name a family or --all"),
            (["orders", "--account", "nobody"], "no active account nobody"),
            (["orders", "--account", "999999"], "no active account 999999"),
            (["orders", "--since", "last week"], "'last week' is not a date"),
            (["orders", "--since", "1999-01-01"], "of the last 729 days at most"),
            (["orders", "--since", "2999-01-01"], "is in the future"),
        ],
    )
    def test_mistakes_are_told(self, arguments, words):
        AccountFactory()
        with pytest.raises(CommandError, match=words):
            sync(*arguments)
        assert not WorkerRun.objects.exists()

    def test_an_account_is_named_by_house_name_or_id(self):
        account, digits = AccountFactory(house_name="Shop"), AccountFactory(house_name="20261")
        by_id, _other = AccountFactory(), AccountFactory()
        for name in ("shop", "20261", str(by_id.pk)):
            sync("orders", "--account", name)
        asked = set(WorkerRun.objects.values_list("account_id", flat=True))
        assert asked == {account.pk, digits.pk, by_id.pk}

    def test_a_name_that_two_organisations_use_needs_the_id(self):
        for _ in range(2):
            AccountFactory(house_name="Shop")
        with pytest.raises(CommandError, match="several accounts are called Shop"):
            sync("orders", "--account", "Shop")

    def test_since_is_kept_for_later_runs(self):
        AccountFactory()
        sync("orders", "--since", "2026-01-31")
        assert SyncState.objects.get().wanted_from.isoformat() == "2026-01-31T00:00:00+00:00"

    def test_a_refusal_is_told_and_fails_the_command(self):
        RunFactory(status="running")
        with pytest.raises(CommandError, match="1 of the runs did not complete"):
            sync("orders")


def test_in_the_foreground_it_runs_here(ebay):
    account = seller_account(ebay)
    answer = sync("orders", "--foreground", "--account", account.house_name)
    assert f"completed: {Order.objects.count()} fetched, {Order.objects.count()} stored" in answer
    assert stored(account) == truth(ebay, account)
    assert not WorkerRun.objects.filter(status="queued").exists()
    assert len(state_of(account).covered) == 1


def test_a_failure_in_the_foreground_fails_the_command(ebay):
    account = seller_account(ebay)
    ebay.post("tokens/revoke", seller=account.username)
    with pytest.raises(CommandError, match="1 of the runs did not complete"):
        sync("orders", "--foreground")
