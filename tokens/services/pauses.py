"""Pauses of an API that eBay asked for (429, 518), shared by all processes.

Whether it is the day's quota that is used up, eBay's own numbers say: they are asked for with each new pause.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from django.db.models import Q
from django.utils import timezone
from django_q.tasks import async_task

from accounts.models import EbayAccount
from ebayconnector.ebay.errors import AccountLimited, EbayError
from tokens.models import ApiPause

_DEFAULT = timedelta(minutes=1)
_LONGEST = timedelta(hours=1)
# eBay's quotas are reset every day; a header that says more is wrong.
_LONGEST_ASKED = timedelta(days=1)


def pause_api(account: EbayAccount, api: str, failure: EbayError) -> datetime:
    """Nobody calls `api` in the account's environment before the returned time (only this account's
    calls when eBay limited the account). Without eBay's word the pause doubles from a minute to an hour.
    """
    only = account if isinstance(failure, AccountLimited) else None
    now = timezone.now()
    known = ApiPause.objects.filter(environment=account.environment, api=api, account=only).first()
    if failure.retry_after is None and known and known.until > now:
        # Calls that were on their way when the first one was refused say nothing new.
        return known.until
    if only is None and (known is None or known.until <= now):
        ask_for_reading(account.environment, refused_api=api)
    pause, _ = ApiPause.objects.update_or_create(
        environment=account.environment, api=api, account=only,
        defaults={"until": now + _length(failure, known, now), "reason": str(failure)[:300]},
    )  # fmt: skip
    return pause.until


def ask_for_reading(environment: str, *, refused_api: str = "") -> None:
    """Queue a reading of eBay's own numbers (`rate_limits.read_rate_limits`)."""
    async_task(
        "tokens.tasks.read_rate_limits", environment, refused_api,
        cluster="tokens", task_name="read_rate_limits",
    )  # fmt: skip


def pause_until(environment: str, api: str, until: datetime, reason: str) -> None:
    """Nobody calls `api` in the environment before `until`; a longer pause stays."""
    pause, made = ApiPause.objects.get_or_create(
        environment=environment, api=api, account=None, defaults={"until": until, "reason": reason}
    )
    if not made:
        ApiPause.objects.filter(pk=pause.pk, until__lt=until).update(
            until=until, reason=reason, set_at=timezone.now()
        )


def _length(failure: EbayError, known: ApiPause | None, now: datetime) -> timedelta:
    if failure.retry_after is not None:
        return min(timedelta(seconds=failure.retry_after), _LONGEST_ASKED)
    if known and known.until > now - _LONGEST:
        return min(max((known.until - known.set_at) * 2, _DEFAULT), _LONGEST)
    return _DEFAULT


def paused_until(account: EbayAccount, api: str) -> datetime | None:
    """When calls of `api` may go on for this account; None when they may now."""
    return (
        ApiPause.objects.filter(environment=account.environment, api=api, until__gt=timezone.now())
        .filter(Q(account=None) | Q(account=account))
        .order_by("-until")
        .values_list("until", flat=True)
        .first()
    )
