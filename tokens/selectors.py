"""Questions about tokens: how each account's is doing, and how the scheduled refresh is doing."""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db.models import QuerySet
from django.utils import timezone

from accounts.access import Principal
from accounts.models import EbayAccount, Role
from ebayconnector.database import fetch_all
from ebayconnector.ebay import oauth
from ebayconnector.ebay.masking import mask

from . import sealing
from .models import ApiPause, BackgroundWorker, EbayToken, RefreshCycle
from .status import NOT_A_TOKEN, AccountStatus, account_status, binding, token_of

# The row of BackgroundWorker that the scheduled refresh keeps, and its rhythm.
WORKER_NAME = "token_refresh_worker"
INTERVAL = timedelta(seconds=600)


def accounts_called(wanted: str) -> list[EbayAccount]:
    """The account with this id, else those of this house name in any case: active ones, if there are any."""
    accounts = EbayAccount.objects.select_related("organization", "token").order_by("id")
    if wanted.isdecimal() and (by_id := accounts.filter(pk=int(wanted)).first()):
        return [by_id]
    named = list(accounts.filter(house_name__iexact=wanted))
    return [account for account in named if account.is_active] or named


@dataclass(frozen=True)
class TokenRow:
    """One account's token as people ask about it; never the token."""

    account: EbayAccount
    status: AccountStatus
    token: EbayToken | None
    failures_in_row: int


def token_rows(accounts: Sequence[EbayAccount]) -> list[TokenRow]:
    """For accounts read with `select_related("token")`: one more query, however many there are."""
    failures = failures_in_row_of([account.pk for account in accounts])
    now = timezone.now()
    return [
        TokenRow(account, account_status(account, now=now), token_of(account), failures.get(account.pk, 0))
        for account in accounts
    ]


_FAILURES = """
SELECT a.id, count(*) FROM unnest(%s::bigint[]) AS a(id)
CROSS JOIN LATERAL (
  SELECT COALESCE(max(started_at), '-infinity') AS at FROM ebay_token_refresh_log
  WHERE account_id = a.id AND success) AS last_success
JOIN ebay_token_refresh_log l ON l.account_id = a.id AND l.success IS FALSE AND l.started_at > last_success.at
GROUP BY a.id
"""


def failures_in_row_of(account_ids: Collection[int]) -> dict[int, int]:
    """Finished attempts since the last success by account id; accounts without one are missing."""
    return {account_id: int(count) for account_id, count in fetch_all(_FAILURES, [list(account_ids)])}


@dataclass(frozen=True)
class ScheduleStatus:
    """The scheduled refresh as one principal may see it.

    Times and `status` are those of the whole installation; `errors` and the two counts only those of
    accounts in organisations where the principal is admin.
    """

    worker: BackgroundWorker
    last_success_at: datetime | None
    overdue: bool
    status: str
    accounts_checked: int
    accounts_refreshed: int
    errors: list[dict[str, Any]]

    @property
    def last_error_message(self) -> str:
        return "; ".join(str(error["error"]) for error in self.errors)


def schedule_status(principal: Principal) -> ScheduleStatus:
    """How the schedule is doing; a cycle that a person started does not count."""
    worker = BackgroundWorker.objects.filter(worker_name=WORKER_NAME).first() or BackgroundWorker(
        worker_name=WORKER_NAME, interval_seconds=int(INTERVAL.total_seconds())
    )
    cycle = RefreshCycle.objects.filter(scheduled=True).exclude(finished_at=None).order_by("-id").first()
    last_ok = RefreshCycle.objects.filter(scheduled=True, status="ok").order_by("-id").first()
    checked, refreshed, errors = _seen_of(cycle, principal) if cycle else (0, 0, [])
    return ScheduleStatus(
        worker=worker,
        last_success_at=last_ok.finished_at if last_ok else None,
        overdue=_overdue(worker),
        status=cycle.status if cycle else "",
        accounts_checked=checked,
        accounts_refreshed=refreshed,
        errors=errors,
    )


def _overdue(worker: BackgroundWorker) -> bool:
    """Two missed intervals; a schedule that never ran is overdue too."""
    started = worker.last_started_at
    return started is None or timezone.now() - started > 2 * timedelta(seconds=worker.interval_seconds)


def _seen_of(cycle: RefreshCycle, principal: Principal) -> tuple[int, int, list[dict[str, Any]]]:
    if principal.everywhere:
        return cycle.accounts_checked, cycle.accounts_refreshed, list(cycle.errors)
    own = set(EbayAccount.objects.visible_to(principal, role=Role.ADMIN).values_list("pk", flat=True))
    errors = [error for error in cycle.errors if error.get("account_id") in own | {None}]
    failed = sum("account_id" in error for error in errors)
    refreshed = _refreshed_in(cycle, own)
    return refreshed + failed, refreshed, errors


_REFRESHED = """
SELECT count(DISTINCT account_id) FROM ebay_token_refresh_log
WHERE account_id = ANY(%s) AND triggered_by = 'scheduled' AND success AND started_at BETWEEN %s AND %s
"""


def _refreshed_in(cycle: RefreshCycle, account_ids: Collection[int]) -> int:
    rows = fetch_all(_REFRESHED, [list(account_ids), cycle.started_at, cycle.finished_at])
    return int(rows[0][0])


@dataclass(frozen=True)
class StoredSecret:
    """One sealed token as people may see it: `stored` and `opened` are masked, '' when there is nothing.

    `key_id` names the key that sealed it ('' when it is not in our form); `problem` says why the value
    cannot be used with the key ring of this process ('' when it can).
    """

    field: str
    stored: str
    key_id: str
    opened: str
    problem: str


def stored_secrets(account: EbayAccount) -> list[StoredSecret]:
    """The access and the refresh token of an account; empty when it has no token row."""
    token = token_of(account)
    if token is None:
        return []
    return [
        _stored_secret(account, "access_token", token.access_token_sealed),
        _stored_secret(account, "refresh_token", token.refresh_token_sealed),
    ]


def _stored_secret(account: EbayAccount, field: str, sealed: str) -> StoredSecret:
    opened, problem = "", ""
    try:
        value = sealing.key_ring().open(sealed, binding(account, field))
    except sealing.CannotOpen as failure:
        problem = failure.reason
    except sealing.KeyRingError as failure:
        problem = f"TOKEN_ENCRYPTION_KEYS of this process cannot be used ({failure})"
    else:
        opened = mask(value)
        problem = "" if oauth.looks_like_token(value) else NOT_A_TOKEN
    key = _SEALED_UNDER.match(sealed)
    return StoredSecret(field, mask(sealed) if sealed else "", key[1] if key else "", opened, problem)


_SEALED_UNDER = re.compile(r"enc:v1:([0-9a-f]{8}):")


def pauses_in_force() -> QuerySet[ApiPause]:
    """APIs that nobody calls at present because eBay asked for a pause."""
    return ApiPause.objects.filter(until__gt=timezone.now()).select_related("account").order_by("until")
