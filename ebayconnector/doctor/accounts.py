"""Accounts: whether they are well, and were granted what their workers need."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta

from django.utils import timezone

from accounts.display import from_now
from accounts.models import EbayAccount
from syncworkers.models import SyncState
from syncworkers.registry import WORKERS, Worker
from tokens import scopes
from tokens.selectors import TokenRow, token_rows

from .findings import Finding, Level, name_of

_CONSENT_ENDS_SOON = timedelta(days=60)


def _active_accounts() -> list[EbayAccount]:
    return list(EbayAccount.objects.filter(is_active=True).select_related("token").order_by("id"))


def granted_scopes() -> Iterator[Finding]:
    lacking = 0
    rows = [row for row in token_rows(_active_accounts()) if row.token is not None]
    for row in rows:
        missing = [_wants(worker) for worker in _switched_on(row.account) if not _may(row, worker)]
        lacking += bool(missing)
        if missing:
            yield Finding(
                Level.PROBLEM, "scopes", f"{name_of(row.account)} did not grant: {'; '.join(missing)}",
                "reconnect the account to grant it, or switch the worker off",
            )  # fmt: skip
    if not lacking:
        yield Finding(Level.OK, "scopes", f"connected accounts: {len(rows)}, all granted what they need")


def _switched_on(account: EbayAccount) -> list[Worker]:
    """A worker without a row yet starts as the account's purpose says."""
    switches = dict(SyncState.objects.filter(account=account).values_list("api_family", "enabled"))
    return [
        worker
        for worker in WORKERS.values()
        if switches.get(worker.key, account.purpose in worker.purposes)
        and account.environment in worker.environments
    ]


def _may(row: TokenRow, worker: Worker) -> bool:
    return row.token is not None and scopes.covers(row.token.granted_scopes, worker.scopes)


def _wants(worker: Worker) -> str:
    return f"{' or '.join(scope.rpartition('/')[2] for scope in worker.scopes)} (for {worker.key})"


def conditions() -> Iterator[Finding]:
    rows = token_rows(_active_accounts())
    faults = [finding for row in rows if (finding := _account_fault(row))]
    yield from faults or [Finding(Level.OK, "accounts", f"{len(rows)} active, all well")]


def _account_fault(row: TokenRow) -> Finding | None:
    name = name_of(row.account)
    if row.status.needs_person:
        advice = "an admin connects it on the account's page"
        return Finding(Level.PROBLEM, "accounts", f"{name}: {row.status.code}: {row.status.reason}", advice)
    if row.status.code in ("error", "expired"):
        detail = f"{name}: {row.status.code}: {row.status.reason} {row.failures_in_row} failures in a row."
        return Finding(
            Level.WARNING, "accounts", detail, "it is tried again; the terminal shows the exchange"
        )
    ends = row.token.refresh_token_expires_at if row.token else None
    if ends is not None and ends - timezone.now() <= _CONSENT_ENDS_SOON:
        return Finding(
            Level.WARNING, "accounts", f"{name}: its consent ends {from_now(ends)}", "reconnect it before"
        )
    return None
