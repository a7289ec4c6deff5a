"""Health of accounts: a worker's call within the hour is the check, else a probe is made."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone
from django_q.tasks import async_task

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from ebayconnector.database import fetch_all
from ebayconnector.ebay import identity, trading
from ebayconnector.ebay.errors import (
    AccountLimited,
    BadAnswer,
    EbayError,
    RateLimited,
    ScopeMissing,
    TokenRejected,
    Unavailable,
)
from ebayconnector.ebay.marketplaces import site_for_marketplace
from tokens.allowances import QuotaExhausted
from tokens.models import CheckedBy, HealthCheck
from tokens.passive_health import INTERVAL
from tokens.quotas import Lane

from .clients import client_for
from .refresh import RefreshUnderWay, TokenUnavailable, get_access_token

logger = logging.getLogger(__name__)

CHUNK = 50
# A job of the `tokens` cluster has 120 s.
_CHUNK_BUDGET_S = 60.0

_UNCHECKED = """
SELECT a.id FROM ebay_accounts a JOIN ebay_tokens t ON t.account_id = a.id
WHERE a.is_active AND NOT EXISTS (
  SELECT 1 FROM ebay_health_checks h WHERE h.account_id = a.id AND h.checked_at > clock_timestamp() - %s)
ORDER BY a.id
"""


class CannotCheck(Exception):
    """Nothing was asked, because nothing may be asked at present; the text says why."""

    def __init__(self, text: str, *, retry_after: timedelta) -> None:
        super().__init__(text)
        self.retry_after = retry_after


@dataclass(frozen=True)
class _Found:
    """How a probe ended; `error_code` is '' when it is well, `latency_ms` None without an answer."""

    error_code: str = ""
    error: str = ""
    latency_ms: int | None = None


def unchecked_accounts() -> list[int]:
    """Active accounts without a check, passive or not, within the hour."""
    return [row[0] for row in fetch_all(_UNCHECKED, [INTERVAL])]


def start_probes() -> int:
    """Queue probes of all accounts that nothing has shown to be well within the hour; returns how many."""
    accounts = unchecked_accounts()
    for at in range(0, len(accounts), CHUNK):
        async_task(
            "tokens.tasks.probe_accounts", accounts[at : at + CHUNK],
            cluster="tokens", task_name="probe_accounts",
        )  # fmt: skip
    return len(accounts)


def probe_accounts(account_ids: Sequence[int], *, budget_s: float = _CHUNK_BUDGET_S) -> int:
    """Probe those that are still unchecked; what the budget leaves is due again. Returns how many it were."""
    deadline, probed = time.monotonic() + budget_s, 0
    due = set(unchecked_accounts())
    for account in EbayAccount.objects.filter(pk__in=due & set(account_ids)).order_by("pk"):
        if time.monotonic() > deadline:
            break
        try:
            probe(account, lane=Lane.SCHEDULE)
            probed += 1
        except (QuotaExhausted, RefreshUnderWay) as failure:
            logger.info("account %s was not probed: %s", account.pk, failure)
    return probed


def check_by_hand(
    account: EbayAccount, *, call: CheckedBy = CheckedBy.IDENTITY, by: Principal
) -> HealthCheck:
    """Probe now, because a person asks; role operator.

    Raises NotAllowed, RefreshUnderWay and CannotCheck. Calls eBay: no transaction may be open.
    """
    by.require(Role.OPERATOR, account.organization_id)
    try:
        check = probe(account, call=call, lane=Lane.MANUAL)
    except QuotaExhausted as failure:
        pause = timedelta(seconds=failure.retry_after or 60)
        raise CannotCheck(failure.summary, retry_after=pause) from failure
    record_act(
        by, "health_check", organization_id=account.organization_id, target=account,
        result="ok" if check.ok else check.error_code, call=str(call),
    )  # fmt: skip
    return check


def probe(account: EbayAccount, *, call: CheckedBy = CheckedBy.IDENTITY, lane: Lane) -> HealthCheck:
    """One authenticated call that reads who the token belongs to, kept with result and latency.

    An account without a usable token is kept as unwell, too; nothing is sent for it. Raises RefreshUnderWay
    and QuotaExhausted, when nothing can be said.
    """
    found = _look(account, call, lane)
    return HealthCheck.objects.create(
        account=account, checked_at=timezone.now(), checked_by=call, ok=not found.error_code,
        latency_ms=found.latency_ms, error_code=found.error_code, error=found.error,
    )  # fmt: skip


def _look(account: EbayAccount, call: CheckedBy, lane: Lane) -> _Found:
    began = time.monotonic()
    try:
        get_access_token(account.pk)
        # From here on it is eBay's time alone.
        began = time.monotonic()
        problem = _wrong_user(account, call, lane)
    except RefreshUnderWay:
        raise
    except TokenUnavailable as failure:
        return _Found(failure.code, failure.text)
    except QuotaExhausted:
        raise
    except EbayError as failure:
        return _Found(_word(failure), str(failure), None if failure.status is None else _since(began))
    return _Found("other_user" if problem else "", problem, _since(began))


def _wrong_user(account: EbayAccount, call: CheckedBy, lane: Lane) -> str:
    """'' when eBay says that the token belongs to the account's user (the sandbox's Identity cannot tell)."""
    client = client_for(account, source="health", lane=lane).trying(1)
    if call == CheckedBy.TRADING:
        site = site_for_marketplace(account.marketplace_id)
        said = trading.get_user(client, site_id=site.site_id if site else 0).eias_token
        known = account.eias_token
    else:
        said, known = identity.get_user(client).user_id, account.ebay_user_id
        if account.environment == "sandbox":
            return ""
    return "eBay says that the token belongs to another user" if said != known else ""


def _since(began: float) -> int:
    return round((time.monotonic() - began) * 1000)


# The first that fits.
_WORDS: tuple[tuple[type[EbayError], str], ...] = (
    (RateLimited, "rate_limited"),
    (AccountLimited, "rate_limited"),
    (TokenRejected, "token_rejected"),
    (ScopeMissing, "missing_scope"),
    (Unavailable, "server_error"),
    (BadAnswer, "server_error"),
)


def _word(failure: EbayError) -> str:
    """A word for the failure of a probe; never an HTTP status."""
    word = next((word for kind, word in _WORDS if isinstance(failure, kind)), "refused")
    return "network_error" if word == "server_error" and failure.status is None else word


# -- Questions --------------------------------------------------------------------------------------------


def latest_check(account: EbayAccount) -> HealthCheck | None:
    """None when it was never checked."""
    return HealthCheck.objects.filter(account=account).first()
