"""What notices tell about tokens: consents, refreshes, the schedule, quotas (keys: `key_notices`)."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import datetime, timedelta

from django.db import DatabaseError
from django.urls import reverse
from django.utils import timezone

from accounts.models import EbayAccount
from accounts.notices import Cause, Kind, clock, settle
from tokens import wire
from tokens.models import ApiQuota, BackgroundWorker, EbayToken
from tokens.quotas import SCHEDULE_PERCENT, Counts, ceiling
from tokens.selectors import INTERVAL, WORKER_NAME, failures_in_row_of
from tokens.status import AccountStatus, account_status, token_of

from .key_notices import key_is_missing

logger = logging.getLogger(__name__)

# Days before the consent ends at which people are warned, each by an e-mail of its own.
WARNING_DAYS = (60, 30, 7)
# One failure may be chance; the pauses between attempts grow.
FAILURES = 3
# After the whole installation stood still, the notices may look before the schedule's first turn.
_STARTS_S = 180.0
# What eBay's own troubles usually take.
_PASSES_S = 300.0
ACCOUNT_KINDS = (Kind.NEEDS_RECONNECT, Kind.CONSENT_EXPIRING, Kind.REFRESH_FAILING)
# A quota that is this far used, and so far ahead of the day, will end before the day does.
_NEARLY_USED = 0.8
_AHEAD = 0.1


# -- Accounts ---------------------------------------------------------------------------------------------


def account_causes(*, account_id: int | None = None) -> list[Cause]:
    """What is wrong with the consents and refreshes of active accounts (of one, when it is given)."""
    accounts = EbayAccount.objects.filter(is_active=True).select_related("token")
    if account_id is not None:
        accounts = accounts.filter(pk=account_id)
    now, rows = timezone.now(), list(accounts)
    failures = failures_in_row_of([account.pk for account in rows])
    return [cause for one in rows for cause in _of_account(one, failures.get(one.pk, 0), now)]


def look_at_account(account_id: int) -> None:
    """After something happened to its token: open or close the account's notices at once.

    Never raises for what the minute's check makes good: the token's own story must go on.
    """
    try:
        since = clock()
        settle(ACCOUNT_KINDS, account_causes(account_id=account_id), since=since, account_id=account_id)
    except DatabaseError:
        logger.exception("the notices of account %s were not settled; the next check does it", account_id)


def _of_account(account: EbayAccount, failures: int, now: datetime) -> Iterator[Cause]:
    status = account_status(account, now=now)
    if status.needs_person:
        if not key_is_missing(account):
            yield _needs_reconnect(account, status)
        return
    if status.code == "error" and failures >= FAILURES:
        yield _cause(
            account, Kind.REFRESH_FAILING, f"The token of {account.house_name} is not refreshed",
            f"At least {FAILURES} attempts in a row failed: {account.token.refresh_error}. It is tried again "
            "with growing pauses; the terminal shows what was sent and answered.",
            patience_s=_PASSES_S,
        )  # fmt: skip
    stage = warning_stage(account.token.refresh_token_expires_at, now)
    if stage:
        yield _consent_expires(account, account.token, stage)


def _needs_reconnect(account: EbayAccount, status: AccountStatus) -> Cause:
    return _cause(
        account, Kind.NEEDS_RECONNECT, f"{account.house_name} must be reconnected",
        f"{status.reason} Its workers stand still until the owner of {account.username} "
        f"({account.environment}) gives the consent anew: press Reconnect, or send the owner a link.",
    )  # fmt: skip


def _consent_expires(account: EbayAccount, token: EbayToken, stage: int) -> Cause:
    days = WARNING_DAYS[stage - 1]
    return _cause(
        account, Kind.CONSENT_EXPIRING, f"The consent of {account.house_name} ends within {days} days",
        f"It ends {token.refresh_token_expires_at:%Y-%m-%d %H:%M} UTC; after that eBay answers nothing for "
        f"{account.username} ({account.environment}). Reconnect it before: nothing is interrupted.",
        stage=stage, urgent=stage == len(WARNING_DAYS),
    )  # fmt: skip


def warning_stage(ends_at: datetime | None, now: datetime) -> int:
    """How many of the warnings are due: 0 none, 1 at 60 days, 2 at 30, 3 at 7 (and when it has ended)."""
    if ends_at is None:
        return 0
    return sum(ends_at - now <= timedelta(days=days) for days in WARNING_DAYS)


def _cause(
    account: EbayAccount,
    kind: Kind,
    title: str,
    text: str,
    *,
    stage: int = 1,
    urgent: bool = True,
    patience_s: float = 0.0,
) -> Cause:
    token = token_of(account)
    consent = token.consent_version if token else 0
    return Cause(
        kind=kind, organization_id=account.organization_id, account_id=account.pk,
        # A new consent that fails is another cause than the old one.
        subject_key=f"account:{account.pk}:consent:{consent}", title=title, text=text,
        path=reverse("admin:accounts_ebayaccount_change", args=[account.pk]), stage=stage, urgent=urgent,
        patience_s=patience_s,
    )  # fmt: skip


# -- The schedule -----------------------------------------------------------------------------------------


def schedule_causes() -> list[Cause]:
    """A refresh schedule that missed two intervals, or whose cycles lose their chunks, told to all it is for.

    Only the schedule's own cycles count: a rescue by hand does not hide that it is dead.
    """
    worker = BackgroundWorker.objects.filter(worker_name=WORKER_NAME).first()
    text = _never_started() if worker is None else _late(worker) or _losing(worker)
    if not text:
        return []
    return [
        Cause(
            kind=Kind.DEAD_SCHEDULE, organization_id=pk, subject_key=WORKER_NAME,
            title="The scheduled token refresh stands still",
            text=f"{text} Tokens are still refreshed when they are needed.", path=reverse("admin:index"),
            patience_s=_STARTS_S,
        )
        for pk in _organizations_with_tokens()
    ]  # fmt: skip


def _never_started() -> str:
    """'' while the installation is so young that the first cycle may be still to come."""
    old = EbayToken.objects.filter(consented_at__lt=timezone.now() - 2 * INTERVAL)
    return "It has never started: does the cluster “core” run?" if old.exists() else ""


def _late(worker: BackgroundWorker) -> str:
    started, interval = worker.last_started_at, timedelta(seconds=worker.interval_seconds)
    if started is not None and timezone.now() - started <= 2 * interval:
        return ""
    last = f"{started:%Y-%m-%d %H:%M} UTC" if started else "never"
    return (
        f"It should start every {worker.interval_seconds} s and last did {last}. Look whether the cluster "
        "“core” runs, and whether `manage.py setup_schedules` changes something."
    )


def _losing(worker: BackgroundWorker) -> str:
    """Cycles that start and whose accounts nobody refreshes."""
    errors = worker.last_summary.get("errors", [])
    if worker.runs_error_in_row < 2 or not any("account_id" not in error for error in errors):
        return ""
    return "Its cycles start, but no process does their work. Look whether the cluster “tokens” runs."


def _organizations_with_tokens(environment: str = "") -> list[int]:
    accounts = EbayAccount.objects.filter(is_active=True).exclude(token=None).order_by()
    if environment:
        accounts = accounts.filter(environment=environment)
    return sorted(set(accounts.values_list("organization_id", flat=True)))


# -- Quotas -----------------------------------------------------------------------------------------------


def quota_causes() -> list[Cause]:
    """Quotas that are used up for the schedule, or will be well before eBay's day ends."""
    now = timezone.now()
    rows = ApiQuota.objects.filter(reset_at__gt=now)
    return list(_of_quotas((row for row in rows if _is_ours(row)), now))


