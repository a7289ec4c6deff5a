"""What commands about accounts have in common: who acts, and which account is meant."""

from __future__ import annotations

from django.core.management.base import CommandError, CommandParser

from accounts.access import Principal
from accounts.models import EbayAccount
from tokens.selectors import accounts_called

# Who may start a command on the machine may do everything; the audit trail says how it was done.
COMMAND_LINE = Principal(label="command line", everywhere=True)


def add_account_option(parser: CommandParser, *, default: str) -> None:
    parser.add_argument("--account", help=f"house name or id; default: {default}")


def account_from(wanted: str) -> EbayAccount:
    """The account of this id or house name. Raises CommandError when there is none or more than one."""
    found = accounts_called(wanted)
    if not found:
        raise CommandError(f"there is no account {wanted}")
    if len(found) > 1:
        ids = ", ".join(f"{account.pk} ({account.organization})" for account in found)
        raise CommandError(f"several accounts are called {wanted}; give the id: {ids}")
    return found[0]
