"""The whole examination: every check in its order, none of which hides the others."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

from django.db import DatabaseError, InterfaceError

from ebayconnector.ebay.masking import mask_text, mask_tokens

from . import accounts, ebay, jobs, machine, secrets
from .findings import Finding, Level


def diagnose() -> Iterator[Finding]:
    """All findings, in the order in which one would repair things.

    Without a database, or with tables of another release, what needs them is not looked at.
    """
    yield from _examine("settings", machine.settings_checks)
    database = list(_examine("database", machine.database))
    yield from database
    if any(finding.level == Level.PROBLEM for finding in database):
        return
    for what, check in _CHECKS.items():
        yield from _examine(what, check)


def _examine(what: str, check: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    try:
        for finding in check():
            # Texts are masked where they arise; should one hold a token all the same, it ends here.
            yield replace(finding, detail=mask_tokens(finding.detail))
    except (DatabaseError, InterfaceError) as failure:
        reason = mask_text(str(failure).strip().partition("\n")[0])
        yield Finding(
            Level.PROBLEM, what, f"the database refused: {reason}", "check DATABASE_URL and the server"
        )
    # One check that cannot be made must not hide the findings of the others.
    except Exception as failure:
        yield Finding(
            Level.PROBLEM, what, f"could not be checked: {type(failure).__name__}", "report this as a fault"
        )


_CHECKS: dict[str, Callable[[], Iterator[Finding]]] = {
    "processes": machine.processes,
    "tokens": secrets.tokens,
    "keys": secrets.keys,
    "schedules": jobs.schedules,
    "token refresh": jobs.refresh_job,
    "terminal": ebay.terminal,
    "keyset": ebay.keysets,
    "signing key": secrets.signing_keys,
    "notifications": ebay.notifications,
    "e-mail": machine.mails,
    "eBay": ebay.reachable,
    "scopes": accounts.granted_scopes,
    "accounts": accounts.conditions,
    "pauses": ebay.pauses,
}
