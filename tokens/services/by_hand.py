"""What a person asks of a token, with its audit row; the refresh itself is the one path of `refresh`."""

from __future__ import annotations

from accounts.access import Principal
from accounts.audit import record_act
from accounts.models import EbayAccount, Role
from tokens.models import RefreshTrigger

from .refresh import Refreshed, refresh_now


def refresh_by_hand(account: EbayAccount, *, by: Principal, debug: bool = False) -> Refreshed:
    """Refresh now: role operator; with `debug`, whose exchange shows as such in the terminal, role admin.

    Raises NotAllowed. Calls eBay: no transaction may be open.
    """
    by.require(Role.ADMIN if debug else Role.OPERATOR, account.organization_id)
    result = refresh_now(account.pk, trigger=RefreshTrigger.DEBUG if debug else RefreshTrigger.ADMIN)
    record_act(
        by, "token_refresh_debug" if debug else "token_refresh", organization_id=account.organization_id,
        target=account, result="ok" if result.success else f"{result.error_code}: {result.error_text}",
    )  # fmt: skip
    return result
