"""`workers`: the board in a terminal."""

from __future__ import annotations

from datetime import timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError
from django.utils import timezone

from syncworkers.management.commands import workers as command
from syncworkers.ranges import Span
from syncworkers.registry import WORKERS, families_for
from tests.factories import (
    ACCESS_TOKEN,
    AccountFactory,
    RunFactory,
    SnapshotPassFactory,
    SyncStateFactory,
    give_token,
)

pytestmark = pytest.mark.django_db


def board(**options):
    out = StringIO()
    call_command("workers", stdout=out, **options)
    return out.getvalue()


def cells(family="orders", **options):
    """The family's line of the only account, by column: as the columns stand below their heads."""
    head, *lines = board(**options).splitlines()
    (line,) = [line for line in lines if f" {family} " in line]
    starts = [head.index(name) for name in command._HEAD] + [None]
    return {
        name: line[begin:end].strip()
        for name, begin, end in zip(command._HEAD, starts, starts[1:], strict=False)
    }


def ran(account, **values):
    now = timezone.now()
    return RunFactory(
        account=account,
        **{"status": "completed", "started_at": now, "finished_at": now - timedelta(minutes=3), **values},
    )


def test_a_worker_that_never_ran():
    AccountFactory(house_name="Outlet")
    shown = cells()
    assert (shown["account"], shown["family"], shown["status"]) == ("Outlet", "orders", "never ran")
    assert (shown["last run"], shown["lag"], shown["complete"], shown["next run"]) == ("never", "", "0 %", "")


def test_a_worker_after_a_run():
    now = timezone.now()
    state = SyncStateFactory(
        covered=[Span(now - timedelta(days=45), now - timedelta(minutes=4))],
        wanted_from=now - timedelta(days=90),
        next_run_at=now + timedelta(minutes=5),
    )
    ran(state.account, rows_fetched=100, rows_stored=7, rows_unchanged=93)
    shown = cells()
    assert (shown["status"], shown["last run"]) == ("completed", "3 min ago")
    assert shown["fetched/stored/unchanged"] == "100/7/93"
    assert (shown["lag"], shown["complete"], shown["next run"]) == ("4 min", "49 %", "in 5 min")
    assert shown["error"] == ""


def test_an_error_and_a_run_that_is_due():
    state = SyncStateFactory(last_error="eBay did not answer", next_run_at=timezone.now())
    ran(state.account, status="error")
    shown = cells()
    assert (shown["status"], shown["next run"], shown["error"]) == ("error", "due", "eBay did not answer")


def test_what_holds_a_worker_back_comes_first():
    state = SyncStateFactory(last_error="an old error", next_run_at=timezone.now())
    give_token(state.account, refresh_error="invalid_grant: revoked")
    ran(state.account)
    shown = cells()
    assert (shown["status"], shown["next run"]) == ("needs_reconnect", "")
    assert shown["error"] == "The account must be reconnected"


@pytest.mark.parametrize(("expected", "status"), [(40, "running 25 %"), (0, "running")])
def test_a_run_under_way_shows_its_progress(expected, status):
    state = SyncStateFactory()
    ran(state.account, status="running", finished_at=None, rows_fetched=10, rows_expected=expected)
    assert cells()["status"] == status


def test_a_scope_that_was_not_granted_is_named():
    state = SyncStateFactory()
    give_token(state.account, granted_scopes=["https://api.ebay.com/oauth/api_scope"])
    shown = cells("transactions")
    assert (shown["status"], shown["error"]) == ("missing_scope", "The account did not grant sell.finances")


def test_what_is_read_whole_shows_how_far_its_pass_is():
    state = SyncStateFactory(api_family="offers", snapshot_at=timezone.now() - timedelta(minutes=7))
    assert (cells("offers")["lag"], cells("offers")["complete"]) == ("7 min", "100 %")
    pass_ = SnapshotPassFactory(account=state.account, total=3000)
    pass_.parts.create(table="inventory_items", row_ids=list(range(1204)))
    assert cells("offers")["complete"] == "1,204 of 3,000 listed"
    pass_.listed, pass_.listed_at, pass_.asked = 3000, timezone.now(), 300
    pass_.save()
    assert cells("offers")["complete"] == "300 of 3,000 asked"


