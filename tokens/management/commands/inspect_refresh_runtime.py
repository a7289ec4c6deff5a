"""`inspect_refresh_runtime [--last 5] [--account]`"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import QuerySet

from accounts.access import SYSTEM
from accounts.display import from_now, length
from accounts.models import EbayAccount
from ebayconnector.text_table import plain, text_table
from tokens.management.arguments import account_from, add_account_option
from tokens.models import ConnectLog, RefreshCycle, TokenRefreshLog
from tokens.selectors import schedule_status


class Command(BaseCommand):
    help = "How token refresh is doing: the schedule, its latest cycles, attempts per account, exchanges."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--last", type=int, default=5, metavar="N", help="rows of each kind (default 5)")
        add_account_option(parser, default="all accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        last = options["last"]
        if last < 1:
            raise CommandError("--last must be 1 or more")
        accounts = EbayAccount.objects.order_by("id")
        exchanges = ConnectLog.objects.select_related("account")
        if options["account"]:
            account = account_from(options["account"])
            accounts, exchanges = accounts.filter(pk=account.pk), exchanges.filter(account=account)
        self._section("schedule", _schedule())
        self._section("cycles", _cycles(last))
        for account in accounts:
            self._section(f"attempts of {account} (id {account.pk})", _attempts(account, last))
        self._section("exchanges with eBay's identity service", _exchanges(exchanges, last))

    def _section(self, title: str, lines: Iterator[str]) -> None:
        self.stdout.write(plain(title))
        for line in lines:
            self.stdout.write(f"  {line}")
        self.stdout.write("")


def _schedule() -> Iterator[str]:
    status = schedule_status(SYSTEM)
    worker = status.worker
    yield f"{worker.worker_name}, every {worker.interval_seconds} s{', OVERDUE' if status.overdue else ''}"
    yield f"last started   {_moment(worker.last_started_at)}"
    yield f"last finished  {_moment(worker.last_finished_at)} {worker.last_status}".rstrip()
    yield f"last success   {_moment(status.last_success_at)}"
    yield f"in a row       {worker.runs_ok_in_row} ok, {worker.runs_error_in_row} not ok"
    if worker.last_error_message:
        yield from _table(("last error",), [(worker.last_error_message,)])


def _cycles(last: int) -> Iterator[str]:
    head = ("started", "by", "status", "took", "checked", "refreshed", "errors")
    return _table(head, [_cycle_cells(cycle) for cycle in RefreshCycle.objects.order_by("-id")[:last]])


def _cycle_cells(cycle: RefreshCycle) -> tuple[str, ...]:
    return (
        _moment(cycle.started_at),
        "schedule" if cycle.scheduled else "hand",
        cycle.status or "running",
        length(cycle.finished_at - cycle.started_at) if cycle.finished_at else "",
        str(cycle.accounts_checked),
        str(cycle.accounts_refreshed),
        "; ".join(str(error.get("error", "")) for error in cycle.errors),
    )


def _attempts(account: EbayAccount, last: int) -> Iterator[str]:
    rows = TokenRefreshLog.objects.filter(account=account).order_by("-started_at", "-id")[:last]
    return _table(("started", "by", "result", "took", "message"), [_attempt_cells(row) for row in rows])


def _attempt_cells(row: TokenRefreshLog) -> tuple[str, ...]:
    result = "ok" if row.success else row.error_code or "failed"
    return (
        _moment(row.started_at),
        row.triggered_by,
        result if row.finished_at else "unfinished",
        length(row.finished_at - row.started_at) if row.finished_at else "",
        row.error_message,
    )


def _exchanges(exchanges: QuerySet[ConnectLog], last: int) -> Iterator[str]:
    head = ("at", "account", "environment", "action", "source", "HTTP", "error")
    return _table(head, [_exchange_cells(row) for row in exchanges.order_by("-created_at", "-id")[:last]])


def _exchange_cells(row: ConnectLog) -> tuple[str, ...]:
    status = row.response.get("status")
    return (
        _moment(row.created_at),
        str(row.account or "-"),
        row.environment,
        row.action,
        row.source,
        "-" if status is None else str(status),
        row.error,
    )


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield from text_table(head, rows).splitlines() if rows else ["none"]


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} ({from_now(moment)})" if moment else "never"
