"""`inspect_tokens [--account]`"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from accounts.display import from_now
from accounts.models import EbayAccount
from ebayconnector.text_table import plain, text_table
from tokens.management.arguments import account_from, add_account_option
from tokens.models import EbayToken
from tokens.selectors import StoredSecret, TokenRow, stored_secrets, token_rows


class Command(BaseCommand):
    help = "What is stored of each account's tokens, masked: status, expiry, key, what this key ring opens."

    def add_arguments(self, parser: CommandParser) -> None:
        add_account_option(parser, default="all accounts")

    def handle(self, *args: Any, **options: Any) -> None:
        wanted = options["account"]
        accounts = [account_from(wanted)] if wanted else _all_accounts()
        if not accounts:
            self.stdout.write("there are no accounts")
        for row in token_rows(accounts):
            for line in _lines(row):
                self.stdout.write(line)
            self.stdout.write("")


def _all_accounts() -> list[EbayAccount]:
    return list(EbayAccount.objects.select_related("organization", "token").order_by("id"))


def _lines(row: TokenRow) -> Iterator[str]:
    account = row.account
    state = "" if account.is_active else ", deactivated"
    yield plain(f"{account} (id {account.pk}, {account.organization}, {account.environment}{state})")
    yield plain(f"  status          {row.status.code} {row.status.reason}".rstrip())
    if row.token is None:
        return
    yield from _times(row.token)
    yield f"  failures        {row.failures_in_row} in a row"
    if row.token.refresh_error:
        yield plain(f"  refresh error   {row.token.refresh_error}")
    yield f"  versions        token {row.token.version}, consent {row.token.consent_version}"
    head = ("", "stored (masked)", "key", "opened (masked)", "problem")
    table = text_table(head, [_secret_cells(secret) for secret in stored_secrets(account)])
    yield from (f"  {line}" for line in table.splitlines())


def _times(token: EbayToken) -> Iterator[str]:
    yield f"  access expires  {_moment(token.expires_at)}"
    yield f"  last refreshed  {_moment(token.last_refreshed_at)} {token.last_refreshed_by}".rstrip()
    if token.next_attempt_at:
        yield f"  next attempt    not before {_moment(token.next_attempt_at)}"
    yield f"  consent         {_moment(token.consented_at)}"
    yield f"  consent ends    {_moment(token.refresh_token_expires_at)}"


def _moment(moment: datetime | None) -> str:
    return f"{moment:%Y-%m-%d %H:%M:%S} UTC ({from_now(moment)})" if moment else "unknown"


def _secret_cells(secret: StoredSecret) -> tuple[str, ...]:
    return (
        secret.field.replace("_", " "),
        secret.stored or "nothing",
        secret.key_id or "-",
        secret.opened or "-",
        secret.problem,
    )
