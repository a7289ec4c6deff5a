"""`workers [--account] [--watch]`"""

from __future__ import annotations

import shutil
import time
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandParser
from django.db import DatabaseError, InterfaceError, close_old_connections
from django.utils import timezone

from accounts.display import from_now, length
from accounts.models import EbayAccount
from ebayconnector.text_table import text_table
from syncworkers.models import RunStatus
from syncworkers.selectors import WorkerRow, progress_of, refusal_text, worker_board
from tokens.management.arguments import account_from, add_account_option

_EVERY_S = 2.0
_CLEAR = "\x1b[H\x1b[J"
_HEAD = (
    "account", "family", "status", "last run", "fetched/stored/unchanged", "lag", "complete", "next run",
    "error",
)  # fmt: skip


class Command(BaseCommand):
    help = "The board of all workers in the terminal; --watch draws it anew every 2 s until Ctrl-C."

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_option(parser, default="all active accounts")
        parser.add_argument("--watch", action="store_true", help="draw again every 2 s until Ctrl-C")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["account"]
        if wanted:
            account_from(wanted)
        if not options["watch"]:
            self.stdout.write(self._board(wanted))
            return
        try:
            self._watch(wanted)
        except KeyboardInterrupt:
            self.stdout.write("")

    def _watch(self, wanted: str | None) -> None:
        while True:
            close_old_connections()
            try:
                board = self._board(wanted)
            except (DatabaseError, InterfaceError):
                # A database that restarts must not end the watch.
                board = "the database does not answer; trying again"
            clear = _CLEAR if self.stdout.isatty() else ""
            self.stdout.write(f"{clear}{timezone.now():%Y-%m-%d %H:%M:%S} UTC, Ctrl-C ends\n{board}")
            self.stdout.flush()
            time.sleep(_EVERY_S)

    def _board(self, wanted: str | None) -> str:
        accounts = [account_from(wanted)] if wanted else _active_accounts()
        rows = [_cells(account, row) for account in accounts for row in worker_board(account)]
        if not rows:
            return "there are no active accounts"
        width = shutil.get_terminal_size().columns if self.stdout.isatty() else None
        return text_table(_HEAD, rows, width=width)


def _active_accounts() -> list[EbayAccount]:
    accounts = EbayAccount.objects.filter(is_active=True).select_related("organization", "token")
    return list(accounts.order_by("organization__name", "house_name", "id"))


def _cells(account: EbayAccount, row: WorkerRow) -> tuple[str, ...]:
    run = row.run
    counts = f"{run.rows_fetched}/{run.rows_stored}/{run.rows_unchanged}" if run else ""
    return (
        account.house_name,
        row.worker.key,
        _status(row),
        from_now(run.finished_at or run.started_at or run.queued_at) if run else "never",
        counts,
        length(max(row.lag, timedelta(0))) if row.lag is not None else "",
        _complete(row),
        _next_run(row),
        _error(row),
    )


def _status(row: WorkerRow) -> str:
    """The run's own word, before it what keeps the worker from running."""
    run = row.run
    if run is not None and run.status == RunStatus.RUNNING:
        share = progress_of(run)
        return "running" if share is None else f"running {_percent(share)}"
    if row.refusal:
        return row.refusal.value
    return run.status if run is not None else "never ran"


def _complete(row: WorkerRow) -> str:
    """The share of the wanted time; of what is read whole, how far the pass is."""
    pass_ = row.pass_
    if not row.read_whole or pass_ is None or not pass_.total:
        return _percent(row.completeness)
    if pass_.listed_at is None:
        return f"{row.listed:,} of {pass_.total:,} listed"
    return f"{pass_.asked:,} of {row.listed:,} asked"


def _percent(share: float) -> str:
    """Rounded down; 100 from 99.95 % on, because the last minutes are always missing."""
    return "100 %" if share >= 0.9995 else f"{int(share * 100)} %"


def _next_run(row: WorkerRow) -> str:
    planned = row.next_run_at
    if planned is None:
        return ""
    return "due" if planned <= timezone.now() else from_now(planned)


def _error(row: WorkerRow) -> str:
    """What holds the worker back says it better than the error that it once left."""
    if row.refusal:
        return refusal_text(row.refusal, row.worker)
    return row.state.last_error or " ".join(held.text for held in row.held_parts)
