"""`sync FAMILY… [--account] [--all] [--since] [--foreground]`"""

from __future__ import annotations

import time
from datetime import UTC, datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db.models import Q

from accounts.access import SYSTEM
from accounts.models import EbayAccount
from syncworkers.locks import claim_run
from syncworkers.models import Reason, Trigger, WorkerRun
from syncworkers.registry import WORKERS, Worker
from syncworkers.services import execution, history, runs

_FOREGROUND_S = 24 * 3600.0


class Command(BaseCommand):
    help = "Request runs; with --foreground execute them here."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("families", nargs="*", metavar="FAMILY", help=", ".join(WORKERS))
        parser.add_argument("--account", help="house name or id; default: all active accounts")
        parser.add_argument("--all", action="store_true", help="all families")
        parser.add_argument("--since", help="read back to this date (2026-01-31); kept for later runs")
        parser.add_argument("--foreground", action="store_true", help="run here, with progress")

    def handle(self, *args: Any, **options: Any) -> None:
        workers = _workers(options["families"], everything=options["all"])
        since = _moment(options["since"]) if options["since"] else None
        failed = 0
        for account in _accounts(options["account"]):
            for worker in workers:
                if since:
                    _read_back(account, worker, since)
                failed += not self._run(account, worker, options)
        if failed:
            raise CommandError(f"{failed} of the runs did not complete")

    def _run(self, account: EbayAccount, worker: Worker, options: dict[str, Any]) -> bool:
        requested = runs.request_run(account, worker, trigger=Trigger.COMMAND, by="command line")
        name = f"{account.house_name} {worker.key}"
        if not requested.started or requested.run_id is None:
            self.stdout.write(f"{name}: skipped: {requested.reason.label if requested.reason else ''}")
            # All families are those that are switched on: a seller's accounts do not read purchases.
            return bool(options["all"]) and requested.reason == Reason.DISABLED
        if not options["foreground"]:
            self.stdout.write(f"{name}: run {requested.run_id} is queued")
            return True
        return self._here(name, requested.run_id)

    def _here(self, name: str, run_id: int) -> bool:
        claimed = claim_run(run_id, None)
        if claimed is None:
            self.stdout.write(f"{name}: run {run_id} was taken by a cluster")
            return True
        run = execution.execute_run(
            claimed,
            deadline=time.monotonic() + _FOREGROUND_S,
            on_page=lambda r: self._progress(name, r),
            in_worker=False,
        )
        self._end_progress()
        self.stdout.write(
            f"{name}: {run.status}: {run.rows_fetched} fetched, {run.rows_stored} stored, "
            f"{run.rows_unchanged} unchanged{f'. {run.error}' if run.error else ''}"
        )
        return run.status == "completed"

    def _progress(self, name: str, run: WorkerRun) -> None:
        if self.stdout.isatty():
            share = run.rows_fetched / run.rows_expected if run.rows_expected else 0.0
            bar = "#" * round(30 * min(share, 1.0))
            self.stdout.write(f"\r{name} [{bar:<30}] {run.pages} pages, {run.rows_fetched} rows", ending="")
            self.stdout.flush()

    def _end_progress(self) -> None:
        if self.stdout.isatty():
            self.stdout.write("")


def _workers(families: list[str], *, everything: bool) -> list[Worker]:
    if everything:
        return list(WORKERS.values())
    unknown = [family for family in families if family not in WORKERS]
    if unknown or not families:
        named = f"unknown family {', '.join(unknown)}" if unknown else "name a family or --all"
        raise CommandError(f"{named}; there are: {', '.join(WORKERS)}")
    return [WORKERS[family] for family in families]


def _read_back(account: EbayAccount, worker: Worker, since: datetime) -> None:
    try:
        history.want_since(account, worker, since, reason="sync --since", by=SYSTEM)
    except history.UnusableStart as failure:
        raise CommandError(f"--since: {failure}") from None


def _accounts(wanted: str | None) -> list[EbayAccount]:
    accounts = EbayAccount.objects.filter(is_active=True).order_by("id")
    if wanted:
        named = Q(house_name__iexact=wanted)
        accounts = accounts.filter(named | Q(pk=int(wanted)) if wanted.isdecimal() else named)
        if accounts.count() > 1:
            raise CommandError(f"several accounts are called {wanted}; give the id")
    found = list(accounts)
    if not found:
        raise CommandError(f"there is no active account {wanted or ''}".rstrip())
    return found


def _moment(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise CommandError(f"--since: {text!r} is not a date such as 2026-01-31") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
