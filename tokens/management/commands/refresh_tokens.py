"""`refresh_tokens [--account] [--force] [--debug]`"""

from __future__ import annotations

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from accounts.audit import record_act
from accounts.models import EbayAccount
from tokens.management.arguments import COMMAND_LINE, account_from, add_account_option
from tokens.models import ConnectLog
from tokens.services.by_hand import refresh_by_hand
from tokens.services.cycle import due_accounts, run_cycle_here
from tokens.services.debug import debug_refresh
from tokens.services.refresh import Refreshed
from tokens.status import account_status


class Command(BaseCommand):
    help = (
        "One refresh cycle in this process (the clusters and the schedule's heartbeat are left alone), or "
        "one account. Prints {status, accounts_checked, accounts_refreshed, errors}; exit code 1 unless ok."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_option(parser, default="all accounts that are due")
        parser.add_argument("--force", action="store_true", help="with --account: also when it is not due")
        parser.add_argument(
            "--debug", action="store_true", help="with --account: show the exchange with eBay, masked"
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["account"]:
            account = account_from(options["account"])
            summary = self._one(account, force=options["force"], debug=options["debug"])
        elif options["force"] or options["debug"]:
            raise CommandError("--force and --debug need --account")
        else:
            summary = _cycle()
        self.stdout.write(json.dumps(summary, indent=2, ensure_ascii=False))
        if summary["status"] != "ok":
            raise CommandError(f"the result is {summary['status']}")

    def _one(self, account: EbayAccount, *, force: bool, debug: bool) -> dict[str, Any]:
        if not force and account.pk not in due_accounts():
            return self._not_due(account)
        if not debug:
            return _summary(account, refresh_by_hand(account, by=COMMAND_LINE))
        result, exchange = debug_refresh(account, by=COMMAND_LINE)
        return _summary(account, result) | {"exchange": _shown(exchange)}

    def _not_due(self, account: EbayAccount) -> dict[str, Any]:
        """Also an account that only a person can help is not due; that is no success."""
        status = account_status(account, now=timezone.now())
        if status.needs_person or not account.is_active:
            reason = status.reason if account.is_active else "The account is deactivated."
            raise CommandError(f"{account}: {reason}")
        self.stderr.write(f"{account} is not due (it is {status.code}); --force refreshes it all the same")
        return {"status": "ok", "accounts_checked": 0, "accounts_refreshed": 0, "errors": []}


def _cycle() -> dict[str, Any]:
    cycle = run_cycle_here()
    record_act(
        COMMAND_LINE, "refresh_cycle", organization_id=None, target=cycle, result=cycle.status,
        accounts=cycle.accounts_checked,
    )  # fmt: skip
    return {
        "status": cycle.status,
        "accounts_checked": cycle.accounts_checked,
        "accounts_refreshed": cycle.accounts_refreshed,
        "errors": cycle.errors,
    }


def _summary(account: EbayAccount, result: Refreshed) -> dict[str, Any]:
    error = {"account_id": account.pk, "error": f"{result.error_code}: {result.error_text}"}
    return {
        "status": "ok" if result.success else "error",
        "accounts_checked": 1,
        "accounts_refreshed": int(result.success),
        "errors": [] if result.success else [error],
    }


def _shown(exchange: ConnectLog | None) -> dict[str, Any] | None:
    """What the terminal shows of it; None when nothing was sent and nothing was kept."""
    if exchange is None:
        return None
    return {
        "action": exchange.action,
        "request": exchange.request,
        "response": exchange.response,
        "error": exchange.error,
    }