def _is_ours(row: ApiQuota) -> bool:
    """Not the quota of a keyset that was replaced."""
    return wire.quota_key(row.environment, row.api).client_id == row.client_id


def _of_quotas(rows: Iterable[ApiQuota], now: datetime) -> Iterator[Cause]:
    for row in rows:
        stage = quota_stage(row.counts(now))
        for organization_id in _organizations_with_tokens(row.environment) if stage else []:
            yield _quota_cause(row, organization_id, stage)


def quota_stage(counts: Counts) -> int:
    """0: there is enough; 1: it will end before the day does; 2: used up for all that can wait."""
    if counts.used >= ceiling(counts.limit, SCHEDULE_PERCENT):
        return 2
    share = counts.used / counts.limit if counts.limit else 0.0
    return int(share >= _NEARLY_USED and share - (1 - counts.left_of_day) > _AHEAD)


def _quota_cause(row: ApiQuota, organization_id: int, stage: int) -> Cause:
    what = f"eBay's quota of {row.api} calls in {row.environment}"
    title = f"{what} is used up" if stage > 1 else f"{what} is about to end"
    return Cause(
        kind=Kind.QUOTA, organization_id=organization_id, subject_key=f"{row.environment}:{row.api}",
        title=title, stage=stage, urgent=stage > 1, path=reverse("admin:quotas"),
        text=f"eBay allows {row.daily_limit:,} calls a day, for all accounts together; the count starts anew "
        f"{row.reset_at:%Y-%m-%d %H:%M} UTC. Until then scheduled runs slow down and stop; tokens and snipes "
        "go first, then runs that people ask for.",
    )  # fmt: skip
