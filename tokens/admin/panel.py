"""The token panel of an account, shown on the Workers page and on the account's own."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from accounts.access import Principal
from accounts.models import EbayAccount, Role
from tokens.models import ConnectLog, EbayToken, RefreshTrigger
from tokens.services.refresh import failures_in_row
from tokens.status import AccountStatus, account_status, token_of

from .exchanges import Shown, shown

_BY = dict(RefreshTrigger.choices)
_DEBUG_SHOWN_FOR = timedelta(minutes=2)


@dataclass(frozen=True)
class TokenPanel:
    """What people ask of a token; never the token."""

    account: EbayAccount
    status: AccountStatus
    token: EbayToken | None
    refreshed_by: str
    failures: int
    may_refresh: bool
    may_see_terminal: bool
    debugged: list[Shown]


def token_panel(account: EbayAccount, principal: Principal, *, now: datetime) -> TokenPanel:
    token = token_of(account)
    may_see_terminal = principal.may(Role.ADMIN, account.organization_id)
    return TokenPanel(
        account=account,
        status=account_status(account, now=now),
        token=token,
        refreshed_by=_BY.get(token.last_refreshed_by, token.last_refreshed_by) if token else "",
        failures=failures_in_row(account.pk),
        may_refresh=principal.may(Role.OPERATOR, account.organization_id),
        may_see_terminal=may_see_terminal,
        debugged=_debugged(account, now) if may_see_terminal else [],
    )


def _debugged(account: EbayAccount, now: datetime) -> list[Shown]:
    """What a person who has just pressed "Refresh (debug)" is waiting for."""
    rows = ConnectLog.objects.filter(account=account, source=RefreshTrigger.DEBUG)
    return shown(rows.filter(created_at__gt=now - _DEBUG_SHOWN_FOR).select_related("account")[:1])