def test_a_run_that_asks_for_more_than_was_listed_shows_no_share():
    state = SyncStateFactory(api_family="offers")
    ran(state.account, api_family="offers", status="running", rows_fetched=10, rows_expected=40)
    assert cells("offers")["status"] == "running"


def test_complete_only_when_nothing_is_missing():
    assert [command._percent(share) for share in (0.0, 0.999, 0.9996, 1.0)] == [
        "0 %",
        "99 %",
        "100 %",
        "100 %",
    ]


def test_all_active_accounts_or_one():
    first, second = AccountFactory(house_name="Outlet"), AccountFactory(house_name="Warehouse")
    idle = AccountFactory(house_name="Closed", is_active=False)
    everything = board()
    assert ("Outlet" in everything, "Warehouse" in everything, "Closed" in everything) == (True, True, False)
    assert "Warehouse" not in board(account="outlet")
    assert "Outlet" not in board(account=str(second.pk))
    assert "account_inactive" in board(account=str(idle.pk))
    assert first.pk != second.pk


@pytest.mark.parametrize("watch", [True, False])
def test_an_unknown_account(watch):
    with pytest.raises(CommandError, match="there is no account Nobody"):
        board(account="Nobody", watch=watch)


def test_no_accounts():
    assert board() == "there are no active accounts\n"


def test_no_token_and_no_control_characters():
    SyncStateFactory(last_error=f"line\nof \x1b[2J {ACCESS_TOKEN}")
    shown = board()
    assert len(shown.splitlines()) == 1 + len(WORKERS)
    assert "\x1b" not in shown
    assert ACCESS_TOKEN not in shown


class Screen(StringIO):
    """A terminal whose person acts after each drawing, and at last presses Ctrl-C."""

    def __init__(self, *acts):
        super().__init__()
        self.acts = list(acts)

    def isatty(self):
        return True

    def flush(self):
        if not self.acts:
            raise KeyboardInterrupt
        self.acts.pop(0)()

    @property
    def drawings(self):
        return self.getvalue().split("\x1b[H\x1b[J")[1:]


def watch(monkeypatch, *acts):
    monkeypatch.setattr(command, "_EVERY_S", 0.0)
    monkeypatch.setenv("COLUMNS", "400")
    # The test's own transaction must stay open.
    monkeypatch.setattr(command, "close_old_connections", lambda: None)
    screen = Screen(*acts)
    call_command("workers", watch=True, stdout=screen)
    return screen.drawings


def test_the_watch_draws_anew_until_ctrl_c(monkeypatch):
    state = SyncStateFactory()
    first, second = watch(monkeypatch, lambda: ran(state.account, rows_fetched=5, rows_stored=4))
    on = len(families_for(state.account.purpose))
    assert (first.count("never ran"), "5/4/0" in first) == (on, False)
    assert (second.count("never ran"), "5/4/0" in second) == (on - 1, True)


def test_the_watch_outlives_a_database_that_restarts(monkeypatch):
    AccountFactory(house_name="Outlet")
    answers = command._active_accounts
    calls = []

    def away():
        calls.append(1)
        if len(calls) == 2:
            raise OperationalError("the server closed the connection")
        return answers()

    monkeypatch.setattr(command, "_active_accounts", away)
    first, second, third = watch(monkeypatch, lambda: None, lambda: None)
    assert ["Outlet" in drawing for drawing in (first, second, third)] == [True, False, True]
    assert "the database does not answer" in second


def test_lines_fit_the_terminal(monkeypatch):
    SyncStateFactory(last_error="x" * 500)
    monkeypatch.setenv("COLUMNS", "60")
    screen = Screen(lambda: None)
    call_command("workers", stdout=screen)
    assert {len(line) <= 60 for line in screen.getvalue().splitlines()} == {True}
